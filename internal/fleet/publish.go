// Results on their way into JetStream.

package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers of a message of results: whose shard they are of, and which take of it. A take
// is one worker's work on a shard; its lines come in order, and the end of a message need
// not be the end of a line.
const (
	headerShard = "Rawshake-Shard"
	headerTake  = "Rawshake-Take"
)

// batchLen is how many bytes of results a message holds, or less where the server takes
// no more.
const batchLen = 256 << 10

// A publisher writes results into the scan's stream, a message when there is enough for
// one. What it has taken is there after Settle. Both wait for the server, also for one
// that is away or full, as long as the context lasts.
type publisher struct {
	scan  *Scan
	ctx   context.Context
	soft  context.Context // once it is done a stream that is full is not waited for; nil: it is
	shard uint64
	take  string
	most  int // bytes of a message
	n     int // messages
	note  func(string)
	buf   []byte
}

func (s *Scan) publisher(ctx context.Context, shard uint64, take string, note func(string)) *publisher {
	most := batchLen
	if limit := s.hub.conn.MaxPayload(); limit > 0 {
		most = int(min(int64(most), limit-1024)) // headers count
	}
	return &publisher{scan: s, ctx: ctx, shard: shard, take: take, most: most, note: note}
}

// Write is io.Writer's.
func (p *publisher) Write(b []byte) (int, error) {
	p.buf = append(p.buf, b...)
	for len(p.buf) >= p.most {
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// Settle publishes what is left.
func (p *publisher) Settle() error {
	for len(p.buf) > 0 {
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// next publishes a message of whole lines, or a part of one that is too long.
func (p *publisher) next() error {
	part := p.buf[:min(len(p.buf), p.most)]
	if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
		part = part[:i+1]
	}
	if err := p.publish(part); err != nil {
		return err
	}
	p.buf = p.buf[:copy(p.buf, p.buf[len(part):])]
	return nil
}

// publish brings a message into the stream, once: the server knows it by its ID.
func (p *publisher) publish(b []byte) error {
	p.n++
	msg := &nats.Msg{Subject: p.scan.Spec.resultSubject(), Data: b, Header: nats.Header{
		headerShard: {strconv.FormatUint(p.shard, 10)}, headerTake: {p.take}}}
	id := fmt.Sprintf("%d-%s-%d", p.shard, p.take, p.n)
	for {
		ctx, cancel := context.WithTimeout(p.ctx, answerTime)
		_, err := p.scan.hub.js.PublishMsg(ctx, msg, jetstream.WithMsgID(id))
		cancel()
		if err == nil {
			p.note("")
			return nil
		}
		wait := 100 * time.Millisecond
		if isFull(err) {
			wait = time.Second
			p.note("the stream of results is full, and nothing more is begun: give it more room (rawshake fleet resume --max-bytes SIZE " + p.scan.Spec.Name + ")")
			if p.soft != nil && p.soft.Err() != nil {
				return fmt.Errorf("the stream of results is full: %w", err)
			}
		} else {
			p.note("results cannot be published: " + err.Error())
		}
		if !sleep(p.ctx, wait) {
			return fmt.Errorf("results could not be published: %w", errors.Join(context.Cause(p.ctx), err))
		}
	}
}

// isFull reports whether a stream had no room for a message.
func isFull(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == errStoreFailed || api.ErrorCode == errInsufficient || api.ErrorCode == errMaximum)
}

// JetStream's numbers for that: a message could not be stored, as with a limit that is
// reached; the account's or server's storage is used up; the same for memory.
const (
	errStoreFailed  = 10077
	errInsufficient = 10023
	errMaximum      = 10047
)
