// What this machine does not allow or cannot do.

package goal

import (
	"errors"
	"fmt"
	"os"

	"github.com/rawshake/rawshake/internal/transcript"
)

// local finds what this machine itself does not allow or cannot do. It reports
// whether that is the whole reason.
func (d *diagnosis) local() bool {
	r := transcript.Reason{Layer: transcript.Link, What: d.said()}
	switch {
	case errors.Is(d.err, errPermission) && ofGuard(d.err):
		r.Code, r.Layer = "guard_not_allowed", transcript.Guard
		r.Remedy = Grant("cap_net_raw,cap_net_admin")
	case errors.Is(d.err, errPermission):
		r.Code = "not_allowed"
		r.Remedy = Grant("cap_net_raw") + "\n" +
			"Or leave TCP to the kernel and see the TLS alone, without any privilege: --link kernel\n" +
			"Or see a handshake without any privilege, in a private network: rawshake lab demo. What this machine allows: rawshake doctor"
	case errors.Is(d.err, errPortInUse):
		r.Code, r.Layer = "port_in_use", transcript.Guard
		r.Remedy = "Choose another port with --source-port, or leave the flag out."
	case errors.Is(d.err, errNoGuard):
		r.Code, r.Layer, r.Sure = "no_guard", transcript.Guard, transcript.Certain
		r.Remedy = "Use --guard auto, which takes one that works here; rawshake doctor says which do."
	case errors.Is(d.err, errNoRoute):
		r.Code, r.Remedy = "no_route", "Check the address, and the routes of this machine (ip route get ADDRESS)."
	case errors.Is(d.err, errNoNeighbour):
		r.Code, r.Remedy = "no_neighbour", "Check that the host, or the gateway to it, is up and on this network (ip neigh)."
	case errors.Is(d.err, errFiltered):
		r.Code, r.Sure = "filtered", transcript.Certain
		r.Remedy = "Let it out, or use the packet link, which goes below netfilter: --link packet. What is set up here: rawshake doctor"
	default:
		return false
	}
	d.add(r)
	return true
}

// passedBelow names the local rules that the packet link bypasses, if that can
// be why nobody answers.
func (d *diagnosis) passedBelow() {
	if n, ok := d.notes["output_nat"]; ok {
		d.add(transcript.Reason{Code: "output_nat", Layer: transcript.Link, Sure: transcript.Guess, What: n.text,
			Means:  "an address that only this machine translates, such as a service's in Kubernetes, has nobody who would answer",
			Remedy: "Go through this machine's netfilter: --link raw."})
	}
}

// Grant is the command that gives this very program capabilities.
func Grant(capabilities string) string {
	program, err := os.Executable()
	if err != nil {
		program = "rawshake"
	}
	return fmt.Sprintf("Grant it with: sudo setcap %s+ep %s", capabilities, program)
}
