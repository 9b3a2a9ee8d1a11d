// Package step lets a person hold a connection before each packet that we send
// and after each that arrives, look at it, and decide what becomes of it.
//
// While somebody looks, our clock stands still: no timer of ours counts the time
// (link.Gate, rawtcp.StackConfig.Held), so that nothing is sent twice only
// because a person thinks slowly. The peer's clock runs on. What it sends again
// meanwhile waits at the gate and comes to be looked at in its turn, and a packet
// that was dropped is sent again by the timers, as on any bad line.
package step
