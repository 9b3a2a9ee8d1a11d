// Writes pcapng, so that what a killed process leaves behind can be read.

package capture

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Info describes a capture to those who open it. Empty strings are left out.
type Info struct {
	Application string // "rawshake 0.1"
	Comment     string // of the whole file
	Interface   string // its name: "eth0"
	Description string // of the interface: how packets were taken
	// Secrets says that the capture will hold the secrets that decrypt it. A
	// new file can then be read by its owner alone.
	Secrets bool
	// Public says that the capture may be given away, since it holds nothing
	// that decrypts it.
	Public bool
}

// A Writer writes IP packets to a pcapng file, with nanosecond timestamps,
// notes as packet comments, and secrets. Each call reaches the file in one
// write before it returns, so that what a killed process leaves behind can be
// read.
//
// After the first error a writer writes no more: see [Writer.Packet].
type Writer struct {
	dst     io.Writer
	file    *os.File // dst, where it is a file of ours
	name    string   // for errors
	size    int64    // of the whole blocks written
	secrets bool     // whether secrets are wanted
	told    bool     // whether any were written
	exposed outfile.Warning

	rewrites bool   // whether the last block can be rewritten
	last     []byte // the body of the packet block that was written last; nil: another block was
	lastAt   int64  // where it begins
	notes    []byte // options: the comments of the last packet, or of the next
	comments int
	moment   time.Time // of the last packet
	block    []byte    // reused

	hold hold

	err error
}

// Create makes a capture file at path, replacing one that is there.
func Create(path string, info Info) (*Writer, error) {
	kind := outfile.Private
	switch {
	case info.Secrets:
		kind = outfile.Secret
	case info.Public:
		kind = outfile.Public
	}
	f, exposed, err := outfile.Create(path, kind)
	if err != nil {
		return nil, fmt.Errorf("capture: %w: choose a path that can be written", err)
	}
	w, err := newWriter(f, f, path, info)
	if err != nil {
		f.Close()
		return nil, err
	}
	w.exposed = exposed
	return w, nil
}

// Exposed says whether the file was there before and others can, or could, read
// it.
func (w *Writer) Exposed() outfile.Warning { return w.exposed }

// NewWriter writes a capture to dst, such as a pipe. Close does not close dst.
func NewWriter(dst io.Writer, info Info) (*Writer, error) { return newWriter(dst, nil, "output", info) }

func newWriter(dst io.Writer, file *os.File, name string, info Info) (*Writer, error) {
	w := &Writer{dst: dst, file: file, name: name, secrets: info.Secrets}
	if file != nil {
		if err := w.examine(); err != nil {
			return nil, err
		}
	}
	if err := w.write(header(info)); err != nil {
		return nil, err
	}
	return w, nil
}

// examine finds out what kind of file it is.
func (w *Writer) examine() error {
	info, err := w.file.Stat()
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	w.rewrites = info.Mode().IsRegular()
	return nil
}

// header is a section header and the description of the only interface.
func header(info Info) []byte {
	section := order.AppendUint32(nil, byteOrderMagic)
	section = append(section, 1, 0, 0, 0) // version 1.0
	section = order.AppendUint64(section, math.MaxUint64)
	n := len(section)
	section = appendOption(section, optComment, info.Comment)
	section = appendOption(section, optSectionHardware, runtime.GOARCH)
	section = appendOption(section, optSectionOS, runtime.GOOS)
	section = appendOption(section, optSectionApplication, info.Application)
	b := appendBlock(nil, blockSection, endOptions(section, n))

	face := order.AppendUint16(nil, uint16(wire.LinkRaw))
	face = append(face, 0, 0)
	face = order.AppendUint32(face, 0) // no snap length
	n = len(face)
	face = appendOption(face, optInterfaceName, info.Interface)
	face = appendOption(face, optInterfaceDescription, info.Description)
	face = appendOption(face, optInterfaceResolution, "\x09") // nanoseconds
	return appendBlock(b, blockInterface, endOptions(face, n))
}

// Packet writes one IP packet. The first error is returned once; from then on
// the writer drops packets and returns nil, so that a run goes on without its
// capture. What was written before stays readable.
func (w *Writer) Packet(at time.Time, packet []byte) error {
	if w.err != nil {
		return nil
	}
	if w.rewrites && w.last != nil { // the notes belonged to the last packet
		w.forget()
	}
	w.moment = at
	b := order.AppendUint32(w.last[:0], 0) // the interface
	b = appendTime(b, at)
	b = order.AppendUint32(b, uint32(len(packet)))
	b = order.AppendUint32(b, uint32(len(packet)))
	w.lastAt = w.size
	w.last = appendPadded(b, packet)
	err := w.write(w.packetBlock())
	if !w.rewrites {
		w.forget()
	}
	return err
}

