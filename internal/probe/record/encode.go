// Writes results as JSON.

package record

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/internal/facts"
	"github.com/rawshake/rawshake/internal/facts/p0f"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/fingerprint"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// An Encoder writes results. It remembers certificates, and is not safe for concurrent
// use.
type Encoder struct {
	Fields *Fields  // which fields to write; nil: all
	Whole  *Written // write each certificate whole, once; nil: none
	Raw    bool     // write randoms, session IDs, tickets and primes

	chains    chains
	w         plain.Writer
	signature p0f.Signature // of the answer that is written
}

// Append appends the result's line to b, and before it, with Whole, a line for
// each certificate that is new.
func (e *Encoder) Append(b []byte, r *Result) []byte {
	if e.Whole != nil && r.TLS != nil {
		for _, der := range r.TLS.Chain {
			b = e.Whole.appendWhole(b, der)
		}
	}
	w := &e.w
	w.B, w.Want = append(b, '{'), e.Fields.wanted()
	w.String("type", "target")
	writeAddr(w, "addr", r)
	w.Int("port", int(r.Port))
	w.StringIf("name", r.Name)
	w.StringIf("tag", r.Tag)
	w.Bool("ok", r.OK)
	w.String("outcome", r.Outcome)
	w.StringIf("error", r.Error)
	w.StringIf("after", r.After)
	w.StringIf("class", r.Class)
	if len(r.Reasons) > 0 && w.Open("reasons", '[') {
		for _, why := range r.Reasons {
			w.Element('{')
			w.String("code", why.Code)
			w.StringIf("means", why.Means)
			w.StringIf("sure", why.Sure)
			w.Close('}')
		}
		w.Close(']')
	}
	if len(r.Anomalies) > 0 {
		w.Strings("odd", r.Anomalies)
	}
	if r.Repeat {
		w.Bool("repeat", true)
	}
	w.Time("time", r.Time)
	w.Int("syns", r.SYNs)
	if r.RTT >= 0 {
		w.Milliseconds("rtt_ms", r.RTT)
	}
	if f := r.Steps[StepFinished]; f > 0 {
		w.Milliseconds("handshake_ms", f-r.Steps[StepAnswer])
	}
	e.steps(r)
	e.tcp(r)
	if len(r.Preamble) > 0 {
		w.Strings("preamble", r.Preamble)
	}
	e.tls(r)
	e.failure(r)
	w.B = append(w.B, '}', '\n')
	b, w.B = w.B, nil
	return b
}

var stepNames = [steps]string{"", "syn_ack_ms", "server_hello_ms", "certificate_ms", "finished_ms", "data_ms"}

func (e *Encoder) steps(r *Result) {
	w := &e.w
	if r.Steps[StepAnswer] == 0 || !w.Open("steps", '{') {
		return
	}
	for i, at := range r.Steps {
		if at > 0 {
			w.Milliseconds(stepNames[i], at)
		}
	}
	w.Close('}')
}

func (e *Encoder) tcp(r *Result) {
	w, a := &e.w, r.TCP
	if a == nil || !w.Open("tcp", '{') {
		return
	}
	if r.Local.IsValid() {
		w.Int("local_port", int(r.Local.Port()))
	}
	w.Int("ttl", int(a.TTL))
	w.Int("ip_id", int(a.IPID))
	w.Int("window", int(a.Window))
	if mss, ok := a.Options.MSS(); ok {
		w.Int("mss", int(mss))
	}
	if scale, ok := a.Options.WindowScale(); ok {
		w.Int("window_scale", int(scale))
	}
	w.Open("options", '[')
	for o := range a.Options.All() {
		w.Value(o.Kind.String())
	}
	w.Close(']')
	e.ecn(a)
	if !a.Crossed && r.Addr.IsValid() && w.Name("p0f") {
		a.signature(&e.signature, r.Addr)
		w.B = append(e.signature.AppendTo(append(w.B, '"')), '"')
	}
	w.IntIf("syn_ack_len", int(a.Len))
	w.IntIf("retransmissions", int(a.Resent))
	w.Int("bytes", a.Bytes)
	w.Close('}')
}

