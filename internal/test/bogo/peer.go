// Drives a machine over the connection to the runner.

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// machine is a Client or a Server.
type machine interface {
	worker.Machine
	Receive([]byte)
	Room() int
	TransportEOF()
	Next() []byte
	Write([]byte) int
	Peek() []byte
	Discard(int)
	EOF() bool
	CloseWrite()
	Abort(tlsmsg.AlertDescription)
	Stage() handshake.Stage
	State() handshake.State
	Err() error
	Export(label string, context []byte, n int) []byte
	UpdateKeys(ask bool)
	CanWrite() bool
	ECH() handshake.ECH
}

// peer drives a machine over the runner's connection.
type peer struct {
	machine
	set *settings
	// retried replaces set if early data is refused.
	retried *settings
	work    worker.Worker
	conn    *net.TCPConn
	seen    seen
}

// seen is what the events say and State does not keep.
type seen struct {
	master     []byte
	finished   []byte                     // verify_data of the first Finished: tls-unique (RFC 5929, section 3.1)
	proof      tlsmsg.SignatureScheme     // of CertificateVerify
	request    *tlsmsg.CertificateRequest // of the server's
	context    tlsmsg.Context
	rejected   error           // rejected because the runner says so: -verify-fail
	handshakes int             // handshakes that were completed
	first      handshake.State // after the first of them
	ignored    int             // renegotiations that were refused
	retried    bool            // by a HelloRetryRequest
	fresh      bool            // a session came after the handshake
}

// dial connects to the runner and says which test this is.
func (p *peer) dial() error {
	host := "127.0.0.1"
	if p.set.ipv6 {
		host = "::1"
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(p.set.port)))
	if err != nil {
		return err
	}
	p.conn = conn.(*net.TCPConn)
	_, err = p.conn.Write(binary.LittleEndian.AppendUint64(nil, p.set.shimID))
	return err
}

// hangUp ends the connection without cutting off data that is in flight.
func (p *peer) hangUp() {
	p.conn.CloseWrite()
	io.Copy(io.Discard, p.conn)
	p.conn.Close()
}

// event keeps what is asked for later.
func (p *peer) event(e handshake.Event) {
	switch e := e.(type) {
	case handshake.SecretEvent:
		p.seen.master = e.Secret
	case handshake.MessageEvent:
		p.seen.context = e.Context
		switch {
		case e.Content != tlsmsg.ContentHandshake:
		case e.Type == tlsmsg.TypeFinished && p.seen.finished == nil:
			p.seen.finished = e.Raw[tlsmsg.HeaderLen:]
		case e.Type == tlsmsg.TypeCertificateVerify && e.Dir == handshake.In:
			var m tlsmsg.CertificateVerify
			if tlsmsg.ParseInto(&m, e.Raw, e.Context) == nil {
				p.seen.proof = m.Scheme
			}
		case e.Type == tlsmsg.TypeCertificateRequest && e.Dir == handshake.In:
			m := new(tlsmsg.CertificateRequest)
			if tlsmsg.ParseInto(m, e.Raw, e.Context) == nil {
				p.seen.request = m
			}
		}
	case handshake.DecisionEvent:
		p.seen.retried = p.seen.retried || e.Name == "hello_retry"
	case handshake.SessionEvent:
		p.seen.fresh = true
	case handshake.FinishedEvent:
		if p.seen.handshakes++; p.seen.handshakes == 1 {
			p.seen.first = p.State()
		}
	case handshake.AlertEvent:
		if e.Dir == handshake.Out && e.Description == tlsmsg.AlertNoRenegotiation {
			p.seen.ignored++
		}
	}
}

// flush does the machine's work and sends what it made.
func (p *peer) flush() error {
	for w, ok := p.Work(); ok; w, ok = p.Work() {
		r := runnersCompression(w)
		if r == nil {
			r = p.work.Do(w)
		}
		if chain, judged := w.(handshake.VerifyChainWork); judged {
			if err := p.checkName(chain); err != nil {
				return err
			}
			r = p.judged(r.(handshake.VerifyChainResult))
		}
		p.Resume(r)
		if p.seen.rejected != nil {
			p.Abort(p.verifyAlert())
		}
	}
	if out := p.Next(); len(out) > 0 {
		if _, err := p.conn.Write(out); err != nil && p.Err() == nil {
			return err
		}
	}
	return nil
}

var errVerifyFailed = errors.New("certificate verification fails, as the runner wishes")

// judged replaces the verdict by the one that the runner wants. Names and roots
// do not matter here, but the permitted uses of a key do.
func (p *peer) judged(r handshake.VerifyChainResult) handshake.VerifyChainResult {
	if r.PublicKey == nil {
		return r
	}
	verdict := r.Verdict
	r.Verdict, r.Alert = nil, 0
	if p.State().Resumed && !p.set.reverify {
		return r
	}
	set := p.now()
	switch {
	case verdict != nil && strings.Contains(verdict.Error(), "keyUsage"):
		r.Verdict, p.seen.rejected, r.Alert = verdict, verdict, tlsmsg.AlertUnsupportedCertificate
	case set.verifyFail && (set.verifyPeer || set.customVerify):
		r.Verdict, p.seen.rejected, r.Alert = errVerifyFailed, errVerifyFailed, p.verifyAlert()
	case set.verifyFail:
		r.Verdict = errVerifyFailed
	}
	return r
}

// now is what is asked for at this moment.
func (p *peer) now() *settings {
	if p.State().EarlyData == handshake.EarlyDataRefused && !p.set.server {
		return p.retried
	}
	return p.set
}

// verifyAlert is the alert that BoringSSL's two kinds of callbacks send.
func (p *peer) verifyAlert() tlsmsg.AlertDescription {
	if p.set.customVerify {
		return tlsmsg.AlertCertificateUnknown
	}
	return tlsmsg.AlertHandshakeFailure
}

// until drives the machine until done reports true, or to its end.
func (p *peer) until(done func() bool) error {
	buf := make([]byte, 16<<10)
	for {
		if err := p.flush(); err != nil {
			return err
		}
		switch {
		case p.seen.rejected != nil:
			return p.seen.rejected
		case p.Err() != nil:
			return p.Err()
		case done():
			return nil
		}
		n, err := p.conn.Read(buf[:min(len(buf), p.Room())])
		p.receive(buf[:n])
		switch {
		case errors.Is(err, io.EOF):
			p.TransportEOF()
			if p.Err() == nil && !done() {
				return io.ErrUnexpectedEOF
			}
		case err != nil:
			return err
		}
	}
}

func (p *peer) receive(b []byte) {
	step := len(b)
	if p.set.byteByByte {
		step = 1
	}
	for len(b) > 0 {
		n := min(step, len(b))
		p.Receive(b[:n])
		b = b[n:]
	}
}

// write sends application data.
func (p *peer) write(b []byte) error {
	for len(b) > 0 {
		n := p.Write(b)
		if n == 0 {
			if p.Err() != nil {
				return p.Err()
			}
			return errors.New("the machine takes no application data")
		}
		b = b[n:]
		if err := p.flush(); err != nil {
			return err
		}
	}
	return nil
}
