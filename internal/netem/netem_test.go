package netem

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A talk makes the packets of one connection, with sequence numbers and a port
// of its own.
type talk struct {
	client, server netip.AddrPort
	iss, irs       wire.Seq
}

func newTalk() *talk {
	return &talk{
		client: netip.AddrPortFrom(netip.MustParseAddr("198.18.0.1"), uint16(30000+rand.IntN(20000))),
		server: netip.MustParseAddrPort("198.18.0.2:443"),
		iss:    wire.Seq(rand.Uint32()), irs: wire.Seq(rand.Uint32()),
	}
}

// packet is one from the client, or back.
func (t *talk) packet(back bool, flags wire.Flags, at, n int) []byte {
	from, to, seq := t.client, t.server, t.iss
	if back {
		from, to, seq = t.server, t.client, t.irs
	}
	s := wire.Segment{SrcPort: from.Port(), DstPort: to.Port(), Seq: seq.Add(at), Flags: flags, Payload: make([]byte, n)}
	segment := s.AppendTo(nil, from.Addr(), to.Addr())
	h := make([]byte, 20, 20+len(segment))
	h[0], h[8], h[9] = 0x45, 64, wire.ProtocolTCP
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(segment)))
	binary.BigEndian.PutUint16(h[4:], uint16(rand.Uint32()))
	copy(h[12:], from.Addr().AsSlice())
	copy(h[16:], to.Addr().AsSlice())
	return append(h, segment...)
}

func TestAPacketIsNamedByWhatItIsInItsConversation(t *testing.T) {
	var f flows
	c := newTalk()
	for _, step := range []struct {
		packet []byte
		want   string
	}{
		{c.packet(false, wire.SYN, 0, 0), "> syn 1"},
		{c.packet(false, wire.SYN, 0, 0), "> syn 2"},
		{c.packet(true, wire.SYN|wire.ACK, 0, 0), "< syn 1"},
		{c.packet(false, wire.ACK, 1, 0), "> ack 1"},
		{c.packet(false, wire.ACK, 1, 100), "> data 1 1"},
		{c.packet(false, wire.ACK, 101, 100), "> data 2 1"},
		{c.packet(false, wire.ACK, 1, 100), "> data 1 2"},
		{c.packet(false, wire.ACK, 51, 50), "> data 1 3"}, // cut anew
		{c.packet(false, wire.ACK, 201, 7), "> data 3 1"},
		{c.packet(true, wire.ACK, 1, 9), "< data 1 1"},
		{c.packet(true, wire.ACK|wire.FIN, 10, 0), "< fin 1"},
		{c.packet(false, wire.RST, 208, 0), "> rst 1"},
	} {
		who, ok := f.identify(step.packet)
		if !ok || who.Packet != step.want || who.Flow != "tcp 198.18.0.1 > 198.18.0.2:443 #1" {
			t.Errorf("%v, %v, want %s", who, ok, step.want)
		}
	}
	if who, _ := f.identify(newTalk().packet(false, wire.SYN, 0, 0)); !strings.HasSuffix(who.Flow, " #2") {
		t.Errorf("the second connection is %v", who)
	}
	// The same port again, for another connection.
	c.iss += 1 << 20
	if who, _ := f.identify(c.packet(false, wire.SYN, 0, 0)); !strings.HasSuffix(who.Flow, " #3") || who.Packet != "> syn 1" {
		t.Errorf("the third connection is %v", who)
	}
}

// effects are those of a connection's packets, whatever its numbers and however
// its packets mix with another's.
func effects(seed uint64, mixed bool) (list []Effect) {
	f := NewEffects(Impairment{Loss: 0.2, Duplicate: 0.2, Reorder: 0.2}, seed, 0)
	one, other := newTalk(), newTalk()
	other.server = netip.MustParseAddrPort("198.18.0.2:80")
	decide := func(back bool, flags wire.Flags, at, n int) {
		if mixed {
			f.Decide(other.packet(back, flags, at, n))
		}
		effect, _ := f.Decide(one.packet(back, flags, at, n))
		list = append(list, effect)
	}
	decide(false, wire.SYN, 0, 0)
	decide(true, wire.SYN|wire.ACK, 0, 0)
	for i := range 50 {
		decide(i%2 == 0, wire.ACK, 1+100*i, 100)
	}
	return list
}