// ecn writes what a SYN-ACK says of congestion notification.
func (e *Encoder) ecn(a *Answer) {
	mode, arrived := a.Flags.ECN()
	if mode == wire.ECNNone && a.Mark == wire.NotECT || !e.w.Open("ecn", '{') {
		return
	}
	if mode != wire.ECNNone {
		e.w.String("answer", mode.String())
	}
	if mode == wire.ECNAccurate {
		e.w.String("syn_arrived_as", arrived.String())
	}
	if a.Mark != wire.NotECT {
		e.w.String("mark", a.Mark.String())
	}
	e.w.Close('}')
}

func (e *Encoder) tls(r *Result) {
	w, s := &e.w, r.TLS
	if s == nil || s.Version == 0 {
		return
	}
	w.String("version", s.Version.String())
	if !s.NoSuite {
		w.String("cipher_suite", s.CipherSuite.String())
	}
	if s.Group != 0 {
		w.String("group", s.Group.String())
	}
	e.dh(s)
	e.offered13(r)
	if s.Scheme != 0 {
		w.String("signature_scheme", s.Scheme.String())
	}
	e.deprecated(s)
	w.StringIf("alpn", s.ALPN)
	extensions(w, "extensions", s.Extensions)
	numbers(w, "extension_numbers", s.Extensions)
	if d := r.TLS13; d != nil && len(d.Encrypted) > 0 {
		extensions(w, "encrypted_extensions", d.Encrypted)
		numbers(w, "encrypted_extension_numbers", d.Encrypted)
	}
	if !s.NoSuite {
		ja3s(w, s)
	}
	w.Int("session_id_len", len(s.SessionID))
	if e.Raw {
		w.Hex("session_id", s.SessionID)
		w.Hex("client_random", s.ClientRandom[:])
		w.Hex("server_random", s.ServerRandom[:])
	}
	ticket := s.TicketReceived || tlsmsg.FindExtension(s.Extensions, tlsmsg.ExtensionSessionTicket) >= 0
	w.BoolIf("session_ticket", ticket)
	e.resumption(r, ticket)
	e.tickets(r)
	e.ech(r)
	w.BoolIf("extended_master_secret", s.ExtendedMasterSecret)
	w.BoolIf("secure_renegotiation", s.SecureRenegotiation)
	w.BoolIf("client_certificate_requested", s.CertificateRequested)
	w.IntIf("ocsp_response_len", len(s.OCSPResponse))
	w.StringIf("ocsp_status", string(s.Status))
	w.IntIf("scts", len(s.SCTs))
	if len(s.Chain) > 0 && w.Open("chain", '[') {
		for _, der := range s.Chain {
			w.Raw(e.chains.object(der))
		}
		w.Close(']')
	}
	if s.Judged {
		w.Bool("certificate_verified", s.Verdict == nil)
		w.Bool("peer_verified", s.Verdict == nil && r.Stage >= handshake.StageFinished)
		checks(w, s.Verdict)
		if s.Verdict != nil {
			w.String("certificate_error", s.Verdict.Error())
			if list := reasons(s.Verdict); len(list) > 0 {
				w.Strings("certificate_reasons", list)
			}
		}
	}
}

func extensions(w *plain.Writer, name string, list []tlsmsg.Extension) {
	if w.Open(name, '[') {
		for _, x := range list {
			w.Value(x.Type.String())
		}
		w.Close(']')
	}
}

func numbers(w *plain.Writer, name string, list []tlsmsg.Extension) {
	if w.Open(name, '[') {
		for _, x := range list {
			w.Number(int(x.Type))
		}
		w.Close(']')
	}
}

