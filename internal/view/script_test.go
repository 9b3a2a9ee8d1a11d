package view

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A script plays both sides of a connection to a recorder, as a driver would:
// packets that are true to the byte, and the machines' events in their order.
type script struct {
	t    testing.TB
	rec  *transcript.Recorder
	at   time.Duration
	ends [2]end // by transcript.Dir
	ctx  tlsmsg.Context
}

type end struct {
	addr      netip.AddrPort
	isn       wire.Seq
	sent      int64 // octets of the byte stream sent
	tls       int64 // octets of TLS records made
	fin       bool
	encrypted bool
}

func newScript(t testing.TB, listener func(*transcript.Entry)) *script {
	s := &script{t: t, rec: transcript.NewRecorder(0, listener)}
	s.ends[transcript.Out] = end{addr: netip.MustParseAddrPort("198.18.0.2:40123"), isn: 0xfffffff0} // wraps soon
	s.ends[transcript.In] = end{addr: netip.MustParseAddrPort("198.18.0.1:443"), isn: 77000}
	return s
}

func (s *script) after(d time.Duration) *script { s.at += d; return s }

// packet encodes a segment from one end to the other.
func (s *script) packet(dir transcript.Dir, seg wire.Segment) []byte {
	src, dst := s.ends[dir].addr, s.ends[1-dir].addr
	seg.SrcPort, seg.DstPort = src.Port(), dst.Port()
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: src.Addr(), Dst: dst.Addr(), DontFragment: true}
	b := h.AppendTo(nil, seg.HeaderLen()+len(seg.Payload))
	return seg.AppendTo(b, src.Addr(), dst.Addr())
}

// segment is the next one that an end would send.
func (s *script) segment(dir transcript.Dir, flags wire.Flags, payload []byte) wire.Segment {
	own, other := &s.ends[dir], &s.ends[1-dir]
	seg := wire.Segment{Flags: flags, Seq: own.isn, Window: 502, Payload: payload}
	if !flags.Has(wire.SYN) {
		seg.Seq = own.isn.Add(1 + int(own.sent))
		if own.fin {
			seg.Seq = seg.Seq.Add(1)
		}
	}
	if flags.Has(wire.ACK) {
		seg.Ack = other.isn.Add(1 + int(other.sent))
		if other.fin {
			seg.Ack = seg.Ack.Add(1)
		}
	}
	return seg
}

func (s *script) send(dir transcript.Dir, seg wire.Segment) {
	s.rec.Packet(s.at, dir, s.packet(dir, seg), false)
	s.ends[dir].sent += int64(len(seg.Payload))
	s.ends[dir].fin = s.ends[dir].fin || seg.Flags.Has(wire.FIN)
}

func (s *script) syn(dir transcript.Dir) wire.Segment {
	seg := s.segment(dir, wire.SYN, nil)
	if dir == transcript.In {
		seg = s.segment(dir, wire.SYN|wire.ACK, nil)
	}
	seg.Window = 64240
	seg.Options.AddMSS(1460)
	seg.Options.AddSACKPermitted()
	seg.Options.AddTimestamps(100, 0)
	seg.Options.Add(wire.OptNOP)
	seg.Options.AddWindowScale(7)
	return seg
}

// open is the three-way handshake.
func (s *script) open() {
	s.rec.TCP(s.at, tcb.StateChanged{From: tcb.Closed, To: tcb.SynSent})
	s.send(transcript.Out, s.syn(transcript.Out))
	s.after(412*time.Microsecond).send(transcript.In, s.syn(transcript.In))
	s.rec.TCP(s.at, tcb.RTTMeasured{RTT: 412 * time.Microsecond, SRTT: 412 * time.Microsecond,
		RTTVAR: 206 * time.Microsecond, RTO: time.Second})
	s.rec.TCP(s.at, tcb.StateChanged{From: tcb.SynSent, To: tcb.Established})
	s.after(19*time.Microsecond).send(transcript.Out, s.segment(transcript.Out, wire.ACK, nil))
}

