// MPLS labels, and the frames below them.

package wire

import (
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/field"
)

// maxLabels bounds the MPLS labels of a packet.
const maxLabels = 8

// mpls reads a stack of labels (RFC 3032, section 2.1).
func (h *LinkHeader) mpls(c *field.Cursor) {
	bottom := false
	for n := 0; !bottom && c.Err() == nil; n++ {
		if n == maxLabels {
			h.stop(fmt.Sprintf("more than %d MPLS labels", maxLabels), true)
			return
		}
		c.Enter("MPLS")
		c.Uint32("label_stack_entry")
		h.Labels = append(slices.Clip(h.Labels), uint32(c.Bits("label", 12, 20)))
		c.Bits("traffic_class", 9, 3)
		bottom = c.Bits("bottom_of_stack", 8, 1) == 1
		c.Bits("time_to_live", 0, 8)
		c.Leave()
	}
	if c.Err() == nil && !beginsIP(c.Ahead()) {
		h.pseudowire(c)
	}
}

// pseudowire reads a frame below labels. Only the packet itself shows what it
// is (RFC 4928, section 3): a control word begins with four zero bits (RFC
// 4385, section 3), and an Ethernet frame comes after it or alone (RFC 4448).
func (h *LinkHeader) pseudowire(c *field.Cursor) {
	for _, control := range []bool{true, false} {
		if control && (len(c.Ahead()) == 0 || c.Ahead()[0]>>4 != 0) {
			continue
		}
		try, trial := *h, c.Trial()
		try.emulated(&trial, control)
		if trial.Err() == nil && try.what.Name == "" && beginsIP(trial.Ahead()) {
			h.emulated(c, control)
			return
		}
	}
	h.stop("MPLS with no IP packet and no frame that holds one", true)
}

func (h *LinkHeader) emulated(c *field.Cursor, control bool) {
	if control {
		c.Enter("Pseudowire")
		c.Uint32("control_word")
		c.Bits("sequence_number", 0, 16)
		c.Leave()
	}
	if h.begin() {
		h.ethernet(c)
	}
}