// ja3s writes the ServerHello's fingerprint. In TLS 1.3 its own version says 1.2.
func ja3s(w *plain.Writer, s *handshake.State) {
	if w.Name("ja3s") {
		w.B = append(w.B, '"')
		w.B = append(fingerprint.AppendJA3S(w.B, min(s.Version, tlsmsg.VersionTLS12), s.CipherSuite, s.Extensions), '"')
	}
}

// dh writes the group of a Diffie-Hellman exchange over a finite field.
func (e *Encoder) dh(s *handshake.State) {
	w, g := &e.w, &s.DH
	if g.Bits == 0 || !w.Open("dh", '{') {
		return
	}
	w.Int("bits", g.Bits)
	w.StringIf("name", g.Name)
	w.StringIf("odd", g.Odd)
	if v := s.Verbatim; e.Raw && v != nil && len(v.Prime) > 0 {
		w.Hex("prime", v.Prime)
		w.Hex("generator", v.Generator)
	}
	w.Close('}')
}

// deprecated writes what was chosen and is out of date.
func (e *Encoder) deprecated(s *handshake.State) {
	w := &e.w
	list := facts.Deprecated(s.Version, s.CipherSuite, s.Scheme, s.DH.Bits)
	if len(list) == 0 || s.NoSuite || !w.Open("deprecated", '[') {
		return
	}
	for _, d := range list {
		w.Element('{')
		w.String("what", d.What)
		w.String("value", d.Value)
		w.String("source", d.Source)
		w.Close('}')
	}
	w.Close(']')
}

// checks writes what of a certificate was checked, each by itself.
func checks(w *plain.Writer, verdict error) {
	if !w.Open("certificate_checks", '{') {
		return
	}
	failed := reasons(verdict)
	for _, name := range worker.Checks {
		w.Bool(name, !slices.ContainsFunc(failed, func(code string) bool { return worker.Reason(code).Check() == name }))
	}
	w.Close('}')
}

// offered13 writes which keys the ClientHello had, and what was asked for in their place,
// where the server has chosen TLS 1.3.
func (e *Encoder) offered13(r *Result) {
	w, d := &e.w, r.TLS13
	if d == nil || r.TLS.Version < tlsmsg.VersionTLS13 {
		return
	}
	if w.Open("key_shares", '[') {
		for _, s := range d.Shares {
			w.Element('{')
			w.String("group", s.Group.String())
			w.Int("len", s.Len)
			w.Close('}')
		}
		w.Close(']')
	}
	if d.Retried && w.Open("hello_retry_request", '{') {
		if d.RetryGroup != 0 {
			w.String("group", d.RetryGroup.String())
		}
		w.BoolIf("cookie", d.RetryCookie)
		w.Close('}')
	}
}

// resumption writes by what a later connection may go on with this one's session, as far
// as the server has offered it.
func (e *Encoder) resumption(r *Result, ticket bool) {
	var room [2]string
	ways := room[:0]
	switch s := r.TLS; {
	case s.NoSuite:
	case s.Version < tlsmsg.VersionTLS13:
		if len(s.SessionID) > 0 {
			ways = append(ways, "session_id")
		}
		if ticket {
			ways = append(ways, "ticket")
		}
	case r.TLS13 != nil:
		for i := range r.TLS13.Tickets {
			if r.TLS13.Tickets[i].Lifetime > 0 {
				ways = append(room[:0], "psk")
			}
		}
	}
	if len(ways) > 0 {
		e.w.Strings("resumption", ways)
	}
}

// tickets writes the tickets: those of TLS 1.3, and with Raw that of TLS 1.2.
func (e *Encoder) tickets(r *Result) {
	var list []handshake.ReceivedTicket
	if r.TLS13 != nil {
		list = r.TLS13.Tickets
	}
	if v := r.TLS.Verbatim; v != nil && v.Ticket != nil {
		list = []handshake.ReceivedTicket{*v.Ticket}
	}
	w := &e.w
	if len(list) == 0 || !w.Open("tickets", '[') {
		return
	}
	for i := range list {
		t := &list[i]
		w.Element('{')
		w.Int("lifetime_hint_s", int(t.Lifetime))
		w.Int("ticket_len", t.Len)
		w.IntIf("max_early_data", int(t.MaxEarly))
		if e.Raw && len(t.Ticket) > 0 {
			w.Hex("ticket", t.Ticket)
		}
		w.Close('}')
	}
	w.Close(']')
}