// A content is what one record carries.
type content struct {
	kind     tlsmsg.ContentType
	messages [][]byte // their boundaries inside the record
}

func (s *script) handshakes(messages ...tlsmsg.Message) content {
	c := content{kind: tlsmsg.ContentHandshake}
	for _, m := range messages {
		c.messages = append(c.messages, tlsmsg.Append(nil, m, s.ctx))
	}
	return c
}

func changeCipherSpec() content {
	return content{tlsmsg.ContentChangeCipherSpec, [][]byte{{1}}}
}

func alert(level tlsmsg.AlertLevel, d tlsmsg.AlertDescription) content {
	return content{tlsmsg.ContentAlert, [][]byte{{byte(level), byte(d)}}}
}

func data(b string) content { return content{tlsmsg.ContentApplicationData, [][]byte{[]byte(b)}} }

// record turns contents into records, and hands the machine's events for them
// to the returned function.
func (s *script) record(dir transcript.Dir, c content) (wireBytes []byte, events []handshake.Event) {
	own := &s.ends[dir]
	direction := handshake.In
	if dir == transcript.Out {
		direction = handshake.Out
	}
	var plaintext []byte
	for _, m := range c.messages {
		plaintext = append(plaintext, m...)
	}
	fragment := plaintext
	if own.encrypted { // as AES-GCM has it: nonce, ciphertext, tag
		fragment = make([]byte, 8+len(plaintext)+16)
		for i, x := range plaintext {
			fragment[8+i] = x ^ 0x5a
		}
	}
	wireBytes = append([]byte{byte(c.kind), 3, 3}, binary.BigEndian.AppendUint16(nil, uint16(len(fragment)))...)
	wireBytes = append(wireBytes, fragment...)
	start := own.tls
	own.tls += int64(len(wireBytes))
	events = append(events, handshake.RecordEvent{Dir: direction, Type: c.kind, Version: tlsmsg.VersionTLS12,
		Offset: start, Wire: wireBytes, Encrypted: own.encrypted, Plaintext: plaintext})
	for _, m := range c.messages {
		e := handshake.MessageEvent{Dir: direction, Content: c.kind, Raw: m, Encrypted: own.encrypted,
			Offset: start, End: own.tls, Context: s.ctx}
		if c.kind == tlsmsg.ContentHandshake && len(m) > 0 {
			e.Type = tlsmsg.HandshakeType(m[0])
		}
		events = append(events, e)
	}
	if c.kind == tlsmsg.ContentChangeCipherSpec {
		own.encrypted = true
	}
	return wireBytes, events
}

// out sends contents in one segment: the machine's events come first.
func (s *script) out(contents ...content) {
	var payload []byte
	for _, c := range contents {
		b, events := s.record(transcript.Out, c)
		payload = append(payload, b...)
		s.tls(events...)
	}
	s.send(transcript.Out, s.segment(transcript.Out, wire.PSH|wire.ACK, payload))
}

// in receives contents in segments of at most mss bytes: the machine's events
// follow the last.
func (s *script) in(mss int, contents ...content) {
	var payload []byte
	var events []handshake.Event
	for _, c := range contents {
		b, ev := s.record(transcript.In, c)
		payload = append(payload, b...)
		events = append(events, ev...)
	}
	for len(payload) > mss {
		s.send(transcript.In, s.segment(transcript.In, wire.ACK, payload[:mss]))
		payload = payload[mss:]
		s.after(30 * time.Microsecond)
	}
	s.send(transcript.In, s.segment(transcript.In, wire.PSH|wire.ACK, payload))
	s.tls(events...)
}

func (s *script) tls(events ...handshake.Event) {
	for _, e := range events {
		s.rec.TLS(s.at, e)
	}
}

// identity is what a test's certificate says.
type identity struct {
	name   string
	expiry time.Time
}

