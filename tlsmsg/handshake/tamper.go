// Faults of a server of any kind, for laboratories and tests of clients.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// A Tamper injects faults into what a server sends: it leaves messages out,
// repeats, reorders or changes them, or sends an alert at any point. Any func
// may be nil. [Fault] makes one for the usual ways.
type Tamper struct {
	// Messages is called for each message that is due, before it is put into
	// records and protected, and returns what is sent in its place: nothing,
	// the same, another, several. The transcript takes the handshake messages
	// that it returns, so that Finished alone does not reveal a change. Data
	// aliases the machine's storage: it must not be written to or kept.
	Messages func(due Outgoing) []Outgoing
	// Arrived is called for each whole message of the client, before the
	// machine processes it, and returns what is sent first. That is not part of
	// the transcript, and not passed to Messages. Data aliases the machine's
	// storage.
	Arrived func(got Incoming) []Outgoing
	// Record is called for each record as it goes on the wire, after
	// protection, and returns the bytes to send in its place: none, other
	// bytes, more.
	Record func(wire []byte) []byte
}

// Outgoing is a message that is sent: the content of records of one type.
type Outgoing struct {
	Content tlsmsg.ContentType
	Data    []byte // of a handshake message: header included
}

// Incoming is a message that arrived: the content of records of one type,
// decrypted. It comes from the network.
type Incoming Outgoing

// HandshakeType returns the type of a handshake message.
func (o *Outgoing) HandshakeType() (t tlsmsg.HandshakeType, ok bool) {
	if o.Content != tlsmsg.ContentHandshake || len(o.Data) == 0 {
		return 0, false
	}
	return tlsmsg.HandshakeType(o.Data[0]), true
}

// HandshakeType returns the type of a handshake message.
func (i *Incoming) HandshakeType() (t tlsmsg.HandshakeType, ok bool) {
	return (*Outgoing)(i).HandshakeType()
}

// sendTampered sends what is to be sent in a message's place.
func (c *conn[S]) sendTampered(due Outgoing) error {
	for _, o := range c.tamper.Messages(due) {
		typ, _ := o.HandshakeType()
		if o.Content == tlsmsg.ContentHandshake && typ != tlsmsg.TypeHelloRequest && c.stage < StageFinished { // RFC 5246, section 7.4.1.1
			c.transcript.Add(o.Data)
		}
		if err := c.sendRecords(o.Content, typ, o.Data); err != nil {
			return err
		}
	}
	return nil
}

// tamperOnArrival sends what is to be sent before a message is taken.
func (c *conn[S]) tamperOnArrival(got Incoming) {
	if c.tamper == nil || c.tamper.Arrived == nil || c.out.closed {
		return
	}
	for _, o := range c.tamper.Arrived(got) {
		typ, _ := o.HandshakeType()
		if err := c.sendRecords(o.Content, typ, o.Data); err != nil {
			c.end(err)
			return
		}
	}
	c.out.flush()
}
