package tcb

import (
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A peer that uses timestamps may drop a segment without them (RFC 7323,
// section 3.2): a RST has them, too, whatever it is for.
func TestEveryRSTOfAConnectionHasTheTimestampsThatWereAgreed(t *testing.T) {
	for what, provoke := range map[string]func(*talk){
		"abort":              func(k *talk) { k.c.Abort() },
		"octets not read":    func(k *talk) { k.send(`ACK seq=1 ack=1 ts=5,0 "x"`); k.expect("ACK ack=2"); k.c.Close() },
		"octets after Close": func(k *talk) { k.c.Close(); k.expect("FIN-ACK"); k.send(`ACK seq=1 ack=2 ts=5,0 "x"`) },
	} {
		for _, agreed := range []bool{true, false} {
			k := reach(t, Established, func(c *Config) {
				if agreed {
					c.SYNOptions, c.TimestampOffset = nil, 12345
				}
			})
			provoke(k)
			s := k.expect("RST")
			if val, ecr, ok := s.Options.Timestamps(); ok != agreed || agreed && val != k.c.tsVal(k.now) || ecr != 0 {
				t.Errorf("%s, timestamps agreed: %v; the RST has %d,%d, %v", what, agreed, val, ecr, ok)
			}
		}
	}
	k := reach(t, SynReceived, func(c *Config) { c.SYNOptions = nil })
	k.expect("SYN-ACK")
	k.send("ACK seq=1 ack=9 ts=2,0")
	if s := k.expect("RST seq=9"); s.Options.IsZero() {
		t.Error("a RST in SYN-RECEIVED has no timestamps")
	}
	k = reach(t, SynSent, func(c *Config) { c.SYNOptions = nil })
	k.send("SYN-ACK seq=0 ack=9 ts=2,0")
	if s := k.expect("RST seq=9"); !s.Options.IsZero() {
		t.Error("a RST before anything was agreed has options")
	}
	var in, out wire.Segment
	in.Flags = wire.ACK
	if !out.ResetOf(&in) || !out.Options.IsZero() {
		t.Error("a RST of no connection has options")
	}
}
