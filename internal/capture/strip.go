// Copies a capture without its secrets.

package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// StripSecrets copies a capture without its Decryption Secrets Blocks, leaving
// every other byte as it is, and returns how many it left out. A classic pcap
// file has none, which is an error. If the file is broken, what precedes the
// break is copied, and the error is a [*BrokenError].
func StripSecrets(ctx context.Context, to io.Writer, from io.Reader) (blocks int, err error) {
	src := newSource(from)
	magic, err := src.r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if len(magic) < 4 {
		return 0, ErrNotCapture
	}
	if binary.BigEndian.Uint32(magic) != blockSection {
		if _, err := newClassicReader(&source{r: src.r}); err != nil {
			return 0, err
		}
		return 0, errClassic
	}
	f := &ngReader{}
	for {
		if err := ctx.Err(); err != nil {
			return blocks, err
		}
		length, err := f.begin(src)
		if err == io.EOF {
			return blocks, nil
		}
		if err != nil {
			return blocks, broken(f.offset, f.where(), midway(err))
		}
		if f.typ == blockSecrets {
			blocks++
			err = f.end(src, length)
		} else {
			err = f.copy(to, src, length)
		}
		if err != nil {
			return blocks, err
		}
	}
}

var errClassic = errors.New("this is a classic pcap file, which holds no secrets: there is nothing to take out")

// copy writes the block that begin has started. The length of a section no
// longer holds, and is left open.
func (f *ngReader) copy(to io.Writer, src *source, length uint32) error {
	head := f.order.AppendUint32(f.order.AppendUint32(nil, f.typ), length)
	if f.typ == blockSection {
		head = f.order.AppendUint32(head, byteOrderMagic)
		var rest [12]byte // version, section length
		if err := f.take(src, rest[:]); err != nil {
			return broken(f.offset, f.where(), midway(err))
		}
		copy(rest[4:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
		head = append(head, rest[:]...)
	}
	if _, err := to.Write(head); err != nil {
		return fmt.Errorf("write the capture: %w", err)
	}
	n, err := io.Copy(to, src.limit(f.left))
	if err != nil {
		return fmt.Errorf("copy the capture: %w", err)
	}
	f.left -= n
	if f.left > 0 {
		return broken(f.offset, f.where(), io.ErrUnexpectedEOF)
	}
	if err := f.end(src, length); err != nil {
		return broken(f.offset, f.where(), midway(err))
	}
	_, err = to.Write(f.order.AppendUint32(nil, length))
	return err
}
