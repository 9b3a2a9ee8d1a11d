// Package sessions keeps TLS sessions in a file between connections, for
// `--session-file`. The file holds master secrets: it is written with mode
// 0600, and whoever can read it can read what was said under its sessions.
package sessions

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
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

const (
	// formatVersion changes when a file of before can no longer be understood.
	formatVersion = 1
	// maxSessions bounds the file: the oldest go first.
	maxSessions = 256
	// maxFile bounds what is read, in bytes. No file of ours is longer, unless
	// servers give the largest tickets and chains.
	maxFile = 16 << 20
	// lifetime is for sessions whose server gives no hint (RFC 5246, appendix
	// F.1.4: 24 hours at most).
	lifetime = 24 * time.Hour
	// maxLifetime bounds a server's hint.
	maxLifetime = 7 * 24 * time.Hour
)

// A Store is the sessions of one file. It is not safe for concurrent use;
// of two processes that save at the same time, the later wins.
type Store struct {
	path    string
	list    []entry
	exposed outfile.Warning
}

// file is the file's form: JSON, for people to look at.
type file struct {
	Format   int     `json:"rawshake_sessions"`
	Sessions []entry `json:"sessions"`
}

// entry is a session and whose it is.
type entry struct {
	Peer       string    `json:"peer"` // host:port
	ServerName string    `json:"server_name"`
	Saved      time.Time `json:"saved"`
	Version    uint16    `json:"version"`
	Suite      uint16    `json:"cipher_suite"`
	Master     []byte    `json:"master_secret"`
	EMS        bool      `json:"extended_master_secret"`
	ID         []byte    `json:"session_id,omitempty"`
	Ticket     []byte    `json:"ticket,omitempty"`
	Lifetime   uint32    `json:"lifetime_hint,omitempty"` // seconds
	Chain      [][]byte  `json:"chain"`
}

// Exposed says whether others can read the file that was read: until the next
// Save, which writes it anew.
func (s *Store) Exposed() outfile.Warning { return s.exposed }

// Open reads a file; one that is not there is empty. The store can be used also
// when there is an error: that says what of the file could not be, and that the
// next Save replaces it.
func Open(path string) (*Store, error) {
	s := &Store{path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer f.Close()
	s.exposed = outfile.Found(f, outfile.Secret)
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return s, err
	}
	if len(data) > maxFile {
		return s, fmt.Errorf("%s: more than %d bytes, no session file of ours", path, maxFile)
	}
	return s, s.parse(data)
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
	dropped := 0
	for _, e := range f.Sessions {
		if len(s.list) == maxSessions || e.session() == nil {
			dropped++
			continue
		}
		s.list = append(s.list, e)
	}
	if dropped > 0 {
		return fmt.Errorf("%s: %d of its sessions cannot be used", s.path, dropped)
	}
	return nil
}

// session is the entry as a machine takes it, or nil where it cannot be one.
func (e *entry) session() *handshake.Session {
	if len(e.Master) != suite.MasterSecretLen || len(e.ID) > 32 || len(e.Chain) == 0 || len(e.ID)+len(e.Ticket) == 0 {
		return nil
	}
	return &handshake.Session{
		Version: tlsmsg.Version(e.Version), CipherSuite: tlsmsg.CipherSuite(e.Suite),
		Master: [suite.MasterSecretLen]byte(e.Master), ExtendedMasterSecret: e.EMS,
		ID: e.ID, Ticket: e.Ticket, LifetimeHint: e.Lifetime, ServerName: e.ServerName, Chain: e.Chain,
	}
}

// fresh reports whether a server may still know the session.
func (e *entry) fresh(now time.Time) bool {
	limit := lifetime
	if e.Lifetime > 0 {
		limit = min(time.Duration(e.Lifetime)*time.Second, maxLifetime)
	}
	age := now.Sub(e.Saved)
	return age >= 0 && age < limit
}

// Find returns the last session with a peer (host:port) under a server name
// that is not too old, or nil.
func (s *Store) Find(peer, serverName string, now time.Time) *handshake.Session {
	for i := range s.list {
		if e := &s.list[i]; e.Peer == peer && e.ServerName == serverName && e.fresh(now) {
			return e.session()
		}
	}
	return nil
}

// Put keeps a session, in the place of any other with the same peer and name.
func (s *Store) Put(peer string, session *handshake.Session, now time.Time) {
	e := entry{
		Peer: peer, ServerName: session.ServerName, Saved: now.UTC(),
		Version: uint16(session.Version), Suite: uint16(session.CipherSuite),
		Master: session.Master[:], EMS: session.ExtendedMasterSecret,
		ID: session.ID, Ticket: session.Ticket, Lifetime: session.LifetimeHint, Chain: session.Chain,
	}
	s.list = slices.DeleteFunc(s.list, func(o entry) bool {
		return o.Peer == e.Peer && o.ServerName == e.ServerName || !o.fresh(now)
	})
	s.list = append(s.list, e)
	slices.SortStableFunc(s.list, func(a, b entry) int { return cmp.Compare(b.Saved.UnixNano(), a.Saved.UnixNano()) })
	s.list = s.list[:min(len(s.list), maxSessions)]
}

// Save writes the file anew, whole or not at all, with mode 0600.
func (s *Store) Save() (err error) {
	data, err := json.MarshalIndent(file{formatVersion, s.list}, "", " ")
	if err != nil {
		return err
	}
	f, err := outfile.Exclusive(filepath.Join(filepath.Dir(s.path), ".rawshake-sessions-"+rand.Text()), outfile.Secret)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(append(data, '\n')); err != nil {
		f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), s.path)
}
