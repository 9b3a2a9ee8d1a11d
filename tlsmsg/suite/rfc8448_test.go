package suite

import (
	"bufio"
	"bytes"
	"crypto/ecdh"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// Of the five traces of RFC 8448 each secret, key, proof and record comes out byte for
// byte, made of nothing but the private keys and the messages; and each message, decoded
// and encoded again.
func TestTheTracesOfRFC8448ComeOutByteForByte(t *testing.T) {
	f, err := os.Open("testdata/rfc8448.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var trace *trace8448
	var psk []byte
	traces, steps := 0, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<16)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0 || words[0] == "#":
			continue
		case words[0] == "trace":
			traces++
			trace = new8448(t, words[1], psk)
			continue
		}
		steps++
		if trace.step(words); trace.ticketPSK != nil {
			psk = trace.ticketPSK
		}
		if t.Failed() {
			t.Fatalf("trace %s: %.80s", trace.name, lines.Text())
		}
	}
	if lines.Err() != nil || traces != 5 || steps < 150 {
		t.Errorf("%d traces, %d steps, %v", traces, steps, lines.Err())
	}
}

// trace8448 is one of the RFC's connections as far as it has come.
type trace8448 struct {
	*testing.T
	name       string
	suite      *Suite
	schedule   *Schedule13
	transcript Transcript
	private    map[string]*Key   // by side
	made       map[string][]byte // secrets, by the RFC's labels
	hellos     map[string]tlsmsg.KeyShareEntry
	hello      []byte            // the last ClientHello
	pending    map[string][]byte // a side's messages that stand in no record yet
	write      map[string]*State
	read       map[string]*State // the other side's, of the same keys
	leaf       *x509.Certificate
	ticketPSK  []byte // of the ticket that was given
}

func new8448(t *testing.T, name string, psk []byte) *trace8448 {
	tr := &trace8448{T: t, name: name, suite: Lookup13(tlsmsg.TLS_AES_128_GCM_SHA256), private: map[string]*Key{}, made: map[string][]byte{},
		hellos: map[string]tlsmsg.KeyShareEntry{}, pending: map[string][]byte{}, write: map[string]*State{}, read: map[string]*State{}}
	if name != "4" { // which resumes what 3 has left
		psk = nil
	}
	tr.schedule = tr.suite.NewSchedule13(psk)
	return tr
}

func (tr *trace8448) same(what string, got []byte, want string) {
	if hex.EncodeToString(got) != want {
		tr.Errorf("trace %s: %s: %x, expected %s", tr.name, what, got, want)
	}
}

func (tr *trace8448) unhex(s string) []byte { return unhex(tr.T, s) }

// step takes a line of the file: a side, what it does, and what comes of it.
func (tr *trace8448) step(w []string) {
	side, does, rest := w[0], w[1], w[2:]
	switch does {
	case "key":
		tr.key(side, rest)
	case "message":
		tr.message(side, rest[0], tr.unhex(rest[1]))
	case "record":
		tr.record(side, rest[0], rest[1], rest[2])
	case "extract":
		tr.extract(rest[0])
		tr.same(rest[0]+" secret", tr.schedule.secret, rest[1])
	case "derive":
		tr.derive(rest[0])
		tr.same(rest[0], tr.made[rest[0]], rest[1])
	case "keys":
		tr.keys(side, rest)
	case "binder":
		tr.same("binder", tr.suite.VerifyData13(tr.schedule.BinderKey(false), tr.binderHash()), rest[0])
	case "finished":
		tr.same("finished", tr.suite.VerifyData13(tr.made[side[:1]+"_hs_traffic"], tr.transcript.Sum()), rest[0])
	case "resumption": // before the message that brings the nonce
		tr.ticketPSK = tr.suite.TicketPSK(tr.made["res_master"], []byte{0, 0})
		tr.same("resumption secret", tr.ticketPSK, rest[0])
	default:
		tr.Errorf("there is no step %q", does)
	}
}

func (tr *trace8448) key(side string, w []string) {
	curve := ecdh.X25519()
	if w[0] == "secp256r1" {
		curve = ecdh.P256()
	}
	private, err := curve.NewPrivateKey(tr.unhex(w[1]))
	if err != nil {
		tr.Fatal(err)
	}
	key := &Key{ec: private}
	tr.same("public key", key.PublicKey(), w[2])
	tr.private[side] = key
}

// message adds a handshake message, which must be the same once decoded and encoded.
func (tr *trace8448) message(side, name string, raw []byte) {
	c := tlsmsg.Context{Version: tlsmsg.VersionTLS13}
	m, err := tlsmsg.ParseMessage(raw, c)
	if err != nil {
		tr.Fatalf("%s: %v", name, err)
	}
	if again := tlsmsg.Append(nil, m, c); !bytes.Equal(again, raw) || m.Type().Heading() != name {
		tr.Errorf("%s: %x encoded again", m.Type().Heading(), again)
	}
	switch m := m.(type) {
	case *tlsmsg.ClientHello:
		tr.hello = raw
		tr.share("client", m.Extensions, tlsmsg.TypeClientHello)
	case *tlsmsg.ServerHello:
		if tr.transcript.Sum() == nil {
			tr.transcript.Choose(tr.suite.Hash)
		}
		if m.IsHelloRetryRequest() {
			tr.transcript.ReplaceByHash()
		} else {
			tr.share("server", m.Extensions, tlsmsg.TypeServerHello)
		}
	case *tlsmsg.Certificate:
		if tr.leaf, err = x509.ParseCertificate(m.Chain[0]); err != nil {
			tr.Fatal(err)
		}
	case *tlsmsg.CertificateVerify:
		signed := append(bytes.Repeat([]byte(" "), 64), "TLS 1.3, "+side+" CertificateVerify\x00"...)
		if err := Verify(tr.leaf.PublicKey, m.Scheme, append(signed, tr.transcript.Sum()...), m.Signature); err != nil {
			tr.Error(err)
		}
	case *tlsmsg.NewSessionTicket:
		tr.same("the ticket's PSK", tr.suite.TicketPSK(tr.made["res_master"], m.Nonce), hex.EncodeToString(tr.ticketPSK))
	}
	tr.pending[side] = append(tr.pending[side], raw...)
	if name != "NewSessionTicket" {
		tr.transcript.Add(raw)
	}
}

