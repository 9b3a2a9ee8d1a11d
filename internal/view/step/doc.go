// Package step lets a person stop a connection at each packet that is sent or
// arrives, look at the packet, and decide what happens to it.
//
// While somebody looks, our clock stands still: none of our timers counts the
// time (link.Gate, rawtcp.StackConfig.Held), so that nothing is retransmitted
// only because a person thinks slowly. The peer's clock runs on. What it
// retransmits meanwhile waits its turn to be looked at, and a dropped packet is
// retransmitted by the timers, as on any bad link.
package step
