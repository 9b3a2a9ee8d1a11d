// Why a request got no whole reply.

package goal

import (
	"errors"

	"github.com/rawshake/rawshake/internal/transcript"
)

// reply says why a request got no whole reply although the handshake was
// complete. It reports whether that is the reason.
func (d *diagnosis) reply() bool {
	var cut *ReplyCutError
	var limit *ReplyLimitError
	var choice *ProtocolChoiceError
	r := transcript.Reason{Layer: transcript.TLS, Sure: transcript.Certain, What: d.said()}
	switch {
	case errors.As(d.err, &choice):
		r.Code, r.Frames = "protocol_chosen", frames(d.serverAt)
		r.Means = "no request was sent, since the server would not have understood it"
		r.Remedy = "Offer what the request is written in, --alpn http/1.1, or leave --alpn out."
	case errors.As(d.err, &limit):
		r.Code, r.Frames = "reply_limit", frames(d.data[transcript.In])
		r.Means, r.Remedy = "the bound is this side's own: the server had not ended its reply by then", "Raise the bound with --max-time."
		if limit.Size > 0 {
			r.Means, r.Remedy = "the bound is this side's own: the server sends more than that", "Raise the bound with --max-size."
		}
	case errors.As(d.err, &cut):
		r.Code, r.Frames = "reply_cut", frames(d.data[transcript.In], d.firstEnd(transcript.In))
		r.Means = "the reply says by itself that it is longer: the server gave up in the middle, or what it passes on broke off"
		if cut.Err != nil {
			r.Means += "; or somebody on the way cut it off (RFC 5246, section 7.2.1)"
		}
		r.Remedy = "Ask again; if it breaks off at the same place, look into the server's log."
	default:
		return false
	}
	d.add(r)
	return true
}
