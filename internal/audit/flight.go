// Reads the server's answer to a ClientHello: its first flight, or what came in
// its place. It stops as soon as it knows enough.

package audit

import (
	"errors"
	"fmt"
	"io"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// maxFlight bounds what is read of one answer, in bytes, and maxWarnings the
// warning alerts in it.
const (
	maxFlight   = 256 << 10
	maxWarnings = 16
)

// A Flight takes the bytes of an answer until it is done.
type Flight struct {
	answer   Answer
	V2       bool // the question was SSL 2.0's
	done     bool
	begun    bool // a record has come
	buf      []byte
	total    int
	warnings int
	messages tlsmsg.Assembler
	context  tlsmsg.Context
}

// Receive takes bytes from the server. It reports whether the answer is done.
func (f *Flight) Receive(b []byte) bool {
	if f.done {
		return true
	}
	if f.total += len(b); f.total > maxFlight {
		return f.strange(fmt.Errorf("more than %d bytes, and no end of the server's flight", maxFlight))
	}
	f.buf = append(f.buf, b...)
	if f.V2 {
		if f.readV2() {
			return f.done
		}
		f.V2 = false // what begins as TLS goes on so
	}
	for !f.done {
		record, n, err := tlsmsg.NextRecord(f.buf)
		if err != nil {
			return f.strange(f.foreign(err))
		}
		if n == 0 {
			break
		}
		f.record(record)
		f.begun = true
		f.buf = f.buf[n:]
	}
	return f.done
}

// End says that the stream has ended: in good order (io.EOF), or why not.
func (f *Flight) End(outcome Outcome, err error) {
	if f.done {
		return
	}
	f.done = true
	if f.answer.Hello != nil { // it has chosen, whatever became of the rest
		f.answer.Outcome, f.answer.Err = Agreed, err
		return
	}
	f.answer.Outcome, f.answer.Err = outcome, err
}

// Answer is what came.
func (f *Flight) Answer() *Answer { return &f.answer }

func (f *Flight) strange(err error) bool {
	f.End(Strange, err)
	return true
}

// foreign shows the first bytes of a server that does not speak TLS.
func (f *Flight) foreign(err error) error {
	if errors.As(err, new(*tlsmsg.NotTLSError)) && !f.begun {
		return handshake.NewNotTLSError(f.buf)
	}
	return err
}

func (f *Flight) agreed() { f.answer.Outcome, f.done = Agreed, true }

func (f *Flight) record(r tlsmsg.Record) {
	switch r.Type {
	case tlsmsg.ContentAlert:
		f.alert(r.Fragment)
	case tlsmsg.ContentHandshake:
		f.messages.Write(r.Fragment)
		for !f.done {
			raw, err := f.messages.Next()
			if err != nil {
				f.strange(err)
				return
			}
			if raw == nil {
				return
			}
			if err := f.message(raw); err != nil {
				f.strange(err)
			}
		}
	case tlsmsg.ContentChangeCipherSpec: // in TLS 1.3 it may follow a hello, for compatibility
	default:
		f.strange(fmt.Errorf("a record of type %v in the place of a ServerHello", r.Type))
	}
}

func (f *Flight) alert(fragment []byte) {
	alert, err := tlsmsg.ParseAlert(fragment)
	switch {
	case err != nil:
		f.strange(err)
	case alert.Level == tlsmsg.LevelWarning && alert.Description != tlsmsg.AlertCloseNotify:
		if f.warnings++; f.warnings > maxWarnings {
			f.strange(errors.New("nothing but warning alerts"))
		}
	default:
		f.answer.Alert = alert
		f.End(Refused, nil)
	}
}

func (f *Flight) message(raw []byte) error {
	t := tlsmsg.Form(raw)
	if f.answer.Hello == nil && t != tlsmsg.TypeServerHello && t != tlsmsg.TypeHelloRetryRequest {
		return fmt.Errorf("%v in the place of a ServerHello", t)
	}
	switch t {
	case tlsmsg.TypeServerHello, tlsmsg.TypeHelloRetryRequest:
		return f.serverHello(raw)
	case tlsmsg.TypeCertificate:
		var m tlsmsg.Certificate
		err := tlsmsg.ParseInto(&m, raw, f.context)
		f.answer.Chain = m.Chain
		return err
	case tlsmsg.TypeCertificateStatus:
		var m tlsmsg.CertificateStatus
		err := tlsmsg.ParseInto(&m, raw, f.context)
		f.answer.Status = m.Response
		return err
	case tlsmsg.TypeServerKeyExchange:
		m := new(tlsmsg.ServerKeyExchange)
		err := tlsmsg.ParseInto(m, raw, f.context)
		if f.answer.KeyExchange = m; err == nil {
			readAnonymous(m, f.answer.Hello.CipherSuite)
		}
		return err
	case tlsmsg.TypeCertificateRequest:
		m := new(tlsmsg.CertificateRequest)
		err := tlsmsg.ParseInto(m, raw, f.context)
		f.answer.Request = m
		return err
	case tlsmsg.TypeServerHelloDone:
		f.agreed()
	}
	return nil
}

func (f *Flight) serverHello(raw []byte) error {
	if f.answer.Hello != nil {
		return errors.New("a second ServerHello")
	}
	m := new(tlsmsg.ServerHello)
	if err := tlsmsg.ParseInto(m, raw, tlsmsg.Context{}); err != nil {
		return err
	}
	f.answer.Hello = m
	version := f.answer.Version()
	f.context = tlsmsg.Context{Version: max(version, tlsmsg.VersionTLS10), KeyExchange: m.CipherSuite.KeyExchange()}
	if version >= tlsmsg.VersionTLS13 { // what follows is encrypted
		f.agreed()
	}
	return nil
}

// readAnonymous reads the parameters of an anonymous or exported key exchange,
// which stand in front of whatever follows them (RFC 5246, section 7.4.3).
func readAnonymous(m *tlsmsg.ServerKeyExchange, id tlsmsg.CipherSuite) {
	kind := kindOf(id)
	if len(m.Raw) == 0 || !kind.dh && !kind.ecdh || kind.psk {
		return
	}
	c := field.New("params", m.Raw)
	if kind.ecdh {
		curve, group := field.Enum8[tlsmsg.ECCurveType](&c, "curve_type"), field.Enum16[tlsmsg.NamedGroup](&c, "named_curve")
		if c.Err() == nil && curve == tlsmsg.CurveNamed {
			m.Group = group
		}
		return
	}
	p, g := c.Opaque16("dh_p", 1, 1<<16-1), c.Opaque16("dh_g", 1, 1<<16-1)
	if c.Err() == nil {
		m.DHPrime, m.DHGenerator = p, g
	}
}

// afterHello is where in the conversation a connection ends that has no answer.
const afterHello = "our ClientHello"

// OutcomeOf says what the end of a stream means for an answer.
func OutcomeOf(err error) (Outcome, error) {
	switch {
	case errors.Is(err, io.EOF):
		return Closed, &handshake.ClosedError{After: afterHello}
	case isReset(err):
		return Reset, err
	case isTimeout(err):
		return Silent, err
	case errors.Is(err, tcb.ErrUnreachable):
		return Unreachable, err
	}
	return Closed, err
}
