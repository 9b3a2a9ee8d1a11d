// Explains a capture: a file in two passes, a stream in one.

package explain

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/observe"
	"github.com/rawshake/rawshake/internal/transcript"
)

// Options say which connection to show, and how.
type Options struct {
	Filter   Filter
	KeyLog   string                  // path of a key log; "": only the capture's own secrets
	Roots    *x509.CertPool          // to judge certificates by; nil: the system's
	List     bool                    // show no connection, but list those that match
	Listener func(*transcript.Entry) // called with each entry that is shown
	// StrictChecksums leaves segments with a wrong checksum out of the streams.
	// Otherwise they count if the peer acknowledges them.
	StrictChecksums bool
	// Listening is called once live capture has begun; it may be nil.
	Listening func()
	// Limit is how many bytes the report's transcript keeps, as in
	// transcript.NewRecorder; transcript.KeepNothing if only the listener
	// matters.
	Limit int
}

// A Report is what was found. A broken capture gives one too, for what precedes
// the break, with Broken set.
type Report struct {
	Packets  int
	Total    int                // TCP connections
	Matching []*observe.Summary // those that match, in order, the first 10,000
	Unlisted int                // how many more match

	Shown      *observe.Summary // nil if there was none, or several
	Transcript *transcript.Transcript

	Unread         []Unread // packets that are no part of a connection, by kind
	TooManySecrets bool
	Dropped        int   // packets of a live capture that came too fast
	Interrupted    bool  // the context ended before the capture did
	Broken         error // a *capture.BrokenError, or the error of reading
}

// Reader explains a capture. A file that can seek is read twice, first to see
// which connections there are. In a stream, the connection that Filter.Conn
// names is shown as it comes. Without that, nothing is shown until it is clear
// that no other connection matches, or 16 MiB of it have come. The error says
// why nothing could be read; a capture that breaks later is in Report.Broken.
func Reader(ctx context.Context, from io.Reader, o Options) (*Report, error) {
	s := &secrets{log: keyLog{path: o.KeyLog}}
	if err := s.log.check(); err != nil {
		return nil, err
	}
	if seeker, ok := from.(io.Seeker); ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			return twice(ctx, from, seeker, start, s, &o)
		}
	}
	r := &Report{}
	w := newWatch(&o, s, r)
	w.follow, w.hold = !o.List, o.Filter.Conn == 0
	return r, w.pass(ctx, from)
}

// twice looks for the matching connections and, if there is exactly one, shows
// it.
func twice(ctx context.Context, from io.Reader, seeker io.Seeker, start int64, s *secrets, o *Options) (*Report, error) {
	r := &Report{}
	if err := newWatch(o, s, r).pass(ctx, from); err != nil {
		return r, err
	}
	r.settle(&o.Filter)
	if r.Interrupted {
		return r, nil
	}
	if o.List || len(r.Matching) != 1 || r.Unlisted > 0 {
		return r, nil
	}
	if _, err := seeker.Seek(start, io.SeekStart); err != nil {
		return r, fmt.Errorf("read it again: %w", err)
	}
	again := &Report{}
	one := *o
	one.Filter = Filter{Conn: r.Matching[0].Number}
	w := newWatch(&one, s, again)
	w.follow, w.single = true, true
	err := w.pass(ctx, from)
	r.Shown, r.Transcript, r.Broken, r.Interrupted = again.Shown, again.Transcript, again.Broken, again.Interrupted
	return r, err
}

// pass reads all packets. A broken capture is noted in the report.
func (w *watch) pass(ctx context.Context, from io.Reader) error {
	reader, err := capture.NewReader(Interruptible(ctx, from))
	if ctx.Err() != nil {
		w.report.Interrupted = true
		return nil
	}
	if err != nil {
		var broken *capture.BrokenError
		if errors.As(err, &broken) {
			w.report.Broken = err
			return nil
		}
		return err
	}
	reader.Secrets = w.secrets.add
	err = w.read(ctx, reader)
	w.report.TooManySecrets = w.secrets.tooMany
	w.tellUnread()
	if ctx.Err() != nil {
		w.report.Interrupted = true
		return nil
	}
	if err != io.EOF {
		w.report.Broken = err
	}
	return nil
}

// read reads packets until there are none, and then ends the connection that is
// shown.
func (w *watch) read(ctx context.Context, reader *capture.Reader) error {
	const often = 1024
	var p capture.Packet
	for {
		if w.report.Packets%often == 0 && ctx.Err() != nil {
			w.report.settle(&w.o.Filter)
			w.end("It was interrupted")
			return ctx.Err()
		}
		err := reader.Next(&p)
		if err == nil {
			w.packet(&p)
			continue
		}
		why := ""
		switch {
		case ctx.Err() != nil:
			why = "It was interrupted"
		case err != io.EOF:
			why = "The file is broken: " + err.Error()
		}
		w.report.settle(&w.o.Filter)
		w.outcomes.end()
		w.end(why)
		return err
	}
}

// settle removes what does not match, now that all names are known.
func (r *Report) settle(f *Filter) {
	kept := r.Matching[:0]
	for _, s := range r.Matching {
		if f.match(s) == yes {
			kept = append(kept, s)
		}
	}
	r.Matching = kept
}
