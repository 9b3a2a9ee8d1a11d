// How a connection ended.

package transcript

import (
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A Result says how a connection ended. A zero value means that a thing is not
// known: nothing was negotiated, no round trip was measured.
type Result struct {
	OK           bool   // whether it reached its goal
	Outcome      string // one word for programs: "finished", "refused", "timeout", …
	Link         string // "packet", "raw", or "kernel": then TCP was the kernel's
	Version      tlsmsg.Version
	CipherSuite  tlsmsg.CipherSuite
	NoSuite      bool // Version is known, but CipherSuite could not be read
	Group        tlsmsg.NamedGroup
	ALPN         string
	Judged       bool          // whether the certificate was judged at all
	Trusted      bool          // its chain and name are good; whether the server has its key is another question
	PeerVerified bool          // chain, name and the server's signature were all good
	RTT          time.Duration // from the SYN to its SYN-ACK, or the kernel's own figure; 0 if either was retransmitted
	Handshake    time.Duration // from the frame of the ClientHello to that of the later Finished
	Error        string        // what went wrong, at which layer; may hold text from the network
	Reasons      []Reason      // why, the weightiest first, and what to do about it
}
