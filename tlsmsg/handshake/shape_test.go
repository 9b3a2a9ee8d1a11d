package handshake_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

func TestAFlightGoesOutAsOneWrite(t *testing.T) {
	f := newFake(t)
	f.request = anyRequest()
	m := f.meet(f.config())
	m.c.Start()
	parts := f.first(m.c.Next())
	for _, p := range parts {
		if out := m.c.Next(); out != nil {
			t.Errorf("output before the server's flight was whole: %x", out)
		}
		m.c.Receive(p.wire())
		for w, ok := m.c.Work(); ok; w, ok = m.c.Work() {
			if out := m.c.Next(); out != nil {
				t.Errorf("part of a flight: %x", out)
			}
			m.c.Resume(m.w.Do(w))
		}
	}
	if types := recordTypes(t, m.c.Next()); !bytes.Equal(types, []byte{22, 22, 20, 22}) {
		t.Errorf("records of types %v, expected Certificate, ClientKeyExchange, ChangeCipherSpec, Finished", types)
	}
}

func recordTypes(t *testing.T, b []byte) (types []byte) {
	for len(b) > 0 {
		rec, n, err := tlsmsg.NextRecord(b)
		if err != nil || n == 0 {
			t.Fatalf("%v: %x", err, b)
		}
		types, b = append(types, byte(rec.Type)), b[n:]
	}
	return types
}

func TestReceiveNeitherKeepsNorWritesToWhatItIsGiven(t *testing.T) {
	f := newFake(t)
	m := f.meet(f.config())
	m.c.Start()
	give := func(parts []part) {
		for _, p := range parts {
			wire := p.wire()
			given := bytes.Clone(wire)
			m.c.Receive(given[:7])
			if !bytes.Equal(given, wire) {
				t.Fatalf("%s was written to", p.name)
			}
			clear(given[:7])
			m.c.Receive(given[7:])
			if !bytes.Equal(given[7:], wire[7:]) {
				t.Fatalf("%s was written to", p.name)
			}
			clear(given)
			m.w.Finish(m.c)
		}
	}
	give(f.first(m.c.Next()))
	second := f.second(m.c.Next())
	m.feed(second[0].wire())
	give(second[1:])
	if m.c.Stage() != handshake.StageFinished {
		t.Fatal(m.c.Stage(), m.c.Err())
	}
	give([]part{{"data", func() []byte { return f.record(tlsmsg.ContentApplicationData, []byte("data")) }}})
	more := f.record(tlsmsg.ContentApplicationData, []byte("more"))
	m.feed(more)
	if got := string(m.c.Peek()); got != "data" {
		t.Errorf("read %q", got)
	}
	m.c.Discard(1)
	m.c.Discard(3)
	if got := string(m.c.Peek()); got != "more" {
		t.Errorf("read %q", got)
	}
}

func TestUnreadDataIsBounded(t *testing.T) {
	f := newFake(t)
	m := f.meet(f.config())
	m.upTo("")
	record := f.record(tlsmsg.ContentApplicationData, make([]byte, 1<<14))
	sent := 0
	for m.c.Room() >= len(record) {
		m.feed(record)
		sent++
		record = f.record(tlsmsg.ContentApplicationData, make([]byte, 1<<14))
	}
	if m.c.Err() != nil || sent < 4 || sent > 20 {
		t.Fatalf("%d records taken, %v", sent, m.c.Err())
	}
	for range sent {
		m.c.Discard(len(m.c.Peek()))
	}
	if m.c.Err() != nil || m.c.Room() < 4*len(record) {
		t.Fatalf("room %d after reading, %v", m.c.Room(), m.c.Err())
	}
	m.feed(make([]byte, m.c.Room()+1))
	expectRefusal(t, m, tlsmsg.AlertRecordOverflow, "more than")
}

