// Audits behind what precedes TLS.

package probe

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What precedes TLS is said on each connection of an audit, by machines that are lent,
// and what becomes of it is told from what is asked behind it.
func TestAuditsBehindAPreamble(t *testing.T) {
	const ssl = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
	want := newAuditNet(t, options(t, "443", "198.19.0.1")).run(t, 10*time.Minute)[0]
	for name, answer := range map[string]func(s *wire.Segment) []wire.Segment{
		"always yes": nil,
		"once a RST": func(s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.RST | wire.ACK, Seq: s.Ack, Ack: s.End()}}
		},
		"once an error": func(s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.ACK, Seq: s.Ack, Ack: s.End(), Window: 65000, Payload: []byte("E\x00\x00\x00\x1cSFATAL\x00C53300\x00Mtoo many\x00\x00")}}
		},
		"once silence": func(*wire.Segment) []wire.Segment { return nil },
		"once a FIN": func(s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.FIN | wire.ACK, Seq: s.Ack, Ack: s.End(), Window: 65000}}
		},
		"once a RST for the SYN": func(s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.RST | wire.ACK, Ack: s.Seq + 1}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			profile, err := starttls.NewProfile(starttls.Config{Protocol: "postgres", Keep: true})
			check(t, err)
			o := options(t, "443", "198.19.0.0/28")
			o.Preamble, o.AuditConnections = profile, 60
			n := newAuditNet(t, o)
			n.instead = func(p pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
				bad := nth%5 == 0 && answer != nil && (s.Flags == wire.SYN) == strings.HasSuffix(name, "SYN")
				switch {
				case bad && (s.Flags == wire.SYN || string(s.Payload) == ssl):
					return answer(s), true
				case string(s.Payload) == ssl:
					n.syns[p] = s.End() - 1 // where TLS begins
					return []wire.Segment{{Flags: wire.ACK, Seq: s.Ack, Ack: s.End(), Window: 65000, Payload: []byte("S")}}, true
				}
				return nil, false
			}
			for _, r := range n.run(t, time.Hour) {
				if r.Outcome != "audited" || !slices.Equal(r.offered(), want.offered()) || len(r.Audit.Versions) != len(want.Audit.Versions) {
					t.Errorf("%s: %s, %q of %d versions, not asked %+v", r.Addr, r.Outcome, r.offered(), len(r.Audit.Versions), r.Audit.NotAsked)
				}
			}
			seen := map[*starttls.Machine]bool{}
			for _, m := range n.loop.connections.talks {
				if seen[m] {
					t.Fatal("a machine was given back twice")
				}
				seen[m] = true
			}
			if len(seen) > 17 {
				t.Errorf("%d machines for 16 connections", len(seen))
			}
		})
	}
}
