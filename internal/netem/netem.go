// Package netem decides what happens to packets on a bad link: which are lost,
// duplicated or overtaken. It does no I/O and reads no clock; a relay asks it
// and does as it says.
//
// The same packets of the same traffic are affected each time. A packet's
// effect is drawn by a keyed hash of its part in the conversation, not by when
// it came: the third segment of data from the server, on the second connection
// from this client to that port, sent for the first time. The initial sequence
// numbers, ports, timestamps and randoms of a run do not change that, nor does
// the order in which conversations mix, nor the number of acknowledgments. Only
// different traffic does: other segment boundaries, one more connection.
//
// Packets of one conversation that are alike (bare acknowledgments, datagrams)
// are told apart by their order. ARP and neighbour discovery are left alone.
package netem

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Impairment says how bad a link is. The zero value is a clear link. Chances
// apply to each packet, in both directions.
type Impairment struct {
	Latency   time.Duration `yaml:"latency,omitempty"` // each way
	Jitter    time.Duration `yaml:"jitter,omitempty"`  // the most by which latency varies, up and down; it never reorders
	Loss      Chance        `yaml:"loss,omitempty"`
	Duplicate Chance        `yaml:"duplicate,omitempty"` // the copy follows at once
	Reorder   Chance        `yaml:"reorder,omitempty"`   // the chance of being overtaken by one to three later packets
	Rate      Rate          `yaml:"rate,omitempty"`      // each way; excess packets wait in a queue, and are lost if it is full

	// BlackHole, if not 0, is the size in bytes of the largest IP packet that
	// passes. Larger ones are lost without an ICMP message.
	BlackHole int `yaml:"black-hole,omitempty"`

	// Drop and Delay name packets that are lost, or overtaken by the next three,
	// on every connection, by the names that an Identity has: "> syn 1",
	// "< data 2 1".
	Drop  []string `yaml:"drop,omitempty"`
	Delay []string `yaml:"delay,omitempty"`
}

// Clear reports whether the link is not impaired.
func (w *Impairment) Clear() bool {
	return w.Latency == 0 && w.Jitter == 0 && w.Loss == 0 && w.Duplicate == 0 && w.Reorder == 0 && w.Rate == 0 &&
		w.BlackHole == 0 && len(w.Drop) == 0 && len(w.Delay) == 0
}

// Check returns an error if a property is out of range.
func (w *Impairment) Check() error {
	switch {
	case w.Latency < 0 || w.Latency > time.Minute:
		return fmt.Errorf("latency: %v, expected 0 to 1m", w.Latency)
	case w.Jitter < 0 || w.Jitter > time.Minute:
		return fmt.Errorf("jitter: %v, expected 0 to 1m", w.Jitter)
	case w.BlackHole != 0 && (w.BlackHole < 68 || w.BlackHole > 65535):
		return fmt.Errorf("black-hole: %d, expected 68 to 65535", w.BlackHole)
	}
	for what, names := range map[string][]string{"drop": w.Drop, "delay": w.Delay} {
		for _, name := range names {
			if !packetName.MatchString(name) {
				return fmt.Errorf("%s: %q names no packet, as \"> syn 1\", \"< data 2 1\", \"> ack 3\", \"< fin 1\" and \"> rst 1\" do", what, name)
			}
		}
	}
	return nil
}

// packetName is how an [Identity] names packets; other protocols than TCP have
// only a number.
var packetName = regexp.MustCompile(`^[<>] ((syn|rst|fin|ack) |data [1-9][0-9]* )?[1-9][0-9]*$`)

// A Chance is a probability, written as "5%" or "0.05".
type Chance float64

// UnmarshalText reads a chance.
func (c *Chance) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("%q is not a chance, such as 5%% or 0.05", text)
	}
	*c = Chance(v)
	return nil
}

// Set and Type make a Chance a flag.
func (c *Chance) Set(s string) error { return c.UnmarshalText([]byte(s)) }

// Type names the value of a flag.
func (c *Chance) Type() string { return "chance" }

// String is the chance in percent.
func (c Chance) String() string { return strconv.FormatFloat(float64(c)*100, 'g', -1, 64) + "%" }

// MarshalText writes a chance.
func (c Chance) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// A Rate is in bits per second, written as "512kbit", "10mbit" or "1gbit"; 0 is
// no limit.
type Rate float64

var units = []struct {
	name string
	bits float64
}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

