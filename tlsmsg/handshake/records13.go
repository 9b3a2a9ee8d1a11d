// Records that arrive in TLS 1.3 (RFC 9846, section 5).

package handshake

import (
	"errors"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// maxCiphertext13 is the most that a protected fragment holds (RFC 9846, section
// 5.2), in bytes.
const maxCiphertext13 = tlsmsg.MaxPlaintext + 256

// ignored reports whether content of that type means nothing and changes nothing:
// the ChangeCipherSpec of TLS 1.3, which is never protected either.
func (c *conn[S]) ignored(typ tlsmsg.ContentType) bool {
	return typ == tlsmsg.ContentChangeCipherSpec && (c.is13() || c.tls13 != nil && c.tls13.spec)
}

// unprotect13 is unprotect in TLS 1.3. The header's version says nothing there.
func (c *conn[S]) unprotect13(rec *tlsmsg.Record) (inner tlsmsg.ContentType, plaintext []byte, err error) {
	in := &c.in
	n := len(rec.Fragment)
	switch {
	case c.ignored(rec.Type):
		return rec.Type, rec.Fragment, c.checkSpec(rec.Fragment)
	case in.skip > 0 && !in.skipSealed && rec.Type == tlsmsg.ContentApplicationData:
		return 0, nil, c.skipRecord(n)
	case in.state == nil && n > tlsmsg.MaxPlaintext:
		return 0, nil, refuse(tlsmsg.AlertRecordOverflow, "record", "of type %v with %d bytes, expected at most %d", rec.Type, n, tlsmsg.MaxPlaintext)
	case in.state == nil:
		return rec.Type, rec.Fragment, nil
	case rec.Type != tlsmsg.ContentApplicationData:
		return 0, nil, refuse(tlsmsg.AlertUnexpectedMessage, "record", "of type %v, which is not protected, after %s%s", rec.Type, c.last, unprotectedAlert(rec))
	case n > maxCiphertext13:
		return 0, nil, refuse(tlsmsg.AlertRecordOverflow, "record", "of %d bytes, expected at most %d", n, maxCiphertext13)
	case in.limit > 0 && n-in.state.Overhead()+1 > int(in.limit): // RFC 8449, section 4: type and padding count
		return 0, nil, refuse(tlsmsg.AlertRecordOverflow, "record", "with %d bytes, expected at most %d", n-in.state.Overhead()+1, in.limit)
	}
	inner, plaintext, err = in.state.Open(rec.Type, rec.Version, rec.Fragment)
	if in.skip > 0 && errors.Is(err, suite.ErrBadRecordMAC) {
		in.state.Uncount()
		return 0, nil, c.skipRecord(n)
	}
	in.skip = 0
	switch {
	case errors.Is(err, suite.ErrInnerType):
		return 0, nil, refuse(tlsmsg.AlertUnexpectedMessage, "record", "after %s: %v", c.last, err)
	case errors.Is(err, suite.ErrInnerLength):
		return 0, nil, refuse(tlsmsg.AlertRecordOverflow, "record", "after %s: %v", c.last, err)
	case err != nil:
		return 0, nil, refuse(tlsmsg.AlertBadRecordMAC, "record", "after %s: %v", c.last, err)
	case inner == tlsmsg.ContentChangeCipherSpec:
		return 0, nil, refuse(tlsmsg.AlertUnexpectedMessage, inner.Heading(), "protected, after %s", c.last)
	}
	return inner, plaintext, nil
}

// errSkipped says that a record is early data that is not taken.
var errSkipped = errors.New("early data is skipped")

// skipRecord lets a record of early data go, within a bound.
func (c *conn[S]) skipRecord(n int) error {
	if c.in.messages.Pending() {
		return refuse(tlsmsg.AlertUnexpectedMessage, "record", "of early data in the middle of a handshake message")
	}
	if c.in.skip -= n; c.in.skip <= 0 {
		return refuse(tlsmsg.AlertUnexpectedMessage, "record", "more than %d bytes of early data that is not taken", maxSkipped)
	}
	return errSkipped
}

// checkSpec checks a ChangeCipherSpec that means nothing (RFC 9846, section 5).
// Once the handshake is done no phase takes it.
func (c *conn[S]) checkSpec(content []byte) error {
	if c.stage == StageFinished {
		return c.outOfTurn(kindChangeCipherSpec)
	}
	if len(content) != 1 || content[0] != 1 {
		return refuse(tlsmsg.AlertUnexpectedMessage, "ChangeCipherSpec", "% x, expected 01", content[:min(len(content), 8)])
	}
	if c.in.emptyRecords++; c.in.emptyRecords > maxSpecs {
		return refuse(tlsmsg.AlertUnexpectedMessage, "ChangeCipherSpec", "%d in a handshake, expected at most %d", c.in.emptyRecords, maxSpecs)
	}
	return nil
}

// padding returns how many zeros follow the type that a record holds.
func (c *conn[S]) padding(rec *tlsmsg.Record, content int) int {
	if !c.is13() || c.in.state == nil || c.ignored(rec.Type) {
		return 0
	}
	return len(rec.Fragment) - c.in.state.Overhead() - content
}
