// The connection to NATS, and the scans that lie there.

package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ScanName is what a scan or a worker may be called: a part of a NATS subject.
var ScanName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// Times of the protocol.
const (
	Lease     = 10 * time.Second // of a shard, which a worker renews
	Heartbeat = 500 * time.Millisecond
	GiveUp    = 1500 * time.Millisecond // without a heartbeat that was taken, a worker stops sending
	MaxTries  = 8                       // of a shard without progress, before it is set aside
)

// A Hub is a connection to NATS.
type Hub struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

// Connect connects to NATS servers. The options say how, such as with which
// credentials and which CA.
func Connect(url string, opts ...nats.Option) (*Hub, error) {
	opts = append([]nats.Option{nats.Name("rawshake"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.Timeout(5 * time.Second), nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2)}, opts...)
	conn, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("NATS at %s: %w", conceal(url), err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &Hub{conn, js}, nil
}

// conceal leaves a URL's user and password out.
func conceal(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		return scheme + "://…@" + rest[i+1:]
	}
	return url
}

// Close ends the connection.
func (h *Hub) Close() { h.conn.Close() }

// Names of a scan's streams and buckets.
func shardsOf(scan string) string  { return "RAWSHAKE_SHARDS_" + scan }
func resultsOf(scan string) string { return "RAWSHAKE_RESULTS_" + scan }
func bucketOf(scan string) string  { return bucketPrefix + scan }
func filesOf(scan string) string   { return "rawshake_files_" + scan }

const bucketPrefix = "rawshake_"

// Subjects have the scan's ID: who still has one of that name that was removed reaches
// nothing.
func (s *Spec) shardSubject() string  { return "rawshake." + s.Name + "." + s.ID + ".shard" }
func (s *Spec) resultSubject() string { return "rawshake." + s.Name + "." + s.ID + ".result" }

// A Scan is one that lies in JetStream.
type Scan struct {
	Spec Spec
	hub  *Hub
	kv   jetstream.KeyValue
}

// What may be wrong with a scan's name.
var (
	ErrExists = errors.New("a scan of that name is there already")
	ErrNoScan = errors.New("there is no scan of that name")
	ErrGone   = errors.New("the scan was removed")
	ErrHalf   = errors.New("the start of the scan was cut short")
)

// Start puts a scan into JetStream, with the files that it needs. Its shards are to be
// had at once. A scan that could not be put there whole is taken away again.
func (h *Hub) Start(ctx context.Context, spec Spec, files map[string][]byte) (*Scan, error) {
	kv, err := h.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucketOf(spec.Name), Storage: jetstream.FileStorage})
	if errors.Is(err, jetstream.ErrBucketExists) {
		return nil, ErrExists
	}
	if err != nil {
		return nil, explain(err)
	}
	s := &Scan{Spec: spec, hub: h, kv: kv}
	// Making a bucket that is there already is no error: of two that start one scan, the
	// first to write this has it.
	if _, err := s.change(ctx, "begun", spec.Started, 0); errors.Is(err, errChanged) {
		return nil, ErrExists
	} else if err != nil {
		return nil, err
	}
	if err := s.fill(ctx, files); err != nil {
		return nil, errors.Join(explain(err), h.Remove(context.WithoutCancel(ctx), spec.Name))
	}
	return s, nil
}

func (s *Scan) fill(ctx context.Context, files map[string][]byte) error {
	h, name := s.hub, s.Spec.Name
	if len(files) > 0 {
		store, err := h.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: filesOf(name)})
		if err != nil {
			return err
		}
		for file, b := range files {
			if _, err := store.PutBytes(ctx, file, b); err != nil {
				return err
			}
		}
	}
	if s.Spec.MaxBytes == 0 {
		s.Spec.MaxBytes = -1
	}
	for _, c := range []jetstream.StreamConfig{
		{Name: shardsOf(name), Subjects: []string{s.Spec.shardSubject()}, Retention: jetstream.WorkQueuePolicy},
		// A full stream refuses what is new: what is there already is somebody's result.
		{Name: resultsOf(name), Subjects: []string{s.Spec.resultSubject()}, Compression: jetstream.S2Compression, MaxBytes: s.Spec.MaxBytes, Discard: jetstream.DiscardNew},
	} {
		if _, err := h.js.CreateStream(ctx, c); err != nil {
			return err
		}
	}
	for i := range s.Spec.Shards {
		if _, err := h.js.Publish(ctx, s.Spec.shardSubject(), fmt.Append(nil, i), jetstream.WithMsgID(fmt.Sprintf("shard-%d", i))); err != nil {
			return err
		}
	}
	if err := s.SetState(ctx, Running); err != nil {
		return err
	}
	return s.write(ctx, "spec", &s.Spec) // the last: without it there is no scan
}

