// How a connection fails.

package handshake

import (
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
)

// How a connection can end other than by both sides' close_notify. Client.Err
// returns one of the types below, which errors.Is finds to be one of these.
var (
	// ErrNotTLS says that the peer's first bytes are not a TLS record. See
	// NotTLSError.
	ErrNotTLS = errors.New("the peer does not speak TLS")
	// ErrAlertReceived says that the peer ended the connection by an alert. See
	// AlertError.
	ErrAlertReceived = errors.New("alert received")
	// ErrProtocol says that the peer broke the protocol, or offers nothing that
	// we accept; an alert was sent to it. See ProtocolError.
	ErrProtocol = errors.New("protocol error")
	// ErrClosed says that the peer closed before the handshake was done. See
	// ClosedError.
	ErrClosed = errors.New("closed by the peer during the handshake")
	// ErrTruncated says that the stream ended without close_notify after the
	// handshake, so that the last bytes may be missing. See ClosedError.
	ErrTruncated = errors.New("the stream ended without close_notify")
	// ErrAborted says that this side gave up, by Abort or by CloseWrite during
	// the handshake.
	ErrAborted = errors.New("aborted by this side")
	// ErrECHRejected says that the server has not read the encrypted ClientHello. See
	// ECHRejectedError.
	ErrECHRejected = errors.New("the encrypted ClientHello was not read")
	// ErrInternal says that this side could not do its part, such as sign.
	ErrInternal = errors.New("internal error")
)

// firstBytesKept bounds NotTLSError.First: enough for the status line of
// another protocol.
const firstBytesKept = 128

// A NotTLSError says that the peer's first bytes are not a TLS record.
type NotTLSError struct {
	First []byte // up to 128 of the bytes; they come from the network
	Plain bool   // whether they read like text
}

// NewNotTLSError is the error of a peer whose first bytes are b.
func NewNotTLSError(b []byte) *NotTLSError {
	e := &NotTLSError{First: append([]byte(nil), b[:min(len(b), firstBytesKept)]...), Plain: true}
	for _, x := range e.First {
		if (x < ' ' || x > '~') && x != '\r' && x != '\n' && x != '\t' {
			e.Plain = false
		}
	}
	return e
}

// Error shows the first bytes, escaped.
func (e *NotTLSError) Error() string {
	if e.Plain {
		return fmt.Sprintf("%v: its first bytes are the text %q, not a TLS record", ErrNotTLS, e.First)
	}
	return fmt.Sprintf("%v: its first bytes are % x, not a TLS record", ErrNotTLS, e.First)
}

// Is reports whether target is ErrNotTLS.
func (e *NotTLSError) Is(target error) bool { return target == ErrNotTLS }

// An AlertError says which alert of the peer's ended the connection.
type AlertError struct {
	Alert tlsmsg.Alert
	After string // the last message before it, as in "after our ClientHello"
	// Renegotiation says that the server had asked to renegotiate, and this
	// side had refused: that is then the likely reason, not the handshake.
	Renegotiation bool
}

// Error names the alert with its number, and what it came after.
func (e *AlertError) Error() string {
	after := e.After
	if e.Renegotiation {
		after = "this side had refused to renegotiate, as it wanted"
	}
	return fmt.Sprintf("the peer sent the alert %v (%d) after %s", e.Alert, uint8(e.Alert.Description), after)
}

// Is reports whether target is ErrAlertReceived.
func (e *AlertError) Is(target error) bool { return target == ErrAlertReceived }

// A ProtocolError says what was wrong with what the peer sent, and which alert
// answered it.
type ProtocolError struct {
	Alert  tlsmsg.AlertDescription // sent to the peer, level fatal
	Where  string                  // message and field: "ServerHello.cipher_suite"
	Reason string                  // what it was, and what was expected
	Err    error                   // the cause, where there is one: a *field.Error, say
}

// Error says what was wrong, and with which alert it was answered.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("%s (answered by the alert %v)", e.Because(), e.Alert)
}

// Because is the error without the alert.
func (e *ProtocolError) Because() string {
	switch {
	case e.Where == "":
		return e.Reason
	case e.Reason == "":
		return e.Where
	}
	return e.Where + ": " + e.Reason
}

// Is reports whether target is ErrProtocol.
func (e *ProtocolError) Is(target error) bool { return target == ErrProtocol }

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

