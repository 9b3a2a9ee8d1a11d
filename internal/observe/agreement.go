// Why TLS never began where a client has asked for it in another protocol.

package observe

import (
	"bytes"

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
	if failed == nil && o.answer != nil {
		failed = starttls.Watched(o.asked, o.answer)
	}
	if failed != nil {
		c.ending.preamble = failed
		c.recorder.Judged(c.last, transcript.TCP, "tls_not_agreed", "the client asked for TLS, and it never began: "+failed.Error(), failed)
	}
}

// follow takes note of a client that asks for TLS, and of what the server says to
// that: both may say other things afterwards.
func (o *opening) follow(dir transcript.Dir, b []byte) {
	if dir == transcript.In && (o.asked == "" || o.answer != nil) || len(b) > maxSaid {
		return
	}
	if dir == transcript.Out {
		if title := askedFor(o.said[0]); title != "" {
			o.asked, o.answer = title, nil
		}
		return
	}
	if d, asked := agreed(o.said[0], o.said[1]); asked && d == nil {
		o.answer = bytes.Clone(b)
	} else {
		o.asked = "" // it agrees
	}
}
