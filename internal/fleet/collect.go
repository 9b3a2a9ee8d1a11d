// Makes one result a target of what the workers published.

package fleet

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rawshake/rawshake/internal/results"
)

// Collected says what came of collecting.
type Collected struct {
	Results      uint64 // written
	Repeats      uint64 // left out, since the same target has a result already
	Certificates uint64 // lines of whole certificates
	Cut          uint64 // beginnings of results, of workers that died
}

// A source gives all lines of results, in the same order each time. The slice is valid until the next.
type source func(each func(line []byte) error) (cut uint64, err error)

// Collect writes the results that are in the stream now, and in files that workers kept,
// each target's first.
func (s *Scan) Collect(ctx context.Context, w io.Writer, files ...string) (Collected, error) {
	stream, err := s.hub.js.Stream(ctx, resultsOf(s.Spec.Name))
	if err != nil {
		return Collected{}, explain(err)
	}
	last := stream.CachedInfo().State.LastSeq // the same for both times
	return merge(w, func(each func([]byte) error) (uint64, error) { return lines(ctx, stream, last, each) },
		func(each func([]byte) error) (uint64, error) {
			cut, err := results.Lines(files, func(_ results.Place, line []byte) error { return each(line) })
			return uint64(cut), err
		})
}

// merge writes each target's first result, from sources that are read twice. A target
// can have two results only if one of them says repeat: what is remembered is those, and
// not all that there are.
func merge(w io.Writer, sources ...source) (Collected, error) {
	var c Collected
	repeats := make(map[key]bool) // the value: it is written
	seen := make(map[string]bool)
	read := func(each func([]byte) error) (cut uint64, err error) {
		for _, from := range sources {
			n, err := from(each)
			if cut += n; err != nil {
				return cut, err
			}
		}
		return cut, nil
	}
	_, err := read(func(line []byte) error {
		if !bytes.Contains(line, []byte(`"repeat":true`)) {
			return nil
		}
		r, err := parse(line)
		if err == nil && r.Repeat {
			repeats[r.key] = false
		}
		return err
	})
	if err != nil {
		return c, err
	}
	out := bufio.NewWriterSize(w, 256<<10)
	c.Cut, err = read(func(line []byte) error { return c.add(out, line, repeats, seen) })
	return c, errors.Join(err, out.Flush())
}

// add writes a line, unless it is there already.
func (c *Collected) add(w io.Writer, line []byte, repeats map[key]bool, seen map[string]bool) error {
	if !bytes.HasPrefix(line, []byte(`{"type":"`)) {
		return fmt.Errorf("among the results stands something that is none: %.40q", line)
	}
	if bytes.HasPrefix(line, []byte(`{"type":"certificate"`)) {
		r, err := parse(line)
		if err != nil || seen[r.SHA256] {
			return err
		}
		seen[r.SHA256] = true
		c.Certificates++
		_, err = w.Write(line)
		return err
	}
	if len(repeats) > 0 {
		r, err := parse(line)
		if err != nil {
			return err
		}
		if written, more := repeats[r.key]; written {
			c.Repeats++
			return nil
		} else if more {
			repeats[r.key] = true
		}
	}
	c.Results++
	_, err := w.Write(line)
	return err
}

// A key tells a target from the others.
type key struct {
	Addr string `json:"addr"`
	Port int    `json:"port"`
	Name string `json:"name"`
	Tag  string `json:"tag"`
}

// Fields are those of a result that collecting needs.
var Fields = []string{"type", "addr", "port", "name", "tag", "repeat"}

type keyed struct {
	key
	Repeat bool   `json:"repeat"`
	SHA256 string `json:"sha256"`
}

func parse(line []byte) (r keyed, err error) {
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("among the results stands something that is none: %w", err)
	}
	return r, nil
}

// lines gives the lines of a stream up to a message, those of each take put together
// from its messages.
func lines(ctx context.Context, stream jetstream.Stream, last uint64, each func([]byte) error) (cut uint64, err error) {
	if last == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy})
	if err != nil {
		return 0, explain(err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxBytes(16 << 20))
	if err != nil {
		return 0, explain(err)
	}
	defer messages.Stop()
	open := make(map[string][]byte) // by take: a line whose end has not come
	for {
		msg, err := messages.Next(jetstream.NextMaxWait(4 * answerTime))
		if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return 0, errors.Join(ctx.Err(), errors.New("the stream of results did not come to its end"))
		}
		if err != nil {
			return 0, explain(err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return 0, err
		}
		if err := assemble(open, msg.Headers().Get(headerTake), msg.Data(), each); err != nil {
			return 0, err
		}
		if meta.Sequence.Stream >= last || meta.NumPending == 0 { // what stood at the end may be purged
			return uint64(len(open)), nil
		}
	}
}

// assemble gives the lines that end in a message, and keeps what stands after them.
func assemble(open map[string][]byte, take string, b []byte, each func([]byte) error) error {
	if head := open[take]; len(head) > 0 {
		b = append(head, b...)
		delete(open, take)
	}
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		if err := each(b[:i+1]); err != nil {
			return err
		}
		b = b[i+1:]
	}
	if len(b) > 0 {
		open[take] = append([]byte(nil), b...)
	}
	return nil
}

// Wait waits until nothing of the scan is left to be done, or it is stopped.
func (s *Scan) Wait(ctx context.Context) error {
	for {
		over, err := s.Finished(ctx)
		if over || ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if err == nil {
			if state, err := s.State(ctx); err == nil && state == Stopped {
				return nil
			}
		}
		sleep(ctx, time.Second)
	}
}
