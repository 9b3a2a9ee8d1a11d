// Package sessionfile keeps TLS sessions in a file between connections, for
// `--session-file`. The file holds master secrets: it is written with mode
// 0600, and whoever can read it can read what was said under its sessions.
package sessionfile

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

const (
	// formatVersion changes when older files can no longer be read.
	formatVersion = 2
	// maxSessions bounds the sessions in the file: the oldest go first.
	maxSessions = 256
	// maxFile bounds what is read, in bytes. No file of ours is longer, unless
	// servers give the largest tickets and chains.
	maxFile = 16 << 20
	// lifetime is for sessions without a hint from the server (RFC 5246,
	// appendix F.1.4: 24 hours at most).
	lifetime = 24 * time.Hour
	// maxLifetime bounds a server's hint.
	maxLifetime = 7 * 24 * time.Hour
)

// A Store holds the sessions of one file. It is not safe for concurrent use. If
// two processes save at the same time, the later one wins.
type Store struct {
	path    string
	list    []entry
	exposed outfile.Warning
	aside   string
	spoiled bool // not all that the file holds can be kept: see setAside
}

// file is the form of the file: JSON, so that people can read it.
type file struct {
	Format   int               `json:"rawshake_sessions"`
	Sessions []json.RawMessage `json:"sessions"`
}

// Exposed says whether others can read the file that was opened, until the next
// Save rewrites it.
func (s *Store) Exposed() outfile.Warning { return s.exposed }

// Open reads a file; a missing one counts as empty. The store can be used even
// if there is an error, which says what could not be read. Then the next Save
// renames the file before it writes another.
func Open(path string) (*Store, error) {
	s := &Store{path: path}
	err := s.read()
	s.spoiled = err != nil
	return s, err
}

func (s *Store) read() error {
	if there, err := regular(os.Stat, s.path); err != nil || !there {
		return err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	s.exposed = outfile.Found(f, outfile.Secret)
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return fmt.Errorf("%s: more than %d bytes, no session file of ours", s.path, maxFile)
	}
	return s.parse(data)
}

// regular reports whether there is a file, as stat (os.Stat or os.Lstat) sees it.
// It fails if what is there is no regular file.
func regular(stat func(string) (fs.FileInfo, error), path string) (there bool, err error) {
	info, err := stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%s is no regular file", path)
	}
	return true, nil
}

func (s *Store) parse(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("%s is not a session file: it does not hold what one holds", s.path)
	}
	if f.Format != formatVersion {
		return fmt.Errorf("%s: session file of format %d, expected %d", s.path, f.Format, formatVersion)
	}
	dropped, first := 0, ""
	for i, raw := range f.Sessions {
		var e entry
		why := "it does not hold what one holds"
		switch err := json.Unmarshal(raw, &e); {
		case len(s.list) == maxSessions:
			why = fmt.Sprintf("there are %d before it, and that is the most", maxSessions)
		case err == nil:
			why = e.damage()
		}
		if why == "" {
			s.list = append(s.list, e)
			continue
		}
		if dropped++; first == "" {
			first = fmt.Sprintf("session %d: %s", i+1, why)
		}
	}
	if dropped > 0 {
		return fmt.Errorf("%s: %d of its sessions cannot be used (%s)", s.path, dropped, first)
	}
	return nil
}

// Find returns the latest session with a peer (host:port) under a server name,
// or nil if there is none or it is too old.
func (s *Store) Find(peer, serverName string, now time.Time) *handshake.Session {
	for i := range s.list {
		if e := &s.list[i]; e.Peer == peer && e.ServerName == serverName && e.fresh(now) {
			return e.session(now)
		}
	}
	return nil
}

// Put stores a session in place of any other with the same peer and name. Its Age,
// where it has one, says how long ago its ticket came.
func (s *Store) Put(peer string, session *handshake.Session, now time.Time) {
	e := newEntry(peer, session, now)
	s.list = slices.DeleteFunc(s.list, func(o entry) bool {
		return o.Peer == e.Peer && o.ServerName == e.ServerName || !o.fresh(now)
	})
	s.list = append(s.list, e)
	slices.SortStableFunc(s.list, func(a, b entry) int { return cmp.Compare(b.Saved.UnixNano(), a.Saved.UnixNano()) })
	s.list = s.list[:min(len(s.list), maxSessions)]
}

// Save rewrites the file, completely or not at all, with mode 0600.
func (s *Store) Save() (err error) {
	if s.spoiled {
		if err := s.setAside(); err != nil {
			return err
		}
		s.spoiled = false
	}
	out := file{Format: formatVersion}
	for i := range s.list {
		raw, err := json.Marshal(&s.list[i])
		if err != nil {
			return err
		}
		out.Sessions = append(out.Sessions, raw)
	}
	data, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	f, err := outfile.Exclusive(filepath.Join(filepath.Dir(s.path), ".rawshake-sessions-"+rand.Text()), outfile.Secret)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			outfile.Remove(f.Name())
		}
	}()
	if _, err = f.Write(append(data, '\n')); err != nil {
		f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return outfile.Rename(f.Name(), s.path)
}
