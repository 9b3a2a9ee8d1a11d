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

// Options say which connection is meant and where it goes.
type Options struct {
	Filter   Filter
	KeyLog   string                  // path of a key log; "": the capture's own secrets alone
	Roots    *x509.CertPool          // that certificates are judged by; nil: the system's
	List     bool                    // show none: list the connections that are meant
	Listener func(*transcript.Entry) // is told what is shown
	// StrictChecksums leaves segments with a wrong checksum out of the streams.
	// Otherwise they count where the peer acknowledges them.
	StrictChecksums bool
	// Listening is called when an interface is listened on; may be nil.
	Listening func()
	// Limit is how many bytes the report's transcript keeps, as
	// transcript.NewRecorder takes it; transcript.KeepNothing where only the
	// listener matters.
	Limit int
}

// A Report is what was found. A capture that is broken gives one too, with
// Broken set, of what stands before the break.
type Report struct {
	Packets  int
	Total    int                // TCP connections
	Matching []*observe.Summary // those that are meant, in their order, the first 10,000
	Unlisted int                // and how many more

	Shown      *observe.Summary // nil: none, since there was none, or several
	Transcript *transcript.Transcript

	Unread         []Unread // packets that are no part of a connection, by kind
	TooManySecrets bool
	Dropped        int   // packets of an interface that came too fast
	Interrupted    bool  // the context was done before the capture was
	Broken         error // a *capture.BrokenError, or why the file could not be read on
}

// Reader explains a capture. One that can be read twice is: first to see which
// connections there are. Of a stream the connection that Filter.Conn names is
// shown while it comes; without that, nothing is shown before it is clear that
// no other is meant, or before 16 MiB of it have come.
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

// twice looks for the connections that are meant, and if there is one, shows it.
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

// pass reads all packets. A broken capture is the report's to tell.
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

// read takes packets until there are none, and ends what is shown.
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

// settle leaves only what is meant now that all names are known.
func (r *Report) settle(f *Filter) {
	kept := r.Matching[:0]
	for _, s := range r.Matching {
		if f.match(s) == yes {
			kept = append(kept, s)
		}
	}
	r.Matching = kept
}
