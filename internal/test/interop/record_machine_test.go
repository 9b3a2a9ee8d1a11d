package interop

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Blocks of a pcapng file whose options tell of the machine that made it, and
// which they are (draft-ietf-opsawg-pcapng, sections 4.1 and 4.2).
const (
	sectionBlock   = 0x0a0d0d0a
	interfaceBlock = 1
	byteOrderMagic = 0x1a2b3c4d
)

var machineOptions = map[uint32]struct {
	at    int // where the block's options begin
	codes []uint16
}{
	sectionBlock:   {24, []uint16{2, 3}},   // shb_hardware, shb_os
	interfaceBlock: {16, []uint16{12, 15}}, // if_os, if_hardware
}

// withoutMachine is a pcapng file without what dumpcap says of the machine's
// hardware and system. What is cut off at the end stays as it is.
func withoutMachine(b []byte) []byte {
	var out []byte
	var order binary.ByteOrder = binary.LittleEndian
	for len(b) >= 12 {
		typ := order.Uint32(b)
		if typ == sectionBlock { // the same in either order
			if order = binary.BigEndian; binary.LittleEndian.Uint32(b[8:]) == byteOrderMagic {
				order = binary.LittleEndian
			}
		}
		n := int(order.Uint32(b[4:]))
		if n < 12 || n > len(b) {
			break
		}
		block := b[:n]
		if m, ok := machineOptions[typ]; ok && m.at+4 < n {
			kept := slices.Concat(block[:m.at], optionsBut(m.codes, block[m.at:n-4], order), make([]byte, 4))
			order.PutUint32(kept[4:], uint32(len(kept)))
			order.PutUint32(kept[len(kept)-4:], uint32(len(kept)))
			block = kept
		}
		out, b = append(out, block...), b[n:]
	}
	return append(out, b...)
}

// optionsBut are a block's options without those of some codes: none at all if
// only their end is left.
func optionsBut(codes []uint16, b []byte, order binary.ByteOrder) []byte {
	var out []byte
	for len(b) >= 4 {
		code, n := order.Uint16(b), 4+(int(order.Uint16(b[2:]))+3)&^3
		if code == 0 || n > len(b) {
			break
		}
		if !slices.Contains(codes, code) {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	if len(out) == 0 {
		return nil
	}
	return append(out, 0, 0, 0, 0) // opt_endofopt
}

func forgetMachine(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, withoutMachine(b), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCapturesNameNoMachine holds the captures that are checked in to saying
// nothing of the hardware and the system that they were made on.
func TestCapturesNameNoMachine(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(capturesDir, "*.pcapng"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in %s: %v", capturesDir, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(withoutMachine(b), b) {
			t.Errorf("%s names the machine that made it", f)
		}
	}
}
