// Key logs in the NSS format, written and read.

package capture

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/rawshake/rawshake/internal/outfile"
)

// A KeyLog is a file of secrets in the NSS key log format, with which Wireshark
// decrypts a capture. Each line has a label, the client random and the secret.
type KeyLog struct {
	f       *os.File
	exposed outfile.Warning
	err     error
}

// OpenKeyLog opens the key log at path for appending, as SSLKEYLOGFILE's other
// users do. A new file can be read by its owner alone.
func OpenKeyLog(path string) (*KeyLog, error) {
	f, exposed, err := outfile.Append(path, outfile.Secret, 0)
	if err != nil {
		return nil, fmt.Errorf("key log: %w: choose a path that can be written", err)
	}
	return &KeyLog{f: f, exposed: exposed}, nil
}

// Exposed says whether others can read the key log, which was there before. Its
// mode is left as it is, since those who share the file may have meant it.
func (k *KeyLog) Exposed() outfile.Warning { return k.exposed }

// Secret appends a line, in one write, so that several processes may share the
// file. The first error is returned once; from then on nothing is written.
func (k *KeyLog) Secret(label string, clientRandom, secret []byte) error {
	if k.err != nil {
		return nil
	}
	if _, err := fmt.Fprintf(k.f, "%s %x %x\n", label, clientRandom, secret); err != nil {
		k.err = fmt.Errorf("key log: %w", err)
	}
	return k.err
}

// Err is the error that kept a secret from being written, or nil.
func (k *KeyLog) Err() error { return k.err }

// Close closes the file.
func (k *KeyLog) Close() error { return k.f.Close() }

const (
	// maxKeyLogLine bounds the lines of a key log that are read; the longest
	// label, random and secret stay far below.
	maxKeyLogLine = 1024
	clientRandom  = 32
	maxSecret     = 64
)

// ScanKeyLog reads a key log and calls tell with each secret in it; tell may
// keep the slices. Other lines are skipped. The error is that of reading.
func ScanKeyLog(from io.Reader, tell func(label string, clientRandom, secret []byte)) error {
	r := bufio.NewReaderSize(from, maxKeyLogLine)
	for {
		line, err := r.ReadSlice('\n')
		if err == bufio.ErrBufferFull { // no secret: skip it
			for err == bufio.ErrBufferFull {
				_, err = r.ReadSlice('\n')
			}
			line = nil
		}
		if label, random, secret, ok := parseKeyLogLine(line); ok {
			tell(label, random, secret)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func parseKeyLogLine(line []byte) (label string, random, secret []byte, ok bool) {
	words := bytes.Fields(line)
	if len(words) != 3 || words[0][0] == '#' || hex.DecodedLen(len(words[1])) != clientRandom || hex.DecodedLen(len(words[2])) > maxSecret {
		return "", nil, nil, false
	}
	random, err := hex.DecodeString(string(words[1]))
	if err != nil {
		return "", nil, nil, false
	}
	secret, err = hex.DecodeString(string(words[2]))
	return string(words[0]), random, secret, err == nil
}
