package dissect_test

import (
	"fmt"
	"testing"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/test/frames"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
)

// captured is a frame as a capture gives it to an observer, or nil if it holds
// no IP packet.
func captured(p *capture.Packet) *transcript.Frame {
	ip, err := p.IP()
	if err != nil {
		return nil
	}
	return transcript.NewObserver(0, nil).Captured(&transcript.Sighting{
		Number: 1, Link: p.Link, Raw: p.Data, Packet: ip, Behind: p.Header.Behind, Lost: p.Length - len(p.Data)})
}

// Whatever a packet is carried in, each byte is a field of which the dictionary
// tells, and the segment is found; also where the capture cuts the frame off.
func TestEveryByteOfEveryEncapsulationBelongsToOneField(t *testing.T) {
	for _, kind := range frames.Kinds() {
		for _, six := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/six=%v", kind.Name, six), func(t *testing.T) {
				packets, back := frames.Connection(six, 40000, "example.com")
				for i, packet := range packets {
					raw := kind.Wrap(packet, back[i])
					whole := capture.Packet{Link: kind.Link, Data: raw, Length: len(raw)}
					f := captured(&whole)
					if f == nil || f.Segment == nil || f.Err != nil || f.BadChecksum {
						t.Fatalf("packet %d: %+v", i, f)
					}
					checkTunnel(t, &kind, &whole)
					s := new(dissect.Anatomy).Frame(f)
					covered(t, s)
					explained(t, s)
					if s.Err != nil {
						t.Errorf("packet %d: %v", i, s.Err)
					}
					if i > 0 {
						continue
					}
					for n := range raw {
						cut := captured(&capture.Packet{Link: kind.Link, Data: raw[:n], Length: len(raw)})
						if cut != nil {
							covered(t, new(dissect.Anatomy).Frame(cut))
						}
					}
				}
			})
		}
	}
}

func checkTunnel(t *testing.T, kind *frames.Kind, p *capture.Packet) {
	t.Helper()
	tunnels := p.Header.Tunnels
	switch {
	case kind.Tunnel == "" && len(tunnels) > 0, kind.Tunnel != "" && len(tunnels) == 0:
		t.Errorf("tunnels: %+v", tunnels)
	case kind.Tunnel == "" || kind.Tunnel == "ip":
	case tunnels[0].Kind != kind.Tunnel || tunnels[0].ID != kind.ID:
		t.Errorf("%+v, want %s with number %#x", tunnels[0], kind.Tunnel, kind.ID)
	}
}
