// Finds the outcome of each connection that a list names.

package explain

import (
	"crypto/x509"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/observe"
	"github.com/rawshake/rawshake/internal/transcript"
)

const (
	// maxFollowed bounds the connections that are followed at the same time for
	// their outcome. The oldest makes room for a new one.
	maxFollowed = 1024
	// followLimit is how far each is followed, in bytes of packets. The outcome
	// of a handshake shows long before.
	followLimit = 4 << 20
)

// outcomes finds the outcome of each connection that a list may name.
type outcomes struct {
	roots    *x509.CertPool
	strict   bool
	secrets  observe.Secrets
	followed map[*observe.Summary]*observe.Connection
	order    []*observe.Summary // oldest first; may hold some that are no longer followed
}

// packet takes one packet of a connection.
func (o *outcomes) packet(of *observe.Summary, p *capture.Packet, ip []byte) {
	c := o.followed[of]
	switch {
	case c == nil && of.Packets > 1:
		if of.Result != nil && of.Bytes <= followLimit { // it had to make room before its end
			of.Result = nil
		}
		return
	case c == nil:
		c = o.follow(of, p)
	}
	c.Packet(p, ip)
	if of.Bytes > followLimit {
		o.over(of)
	}
}

func (o *outcomes) follow(of *observe.Summary, p *capture.Packet) *observe.Connection {
	if o.followed == nil {
		o.followed = map[*observe.Summary]*observe.Connection{}
	}
	for len(o.followed) >= maxFollowed {
		o.over(o.order[0])
		o.order = o.order[1:]
	}
	c := observe.NewConnection(of.Flow, p.At, transcript.KeepNothing, o.secrets, nil)
	c.JudgeBy(judgeBy(o.roots))
	if o.strict {
		c.StrictChecksums()
	}
	o.followed[of] = c
	o.order = append(o.order, of)
	return c
}

// over notes the outcome of a connection.
func (o *outcomes) over(of *observe.Summary) {
	if c := o.followed[of]; c != nil {
		result := c.Close("")
		of.Result = &result
		delete(o.followed, of)
	}
}

// end notes the outcomes of those that are still followed.
func (o *outcomes) end() {
	for of := range o.followed {
		o.over(of)
	}
}
