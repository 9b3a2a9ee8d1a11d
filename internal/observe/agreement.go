// Why TLS never began where a client has asked for it in another protocol.

package observe

import (
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/transcript"
)

// notAgreed finds at the end why TLS never began in a protocol in which the client
// has asked for it.
func (c *Connection) notAgreed() {
	o := &c.opening
	for dir := range c.halves {
		if h := &c.halves[dir]; h.tls || h.given || o.size[dir] == 0 {
			return
		}
	}
	whole := o.size[0] <= maxSaid && o.size[1] <= maxSaid
	var failed *starttls.Error
	if whole {
		failed = starttls.Judge(o.said[0], o.said[1])
	}
	if d, asked := askedFor(o.said[0], o.said[1]); failed == nil && asked {
		failed = starttls.Watched(d, o.said[1])
	}
	if failed != nil {
		c.ending.preamble = failed
		c.recorder.Judged(c.last, transcript.TCP, "tls_not_agreed", "the client asked for TLS, and it never began: "+failed.Error(), failed)
	}
}