func TestASeedDecidesWhateverElseDiffers(t *testing.T) {
	first := effects(42, false)
	if !slices.Equal(first, effects(42, false)) || !slices.Equal(first, effects(42, true)) {
		t.Error("the same packets have other effects")
	}
	if slices.Equal(first, effects(43, false)) {
		t.Error("another seed makes the same effects")
	}
}

// As many are lost as should be.
func TestChancesAreWhatTheySay(t *testing.T) {
	const n = 20000
	f := NewEffects(Impairment{Loss: 0.1, Duplicate: 0.3, Reorder: 0.02}, 1, 0)
	c := newTalk()
	lost, twice, behind := 0, 0, 0
	for i := range n {
		effect, _ := f.Decide(c.packet(false, wire.ACK, i*10, 10))
		if effect.Lost {
			lost++
		}
		if effect.Twice {
			twice++
		}
		if effect.OvertakenBy > 0 {
			behind++
		}
	}
	for what, v := range map[string][2]int{"lost": {lost, n / 10}, "doubled": {twice, n * 3 / 10}, "overtaken": {behind, n / 50}} {
		if v[0] < v[1]*8/10 || v[0] > v[1]*12/10 {
			t.Errorf("%d of %d are %s, want about %d", v[0], n, what, v[1])
		}
	}
}

func TestNamedPacketsAndLargeOnesAreLost(t *testing.T) {
	f := NewEffects(Impairment{Drop: []string{"> syn 1"}, Delay: []string{"> data 1 1"}, BlackHole: 500}, 0, 0)
	c := newTalk()
	for _, step := range []struct {
		packet []byte
		want   Effect
	}{
		{c.packet(false, wire.SYN, 0, 0), Effect{Lost: true}},
		{c.packet(false, wire.SYN, 0, 0), Effect{}},
		{c.packet(false, wire.ACK, 1, 10), Effect{OvertakenBy: MaxOvertaking}},
		{c.packet(false, wire.ACK, 11, 460), Effect{}},
		{c.packet(false, wire.ACK, 471, 461), Effect{Lost: true}},
	} {
		if got, who := f.Decide(step.packet); got != step.want {
			t.Errorf("%v: %+v, want %+v", who, got, step.want)
		}
	}
}

// Neighbour discovery and whatever is no IP packet are left alone, and nothing
// grows without bound.
func TestStrangePacketsAndEndlessTrafficDoNoHarm(t *testing.T) {
	f := NewEffects(Impairment{Loss: 1}, 0, 0)
	solicitation := append([]byte{0x60, 0, 0, 0, 0, 24, wire.ProtocolICMPv6, 255}, make([]byte, 32+24)...)
	solicitation[40] = 135
	for _, p := range [][]byte{nil, {0x45}, make([]byte, 40), solicitation} {
		if effect, _ := f.Decide(p); effect.Lost {
			t.Errorf("%x is lost", p)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		p := newTalk().packet(false, wire.SYN, 0, rng.IntN(40))
		for range rng.IntN(4) {
			p[rng.IntN(len(p))] ^= byte(rng.Uint32())
		}
		f.Decide(p[:rng.IntN(len(p)+1)])
	}
	for range maxFlows + 1000 {
		c := newTalk()
		c.client = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 19, byte(rng.Uint32()), byte(rng.Uint32())}), uint16(rng.Uint32()))
		f.Decide(c.packet(false, wire.SYN, 0, 0))
	}
	c := newTalk()
	for i := range 3 * maxStarts {
		f.Decide(c.packet(false, wire.ACK, 1+i*10, 10))
	}
	if n := len(f.flows.known); n > maxFlows {
		t.Errorf("%d flows are kept", n)
	}
	for _, fl := range f.flows.known {
		if n := len(fl.directions[0].starts); n > maxStarts+1 {
			t.Errorf("%d segments are kept", n)
		}
	}
}

