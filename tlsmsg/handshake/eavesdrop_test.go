package handshake_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// eavesdropper knows the keys of a client, and goes on in its place.
type eavesdropper struct {
	*pair
	t   *testing.T
	out *suite.State // the client's, from its ChangeCipherSpec on

	encrypted bool // by upTo: ChangeCipherSpec was handed over
}

// eavesdrop lets a client and a server finish their handshake, and takes over.
func eavesdrop(t *testing.T) *eavesdropper {
	t.Helper()
	e := newEavesdropper(t, nil, nil)
	if err := e.shake(); err != nil {
		t.Fatal(err)
	}
	e.skip(1) // the client's Finished
	return e
}

// newEavesdropper is one before the handshake.
func newEavesdropper(t *testing.T, client func(*handshake.Config), server func(*handshake.ServerConfig)) *eavesdropper {
	t.Helper()
	e := &eavesdropper{t: t}
	e.pair = newPair(t, func(c *handshake.Config) {
		if client != nil {
			client(c)
		}
		c.Events = e.hear
	}, server)
	return e
}

// hear makes the client's keys of its secret.
func (e *eavesdropper) hear(event handshake.Event) {
	secret, ok := event.(handshake.SecretEvent)
	if !ok {
		return
	}
	s := e.c.State()
	row := suite.Lookup(s.CipherSuite)
	keys, _ := row.Keys(bytes.Clone(secret.Secret), &s.ClientRandom, &s.ServerRandom)
	var err error
	if e.out, err = row.NewState(keys, s.EncryptThenMAC); err != nil {
		e.t.Error(err)
	}
}

// upTo hands the server so many of the client's records, and no more; encrypted
// are those after ChangeCipherSpec.
func (e *eavesdropper) upTo(records int) {
	e.t.Helper()
	e.c.Start()
	e.encrypted = false
	for left := records; left > 0; {
		e.cw.Finish(e.c)
		flight := splitRecords(e.t, bytes.Clone(e.c.Next()))
		for _, rec := range flight[:min(left, len(flight))] {
			e.s.Receive(rec)
			e.sw.Finish(e.s)
			if e.encrypted {
				e.skip(1)
			}
			e.encrypted = e.encrypted || rec[0] == byte(tlsmsg.ContentChangeCipherSpec)
		}
		if left -= len(flight); left > 0 {
			e.move(e.s, e.c, e.cw, false)
		}
	}
	if e.s.Err() != nil {
		e.t.Fatal(e.s.Err())
	}
}

// record makes a record as the client would now.
func (e *eavesdropper) record(typ tlsmsg.ContentType, content []byte) []byte {
	e.t.Helper()
	if e.encrypted {
		return e.seal(typ, content)
	}
	return tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: tlsmsg.VersionTLS12, Fragment: content})
}

// skip passes over records that the client itself has sent.
func (e *eavesdropper) skip(records int) {
	for range records {
		e.seal(tlsmsg.ContentAlert, []byte{1, 0})
	}
}

// seal makes a record under the client's keys.
func (e *eavesdropper) seal(typ tlsmsg.ContentType, content []byte) []byte {
	e.t.Helper()
	b := tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: tlsmsg.VersionTLS12})
	b, err := e.out.Seal(b, typ, tlsmsg.VersionTLS12, content)
	if err != nil {
		e.t.Fatal(err)
	}
	binary.BigEndian.PutUint16(b[3:], uint16(len(b)-tlsmsg.RecordHeaderLen))
	return b
}