var key = ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, no m"))

// certificate is the same for the same identity: Ed25519 signs so.
func (s *script) certificate(id identity) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x1234), Subject: pkix.Name{CommonName: id.name, Organization: []string{"Rawshake Lab"}},
		NotBefore: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: id.expiry,
	}
	issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "Rawshake Lab CA"}}
	der, err := x509.CreateCertificate(nil, template, issuer, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	return der
}

func filled(n int, b byte) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = b
	}
	return s
}

func (s *script) clientHello(name string, protocols ...string) *tlsmsg.ClientHello {
	serverName := tlsmsg.ServerName{Names: []tlsmsg.ServerNameEntry{{Type: tlsmsg.NameTypeHostName, Name: []byte(name)}}}
	m := &tlsmsg.ClientHello{
		Version: tlsmsg.VersionTLS12,
		CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		CompressionMethods: []tlsmsg.CompressionMethod{0},
		Extensions: []tlsmsg.Extension{
			tlsmsg.NewExtension(&serverName, tlsmsg.TypeClientHello),
			tlsmsg.NewExtension(&tlsmsg.SupportedGroups{Groups: []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1}}, tlsmsg.TypeClientHello),
			tlsmsg.NewExtension(&tlsmsg.ALPN{Protocols: protocols}, tlsmsg.TypeClientHello),
		},
		HasExtensions: true,
	}
	copy(m.Random[:], filled(32, 0xc1))
	return m
}

// hello goes as far as the server's certificate.
func (s *script) hello(id identity, protocol string) {
	s.after(9 * time.Microsecond).out(s.handshakes(s.clientHello("lab.test", protocol)))
	s.ctx = tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.KeyExchangeECDHE}
	server := &tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, CipherSuite: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		HasExtensions: true, Extensions: []tlsmsg.Extension{
			tlsmsg.NewExtension(&tlsmsg.ALPN{Protocols: []string{protocol}}, tlsmsg.TypeServerHello)}}
	copy(server.Random[:], filled(32, 0x5e))
	exchange := &tlsmsg.ServerKeyExchange{CurveType: 3, Group: tlsmsg.GroupX25519, PublicKey: filled(32, 9),
		Scheme: tlsmsg.SchemeEd25519, Signature: filled(64, 7)}
	request := &tlsmsg.CertificateRequest{CertificateTypes: []tlsmsg.ClientCertificateType{64},
		Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeEd25519}}
	s.after(510*time.Microsecond).in(300, s.handshakes(server), s.handshakes(&tlsmsg.Certificate{Chain: [][]byte{s.certificate(id)}}),
		s.handshakes(exchange, request, &tlsmsg.ServerHelloDone{}))
	s.tls(handshake.NegotiatedEvent{Version: tlsmsg.VersionTLS12, CipherSuite: server.CipherSuite, Group: tlsmsg.GroupX25519, ALPN: protocol})
}

// finish is the rest of a handshake with a client certificate.
func (s *script) finish() {
	s.tls(handshake.VerdictEvent{})
	s.after(300 * time.Microsecond)
	s.out(s.handshakes(&tlsmsg.Certificate{Chain: [][]byte{s.certificate(identity{"client", farOff})}}),
		s.handshakes(&tlsmsg.ClientKeyExchange{PublicKey: filled(32, 8)}),
		s.handshakes(&tlsmsg.CertificateVerify{Scheme: tlsmsg.SchemeEd25519, Signature: filled(64, 6)}),
		changeCipherSpec())
	s.out(s.handshakes(&tlsmsg.Finished{VerifyData: filled(12, 0xaa)}))
	s.after(280*time.Microsecond).in(1460, changeCipherSpec())
	s.in(1460, s.handshakes(&tlsmsg.Finished{VerifyData: filled(12, 0xbb)}))
	s.tls(handshake.FinishedEvent{})
}

var farOff = time.Date(2035, 6, 1, 0, 0, 0, 0, time.UTC)

