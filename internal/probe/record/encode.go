package record

import (
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// An Encoder writes records. It keeps what it knows of certificates, and is
// not safe for concurrent use.
type Encoder struct {
	Fields *Fields  // which fields to write; nil: all
	Whole  *Written // write each certificate whole, once; nil: none

	chains chains
	w      writer
}

// Append appends the record's line to b, and before it, with Whole, a line for
// each certificate that is new.
func (e *Encoder) Append(b []byte, r *Result) []byte {
	if e.Whole != nil && r.TLS != nil {
		for _, der := range r.TLS.Chain {
			b = e.Whole.appendWhole(b, der)
		}
	}
	w := &e.w
	w.b, w.fields = append(b, '{'), e.Fields
	w.str("type", "target")
	w.addr("addr", r)
	w.int("port", int(r.Port))
	w.strIf("name", r.Name)
	w.strIf("tag", r.Tag)
	w.bool("ok", r.OK)
	w.str("outcome", r.Outcome)
	w.strIf("error", r.Error)
	w.strIf("after", r.After)
	w.strIf("class", r.Class)
	if len(r.Reasons) > 0 && w.open("reasons", '[') {
		for _, code := range r.Reasons {
			w.element('{')
			w.str("code", code)
			w.close('}')
		}
		w.close(']')
	}
	if len(r.Anomalies) > 0 {
		w.strs("odd", r.Anomalies)
	}
	if r.Repeat {
		w.bool("repeat", true)
	}
	w.time("time", r.Time)
	w.int("syns", r.SYNs)
	if r.RTT >= 0 {
		w.ms("rtt_ms", r.RTT)
	}
	if f := r.Steps[StepFinished]; f > 0 {
		w.ms("handshake_ms", f-r.Steps[StepAnswer])
	}
	e.steps(r)
	e.tcp(r)
	e.tls(r)
	e.failure(r)
	w.b = append(w.b, '}', '\n')
	b, w.b = w.b, nil
	return b
}

var stepNames = [steps]string{"", "syn_ack_ms", "server_hello_ms", "certificate_ms", "finished_ms", "data_ms"}

func (e *Encoder) steps(r *Result) {
	w := &e.w
	if r.Steps[StepAnswer] == 0 || !w.open("steps", '{') {
		return
	}
	for i, at := range r.Steps {
		if at > 0 {
			w.ms(stepNames[i], at)
		}
	}
	w.close('}')
}

func (e *Encoder) tcp(r *Result) {
	w, a := &e.w, r.TCP
	if a == nil || !w.open("tcp", '{') {
		return
	}
	if r.Local.IsValid() {
		w.int("local_port", int(r.Local.Port()))
	}
	w.int("ttl", int(a.TTL))
	w.int("ip_id", int(a.IPID))
	w.int("window", int(a.Window))
	if mss, ok := a.Options.MSS(); ok {
		w.int("mss", int(mss))
	}
	if scale, ok := a.Options.WindowScale(); ok {
		w.int("window_scale", int(scale))
	}
	w.open("options", '[')
	for o := range a.Options.All() {
		w.value(o.Kind.String())
	}
	w.close(']')
	w.intIf("syn_ack_len", a.Len)
	w.intIf("retransmissions", a.Resent)
	w.int("bytes", a.Bytes)
	w.close('}')
}

func (e *Encoder) tls(r *Result) {
	w, s := &e.w, r.TLS
	if s == nil || s.Version == 0 {
		return
	}
	w.str("version", s.Version.String())
	if !s.NoSuite {
		w.str("cipher_suite", s.CipherSuite.String())
	}
	if s.Group != 0 {
		w.str("group", s.Group.String())
	}
	if s.Scheme != 0 {
		w.str("signature_scheme", s.Scheme.String())
	}
	w.strIf("alpn", s.ALPN)
	if w.open("extensions", '[') {
		for _, x := range s.Extensions {
			w.value(x.Type.String())
		}
		w.close(']')
	}
	w.int("session_id_len", len(s.SessionID))
	w.boolIf("session_ticket", s.TicketReceived || tlsmsg.FindExtension(s.Extensions, tlsmsg.ExtensionSessionTicket) >= 0)
	w.boolIf("extended_master_secret", s.ExtendedMasterSecret)
	w.boolIf("secure_renegotiation", s.SecureRenegotiation)
	w.boolIf("client_certificate_requested", s.CertificateRequested)
	w.intIf("ocsp_response_len", len(s.OCSPResponse))
	w.strIf("ocsp_status", string(s.Status))
	w.intIf("scts", len(s.SCTs))
	if len(s.Chain) > 0 && w.open("chain", '[') {
		for _, der := range s.Chain {
			w.raw(e.chains.object(der))
		}
		w.close(']')
	}
	if s.Judged {
		w.bool("certificate_verified", s.Verdict == nil)
		w.bool("peer_verified", s.Verdict == nil && r.Stage >= handshake.StageFinished)
		if s.Verdict != nil {
			w.str("certificate_error", s.Verdict.Error())
			if list := reasons(s.Verdict); len(list) > 0 {
				w.strs("certificate_reasons", list)
			}
		}
	}
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
	if a := r.AlertIn; a != nil && w.open("alert", '{') {
		w.str("level", a.Level.String())
		w.str("description", a.Description.String())
		w.close('}')
	}
	if r.AlertSent {
		w.str("alert_sent", r.AlertOut.String())
	}
	if x := r.Reset; x != nil && w.open("reset", '{') {
		w.int("ttl", int(x.TTL))
		w.int("ip_id", int(x.IPID))
		if x.Known {
			w.bool("fits_host", x.FromHost)
		}
		if x.KernelSent {
			w.bool("after_own", true)
		}
		w.close('}')
	}
	if x := r.ICMP; x != nil && w.open("icmp", '{') {
		w.str("from", x.From.String())
		w.int("icmp_type", int(x.Type))
		w.int("icmp_code", int(x.Code))
		w.str("text", x.Text)
		w.close('}')
	}
	if len(r.First) > 0 {
		w.str("first_bytes", string(r.First))
	}
	if r.DataLen > 0 {
		w.int("data_len", r.DataLen)
		w.str("data", string(r.Data))
		w.strIf("data_end", r.DataEnd)
	}
	if p := &r.Evidence; p.Len > 0 && !r.OK && w.open("evidence", '{') {
		w.ms("time_ms", p.At)
		w.int("len", p.Len)
		w.hex("packet", p.Data[:min(p.Len, PacketKept)])
		w.close('}')
	}
}

// writer writes the fields of an object, without a value on the heap for each.
type writer struct {
	b      []byte
	fields *Fields
	depth  int
}

// name writes a field's name, if it is wanted.
func (w *writer) name(name string) bool {
	if w.depth == 0 && !w.fields.want(name) {
		return false
	}
	w.comma()
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
	return true
}

func (w *writer) comma() {
	if c := w.b[len(w.b)-1]; c != '{' && c != '[' {
		w.b = append(w.b, ',')
	}
}

func (w *writer) open(name string, bracket byte) bool {
	if !w.name(name) {
		return false
	}
	w.depth++
	w.b = append(w.b, bracket)
	return true
}

// element opens an element of a list.
func (w *writer) element(bracket byte) {
	w.comma()
	w.depth++
	w.b = append(w.b, bracket)
}

func (w *writer) close(bracket byte) {
	w.depth--
	w.b = append(w.b, bracket)
}

func (w *writer) value(s string) {
	w.comma()
	w.b = view.AppendJSONString(w.b, s)
}

func (w *writer) raw(b []byte) {
	w.comma()
	w.b = append(w.b, b...)
}

func (w *writer) str(name, v string) {
	if w.name(name) {
		w.b = view.AppendJSONString(w.b, v)
	}
}

func (w *writer) strIf(name, v string) {
	if v != "" {
		w.str(name, v)
	}
}

func (w *writer) strs(name string, list []string) {
	if w.open(name, '[') {
		for _, v := range list {
			w.value(v)
		}
		w.close(']')
	}
}

func (w *writer) int(name string, v int) {
	if w.name(name) {
		w.b = strconv.AppendInt(w.b, int64(v), 10)
	}
}

func (w *writer) intIf(name string, v int) {
	if v != 0 {
		w.int(name, v)
	}
}

func (w *writer) bool(name string, v bool) {
	if w.name(name) {
		w.b = strconv.AppendBool(w.b, v)
	}
}

func (w *writer) boolIf(name string, v bool) {
	if v {
		w.bool(name, true)
	}
}

// ms writes a duration as milliseconds, to the microsecond.
func (w *writer) ms(name string, d time.Duration) {
	if w.name(name) {
		w.b = strconv.AppendFloat(w.b, float64(d)/float64(time.Millisecond), 'f', 3, 64)
	}
}

func (w *writer) time(name string, t time.Time) {
	if w.name(name) {
		w.b = append(w.b, '"')
		w.b = t.UTC().AppendFormat(w.b, "2006-01-02T15:04:05.000000Z")
		w.b = append(w.b, '"')
	}
}

func (w *writer) addr(name string, r *Result) {
	switch {
	case !r.Addr.IsValid() || !w.name(name):
	case r.Addr.Zone() != "":
		w.b = view.AppendJSONString(w.b, r.Addr.String()) // an interface may have any name
	default:
		w.b = append(w.b, '"')
		w.b = r.Addr.AppendTo(w.b)
		w.b = append(w.b, '"')
	}
}

func (w *writer) hex(name string, v []byte) {
	if w.name(name) {
		w.b = append(w.b, '"')
		w.b = hex.AppendEncode(w.b, v)
		w.b = append(w.b, '"')
	}
}
