// Names the packets of a capture that explain did not read.

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

// tellUnread names the packets that explain did not read: first those that may
// hold TCP out of its reach, then those of other protocols.
func (f *explainFlags) tellUnread(r *explain.Report) {
	var opaque, other []explain.Unread
	for _, u := range r.Unread {
		if u.Opaque {
			opaque = append(opaque, u)
		} else {
			other = append(other, u)
		}
	}
	if len(opaque) > 0 {
		fmt.Fprintln(os.Stderr, "rawshake: warning: packets that could not be read, and may hold TCP: "+listUnread(opaque))
	}
	if len(other) > 0 && !f.quiet {
		fmt.Fprintln(os.Stderr, "rawshake: packets that are no TCP: "+listUnread(other))
	}
}

// maxToldKinds bounds the kinds that are named.
const maxToldKinds = 12

// listUnread lists kinds of packets with their counts: "3 × ARP, 2 × …".
func listUnread(kinds []explain.Unread) string {
	var parts []string
	rest, packets := 0, 0
	for i, u := range kinds {
		if i < maxToldKinds {
			parts = append(parts, fmt.Sprintf("%d × %s", u.Packets, plain.Escape(u.Name)))
			continue
		}
		rest, packets = rest+1, packets+u.Packets
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s more", packets, count(rest, "kind")))
	}
	return strings.Join(parts, ", ")
}
