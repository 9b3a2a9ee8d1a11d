package link

// RingDescriptor is the socket of a packet ring.
func RingDescriptor(r Ring) int { return r.(*packetRing).fd }

// BesideReceived is what the packet ring beside an AF_XDP ring has received.
func BesideReceived(r Ring) uint64 { return r.(*xdpRing).beside.received }