// A ClosedError says where in the conversation the peer closed.
type ClosedError struct {
	After         string       // the last message before: "the peer's Certificate"
	Notified      bool         // by close_notify, rather than by ending the stream alone
	MidRecord     bool         // the stream ended inside a record or a handshake message
	Handshaken    bool         // after the handshake: then the error is ErrTruncated
	Renegotiation bool         // as in AlertError
	Again         bool         // in a handshake after the connection's first
	Warning       tlsmsg.Alert // the last alert before, of level warning; Level 0: none
}

// Error says how the peer ended the stream, when, and whether data may be missing.
func (e *ClosedError) Error() string {
	how := "ended the stream without close_notify"
	if e.Notified {
		how = "sent close_notify"
	}
	if e.MidRecord {
		how += ", in the middle of a record or message"
	}
	if e.Handshaken && e.Renegotiation {
		return fmt.Sprintf("the peer %s, after this side had refused to renegotiate, as it wanted: data may be missing", how)
	}
	if e.Handshaken {
		return fmt.Sprintf("the peer %s: data may be missing", how)
	}
	if e.Warning.Level != 0 {
		how = fmt.Sprintf("sent the alert %v (%v) and then %s", e.Warning.Description, e.Warning.Level, how)
	}
	if e.Again {
		return fmt.Sprintf("the peer %s in the middle of another handshake inside the connection, after %s", how, e.After)
	}
	return fmt.Sprintf("the peer %s before the handshake was done, after %s", how, e.After)
}

// Is reports whether target is ErrTruncated, after the handshake, or ErrClosed.
func (e *ClosedError) Is(target error) bool {
	if e.Handshaken {
		return target == ErrTruncated
	}
	return target == ErrClosed
}

// An ECHRejectedError says that a server has done a handshake with the outer of two
// ClientHellos, which asks for a name that is not the one wanted: it has other
// configurations now, or none (RFC 9849, section 6.1.6). It was told so by the alert
// ech_required, or by bad_certificate.
type ECHRejectedError struct {
	PublicName string         // the name that the outer ClientHello asks for
	Verified   bool           // whether the certificate is good for it: else RetryConfigs may be anybody's
	Version    tlsmsg.Version // chosen by the server
	// RetryConfigs are an ECHConfigList to try again with. Nil: the server has none, and
	// ECH is to be left out; or it has not verified, and there is nothing to go by.
	RetryConfigs []byte
}

// Error says what the server offers in its place, and how far it can be believed.
func (e *ECHRejectedError) Error() string {
	text := fmt.Sprintf("%v: the server went on with the ClientHello for %q, in %v, ", ErrECHRejected, e.PublicName, e.Version)
	switch {
	case e.RetryConfigs == nil && !e.Verified:
		return text + "with a certificate that does not verify for it"
	case e.RetryConfigs == nil:
		return text + "and names no configuration to encrypt to"
	case !e.Verified:
		return text + "and names other configurations to encrypt to, with a certificate that does not verify"
	}
	return text + "and names other configurations to encrypt to"
}

// Is reports whether target is ErrECHRejected.
func (e *ECHRejectedError) Is(target error) bool { return target == ErrECHRejected }

// An InternalError says what this side could not do.
type InternalError struct {
	What string
	Err  error
}

// Error says what was being done, and why that failed.
func (e *InternalError) Error() string {
	if e.Err == nil {
		return e.What
	}
	return fmt.Sprintf("%s: %v", e.What, e.Err)
}

// Is reports whether target is ErrInternal.
func (e *InternalError) Is(target error) bool { return target == ErrInternal }

// Unwrap returns the cause.
func (e *InternalError) Unwrap() error { return e.Err }

// refuse makes the error for something that the peer must not do.
func refuse(alert tlsmsg.AlertDescription, where, format string, args ...any) error {
	return &ProtocolError{Alert: alert, Where: where, Reason: fmt.Sprintf(format, args...)}
}

// repeated is for an extension that stands twice in a message of TLS 1.3 (RFC
// 9846, section 4.3): the message can be decoded, and makes no sense (section 6).
// TLS 1.2 does not say, and gets decode_error.
func repeated(err error) error {
	return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Reason: err.Error(), Err: err}
}

// malformed makes the error for a message that does not decode. err is a
// *field.Error, which names message, field and offset.
func malformed(err error) error {
	return &ProtocolError{Alert: tlsmsg.AlertDecodeError, Reason: err.Error(), Err: err}
}