// Find returns a scan.
func (h *Hub) Find(ctx context.Context, name string) (*Scan, error) {
	kv, err := h.js.KeyValue(ctx, bucketOf(name))
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, ErrNoScan
	}
	if err != nil {
		return nil, explain(err)
	}
	s := &Scan{hub: h, kv: kv}
	there, err := s.read(ctx, "spec", &s.Spec)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the description of the scan %s: %w", name, err)
	case !there:
		return nil, fmt.Errorf("%w: %s. Unless it is being started now: rawshake fleet remove --force %s", ErrHalf, name, name)
	case s.Spec.Format != specFormat:
		return nil, fmt.Errorf("the scan %s was started by another version of rawshake (its format is %d, ours %d): use that version on all machines", name, s.Spec.Format, specFormat)
	}
	return s, nil
}

// SetMaxBytes has results take so much of JetStream, from now on; -1: without limit.
func (s *Scan) SetMaxBytes(ctx context.Context, n int64) error {
	stream, err := s.hub.js.Stream(ctx, resultsOf(s.Spec.Name))
	if err != nil {
		return explain(err)
	}
	c := stream.CachedInfo().Config
	c.MaxBytes = n
	_, err = s.hub.js.UpdateStream(ctx, c)
	return explain(err)
}

// Gone returns [ErrGone] if the scan is not there any more, though there may be another
// of its name.
func (s *Scan) Gone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	switch now, err := s.hub.Find(ctx, s.Spec.Name); {
	case errors.Is(err, ErrNoScan), err == nil && now.Spec.ID != s.Spec.ID:
		return fmt.Errorf("%w: %s", ErrGone, s.Spec.Name)
	default:
		return err
	}
}

// Scans are the names of all scans, the oldest first.
func (h *Hub) Scans(ctx context.Context) ([]string, error) {
	type dated struct {
		name string
		at   time.Time
	}
	var list []dated
	buckets := h.js.KeyValueStores(ctx)
	for b := range buckets.Status() {
		if name, ok := strings.CutPrefix(b.Bucket(), bucketPrefix); ok && ScanName.MatchString(name) {
			s, err := h.Find(ctx, name)
			if err != nil {
				continue // it is being started, or taken away
			}
			list = append(list, dated{name, s.Spec.Started})
		}
	}
	slices.SortFunc(list, func(a, b dated) int { return a.at.Compare(b.at) })
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].name
	}
	return names, explain(buckets.Error())
}

// Remove takes a scan away, with its results.
func (h *Hub) Remove(ctx context.Context, name string) error {
	var errs []error
	note := func(err, gone error) {
		if err != nil && !errors.Is(err, gone) {
			errs = append(errs, explain(err))
		}
	}
	note(h.js.DeleteStream(ctx, shardsOf(name)), jetstream.ErrStreamNotFound)
	note(h.js.DeleteStream(ctx, resultsOf(name)), jetstream.ErrStreamNotFound)
	note(h.js.DeleteObjectStore(ctx, filesOf(name)), jetstream.ErrStreamNotFound)
	note(h.js.DeleteKeyValue(ctx, bucketOf(name)), jetstream.ErrBucketNotFound)
	return errors.Join(errs...)
}

// explain says what an error of JetStream's means where its own words do not.
func explain(err error) error {
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("the NATS server has no JetStream, or it is not ready: start it with -js (%w)", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("the NATS server does not answer: %w", err)
	}
	return err
}

// read decodes a key's value; false: there is none.
func (s *Scan) read(ctx context.Context, key string, into any) (bool, error) {
	_, there, err := s.readAt(ctx, key, into)
	return there, err
}

// readAt is read, and returns the value's revision, for a change of it.
func (s *Scan) readAt(ctx context.Context, key string, into any) (revision uint64, there bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	e, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, explain(err)
	}
	return e.Revision(), true, json.Unmarshal(e.Value(), into)
}

// answerTime is how long an answer of the server may take.
const answerTime = 5 * time.Second

func (s *Scan) write(ctx context.Context, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = s.kv.Put(ctx, key, b)
	return explain(err)
}

var errChanged = errors.New("somebody else has changed it")

// change writes a key if it still has that revision; 0: if it is not there. It returns
// the new one, or errChanged.
func (s *Scan) change(ctx context.Context, key string, v any, revision uint64) (uint64, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	if revision == 0 {
		revision, err = s.kv.Create(ctx, key, b)
	} else {
		revision, err = s.kv.Update(ctx, key, b, revision)
	}
	var api *jetstream.APIError
	if errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return 0, errChanged
	}
	return revision, explain(err)
}
