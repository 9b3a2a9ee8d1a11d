// Segments as scripts write them.

package simnet

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// segment reads a segment of the peer or of ours.
func (s *script) segment(line string, theirs bool) (g *wire.Segment, raw []byte, damaged bool, err error) {
	head, text, quoted := strings.Cut(line, ` "`)
	words := strings.Fields(head)
	g = &wire.Segment{SrcPort: scriptPort, DstPort: listenPort, Window: 65535}
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, "port="); ok {
			n, _ := strconv.Atoi(v)
			g.SrcPort = uint16(n)
		}
	}
	seq, ack := s.talk(g.SrcPort).iss, scriptIRS
	if theirs {
		seq, ack = scriptIRS, seq
	}
	for _, f := range strings.Split(words[0], "-") {
		i := strings.Index("FINSYNRSTPSHACKURGECECWR", f)
		if i < 0 || len(f) != 3 {
			return nil, nil, false, fmt.Errorf("what flag is %q?", f)
		}
		g.Flags |= 1 << (i / 3)
	}
	for _, w := range words[1:] {
		key, val, _ := strings.Cut(w, "=")
		n, _ := strconv.Atoi(val)
		switch key {
		case "seq":
			g.Seq = seq.Add(n)
		case "ack":
			g.Ack = ack.Add(n)
		case "win":
			g.Window = uint16(n)
		case "urg":
			g.Urgent = uint16(n)
		case "len":
			g.Payload = scriptText(val)
		case "mss":
			g.Options.AddMSS(uint16(n))
		case "ws":
			g.Options.AddWindowScale(uint8(n))
		case "sackok":
			g.Options.AddSACKPermitted()
		case "ts":
			var v, e uint32
			fmt.Sscanf(val, "%d,%d", &v, &e)
			g.Options.AddTimestamps(v, e)
		case "sack":
			g.Options.AddSACK(scriptBlocks(val, ack)...)
		case "raw":
			raw, err = hex.DecodeString(val)
			for range raw {
				g.Options.Add(wire.OptNOP)
			}
		case "damaged":
			damaged = true
		case "port":
		default:
			return nil, nil, false, fmt.Errorf("what is %q?", w)
		}
	}
	if quoted {
		g.Payload = scriptText(`"` + text)
	}
	return g, raw, damaged, err
}

func scriptBlocks(val string, base wire.Seq) (blocks []wire.SACKBlock) {
	for _, b := range strings.Split(val, ",") {
		var l, r int
		fmt.Sscanf(b, "%d-%d", &l, &r)
		blocks = append(blocks, wire.SACKBlock{Left: base.Add(l), Right: base.Add(r)})
	}
	return blocks
}

// differs names what differs between a segment and the line: the flags except
// PSH, the payload, and the fields that the line has.
func differs(line string, got, want *wire.Segment) string {
	has := func(key string) bool { return strings.Contains(line, " "+key) }
	switch {
	case got.Flags&^wire.PSH != want.Flags&^wire.PSH:
		return "kind of segment"
	case got.DstPort != want.SrcPort:
		return "port"
	case has("seq=") && got.Seq != want.Seq:
		return "seq"
	case has("ack=") && got.Ack != want.Ack:
		return "ack"
	case has("win=") && got.Window != want.Window:
		return "window"
	case has("urg=") && got.Urgent != want.Urgent:
		return "urgent pointer"
	case len(got.Payload) != len(want.Payload), !has("len=") && string(got.Payload) != string(want.Payload):
		return "payload"
	}
	for _, key := range []string{"mss=", "ws=", "sackok", "ts=", "sack="} {
		if has(key) && word(describeOptions(got, 0), key) != word(describeOptions(want, 0), key) {
			return strings.Trim(key, "=")
		}
	}
	return ""
}

// word is the word of a description that begins with key, or empty.
func word(text, key string) string {
	for _, w := range strings.Fields(text) {
		if strings.HasPrefix(w, key) {
			return w
		}
	}
	return ""
}
