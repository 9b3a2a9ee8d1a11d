// Secrets, from the capture and from a key log that may grow meanwhile.

package explain

import (
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/observe"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// maxSecrets bounds the secrets that are kept from a capture, and from a key log.
// TLS 1.3 has up to seven for a connection.
const maxSecrets = 200_000

// labels are the key log's labels of the secrets that are kept. A secret's number
// among them is a part of its key.
var labels = []string{
	suite.SecretMaster, suite.SecretClientEarly, suite.SecretEarlyExporter, suite.SecretClientHandshake, suite.SecretServerHandshake,
	suite.SecretClientApplication, suite.SecretServerApplication, suite.SecretExporter,
}

// secrets are those in a capture and those in a key log.
type secrets struct {
	embedded table
	tooMany  bool // of the capture's own
	log      keyLog
	sessions sessions
}

// A table holds secrets by client random and label.
type table map[name][]byte

// A name is what a key log knows a secret by.
type name struct {
	random [32]byte
	label  int8 // its number among labels
}

// nameOf is a secret's name. It is not ok for one that is not kept.
func nameOf(label string, clientRandom []byte) (n name, ok bool) {
	i := slices.Index(labels, label)
	if i < 0 || len(clientRandom) != len(n.random) {
		return n, false
	}
	return name{[32]byte(clientRandom), int8(i)}, true
}

// add keeps a secret, and reports whether there was room.
func (m *table) add(label string, clientRandom, secret []byte) bool {
	key, ok := nameOf(label, clientRandom)
	if !ok || label == suite.SecretMaster && len(secret) != suite.MasterSecretLen {
		return true
	}
	if _, known := (*m)[key]; !known && len(*m) >= maxSecrets {
		return false
	}
	if *m == nil {
		*m = table{}
	}
	(*m)[key] = secret
	return true
}

// add takes a secret from the capture.
func (s *secrets) add(label string, clientRandom, secret []byte) {
	s.tooMany = !s.embedded.add(label, clientRandom, secret) || s.tooMany
}

// of returns the secret of a client random, or nil.
func (s *secrets) of(label string, clientRandom []byte) []byte {
	key, ok := nameOf(label, clientRandom)
	if !ok {
		return nil
	}
	if m := s.embedded[key]; m != nil {
		return m
	}
	return s.log.find(key)
}

// find returns a secret of a handshake, or nil: its own, or the master secret of
// the session that it resumes; from then says which one.
func (s *secrets) find(w *observe.Wanted, label string) (secret []byte, from string) {
	if m := s.of(label, w.ClientRandom); m != nil || !w.Resumed {
		return m, ""
	}
	if o, how := s.sessions.origin(w); how != "" {
		if m := s.of(label, o.random[:]); m != nil {
			return m, fmt.Sprintf("the secret is that of connection %d of the capture, whose session this one resumes by its %s", o.connection, how)
		}
	}
	return nil, ""
}

// A keyLog is a file of secrets that may be long, and may grow while it is
// read. It is read once, and then from there on whenever a secret is missing.
type keyLog struct {
	path    string // "": none
	secrets table
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

func (l *keyLog) find(key name) (found []byte) {
	if m := l.secrets[key]; m != nil || l.path == "" {
		return m
	}
	f, err := os.Open(l.path)
	if err != nil {
		return nil // it was there at the beginning: see check
	}
	defer f.Close()
	l.goOn(f)
	if m := l.secrets[key]; m != nil || !l.tooMany {
		return m
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	capture.ScanKeyLog(f, func(label string, random, secret []byte) {
		if n, ok := nameOf(label, random); ok && n == key {
			found = secret
		}
	})
	return found
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
		l.tooMany = !l.secrets.add(label, random, secret) || l.tooMany
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
