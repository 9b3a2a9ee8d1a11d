// The receiving half of the record layer.

package handshake

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// inbound is the receiving half of the record layer (RFC 5246, section 6.2).
type inbound struct {
	buf    []byte // received and, from at on, not used up
	at     int
	store  []byte // ours, where buf is borrowed
	offset int64  // in the stream, of buf[at]

	state      *suite.State   // nil: records are not protected
	skip       int            // bytes of early data that may still be skipped
	skipSealed bool           // by what cannot be opened, not by type
	limit      uint16         // on the plaintext of protected records (RFC 8449); 0: none but the protocol's
	next       uint16         // the limit of the keys that are agreed on (RFC 8449, section 4)
	version    tlsmsg.Version // that records must have; 0: any, before ServerHello
	borrowed   bool           // buf is the caller's: not to be kept or written to
	any        bool           // whether there was a good record yet
	closed     bool           // close_notify arrived
	ended      bool           // the stream ended

	emptyRecords, warnings uint16 // in a row

	halfAlert  bool  // the rest of an alert is still to come
	alertLevel byte  // its first byte
	alertBegan int64 // offset of its record

	messages tlsmsg.Assembler
	began    int64 // offset of the record in which the message being assembled begins
	span     span  // of the record handled last

	app []byte // application data not read yet; lies inside buf

	pool *slab.Pool // of buf or store; may be nil
}

// span is where a record lies in the stream: from its first byte to after its last.
type span struct{ start, end int64 }

func (in *inbound) unread() int { return len(in.buf) - in.at }

// append takes bytes. While all before them is used up and nothing needs to be
// decrypted in place they stay where they are, until own.
func (in *inbound) append(p []byte) {
	switch {
	case in.unread() == 0 && in.state == nil:
		in.store = in.buf[:0]
		in.buf, in.at, in.borrowed = p, 0, true
		return
	case len(in.app) > 0: // it stays where it is, also when there is no room beside it
		in.buf = append(in.buf, p...)
		return
	}
	in.buf = in.buf[:copy(in.buf, in.buf[in.at:])]
	in.at = 0
	in.buf = append(in.pool.Grow(in.buf, len(p)), p...)
}

// own copies what is left of borrowed bytes. Where that is nothing, it holds no
// memory of a pool.
func (in *inbound) own() {
	if !in.borrowed {
		return
	}
	if in.unread() == 0 && in.pool != nil {
		in.release()
		return
	}
	in.buf = append(in.pool.Grow(in.store, in.unread()), in.buf[in.at:]...)
	in.at, in.borrowed, in.store = 0, false, nil
}

// release gives the memory back, and what is in it.
func (in *inbound) release() {
	if in.borrowed {
		in.buf = in.store
	}
	in.pool.Put(in.buf)
	in.buf, in.at, in.borrowed, in.store, in.app = nil, 0, false, nil, nil
}

// nextRecord handles the next whole record, or reports that there is none.
func (c *conn[S]) nextRecord() (more bool, err error) {
	in := &c.in
	if in.state != nil {
		in.own()
	}
	rec, n, err := tlsmsg.NextRecord(in.buf[in.at:])
	if err != nil {
		return false, c.badRecord(err)
	}
	if n == 0 {
		return false, nil
	}
	event := c.recordArrived(&rec, in.buf[in.at:in.at+n])
	in.any = true
	in.span = span{in.offset, in.offset + int64(n)}
	in.at += n
	in.offset += int64(n)
	inner, plaintext, err := c.unprotect(&rec)
	if event != nil {
		if err == nil {
			event.Inner, event.Plaintext = inner, bytes.Clone(plaintext)
			event.Padding = c.padding(&rec, len(plaintext))
		}
		c.events(*event)
	}
	switch {
	case err == errSkipped:
		return true, nil
	case err != nil:
		return false, err
	}
	return true, c.content(inner, plaintext)
}

// recordArrived makes the event while the record is still as on the wire.
func (c *conn[S]) recordArrived(rec *tlsmsg.Record, wire []byte) *RecordEvent {
	if c.events == nil {
		return nil
	}
	return &RecordEvent{Dir: In, Type: rec.Type, Version: rec.Version, Offset: c.in.offset,
		Wire: bytes.Clone(wire), Encrypted: c.in.state != nil && !c.ignored(rec.Type), Epoch: c.epochs.in}
}

// unprotect checks a record's header and returns its content, with the type that
// it has.
func (c *conn[S]) unprotect(rec *tlsmsg.Record) (inner tlsmsg.ContentType, plaintext []byte, err error) {
	in := &c.in
	if c.is13() {
		return c.unprotect13(rec)
	}
	if in.version != 0 && rec.Version != in.version {
		return 0, nil, refuse(tlsmsg.AlertProtocolVersion, "record header",
			"version %v, expected %v as negotiated", rec.Version, in.version)
	}
	inner, plaintext = rec.Type, rec.Fragment
	if in.state != nil {
		if inner, plaintext, err = in.state.Open(rec.Type, rec.Version, rec.Fragment); err != nil {
			return 0, nil, refuse(tlsmsg.AlertBadRecordMAC, "record", "of type %v, after %s: %v%s", rec.Type, c.last, err, unprotectedAlert(rec))
		}
	}
	limit := tlsmsg.MaxPlaintext
	if in.state != nil && in.limit > 0 {
		limit = int(in.limit)
	}
	if len(plaintext) > limit {
		return 0, nil, refuse(tlsmsg.AlertRecordOverflow, "record",
			"of type %v with %d bytes, expected at most %d", inner, len(plaintext), limit)
	}
	return inner, plaintext, nil
}

