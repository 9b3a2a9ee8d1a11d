package syn

import (
	"net/netip"
	"testing"
)

// What a SYN says depends on each part of its four-tuple that is not our address, and
// on the key, and on nothing else.
func TestASequenceNumberIsOfItsFourTupleAndKey(t *testing.T) {
	type four struct {
		a             string
		remote, local uint16
	}
	m, same, other := NewMAC([16]byte{1}), NewMAC([16]byte{1}), NewMAC([16]byte{2})
	seen := make(map[uint32]four)
	for _, f := range []four{{"198.18.0.1", 443, 40000}, {"198.18.0.2", 443, 40000}, {"198.18.0.1", 444, 40000}, {"198.18.0.1", 443, 40001},
		{"2001:db8::1", 443, 40000}, {"2001:db8::2", 443, 40000}, {"2001:db8:1::1", 443, 40000}, {"::ffff:198.18.0.1", 443, 40000}} {
		a := netip.MustParseAddr(f.a)
		iss, offset := m.Sequence(a, f.remote, f.local)
		if again, its := same.Sequence(a, f.remote, f.local); again != iss || its != offset {
			t.Errorf("%v: %d and then %d", f, iss, again)
		}
		if its, _ := other.Sequence(a, f.remote, f.local); its == iss {
			t.Errorf("%v: %d under two keys", f, iss)
		}
		if was, ok := seen[iss]; ok {
			t.Errorf("%v has the number of %v", f, was)
		}
		seen[iss] = f
	}
}