// maxConfigs bounds the configurations that are listed one by one.
const maxConfigs = 32

// ech writes to which keys the server can be sent an encrypted ClientHello.
func (e *Encoder) ech(r *Result) {
	w, d := &e.w, r.TLS13
	if d == nil {
		return
	}
	i := tlsmsg.FindExtension(d.Encrypted, tlsmsg.ExtensionEncryptedClientHello)
	if i < 0 {
		return
	}
	list, err := tlsmsg.ParseECHConfigList(d.Encrypted[i].Data)
	if err != nil || !w.Open("ech", '{') {
		return
	}
	if w.Open("retry_configs", '[') {
		for i := range list[:min(len(list), maxConfigs)] {
			c := &list[i]
			w.Element('{')
			w.String("version", fmt.Sprintf("0x%04X", c.Version))
			if c.Version == tlsmsg.ECHVersion {
				w.Int("config_id", int(c.ConfigID))
				w.String("kem", c.KEM.String())
				w.String("public_name", string(c.PublicName))
			}
			w.Close('}')
		}
		w.Close(']')
	}
	w.String("config_list", base64.StdEncoding.EncodeToString(d.Encrypted[i].Data))
	w.Close('}')
}

// reasons lists what is wrong with a certificate in words for programs.
func reasons(verdict error) []string {
	var v *worker.Verdict
	if errors.As(verdict, &v) {
		return v.Reasons()
	}
	return nil
}

func (e *Encoder) failure(r *Result) {
	w := &e.w
	if a := r.AlertIn; a != nil && w.Open("alert", '{') {
		w.String("level", a.Level.String())
		w.String("description", a.Description.String())
		w.Close('}')
	}
	if r.AlertSent {
		w.String("alert_sent", r.AlertOut.String())
	}
	if x := r.Reset; x != nil && w.Open("reset", '{') {
		w.Int("ttl", int(x.TTL))
		w.Int("ip_id", int(x.IPID))
		if x.Known {
			w.Bool("fits_host", x.FromHost)
		}
		if x.KernelSent {
			w.Bool("after_own", true)
		}
		w.Close('}')
	}
	if x := r.ICMP; x != nil && w.Open("icmp", '{') {
		w.String("from", x.From.String())
		w.Int("icmp_type", int(x.Type))
		w.Int("icmp_code", int(x.Code))
		w.String("text", x.Text)
		w.Close('}')
	}
	if len(r.First) > 0 {
		w.String("first_bytes", string(r.First))
	}
	if r.DataLen > 0 {
		w.Int("data_len", r.DataLen)
		w.String("data", string(r.Data))
		w.StringIf("data_end", r.DataEnd)
	}
	if len(r.Audit) > 0 && w.Name("audit") {
		w.B = append(w.B, r.Audit...)
	}
	if p := &r.Evidence; p.Len > 0 && !r.OK && w.Open("evidence", '{') {
		w.Milliseconds("time_ms", p.At)
		w.Int("len", p.Len)
		w.Hex("packet", p.Data[:min(p.Len, PacketKept)])
		w.Close('}')
	}
}

func writeAddr(w *plain.Writer, name string, r *Result) {
	switch {
	case !r.Addr.IsValid() || !w.Name(name):
	case r.Addr.Zone() != "":
		w.B = plain.AppendString(w.B, r.Addr.String()) // an interface may have any name
	default:
		w.B = append(w.B, '"')
		w.B = r.Addr.AppendTo(w.B)
		w.B = append(w.B, '"')
	}
}