// whole is a connection from SYN to FIN: a page is fetched, one segment is
// lost on its way and sent again.
func (s *script) whole() {
	s.rec.Note(0, transcript.Link, "link_opened", "packet socket on eth0, MTU 1500")
	s.rec.Note(0, transcript.Guard, "guard_up", "a listener with IP_MINTTL 255 holds port 40123, so that the kernel stays silent")
	s.open()
	s.hello(identity{"lab.test", farOff}, "http/1.1")
	s.finish()
	request := s.segment(transcript.Out, wire.PSH|wire.ACK, nil)
	s.after(50 * time.Microsecond).out(data("GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n"))
	request.Payload = filled(int(s.ends[transcript.Out].sent)-int(request.Seq-s.ends[transcript.Out].isn-1), 0)
	s.after(200 * time.Millisecond)
	s.rec.TCP(s.at, tcb.Retransmitted{Seq: request.Seq, Len: len(request.Payload), Attempt: 1, RTO: 200 * time.Millisecond, What: "data",
		Why: "no acknowledgment within the RTO"})
	s.rec.Packet(s.at, transcript.Out, s.packet(transcript.Out, request), false)
	s.after(900*time.Microsecond).in(1460, data("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	s.after(40 * time.Microsecond).out(alert(1, 0))
	s.rec.TCP(s.at, tcb.StateChanged{From: tcb.Established, To: tcb.FinWait1})
	s.send(transcript.Out, s.segment(transcript.Out, wire.FIN|wire.ACK, nil))
	s.after(350*time.Microsecond).send(transcript.In, s.segment(transcript.In, wire.FIN|wire.ACK, nil))
	s.rec.TCP(s.at, tcb.StateChanged{From: tcb.FinWait1, To: tcb.TimeWait})
	s.send(transcript.Out, s.segment(transcript.Out, wire.ACK, nil))
	s.rec.Result(s.at, transcript.Result{OK: true, Outcome: "finished"})
}

// kernelSent is a connection that the local kernel spoils.
func (s *script) kernelSent() {
	s.send(transcript.Out, s.syn(transcript.Out))
	s.after(412*time.Microsecond).send(transcript.In, s.syn(transcript.In))
	s.rec.Packet(s.at+20*time.Microsecond, transcript.Out, s.packet(transcript.Out, s.segment(transcript.Out, wire.RST, nil)), true)
	s.after(60*time.Microsecond).send(transcript.Out, s.segment(transcript.Out, wire.ACK, nil))
	s.after(time.Millisecond).send(transcript.In, s.segment(transcript.In, wire.RST, nil))
	s.rec.TCP(s.at, tcb.ResetReceived{State: tcb.Established})
	s.rec.Result(s.at, transcript.Result{Outcome: "reset", Error: "connection reset by peer after the ACK of frame 4: " +
		"this machine's kernel had sent a RST; use --guard auto"})
}

// hostile is a server whose every string attacks the terminal.
func (s *script) hostile() {
	s.open()
	s.hello(identity{hostileText, time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)}, brokenText)
	s.tls(handshake.VerdictEvent{Err: errors.New("x509: certificate is valid for " + hostileText)})
	s.tls(handshake.AlertEvent{Dir: handshake.Out, Level: 2, Description: 42, Because: "certificate of " + brokenText})
	s.out(alert(2, 42))
	s.in(1460, data("HTTP/1.1 "+brokenText))
	s.rec.Result(s.at, transcript.Result{Outcome: "not_tls", Error: "the server said " + brokenText})
}

// hostileText clears the screen, rings, renames the window, turns the reading
// direction, hides a character, breaks UTF-8 and the line. PrintableString and
// UTF8String would refuse the broken part: certificates get it without.
const hostileText = "a\x1b[2J\x07\x1b]0;pwned\x07\u202egpj.exe\u200b\u009b31m"

const brokenText = hostileText + "\xff\xfe\r\nInjected: line"
