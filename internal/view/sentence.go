// A result in one sentence.

package view

import (
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
)

// Sentence puts a result into words for a person. It may hold text from the
// network: pass it through Escape before showing it.
func Sentence(r *transcript.Result) string {
	var parts []string
	if r.Link == "kernel" {
		parts = append(parts, "over the kernel's TCP, not ours")
	}
	if r.Version != 0 {
		agreed := text(r.Version)
		if !r.NoSuite {
			agreed += " with " + text(r.CipherSuite)
		}
		parts = append(parts, agreed)
		if r.Group != 0 {
			parts = append(parts, "key exchange over "+text(r.Group))
		}
		if r.ALPN != "" {
			parts = append(parts, "protocol "+r.ALPN)
		}
		if s := verified(r); s != "" {
			parts = append(parts, s)
		}
	}
	if r.RTT != 0 {
		parts = append(parts, "round trip "+milliseconds(r.RTT)+" ms")
	}
	if r.Handshake != 0 {
		parts = append(parts, "handshake "+milliseconds(r.Handshake)+" ms")
	}
	s := strings.ReplaceAll(r.Outcome, "_", " ")
	if r.Error != "" {
		if !strings.HasPrefix(r.Error, s) {
			s += ": "
		} else {
			s = ""
		}
		s += r.Error
		if len(parts) > 0 {
			s += ". So far: "
		}
	} else if len(parts) > 0 {
		s += ": "
	}
	return s + strings.Join(parts, ", ")
}

func verified(r *transcript.Result) string {
	switch {
	case r.PeerVerified:
		return "server verified"
	case r.Trusted:
		return "certificate verified, but not the whole handshake"
	case r.Judged:
		return "server not verified"
	}
	return ""
}

// text is the name of a registered number.
func text[T fmt.Stringer](v T) string { return v.String() }