// unprotectedAlert says what a record that does not authenticate would say if
// its sender had forgotten to protect it. Nothing is done about it: anybody may
// have sent it.
func unprotectedAlert(rec *tlsmsg.Record) string {
	alert, err := tlsmsg.ParseAlert(rec.Fragment)
	if rec.Type != tlsmsg.ContentAlert || err != nil {
		return ""
	}
	return fmt.Sprintf("; without protection it would be the alert %v (%v)", alert.Description, alert.Level)
}

// badRecord gives the answer to bytes that cannot become a record.
func (c *conn[S]) badRecord(err error) error {
	var notTLS *tlsmsg.NotTLSError
	var overlong *tlsmsg.RecordTooLongError
	switch {
	case errors.As(err, &notTLS) && !c.in.any:
		return NewNotTLSError(c.in.buf[c.in.at:])
	case errors.As(err, &overlong):
		return &ProtocolError{Alert: tlsmsg.AlertRecordOverflow, Reason: err.Error(), Err: err}
	case errors.As(err, &notTLS):
		return &ProtocolError{Alert: tlsmsg.AlertUnexpectedMessage, Where: "record header",
			Reason: "after " + c.last.String() + ": " + err.Error(), Err: err}
	}
	return &ProtocolError{Alert: tlsmsg.AlertProtocolVersion, Reason: err.Error(), Err: err}
}

// content hands a record's content on by its type.
func (c *conn[S]) content(typ tlsmsg.ContentType, plaintext []byte) error {
	in := &c.in
	if typ != tlsmsg.ContentHandshake && typ != tlsmsg.ContentAlert && in.messages.Pending() {
		return refuse(tlsmsg.AlertUnexpectedMessage, typ.Heading(), "in the middle of a handshake message")
	}
	if typ != tlsmsg.ContentAlert && in.halfAlert {
		return refuse(tlsmsg.AlertUnexpectedMessage, typ.Heading(), "in the middle of an alert")
	}
	switch typ {
	case tlsmsg.ContentHandshake:
		if len(plaintext) == 0 { // RFC 5246, section 6.2.1: MUST NOT be sent
			return refuse(tlsmsg.AlertUnexpectedMessage, "record", "of type handshake without content")
		}
		if !in.messages.Pending() {
			in.began = in.span.start
		}
		in.messages.Write(plaintext)
		return nil
	case tlsmsg.ContentAlert:
		return c.alertsArrived(plaintext)
	case tlsmsg.ContentChangeCipherSpec:
		c.messageArrived(typ, 0, plaintext)
		return c.dispatch(kindChangeCipherSpec, plaintext)
	case tlsmsg.ContentApplicationData:
		if len(plaintext) > 0 {
			c.messageArrived(typ, 0, plaintext)
		}
		return c.dispatch(kindApplicationData, plaintext)
	}
	return refuse(tlsmsg.AlertUnexpectedMessage, "record header", "content type %v after %s", typ, c.last)
}

// applicationData keeps a record's plaintext for the reader.
func (c *conn[S]) applicationData(plaintext []byte) error {
	if len(plaintext) == 0 {
		if c.in.emptyRecords++; c.in.emptyRecords > maxEmptyRecords {
			return refuse(tlsmsg.AlertUnexpectedMessage, "ApplicationData",
				"%d records without content in a row", c.in.emptyRecords)
		}
		return nil
	}
	c.in.emptyRecords, c.in.warnings = 0, 0
	c.in.app = plaintext
	return nil
}

// messageArrived tells a listener of a whole message.
func (c *conn[S]) messageArrived(content tlsmsg.ContentType, typ tlsmsg.HandshakeType, raw []byte) {
	if c.events != nil {
		start := c.in.span.start
		switch content {
		case tlsmsg.ContentHandshake:
			start = c.in.began
		case tlsmsg.ContentAlert:
			start = c.in.alertBegan
		}
		c.events(MessageEvent{Dir: In, Content: content, Type: typ, Raw: bytes.Clone(raw),
			Encrypted: c.in.state != nil && !c.ignored(content), Offset: start, End: c.in.span.end, Context: c.ctx, MeansNothing: c.ignored(content)})
	}
	c.tamperOnArrival(Incoming{content, raw})
}

// tooLong gives the answer to a message beyond the limit. RFC 5246 names no
// alert for it; its length is out of range.
func (c *conn[S]) tooLong(err error) error {
	var overlong *tlsmsg.MessageTooLongError
	if errors.As(err, &overlong) && !c.takes(kind(overlong.Type)) {
		return c.outOfTurn(kind(overlong.Type))
	}
	return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Reason: err.Error(), Err: err}
}
