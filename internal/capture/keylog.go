package capture

import (
	"fmt"
	"os"
)

// A KeyLog is a file of secrets in the NSS key log format, from which
// Wireshark decrypts a capture: one line a secret, of a label, the client
// random and the secret itself.
type KeyLog struct{ f *os.File }

// OpenKeyLog opens the key log at path for appending, as SSLKEYLOGFILE's
// other users do. One that it makes can be read by its owner alone.
func OpenKeyLog(path string) (*KeyLog, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("key log: %w: choose a path that can be written", err)
	}
	return &KeyLog{f}, nil
}

// Secret appends a line, in one write, so that several processes may share
// the file.
func (k *KeyLog) Secret(label string, clientRandom, secret []byte) error {
	if _, err := fmt.Fprintf(k.f, "%s %x %x\n", label, clientRandom, secret); err != nil {
		return fmt.Errorf("key log: %w", err)
	}
	return nil
}

// Close closes the file.
func (k *KeyLog) Close() error { return k.f.Close() }
