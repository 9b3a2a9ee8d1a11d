package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// A Tamper makes a server misbehave on purpose, for laboratories and tests of
// clients: leave messages out, repeat, reorder or change them, send an alert at
// any point. Either func may be nil.
type Tamper struct {
	// Messages is asked for each message that is due, before it is put into
	// records and protected, and returns what is sent in its place: none, the
	// same, another, several. Handshake messages that it returns are what the
	// transcript counts, so that a change is not found by Finished alone. Data
	// of the message alias the machine's storage and are not to be written to.
	Messages func(due Outgoing) []Outgoing
	// Record is asked for each record as it goes on the wire, after protection,
	// and returns the bytes to send in its place.
	Record func(wire []byte) []byte
}

// Outgoing is a message that is sent: the content of records of one type.
type Outgoing struct {
	Content tlsmsg.ContentType
	Data    []byte // of a handshake message: header included
}

// HandshakeType returns the type of a handshake message.
func (o *Outgoing) HandshakeType() (t tlsmsg.HandshakeType, ok bool) {
	if o.Content != tlsmsg.ContentHandshake || len(o.Data) == 0 {
		return 0, false
	}
	return tlsmsg.HandshakeType(o.Data[0]), true
}

// sendTampered sends what is to be sent in a message's place.
func (c *conn[S]) sendTampered(due Outgoing) error {
	for _, o := range c.tamper.Messages(due) {
		typ, _ := o.HandshakeType()
		if o.Content == tlsmsg.ContentHandshake {
			c.transcript.Add(o.Data)
		}
		if err := c.sendRecords(o.Content, typ, o.Data); err != nil {
			return err
		}
	}
	return nil
}
