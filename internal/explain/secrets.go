// Master secrets, from the capture and from a key log that may grow meanwhile.

package explain

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/observe"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// maxSecrets bounds the master secrets that are kept from a capture, and from a
// key log.
const maxSecrets = 100_000

// masterLabel is the key log's label of a master secret (TLS 1.2 and before).
const masterLabel = "CLIENT_RANDOM"

// secrets are those in a capture and those in a key log.
type secrets struct {
	embedded masters
	tooMany  bool // of the capture's own
	log      keyLog
	sessions sessions
}

// masters are master secrets by client random.
type masters map[[32]byte][]byte

// add keeps a secret, and reports whether there was room.
func (m *masters) add(label string, clientRandom, secret []byte) bool {
	if label != masterLabel || len(secret) != suite.MasterSecretLen {
		return true
	}
	random := [32]byte(clientRandom)
	if _, known := (*m)[random]; !known && len(*m) >= maxSecrets {
		return false
	}
	if *m == nil {
		*m = masters{}
	}
	(*m)[random] = secret
	return true
}

// add takes a secret from the capture.
func (s *secrets) add(label string, clientRandom, secret []byte) {
	s.tooMany = !s.embedded.add(label, clientRandom, secret) || s.tooMany
}

// of returns the master secret of a client random, or nil.
func (s *secrets) of(clientRandom []byte) []byte {
	if m := s.embedded[[32]byte(clientRandom)]; m != nil {
		return m
	}
	return s.log.find([32]byte(clientRandom))
}

// find returns the master secret of a handshake, or nil: its own, or that of
// the session that it resumes; from then says which one.
func (s *secrets) find(w *observe.Wanted) (master []byte, from string) {
	if m := s.of(w.ClientRandom); m != nil || !w.Resumed {
		return m, ""
	}
	if o, how := s.sessions.origin(w); how != "" {
		if m := s.of(o.random[:]); m != nil {
			return m, fmt.Sprintf("the secret is that of connection %d of the capture, whose session this one resumes by its %s", o.connection, how)
		}
	}
	return nil, ""
}

// A keyLog is a file of secrets that may be long, and may grow while it is
// read. It is read once, and then from there on whenever a secret is missing.
type keyLog struct {
	path    string // "": none
	masters masters
	read    int64 // how much of the file was read
	tooMany bool  // what did not fit is read again for each search
}

// check opens the key log, to report at once if that fails.
func (l *keyLog) check() error {
	if l.path == "" {
		return nil
	}
	f, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("key log: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return fmt.Errorf("key log: %w", &os.PathError{Op: "open", Path: l.path, Err: syscall.EISDIR})
	}
	return nil
}

func (l *keyLog) find(clientRandom [32]byte) (master []byte) {
	if m := l.masters[clientRandom]; m != nil || l.path == "" {
		return m
	}
	f, err := os.Open(l.path)
	if err != nil {
		return nil // it was there at the beginning: see check
	}
	defer f.Close()
	l.goOn(f)
	if m := l.masters[clientRandom]; m != nil || !l.tooMany {
		return m
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	capture.ScanKeyLog(f, func(label string, random, secret []byte) {
		if label == masterLabel && bytes.Equal(random, clientRandom[:]) {
			master = secret
		}
	})
	return master
}

// goOn reads what was added to the file. Its last line may be half written, and
// is read again the next time.
func (l *keyLog) goOn(f *os.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	if info.Size() < l.read { // the file was replaced
		l.read = 0
	}
	const again = 1024 // no line of a key log is longer
	from := max(0, l.read-again)
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return
	}
	n := &counted{r: f}
	capture.ScanKeyLog(n, func(label string, random, secret []byte) {
		l.tooMany = !l.masters.add(label, random, secret) || l.tooMany
	})
	l.read = from + n.n
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
