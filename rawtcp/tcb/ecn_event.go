// What a connection decides about congestion marks, as values for an observer.

package tcb

import (
	"fmt"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// ECNAgreed says that both sides use ECN from here on.
type ECNAgreed struct {
	Mode    wire.ECNMode
	Arrived wire.ECN // how the peer's SYN or SYN-ACK arrived
}

// ECNMangled says that new data is no longer sent as ECN-capable, since the path or the
// peer treats marks as no one may.
type ECNMangled struct{ Why string }

// CongestionMarked says that the peer tells of marks on our packets, for which the
// congestion window was reduced as for a loss.
type CongestionMarked struct {
	Marks    int // in accurate mode; otherwise 1
	SSThresh int // octets
}

// Name returns "ecn_agreed".
func (ECNAgreed) Name() string { return "ecn_agreed" }

// Name returns "ecn_mangled".
func (ECNMangled) Name() string { return "ecn_mangled" }

// Name returns "congestion_marked".
func (CongestionMarked) Name() string { return "congestion_marked" }

// String tells the mode, and how the peer's packet arrived where it was marked.
func (e ECNAgreed) String() string {
	text := fmt.Sprintf("both sides use %v ECN", e.Mode)
	if e.Arrived != wire.NotECT {
		text += fmt.Sprintf("; the peer's packet arrived as %v", e.Arrived)
	}
	return text
}

// String tells why.
func (e ECNMangled) String() string { return "no longer ECN-capable: " + e.Why }

// String tells how many packets were marked, and ssthresh in octets.
func (e CongestionMarked) String() string {
	packets := "a packet of ours was"
	if e.Marks > 1 {
		packets = fmt.Sprintf("%d packets of ours were", e.Marks)
	}
	return fmt.Sprintf("%s marked by a router that is congested: ssthresh is %d octets", packets, e.SSThresh)
}
