// Packets that a stack sends in one call.

package rawtcp

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// What a stack sends in one call is bounded in packets and, where they are
// large, in bytes, give or take a packet.
const (
	maxInBurst   = 64
	maxBurstSize = 128 << 10
)

// A burst is what a stack sends in one call. It is used again and keeps its
// memory.
type burst struct {
	bytes   []byte // all packets, one after the other
	packets [][]byte
	at      []tcb.Instant // when each packet was made
}

// add takes a packet that was appended to b.bytes.
func (b *burst) add(now tcb.Instant, bytes []byte) {
	b.packets = append(b.packets, bytes[len(b.bytes):])
	b.at = append(b.at, now)
	b.bytes = bytes
}

func (b *burst) full() bool {
	return len(b.packets) >= maxInBurst || len(b.bytes) >= maxBurstSize
}

// show passes n packets to tap, from the one at i on. Err belongs to the last.
func (b *burst) show(tap func(Frame), i, n int, err error) {
	for j := i; j < i+n; j++ {
		f := Frame{At: time.Duration(b.at[j]), Out: true, Packet: b.packets[j]}
		if j == i+n-1 {
			f.Err = err
		}
		tap(f)
	}
}

func (b *burst) clear() {
	clear(b.packets)
	b.bytes, b.packets, b.at = b.bytes[:0], b.packets[:0], b.at[:0]
}