func TestALineDelaysBoundsAndLetsOvertake(t *testing.T) {
	at := time.Unix(0, 0)
	l := NewLine(Impairment{Latency: 10 * time.Millisecond, Rate: 8e6}) // a byte a microsecond
	l.Put(at, []byte("late"), Effect{OvertakenBy: 2})
	for _, f := range []string{"1", "2", "3"} {
		l.Put(at, []byte(f), Effect{Twice: f == "3"})
	}
	l.Put(at, []byte("gone"), Effect{Lost: true})
	if f, wait := l.Take(at); f != nil || wait < 10*time.Millisecond {
		t.Errorf("%s leaves at once", f)
	}
	var order []string
	for at = at.Add(time.Second); ; {
		f, _ := l.Take(at)
		if f == nil {
			break
		}
		order = append(order, string(f))
	}
	if got := strings.Join(order, " "); got != "1 2 late 3 3" {
		t.Errorf("they arrive as %s", got)
	}
	// One that nobody overtakes is not kept for ever.
	l.Put(at, []byte("alone"), Effect{OvertakenBy: 3})
	if f, _ := l.Take(at.Add(time.Second)); string(f) != "alone" {
		t.Errorf("%q arrives", f)
	}
	big := make([]byte, 1<<16)
	taken := 0
	for range 1000 {
		if l.Put(at, big, Effect{}) {
			taken++
		}
	}
	if taken*len(big) > queueBytes {
		t.Errorf("%d bytes are under way", taken*len(big))
	}
}

// Due is the time at which Take first gives something, and Waiting what has not
// left yet.
func TestAQueueTellsWhenThereIsSomethingToTake(t *testing.T) {
	at := time.Unix(0, 0)
	w := Impairment{Latency: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Rate: 8e5, Reorder: 0.3}
	q, rng := NewQueue[int](w), rand.New(rand.NewPCG(1, 2))
	if due, ok := q.Due(); ok || q.Waiting(at) != 0 {
		t.Fatalf("an empty queue gives something at %v", due)
	}
	for i := range 100 {
		q.Put(at, i, 100, w.Effect(w.Draw(rng), 100)) // a millisecond each
	}
	if n := q.Waiting(at); n != 10000 {
		t.Errorf("%d bytes wait, expected 10000", n)
	}
	if n := q.Waiting(at.Add(40 * time.Millisecond)); n != 6000 {
		t.Errorf("%d bytes wait after 40 ms, expected 6000", n)
	}
	for range 100 {
		due, ok := q.Due()
		if _, _, early := q.Take(due.Add(-1)); early || !ok {
			t.Fatalf("something comes before %v", due)
		}
		if _, _, ok := q.Take(due); !ok {
			t.Fatalf("nothing comes at %v", due)
		}
	}
}

// The nth packet draws the same, whatever befalls those before it.
func TestDrawsOfAPacketDoNotDependOnOthers(t *testing.T) {
	draws := func(w Impairment) (list []Draws) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 50 {
			list = append(list, w.Draw(rng))
		}
		return list
	}
	if !slices.Equal(draws(Impairment{}), draws(Impairment{Loss: 1, Duplicate: 1, Reorder: 1})) {
		t.Error("losses change what later packets draw")
	}
}

func TestChancesAndRatesAreReadAsTheyAreWritten(t *testing.T) {
	var c Chance
	for text, want := range map[string]Chance{"5%": 0.05, "0.5": 0.5, "100%": 1, "0": 0} {
		if err := c.Set(text); err != nil || c != want {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
	var r Rate
	for text, want := range map[string]Rate{"10mbit": 1e7, "1gbit": 1e9, "512 kbit": 512e3, "9bit": 9} {
		if err := r.Set(text); err != nil || r != want {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "-1%", "101%", "NaN", "five"} {
		if c.Set(text) == nil {
			t.Errorf("the chance %q is taken", text)
		}
	}
	for _, text := range []string{"", "10", "0mbit", "-1mbit", "NaNbit", "1e30gbit"} {
		if r.Set(text) == nil {
			t.Errorf("the rate %q is taken", text)
		}
	}
}
