package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// linkTypeRaw is LINKTYPE_RAW: packets that begin with their IP header.
const linkTypeRaw = layers.LinkType(101)

// Info describes a capture to whoever opens it. Empty strings are left out.
type Info struct {
	Application string // "rawshake 0.1"
	Comment     string // of the whole file
	Interface   string // its name: "eth0"
	Description string // of the interface: how packets were taken
}

// A Writer writes IP packets to a pcapng file, with nanosecond timestamps.
// Every packet reaches the file in one write before Packet returns, so that
// what a killed process leaves behind can be read.
//
// After the first error a writer writes no more: see [Writer.Packet].
type Writer struct {
	dst  io.Writer
	file *os.File // dst, where it is a file of ours
	name string   // for errors
	size int64    // of the whole blocks written

	block bytes.Buffer // one block, on its way to dst
	ng    *pcapgo.NgWriter
	err   error
}

// Create makes a capture file at path, in place of one that is there.
func Create(path string, info Info) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("capture: %w: choose a path that can be written", err)
	}
	w, err := newWriter(f, f, path, info)
	if err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// NewWriter writes a capture to dst, such as a pipe. Close does not close dst.
func NewWriter(dst io.Writer, info Info) (*Writer, error) { return newWriter(dst, nil, "output", info) }

func newWriter(dst io.Writer, file *os.File, name string, info Info) (*Writer, error) {
	w := &Writer{dst: dst, file: file, name: name}
	ng, err := pcapgo.NewNgWriterInterface(&w.block, pcapgo.NgInterface{
		Name: fits(info.Interface), Description: fits(info.Description), OS: runtime.GOOS,
		LinkType: linkTypeRaw, TimestampResolution: 9,
	}, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{
		Application: fits(info.Application), Comment: fits(info.Comment), Hardware: runtime.GOARCH, OS: runtime.GOOS,
	}})
	if err != nil {
		return nil, err
	}
	w.ng = ng
	if err := w.flush(); err != nil {
		return nil, err
	}
	return w, nil
}

// fits cuts a string to what an option can hold: its length has 16 bits.
func fits(s string) string { return s[:min(len(s), math.MaxUint16)] }

// Packet writes one IP packet. The error is returned once; from then on the
// writer drops packets and returns nil, so that a run goes on without its
// capture. What was written before stays readable.
func (w *Writer) Packet(at time.Time, packet []byte) error {
	if w.err != nil {
		return nil
	}
	err := w.ng.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(packet), Length: len(packet)}, packet)
	if err != nil { // into memory: only a packet that cannot be described
		w.err = fmt.Errorf("capture: %w", err)
		return w.err
	}
	return w.flush()
}

// flush moves the finished block to dst in one write. Half a block, on a full
// disk, is taken back.
func (w *Writer) flush() error {
	w.ng.Flush() // into memory
	n, err := w.dst.Write(w.block.Bytes())
	if err == nil && n < w.block.Len() {
		err = io.ErrShortWrite
	}
	w.block.Reset()
	if err == nil {
		w.size += int64(n)
		return nil
	}
	if w.file != nil && n > 0 {
		w.file.Truncate(w.size)
	}
	w.err = fmt.Errorf("capture stopped after %d bytes: %w", w.size, named(err, w.name))
	return w.err
}

// named puts the file's name on an error that does not have it.
func named(err error, name string) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Close closes the file, and says whether all of it could be written.
func (w *Writer) Close() error {
	if w.file == nil {
		return nil
	}
	if err := w.file.Close(); err != nil && w.err == nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}
