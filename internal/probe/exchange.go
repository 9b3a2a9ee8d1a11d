// The request to a target, and its reply.

package probe

import (
	"strings"

	"github.com/rawshake/rawshake/internal/conn/http1"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/record"
)

// A reply is what comes of a request.
type reply struct {
	sent    int  // of the request
	asked   bool // all of it is written
	data    []byte
	dataLen int
	follows *http1.Reply // of one request of HTTP/1: where it ends
	end     string       // how it ended
}

// newReply fails if the server chose a protocol that the request is not written in.
func (cs *connections) newReply(c *connection) (*reply, error) {
	if cs.o.Path == "" {
		var asked http1.Request
		_, _ = asked.Write(cs.o.Request)
		if m := asked.Method(); m != "" {
			return &reply{follows: &http1.Reply{Method: m}}, nil
		}
		return new(reply), nil
	}
	if chosen := c.session.TLS().State().ALPN; chosen != "" && !strings.HasPrefix(chosen, "http/") {
		return nil, &goal.ProtocolChoiceError{Chosen: chosen}
	}
	return &reply{follows: new(http1.Reply)}, nil
}

// exchange sends the request and takes the first bytes of the reply. It
// reports whether the result is made.
func (cs *connections) exchange(c *connection) bool {
	if c.reply == nil {
		r, err := cs.newReply(c)
		if err != nil {
			cs.failed(c, err)
			return true
		}
		c.reply = r
	}
	r := c.reply
	if !r.asked {
		request := cs.request(c)
		for n := 1; n > 0; r.sent += n {
			n = c.session.Write(request[r.sent:])
		}
		r.asked = r.sent == len(request)
	}
	for b := c.session.Peek(); len(b) > 0 && r.end == ""; b = c.session.Peek() {
		c.reach(record.StepData)
		r.take(b, cs.o.DataMax)
		c.session.Discard(len(b))
	}
	if r.end == "" && c.session.EOF() {
		r.end = record.EndNotified
	}
	switch {
	case r.end == "":
		return false // also where the connection failed: advance sees that
	case r.dataLen == 0:
		cs.failed(c, errNoReply)
	case r.end == record.EndNotified && r.missing() != "":
		cs.failed(c, &goal.ReplyCutError{Missing: r.missing()})
	default:
		cs.reached(c)
	}
	return true
}

// take takes bytes of the reply, and keeps at most so many.
func (r *reply) take(b []byte, most int) {
	r.data = append(r.data, b[:min(len(b), most-len(r.data))]...)
	r.dataLen += len(b)
	if r.follows != nil {
		r.follows.Write(b)
	}
	switch {
	case r.dataLen > len(r.data):
		r.end = record.EndLimit
	case r.follows != nil && r.follows.Complete():
		r.end = record.EndComplete
	case len(r.data) >= most:
		r.end = record.EndLimit
	}
}

// missing says how much is missing of a reply whose length is known.
func (r *reply) missing() string {
	if r.follows == nil {
		return ""
	}
	return r.follows.Missing()
}

// request is what is sent once the handshake is done.
func (cs *connections) request(c *connection) []byte {
	if cs.o.Path == "" {
		return cs.o.Request
	}
	host := c.target.Name
	if host == "" {
		host = c.target.Addr.String()
	}
	return http1.Get(cs.o.Path, http1.Host(host, c.target.Port))
}
