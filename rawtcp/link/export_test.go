package link

// RingDescriptor is the socket of a packet ring.
func RingDescriptor(r Ring) int { return r.(*packetRing).fd }
