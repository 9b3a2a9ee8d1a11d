// What a server that has not read the encrypted ClientHello offers in its place.

package goal

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// echRejected explains a handshake that ended with the outer of two ClientHellos.
func (d *diagnosis) echRejected() {
	var e *handshake.ECHRejectedError
	if !errors.As(d.err, &e) {
		return
	}
	r := transcript.Reason{Code: "ech_rejected", Layer: transcript.TLS, Sure: transcript.Certain, What: e.Error(), Frames: frames(d.helloAt, d.serverAt)}
	switch {
	case e.RetryConfigs != nil:
		r.Means = fmt.Sprintf("the server, which speaks for %q, has other keys now than the one that the ClientHello was encrypted to", e.PublicName)
		r.Remedy = "Try again with what it offers: --ech-config " + base64.StdEncoding.EncodeToString(e.RetryConfigs)
	case !e.Verified:
		r.Means = fmt.Sprintf("whoever answers has no certificate for %q: what it says of its keys counts for nothing", e.PublicName)
		r.Remedy = "See which host that is; give the CA that its certificate is of with --ca, or another configuration with --ech-config."
	default:
		r.Means = fmt.Sprintf("the server, which speaks for %q, reads no encrypted ClientHello, or not any more", e.PublicName)
		r.Remedy = "Connect without --ech-config: the name is then there to be read on the way."
	}
	d.add(r)
}