func (w *Writer) forget() { w.notes, w.comments = w.notes[:0], 0 }

// packetBlock is the last packet with its comments.
func (w *Writer) packetBlock() []byte {
	body := append(w.last[:len(w.last):len(w.last)], w.notes...)
	w.block = appendBlock(w.block[:0], blockEnhanced, endOptions(body, len(w.last)))
	return w.block
}

// Note adds a comment to the packet that was written last, if the file allows
// rewriting it, and otherwise to the next packet. It returns errors as Packet
// does.
func (w *Writer) Note(text string) error {
	if w.err != nil || text == "" || w.comments == maxComments {
		return nil
	}
	w.comments++
	w.notes = appendOption(w.notes, optComment, text)
	if w.last == nil || !w.rewrites {
		return nil
	}
	return w.again(w.packetBlock())
}

// Secret writes a Decryption Secrets Block with one line of a key log. It does
// nothing in a capture that is to hold no secrets. It returns errors as Packet
// does.
func (w *Writer) Secret(label string, clientRandom, secret []byte) error {
	if w.err != nil || !w.secrets {
		return nil
	}
	line := fmt.Sprintf("%s %x %x\n", label, clientRandom, secret)
	body := order.AppendUint32(nil, secretsTLSKeyLog)
	body = order.AppendUint32(body, uint32(len(line)))
	body = appendPadded(body, line)
	n := len(body)
	body = endOptions(appendOption(body, optComment, "whoever has this block can read the connection"), n)
	block := appendBlock(nil, blockSecrets, body)
	if w.hold.on {
		err := w.insert(block)
		w.told = w.told || err == nil
		return err
	}
	if w.last != nil && w.rewrites {
		w.forget()
	}
	w.last = nil
	err := w.write(block)
	w.told = w.told || err == nil
	return err
}

// HoldsSecrets reports whether secrets were written.
func (w *Writer) HoldsSecrets() bool { return w.told }

// Err is the error that kept the capture from being complete, or nil.
func (w *Writer) Err() error { return w.err }

// Name is the file's name, for messages.
func (w *Writer) Name() string { return w.name }

// write appends a whole block in one write. If the disk is full, half a block
// is removed again.
func (w *Writer) write(block []byte) error {
	if w.keep(block) {
		return nil
	}
	n, err := w.dst.Write(block)
	if err == nil && n < len(block) {
		err = io.ErrShortWrite
	}
	if err == nil {
		w.size += int64(n)
		return nil
	}
	if w.file != nil && n > 0 {
		w.file.Truncate(w.size)
	}
	return w.fail(err)
}

// again rewrites the last block, longer than it was. If the disk is full, the
// block stays as it was.
func (w *Writer) again(block []byte) error {
	old := w.size - w.lastAt
	n, err := w.file.WriteAt(block, w.lastAt)
	if err == nil {
		w.size = w.lastAt + int64(n)
		_, err = w.file.Seek(w.size, io.SeekStart)
	}
	if err == nil {
		w.hold.rewritten(w.lastAt, block)
		return nil
	}
	w.notes = w.notes[:0]
	if plain := w.packetBlock(); int64(len(plain)) <= old {
		w.file.WriteAt(plain, w.lastAt)
		w.size = w.lastAt + int64(len(plain))
	}
	w.file.Truncate(w.size)
	return w.fail(err)
}

func (w *Writer) fail(err error) error {
	w.err = fmt.Errorf("capture stopped after %d bytes: %w", w.size, named(err, w.name))
	return w.err
}

// named adds the file's name to an error that lacks it.
func named(err error, name string) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Close writes the notes that no packet took and closes the file. It returns an
// error if any of that, or an earlier write, failed.
func (w *Writer) Close() error {
	err := w.Release()
	if len(w.notes) > 0 && w.err == nil && (w.last == nil || !w.rewrites) && !w.moment.IsZero() {
		err = w.farewell()
	}
	if w.file == nil {
		return err
	}
	if closeErr := w.file.Close(); closeErr != nil && w.err == nil {
		return fmt.Errorf("capture: %w", closeErr)
	}
	return err
}

// farewell writes the remaining notes as comments of an Interface Statistics
// Block.
func (w *Writer) farewell() error {
	body := appendTime(order.AppendUint32(nil, 0), w.moment)
	n := len(body)
	return w.write(appendBlock(nil, blockStatistics, endOptions(append(body, w.notes...), n)))
}
