package syn

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Each SYN goes where it should with what it should say, and its checksums, which are
// not computed anew, are right: as somebody else's decoder has it.
func TestEachSYNIsWholeAndSaysWhereItGoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for local, first := range map[string]gopacket.LayerType{"198.18.0.1": layers.LayerTypeIPv4, "2001:db8::1": layers.LayerTypeIPv6} {
		p := NewPackets(netip.MustParseAddr(local), 1400, 0)
		for range 1000 {
			to := netip.AddrFrom4([4]byte{198, 19, byte(random.Uint32()), byte(random.Uint32())})
			if p.Local.Is6() {
				b := p.Local.As16()
				b[14], b[15] = byte(random.Uint32()), byte(random.Uint32())
				to = netip.AddrFrom16(b)
			}
			remote, ours, iss, tsVal := uint16(random.Uint32()), uint16(random.Uint32()), random.Uint32(), random.Uint32()
			b := p.SYN(to, remote, ours, iss, tsVal)
			packet := gopacket.NewPacket(b, first, gopacket.Default)
			if packet.ErrorLayer() != nil {
				t.Fatal(packet.ErrorLayer())
			}
			flow, tcp := packet.NetworkLayer().NetworkFlow(), packet.TransportLayer().(*layers.TCP)
			if theirs := written(t, packet); !bytes.Equal(theirs, b) {
				t.Fatalf("% x, want % x", b, theirs)
			}
			if flow.Src().String() != local || flow.Dst().String() != to.String() {
				t.Fatalf("%v, want it to %v", flow, to)
			}
			if uint16(tcp.SrcPort) != ours || uint16(tcp.DstPort) != remote || tcp.Seq != iss || !tcp.SYN || tcp.ACK || len(tcp.Payload) > 0 {
				t.Fatalf("%+v", tcp)
			}
			var mss, ts bool
			for _, o := range tcp.Options {
				switch o.OptionType {
				case layers.TCPOptionKindMSS:
					mss = int(o.OptionData[0])<<8|int(o.OptionData[1]) == 1400
				case layers.TCPOptionKindTimestamps:
					ts = [4]byte(o.OptionData) == [4]byte{byte(tsVal >> 24), byte(tsVal >> 16), byte(tsVal >> 8), byte(tsVal)}
				}
			}
			if !mss || !ts {
				t.Fatalf("options %v, want an MSS of 1400 and the timestamp %d", tcp.Options, tsVal)
			}
		}
	}
}

// written is a packet as somebody else writes it, checksums and all.
func written(t *testing.T, p gopacket.Packet) []byte {
	t.Helper()
	tcp := p.TransportLayer().(*layers.TCP)
	tcp.SetNetworkLayerForChecksum(p.NetworkLayer())
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{ComputeChecksums: true}, p.NetworkLayer().(gopacket.SerializableLayer), tcp); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
