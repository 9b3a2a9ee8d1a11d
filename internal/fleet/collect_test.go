package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func line(addr, more string) string {
	return fmt.Sprintf(`{"type":"target","addr":%q,"port":443%s}`+"\n", addr, more)
}

// publish writes parts of one take's output.
func publish(t *testing.T, s *Scan, take string, parts ...string) {
	t.Helper()
	p := s.publisher(t.Context(), 0, take, func(string) {})
	for _, part := range parts {
		_, err := p.Write([]byte(part))
		check(t, err)
		check(t, p.Settle())
	}
}

// A target has one result, which is the first; a result that a worker did not finish
// is none; a certificate is there once.
func TestCollectingGivesOneResultATarget(t *testing.T) {
	s := newScan(t, nil)
	cert := `{"type":"certificate","sha256":"ab","der":"MAA="}` + "\n"
	publish(t, s, "a", cert, line("198.18.0.1", ""), line("198.18.0.2", ""), `{"type":"target","addr":"198.1`)
	publish(t, s, "b", cert, line("198.18.0.2", `,"repeat":true`), line("198.18.0.3", `,"repeat":true`))
	publish(t, s, "c", line("198.18.0.3", `,"repeat":true`), line("198.18.0.4", `,"repeat":true`), line("198.18.0.3", `,"name":"other"`))
	kept := filepath.Join(t.TempDir(), "kept.jsonl")
	check(t, os.WriteFile(kept, []byte(line("198.18.0.4", "")+line("198.18.0.5", "")+`{"type":"tar`), 0o600))
	addrs, c := collected(t, s, kept)
	want := []string{"", "198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.4", "198.18.0.3", "198.18.0.5"}
	if !slices.Equal(addrs, want) {
		t.Errorf("%q", addrs)
	}
	if c != (Collected{Results: 6, Repeats: 3, Certificates: 1, Cut: 2}) {
		t.Errorf("%+v", c)
	}
}

// Lines of any length go through, and those of one take are put together whatever else
// comes in between.
func TestLinesOfAnyLengthComeThrough(t *testing.T) {
	s := newScan(t, nil)
	takes := []*publisher{s.publisher(t.Context(), 0, "even", func(string) {}), s.publisher(t.Context(), 0, "odd", func(string) {})}
	var want []string
	for i, n := range []int{1, 100, batchLen - 60, batchLen, batchLen + 1, 3 << 20, 10} {
		addr := fmt.Sprintf("198.18.0.%d", i)
		_, err := takes[i%2].Write([]byte(line(addr, fmt.Sprintf(`,"tag":%q`, strings.Repeat("x", n)))))
		check(t, err)
		check(t, takes[i%2].Settle())
		want = append(want, addr)
	}
	if addrs, _ := collected(t, s); !slices.Equal(addrs, want) {
		t.Errorf("%q", addrs)
	}
}

// What is published twice, since the answer was lost, is there once.
func TestAMessageIsThereOnce(t *testing.T) {
	s := newScan(t, nil)
	for range 3 {
		publish(t, s, "a", line("198.18.0.1", "")) // the first message of the same take
	}
	if addrs, _ := collected(t, s); len(addrs) != 1 {
		t.Errorf("%q", addrs)
	}
}

// A stream that is full stops who writes, with a sentence, and nothing is lost when there is room again.
func TestAFullStreamIsWaitedFor(t *testing.T) {
	s := newScan(t, func(spec *Spec) { spec.MaxBytes = 64 << 10 })
	notes := make(chan string, 1000)
	p := s.publisher(t.Context(), 0, "a", func(n string) { notes <- n })
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			if _, err = p.Write([]byte(line("198.18.0.1", fmt.Sprintf(`,"tag":%q`, strings.Repeat("x", 1000))))); err == nil {
				err = p.Settle()
			}
		}
		done <- err
	}()
	await(t, "a note", func() bool {
		for len(notes) > 0 {
			if strings.Contains(<-notes, "full") {
				return true
			}
		}
		return false
	})
	select {
	case err := <-done:
		t.Fatalf("it went on: %v", err)
	default:
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := s.hub.js.Stream(ctx, resultsOf("test"))
	check(t, err)
	for {
		var b bytes.Buffer
		_, err := s.Collect(ctx, &b)
		check(t, err)
		check(t, stream.Purge(ctx))
		select {
		case err := <-done:
			check(t, err)
			return
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("it does not go on")
		}
	}
}

func TestAScanIsStartedOnceAndRemoved(t *testing.T) {
	s := newScan(t, nil)
	if _, err := s.hub.Start(t.Context(), s.Spec, nil); err != ErrExists {
		t.Errorf("%v", err)
	}
	names, err := s.hub.Scans(t.Context())
	check(t, err)
	if !slices.Equal(names, []string{"test"}) {
		t.Errorf("%q", names)
	}
	check(t, s.hub.Remove(t.Context(), "test"))
	if _, err := s.hub.Find(t.Context(), "test"); err != ErrNoScan {
		t.Errorf("%v", err)
	}
	check(t, s.hub.Remove(t.Context(), "test"))
	left := 0
	for range s.hub.js.ListStreams(t.Context()).Info() {
		left++
	}
	if left > 0 {
		t.Errorf("%d streams are left", left)
	}
}

// A start that was killed on the way is no scan, whose shards nobody knows the number of:
// it is named, workers leave it alone, and it can be taken away.
func TestAStartThatWasCutShortIsNoScan(t *testing.T) {
	s := newScan(t, nil)
	check(t, s.kv.Delete(t.Context(), "spec"))
	if _, err := s.hub.Find(t.Context(), "test"); !errors.Is(err, ErrHalf) {
		t.Errorf("%v", err)
	}
	if names, err := s.hub.Scans(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("%q, %v", names, err)
	}
	check(t, s.hub.Remove(t.Context(), "test"))
	startScan(t, s.hub, nil)
}
