// Which drops of the receive ring count against the pace.

package probe

// received tells how many of the packets for which the receive ring had no room count
// against the pace. How fast we send makes no difference to packets that nobody asked
// for: a flood must not slow the scan down.
type received struct {
	arrived, astray uint64 // in all, and of no use, when last looked at
	dropped, others uint64 // and of those without room, in all, and the flood's
}

// ours is how many packets without room were answers to ours, or may have been.
func (r *received) ours(s *Stats) uint64 {
	arrived, astray, dropped := s.Link.Received, s.Stray+s.Late+s.Bad, s.Link.Dropped
	if 2*(astray-r.astray) > arrived-r.arrived {
		r.others += dropped - r.dropped
	}
	r.arrived, r.astray, r.dropped = arrived, astray, dropped
	return dropped - r.others
}
