// Initial sequence numbers and timestamp offsets that nobody else can predict.

package endpoint

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// isnTick is how long the ISN clock takes for one step (RFC 9293, section
// 3.4.1: about every four microseconds).
const isnTick = 4 * time.Microsecond

// InitialSequence returns the initial sequence number for a connection: ISN = M
// + F(addresses, ports, secret), RFC 6528, section 3. The clock M keeps
// successive connections apart (RFC 9293, MUST-8), the keyed hash F keeps
// off-path attackers guessing (SHLD-1, MUST-9).
func (e *Endpoint) InitialSequence(now tcb.Instant, local, remote netip.AddrPort) wire.Seq {
	ticks := uint32(now.Sub(0) / isnTick)
	return wire.Seq(ticks + e.flowHash("isn", local, remote))
}

// TimestampOffset returns where a connection's timestamp clock begins, in
// milliseconds: another keyed hash, so that the values reveal nothing about the
// host (RFC 7323, section 5.4).
func (e *Endpoint) TimestampOffset(local, remote netip.AddrPort) uint32 {
	return e.flowHash("timestamp", local, remote)
}

func (e *Endpoint) flowHash(use string, local, remote netip.AddrPort, more ...uint32) uint32 {
	var buf [128]byte
	b := append(buf[:0], e.cfg.Secret[:]...)
	b = append(b, use...)
	for _, a := range [...]netip.AddrPort{local, remote} {
		ip := a.Addr().As16()
		b = append(b, ip[:]...)
		b = binary.BigEndian.AppendUint16(b, a.Port())
	}
	for _, m := range more {
		b = binary.BigEndian.AppendUint32(b, m)
	}
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint32(sum[:])
}
