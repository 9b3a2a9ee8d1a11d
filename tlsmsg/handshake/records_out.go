// The sending half of the record layer.

package handshake

import (
	"bytes"
	"encoding/binary"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// outbound is the sending half of the record layer (RFC 5246, section 6.2).
type outbound struct {
	buf    []byte // made and not taken yet
	ready  int    // what of buf may be taken: whole flights
	offset int64  // in the stream, of the next record

	state   *suite.State   // nil: records are not protected
	limit   uint16         // on the plaintext of protected records (RFC 8449); 0: none but the protocol's
	next    uint16         // the limit of the keys that are agreed on (RFC 8449, section 4)
	version tlsmsg.Version // of the records
	taken   bool           // buf[:ready] was handed out by Next
	split   bool           // the next record takes one byte alone
	closed  bool           // close_notify, or a fatal alert, was made

	pool *slab.Pool // of buf; may be nil
}

// take returns what may be sent. It stays in place until something is made.
func (o *outbound) take() []byte {
	o.drop()
	o.taken = true
	return o.buf[:o.ready]
}

// drop lets go of what was taken.
func (o *outbound) drop() {
	if o.taken {
		o.taken = false
		o.sent(o.ready)
	}
}

// sent lets go of the first n bytes, and where they were all, of the memory of a
// pool.
func (o *outbound) sent(n int) {
	o.buf = o.buf[:copy(o.buf, o.buf[n:])]
	o.ready -= n
	if len(o.buf) == 0 && o.pool != nil {
		o.pool.Put(o.buf)
		o.buf = nil
	}
}

// flush lets all that was made be sent.
func (o *outbound) flush() {
	o.drop()
	o.ready = len(o.buf)
}

// room returns how much the next record may hold, and takes note of it.
func (o *outbound) room() int {
	switch {
	case o.split: // see suite.State.Splits
		o.split = false
		return 1
	case o.state != nil && o.limit > 0:
		return int(o.limit)
	}
	return tlsmsg.MaxPlaintext
}

// send makes a handshake message: into the transcript and into records.
func (c *conn[S]) send(m tlsmsg.Message) error {
	return c.sendMessage(m.Type(), tlsmsg.Append(c.takeScratch(), m, c.ctx))
}

// sendMessage is send for a message that was made in the scratch already.
func (c *conn[S]) sendMessage(typ tlsmsg.HandshakeType, raw []byte) error {
	defer c.giveScratch(raw)
	c.last = lastMessage{any: true, dir: Out, typ: typ}
	if c.tamper == nil || c.tamper.Messages == nil {
		c.transcript.Add(raw)
	}
	return c.sendContent(tlsmsg.ContentHandshake, typ, raw)
}

// Room for a usual message, and for a ClientHello with a key of a hybrid, in bytes:
// lengths that a pool has.
const (
	flightRoom = 320
	helloRoom  = 2048
)

// takeScratch gives empty memory to make a message in. It is for giveScratch to
// take back.
func (c *conn[S]) takeScratch() []byte { return c.takeRoom(flightRoom) }

// takeRoom is takeScratch for a message that may have one of the lengths above.
func (c *conn[S]) takeRoom(n int) []byte {
	if c.pool != nil {
		return c.pool.Get(n)
	}
	return c.scratch[:0]
}

// giveScratch takes it back. What the message has outgrown is not the pool's.
func (c *conn[S]) giveScratch(b []byte) {
	if c.pool == nil {
		c.scratch = b
	} else if cap(b) == flightRoom || cap(b) == helloRoom {
		c.pool.Put(b)
	}
}

// sendContent makes records of one message's content.
func (c *conn[S]) sendContent(content tlsmsg.ContentType, typ tlsmsg.HandshakeType, raw []byte) error {
	if c.tamper != nil && c.tamper.Messages != nil {
		return c.sendTampered(Outgoing{content, raw})
	}
	return c.sendRecords(content, typ, raw)
}

func (c *conn[S]) sendRecords(content tlsmsg.ContentType, typ tlsmsg.HandshakeType, raw []byte) error {
	start := c.out.offset
	c.out.split = content == tlsmsg.ContentApplicationData && c.out.state != nil && c.out.state.Splits()
	for rest := raw; ; {
		n := min(len(rest), c.out.room())
		if err := c.sendRecord(content, rest[:n]); err != nil {
			return err
		}
		if rest = rest[n:]; len(rest) == 0 {
			break
		}
	}
	if c.events != nil {
		c.events(MessageEvent{Dir: Out, Content: content, Type: typ, Raw: bytes.Clone(raw),
			Encrypted: c.out.state != nil && !c.ignored(content), Offset: start, End: c.out.offset, Context: c.ctx, MeansNothing: c.ignored(content),
			Inner: c.innerOf(typ)})
	}
	return nil
}

// sendRecord makes one record.
func (c *conn[S]) sendRecord(typ tlsmsg.ContentType, fragment []byte) error {
	o := &c.out
	o.drop()
	start, overhead, state, outer := len(o.buf), 0, o.state, typ
	if c.ignored(typ) {
		state = nil
	}
	if state != nil {
		overhead, outer = state.Overhead(), state.Outer(typ)
	}
	o.buf = o.pool.Grow(o.buf, tlsmsg.RecordHeaderLen+len(fragment)+overhead)
	rec := tlsmsg.Record{Type: outer, Version: o.version, Fragment: fragment}
	if state == nil {
		o.buf = tlsmsg.AppendRecord(o.buf, rec)
	} else {
		rec.Fragment = nil
		b, err := state.Seal(tlsmsg.AppendRecord(o.buf, rec), typ, o.version, fragment)
		if err != nil {
			return &InternalError{What: "protecting a record", Err: err}
		}
		binary.BigEndian.PutUint16(b[start+3:], uint16(len(b)-start-tlsmsg.RecordHeaderLen))
		o.buf = b
	}
	if c.tamper != nil && c.tamper.Record != nil {
		o.buf = append(o.buf[:start], c.tamper.Record(bytes.Clone(o.buf[start:]))...)
	}
	offset := o.offset
	o.offset += int64(len(o.buf) - start)
	if c.events != nil {
		c.events(RecordEvent{Dir: Out, Type: outer, Version: o.version, Offset: offset,
			Wire: bytes.Clone(o.buf[start:]), Encrypted: state != nil, Inner: typ, Epoch: c.epochs.out, Plaintext: bytes.Clone(fragment)})
	}
	return nil
}