// UnmarshalText reads a rate.
func (r *Rate) UnmarshalText(text []byte) error {
	s := strings.ToLower(strings.TrimSpace(string(text)))
	if s == "0" {
		*r = 0
		return nil
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v*u.bits >= 1 && v*u.bits <= 1e12) {
			break
		}
		*r = Rate(v * u.bits)
		return nil
	}
	return fmt.Errorf("%q is not a rate, such as 512kbit, 10mbit or 1gbit", text)
}

// Set and Type make a Rate a flag.
func (r *Rate) Set(s string) error { return r.UnmarshalText([]byte(s)) }

// Type names the value of a flag.
func (r *Rate) Type() string { return "rate" }

// String is the rate as it is written in a topology file.
func (r Rate) String() string {
	for _, u := range units {
		if float64(r) >= u.bits {
			return strconv.FormatFloat(float64(r)/u.bits, 'g', -1, 64) + u.name
		}
	}
	return "0"
}

// MarshalText writes a rate.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// An Effect is what happens to one packet.
type Effect struct {
	Lost        bool
	Twice       bool
	OvertakenBy int           // how many later packets overtake it
	Jitter      time.Duration // how much later, or earlier, than the latency it arrives
}

// MaxOvertaking is three, which makes three duplicate ACKs (RFC 5681, section
// 3.2), so that a sender takes some reordering for loss.
const MaxOvertaking = 3

// Draws are the random numbers that decide about one packet: from 0 to 1, but
// Behind is below MaxOvertaking.
type Draws struct {
	Loss, Duplicate, Reorder Chance
	Behind                   int
	Later                    Chance
}

// Draw draws for one packet from a generator of the caller's. It draws the same
// number of times for each packet, so that what happens to the next one does not
// depend on this one.
func (w *Impairment) Draw(rng *rand.Rand) Draws {
	chance := func() Chance { return Chance(rng.Float64()) }
	d := Draws{Loss: chance(), Duplicate: chance(), Reorder: chance(), Behind: rng.IntN(MaxOvertaking)}
	if w.Jitter > 0 {
		d.Later = chance()
	}
	return d
}

// Effect is what the impairment does to a packet of n bytes, by the draws. Those
// that are named to be dropped or delayed are none of its business.
func (w *Impairment) Effect(d Draws, n int) Effect {
	e := Effect{
		Lost:   d.Loss < w.Loss || w.BlackHole > 0 && n > w.BlackHole,
		Twice:  d.Duplicate < w.Duplicate,
		Jitter: time.Duration((2*float64(d.Later) - 1) * float64(w.Jitter)),
	}
	if d.Reorder < w.Reorder {
		e.OvertakenBy = 1 + d.Behind
	}
	return e
}

// Effects decides what happens on one link, in both directions.
type Effects struct {
	impairment Impairment
	key        [16]byte
	flows      flows
}

// Change sets another impairment for the packets to come. The names of packets
// go on, and so do the draws, which depend on the names alone.
func (f *Effects) Change(w Impairment) { f.impairment = w }

// NewEffects returns the effects that a seed gives one of the lab's links.
func NewEffects(w Impairment, seed uint64, link int) *Effects {
	f := &Effects{impairment: w}
	binary.BigEndian.PutUint64(f.key[:], seed)
	binary.BigEndian.PutUint64(f.key[8:], uint64(link))
	return f
}

// Decide says what happens to an IP packet that enters the link. The identity
// is the packet's name, empty for one that is left alone.
func (f *Effects) Decide(packet []byte) (effect Effect, who Identity) {
	who, ok := f.flows.identify(packet)
	if !ok {
		return Effect{}, who
	}
	effect = f.impairment.Effect(f.draw(who), len(packet))
	effect.Lost = effect.Lost || slices.Contains(f.impairment.Drop, who.Packet)
	if slices.Contains(f.impairment.Delay, who.Packet) {
		effect.OvertakenBy = MaxOvertaking
	}
	return effect, who
}

// draw derives numbers from 0 to 1, and one below MaxOvertaking, from a
// packet's identity.
func (f *Effects) draw(who Identity) Draws {
	h := sha256.New()
	h.Write(f.key[:])
	h.Write([]byte(who.String()))
	sum := h.Sum(nil)
	number := func(n uint64) Chance { return Chance(float64(n>>11) / (1 << 53)) }
	chance := func(i int) Chance { return number(binary.BigEndian.Uint64(sum[i:])) }
	later := number(binary.BigEndian.Uint64(sum[24:]) << 8) // without the bits that Behind is made of
	return Draws{Loss: chance(0), Duplicate: chance(8), Reorder: chance(16), Behind: int(sum[24]) % MaxOvertaking, Later: later}
}