// share keeps a side's half of the key exchange.
func (tr *trace8448) share(side string, list []tlsmsg.Extension, in tlsmsg.HandshakeType) {
	var v tlsmsg.KeyShare
	if err := list[tlsmsg.FindExtension(list, tlsmsg.ExtensionKeyShare)].Decode(&v, in); err != nil {
		tr.Fatal(err)
	}
	tr.hellos[side] = v.Shares[0]
}

// binderHash is that of the ClientHello up to its binders.
func (tr *trace8448) binderHash() []byte {
	var m tlsmsg.ClientHello
	if err := tlsmsg.ParseInto(&m, tr.hello, tlsmsg.Context{}); err != nil {
		tr.Fatal(err)
	}
	var psk tlsmsg.PreSharedKey
	if found, err := m.DecodeExtension(&psk); !found || err != nil {
		tr.Fatal(found, err)
	}
	return new(Transcript).SumWith(tr.suite.Hash, tr.hello[:len(tr.hello)-psk.BindersLen()])
}

// agreed is the secret of the key exchange, as each of the two sides makes it.
func (tr *trace8448) agreed() []byte {
	var secrets [][]byte
	for side, peer := range map[string]string{"client": "server", "server": "client"} {
		if !bytes.Equal(tr.private[side].PublicKey(), tr.hellos[side].KeyExchange) {
			tr.Errorf("the %s's share is not of its key", side)
		}
		secret, err := tr.private[side].Agree(tr.hellos[peer].KeyExchange)
		if err != nil {
			tr.Fatal(err)
		}
		secrets = append(secrets, secret)
	}
	if !bytes.Equal(secrets[0], secrets[1]) {
		tr.Error("the two sides agree on different secrets")
	}
	return secrets[0]
}

// extract goes on to a secret of the schedule. Handshake and main secret stand before
// what is derived of the one before, which is therefore derived first.
func (tr *trace8448) extract(name string) {
	switch name {
	case "handshake":
		tr.schedule.Agreed(tr.agreed())
		tr.made["c_hs_traffic"], tr.made["s_hs_traffic"] = tr.schedule.Handshake(tr.transcript.Sum())
	case "master":
		tr.schedule.Main()
	}
}

func (tr *trace8448) derive(label string) {
	switch label {
	case "c_e_traffic", "e_exp_master":
		tr.made["c_e_traffic"], tr.made["e_exp_master"] = tr.schedule.Early(tr.transcript.SumWith(tr.suite.Hash, nil))
	case "c_ap_traffic":
		tr.made["c_ap_traffic"], tr.made["s_ap_traffic"], tr.made["exp_master"] = tr.schedule.Application(tr.transcript.Sum())
	case "res_master":
		tr.made["res_master"] = tr.schedule.Resumption(tr.transcript.Sum())
	}
}

// keys are those that a side writes with from now on.
func (tr *trace8448) keys(side string, w []string) {
	label := map[string]string{"early": "_e_traffic", "handshake": "_hs_traffic", "application": "_ap_traffic"}[w[0]]
	k := tr.suite.TrafficKeys(tr.made[side[:1]+label])
	tr.same("key", k.Key, w[1])
	tr.same("iv", k.IV, w[2])
	for _, states := range []map[string]*State{tr.write, tr.read} {
		state, err := tr.suite.NewState(k, false)
		if err != nil {
			tr.Fatal(err)
		}
		states[side] = state
	}
}

// record makes a record, of a content or of what the side has said since the last, and
// opens it again.
func (tr *trace8448) record(side, kind, content, want string) {
	types := map[string]tlsmsg.ContentType{"handshake": tlsmsg.ContentHandshake, "application_data": tlsmsg.ContentApplicationData,
		"alert": tlsmsg.ContentAlert, "change_cipher_spec": tlsmsg.ContentChangeCipherSpec}
	typ, wire := types[kind], tr.unhex(want)
	plaintext := slices.Clone(tr.pending[side])
	if content != "-" {
		plaintext = tr.unhex(content)
	} else {
		tr.pending[side] = nil
	}
	version := tlsmsg.Version(binary.BigEndian.Uint16(wire[1:]))
	state := tr.write[side]
	if state == nil || typ == tlsmsg.ContentChangeCipherSpec {
		tr.same("record", tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: version, Fragment: plaintext}), want)
		return
	}
	header := tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: state.Outer(typ), Version: version})
	sealed, err := state.Seal(header, typ, version, plaintext)
	if err != nil {
		tr.Fatal(err)
	}
	binary.BigEndian.PutUint16(sealed[3:], uint16(len(sealed)-tlsmsg.RecordHeaderLen))
	tr.same("record", sealed, want)
	inner, opened, err := tr.read[side].Open(state.Outer(typ), version, bytes.Clone(wire[tlsmsg.RecordHeaderLen:]))
	if err != nil || inner != typ || !bytes.Equal(opened, plaintext) {
		tr.Errorf("opened as %v %x, %v", inner, opened, err)
	}
}