func TestWriteTakesNoMoreThanItsBacklog(t *testing.T) {
	f := newFake(t)
	m := f.meet(f.config())
	m.upTo("")
	p := make([]byte, 1<<20)
	n := m.c.Write(p)
	if n < 64<<10 || n > 96<<10 || m.c.Write(p) != 0 {
		t.Fatalf("took %d", n)
	}
	var got int
	for out := m.c.Next(); len(out) > 0; {
		rec, k, err := tlsmsg.NextRecord(out)
		f.must(err)
		_, b, err := f.in.Open(rec.Type, rec.Version, rec.Fragment)
		f.must(err)
		got, out = got+len(b), out[k:]
	}
	if got != n || m.c.Write(p) == 0 {
		t.Errorf("%d of %d bytes came, and then no more was taken", got, n)
	}
}

func TestGivingUpSaysSo(t *testing.T) {
	for _, before := range []string{"ServerHello", "ServerKeyExchange", "Finished"} {
		f := newFake(t)
		m := f.meet(f.config())
		m.upTo(before)
		m.c.Next()
		m.c.CloseWrite()
		if !errors.Is(m.c.Err(), handshake.ErrAborted) {
			t.Errorf("CloseWrite before %s: %v", before, m.c.Err())
		}
		if types := recordTypes(t, m.c.Next()); !bytes.Equal(types, []byte{21, 21}) {
			t.Errorf("CloseWrite before %s: records of types %v, expected user_canceled and close_notify", before, types)
		}
		f = newFake(t)
		m = f.meet(f.config())
		m.upTo(before)
		m.c.Next()
		m.c.Abort(tlsmsg.AlertInternalError)
		if a, _ := m.alert(); a.Description != tlsmsg.AlertInternalError || a.Level != tlsmsg.LevelFatal || !errors.Is(m.c.Err(), handshake.ErrAborted) {
			t.Errorf("Abort before %s: alert %v, %v", before, a, m.c.Err())
		}
	}
}

func TestBeforeStartNothingIsSent(t *testing.T) {
	for name, call := range map[string]func(*handshake.Client){
		"CloseWrite": func(c *handshake.Client) { c.CloseWrite() },
		"Abort":      func(c *handshake.Client) { c.Abort(tlsmsg.AlertInternalError) },
		"Receive":    func(c *handshake.Client) { c.Receive([]byte{22, 3, 3, 0, 4, 0, 0, 0, 0}) },
		"EOF":        func(c *handshake.Client) { c.TransportEOF() },
	} {
		c := handshake.NewClient(handshake.Config{Random: [32]byte{1}})
		call(c)
		c.Start()
		if c.Err() == nil || c.Next() != nil {
			t.Errorf("%s before Start: %v", name, c.Err())
		}
	}
}

func TestAServerNameThatCannotBeSentIsRefused(t *testing.T) {
	for _, name := range []string{"bücher.example", "a b.example", string(bytes.Repeat([]byte("a"), 300))} {
		c := handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: name})
		c.Start()
		if !errors.Is(c.Err(), handshake.ErrInternal) || c.Next() != nil {
			t.Errorf("%q: %v", name, c.Err())
		}
	}
	for name, sent := range map[string]bool{"a.example.": true, "a.example": true, "": false, "192.0.2.1": false, "2001:db8::1": false, "[2001:db8::1]": false} {
		c := handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: name})
		c.Start()
		if got := bytes.Contains(c.Next(), []byte("\x00\x00\x00\x0e\x00\x0c\x00\x00\x09a.example")); got != sent {
			t.Errorf("%q: server_name sent %v, expected %v", name, got, sent)
		}
	}
}

// A suite that was offered for its number alone is followed to ServerHelloDone.
func TestASuiteThatCannotBeFinishedShowsTheCertificate(t *testing.T) {
	f := newFake(t)
	f.editHello = func(m *tlsmsg.ServerHello) { m.CipherSuite = tlsmsg.CipherSuite(0x0041) }
	cfg := f.config()
	cfg.CipherSuites = append(cfg.CipherSuites, tlsmsg.CipherSuite(0x0041))
	m := f.meet(cfg)
	for _, p := range m.upTo("ServerKeyExchange")[1:] { // RSA has none
		m.feed(p.wire())
	}
	if m.c.Stage() != handshake.StageHelloDone || len(m.c.State().Chain) != 1 {
		t.Errorf("stage %v", m.c.Stage())
	}
	expectRefusal(t, m, tlsmsg.AlertHandshakeFailure, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA was offered for its number alone")
}
