// A server's sessions, by ID in memory and in tickets.

package worker

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Sessions keeps what servers need for abbreviated handshakes: by ID in memory,
// and in tickets encrypted with Key. It is safe for concurrent use; the zero
// Sessions is empty and gives no tickets.
type Sessions struct {
	Key      []byte        // of 32 bytes, for tickets; nil: none are given
	Lifetime time.Duration // of a session; 0: a day
	Renew    bool          // give a new ticket for each that is accepted

	early map[[sha256.Size]byte]time.Time // tickets that came with early data

	mu     sync.Mutex
	byID   map[string]kept
	oldest []string // IDs, the oldest first
}

type kept struct {
	session *handshake.ServerSession
	at      time.Time
}

const (
	// maxKept bounds the sessions in memory.
	maxKept = 1024
	// maxEarly bounds the tickets that are remembered to have come with early data.
	maxEarly        = 1 << 16
	defaultLifetime = 24 * time.Hour // at most, RFC 5246, appendix F.1.4
)

func (s *Sessions) lifetime() time.Duration {
	if s.Lifetime > 0 {
		return s.Lifetime
	}
	return defaultLifetime
}

func (w *Worker) now() time.Time {
	if w.Now != nil {
		return w.Now()
	}
	return time.Now()
}

func (w *Worker) lookup(work handshake.LookupSessionWork) (r handshake.LookupSessionResult) {
	switch {
	case w.Sessions == nil:
	case len(work.Ticket) > 0:
		r.Session, r.Age = w.Sessions.open(work.Ticket, w.now())
		r.Renew = w.Sessions.Renew
		r.Once = work.Early && r.Session != nil && w.Sessions.once(work.Ticket, w.now())
	default:
		r.Session = w.Sessions.get(work.ID, w.now())
	}
	return r
}

func (w *Worker) keep(work handshake.KeepSessionWork) (r handshake.KeepSessionResult) {
	switch {
	case w.Sessions == nil:
		r.Err = errors.New("this worker keeps no sessions")
	case len(work.ID) > 0:
		w.Sessions.put(work.ID, work.Session, w.now())
	default:
		r.LifetimeHint = uint32(w.Sessions.lifetime() / time.Second)
		r.Ticket, r.Err = w.Sessions.seal(work.Session, w.now(), w.random())
	}
	return r
}

// once reports whether a ticket comes with early data for the first time, as
// far as this process knows. It returns false if there are too many tickets to
// remember (RFC 9846, section 8.1).
func (s *Sessions) once(ticket []byte, now time.Time) bool {
	sum := sha256.Sum256(ticket)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.early[sum]; known {
		return false
	}
	if len(s.early) >= maxEarly {
		for ticket, at := range s.early {
			if now.Sub(at) > s.lifetime() {
				delete(s.early, ticket)
			}
		}
	}
	if len(s.early) >= maxEarly {
		return false
	}
	if s.early == nil {
		s.early = map[[sha256.Size]byte]time.Time{}
	}
	s.early[sum] = now
	return true
}

func (s *Sessions) get(id []byte, now time.Time) *handshake.ServerSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.byID[string(id)]
	if !ok || now.Sub(k.at) > s.lifetime() {
		return nil
	}
	return k.session
}

func (s *Sessions) put(id []byte, session *handshake.ServerSession, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]kept{}
	}
	if len(s.oldest) >= maxKept {
		delete(s.byID, s.oldest[0])
		s.oldest = s.oldest[1:]
	}
	s.byID[string(id)] = kept{session, now}
	s.oldest = append(s.oldest, string(id))
}

// A ticket is a nonce, and sealed by AES-256-GCM the time of its making in
// milliseconds and the session (RFC 5077, section 4, says what it must withstand).
func (s *Sessions) seal(session *handshake.ServerSession, now time.Time, random io.Reader) ([]byte, error) {
	aead, err := s.aead()
	if err != nil {
		return nil, err
	}
	ticket := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(random, ticket); err != nil {
		return nil, err
	}
	plain := session.Append(binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli())))
	return aead.Seal(ticket, ticket, plain, nil), nil
}

// open returns the session in a ticket, or nil for one that is not ours or too
// old, and its age in milliseconds.
func (s *Sessions) open(ticket []byte, now time.Time) (session *handshake.ServerSession, age uint32) {
	aead, err := s.aead()
	if err != nil || len(ticket) < aead.NonceSize() {
		return nil, 0
	}
	n := aead.NonceSize()
	plain, err := aead.Open(nil, ticket[:n], ticket[n:], nil)
	if err != nil || len(plain) < 8 {
		return nil, 0
	}
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(plain)))
	session, err = handshake.ParseServerSession(plain[8:])
	if err != nil || now.Sub(made) > s.lifetime() {
		return nil, 0
	}
	return session, uint32(max(now.Sub(made), 0) / time.Millisecond)
}

func (s *Sessions) aead() (cipher.AEAD, error) {
	if len(s.Key) != 32 {
		return nil, errors.New("there is no key for tickets")
	}
	block, err := aes.NewCipher(s.Key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
