package explain

import (
	"bytes"
	"fmt"
	"os"

	"github.com/rawshake/rawshake/internal/capture"
)

// maxSecrets bounds the master secrets that are kept of a capture's own.
const maxSecrets = 100_000

// masterLabel is the key log's label of a master secret (TLS 1.2 and before).
const masterLabel = "CLIENT_RANDOM"

// secrets are those that a capture holds, and those of a key log, which is read
// again for each search: it may be long, and it may grow.
type secrets struct {
	embedded map[[32]byte][]byte
	keyLog   string
	tooMany  bool
}

// add takes a secret of the capture.
func (s *secrets) add(label string, clientRandom, secret []byte) {
	if label != masterLabel {
		return
	}
	if len(s.embedded) >= maxSecrets {
		s.tooMany = true
		return
	}
	if s.embedded == nil {
		s.embedded = map[[32]byte][]byte{}
	}
	s.embedded[[32]byte(clientRandom)] = secret
}

// find returns the master secret of a client random, or nil.
func (s *secrets) find(clientRandom []byte) (master []byte) {
	if m := s.embedded[[32]byte(clientRandom)]; m != nil || s.keyLog == "" {
		return m
	}
	f, err := os.Open(s.keyLog)
	if err != nil {
		return nil // it was there at the beginning: see check
	}
	defer f.Close()
	capture.ScanKeyLog(f, func(label string, random, secret []byte) {
		if label == masterLabel && bytes.Equal(random, clientRandom) {
			master = secret
		}
	})
	return master
}

// check opens the key log, to say at once that it cannot be.
func (s *secrets) check() error {
	if s.keyLog == "" {
		return nil
	}
	f, err := os.Open(s.keyLog)
	if err != nil {
		return fmt.Errorf("key log: %w", err)
	}
	return f.Close()
}
