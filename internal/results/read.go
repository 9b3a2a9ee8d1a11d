// Reads the lines of result files.

package results

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// A Line is what this package reads of a result (docs/record.md).
type Line struct {
	Type, Addr, Name, Tag  string
	Port                   uint16
	OK                     bool
	Outcome, Class, Error  string
	Reasons                []struct{ Code string }
	Odd                    []string
	Repeat                 bool
	Time                   string
	RTT                    *float64 `json:"rtt_ms"`
	TCP                    *TCP
	Version                string
	CipherSuite            string `json:"cipher_suite"`
	Group                  string
	Scheme                 string `json:"signature_scheme"`
	ALPN                   string
	JA3S                   string
	Retry                  json.RawMessage `json:"hello_retry_request"`
	Deprecated             []struct{ What, Value string }
	Chain                  []Certificate
	Verified               *bool    `json:"certificate_verified"`
	CertificateReasons     []string `json:"certificate_reasons"`
	OCSPStatus             string   `json:"ocsp_status"`
	Alert                  *struct{ Description string }
	ClientCertificateAsked bool `json:"client_certificate_requested"`
	Audit                  *Audit
}

// TCP is what a Line has of the SYN-ACK.
type TCP struct {
	TTL int
	P0f string
}

// A Certificate is what a Line has of one.
type Certificate struct {
	Subject, Issuer string
	NotBefore       string              `json:"not_before"`
	NotAfter        string              `json:"not_after"`
	DNSNames        []string            `json:"dns_names"`
	Serial          string              `json:"serial"`
	PublicKey       string              `json:"public_key"`
	KeyBits         int                 `json:"key_bits"`
	KeyCurve        string              `json:"key_curve"`
	SPKI            string              `json:"spki_sha256"`
	Signature       string              `json:"signature_algorithm"`
	SHA256          string              `json:"sha256"`
	IssuerParts     map[string][]string `json:"issuer_attributes"`
	Anomalies       []struct{ Code string }
}

// maxLine bounds one line, in bytes: a result with a long chain and a reply of
// 16 MB whose octets are all escaped.
const maxLine = 128 << 20

// A LineError says which line of which file is no result.
type LineError struct {
	File string
	Line int
	Err  error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("%s, line %d: it is no result of rawshake probe: %v", e.File, e.Line, e.Err)
}

// Unwrap returns what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// Read hands over each target's result of some files, in their order: JSON lines,
// also in gzip or zstd, whatever the files are called. "-" is standard input.
// The Line is used again for the next. A last line that is cut short, as after a
// crash, ends a file without an error; cut counts them.
func Read(files []string, each func(*Line) error) (cut int, err error) {
	var line Line
	return Lines(files, func(at Place, text []byte) error {
		line = Line{}
		err := json.Unmarshal(text, &line)
		switch {
		case err == nil && line.Type == "target":
			return each(&line)
		case err == nil && line.Type == "certificate":
			return nil
		case err == nil:
			err = fmt.Errorf("its type is %q, expected target or certificate", line.Type)
		}
		return &LineError{at.File, at.Line, err}
	})
}

// A Place is a line of a file, from 1 on.
type Place struct {
	File string
	Line int
}

// Lines does what Read does with lines as they stand, with their end, whatever they
// hold. The bytes are valid until the next.
func Lines(files []string, each func(at Place, text []byte) error) (cut int, err error) {
	for _, name := range files {
		short, err := readFile(name, each)
		if short {
			cut++
		}
		if err != nil {
			return cut, err
		}
	}
	return cut, nil
}

func readFile(name string, each func(Place, []byte) error) (cut bool, err error) {
	f := os.Stdin
	if name == "-" {
		name = "standard input"
	} else if f, err = os.Open(name); err != nil {
		return false, err
	} else {
		defer f.Close()
	}
	r, err := unpacked(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return readLines(name, r, each)
}

// unpacked finds out by its first bytes whether a stream is compressed.
func unpacked(r *bufio.Reader) (*bufio.Reader, error) {
	head, _ := r.Peek(4)
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		return bufio.NewReaderSize(z, 1<<20), nil
	case string(head) == "\x28\xb5\x2f\xfd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, err
		}
		return bufio.NewReaderSize(z.IOReadCloser(), 1<<20), nil
	}
	return r, nil
}

func readLines(name string, r *bufio.Reader, each func(Place, []byte) error) (cut bool, err error) {
	for n := 1; ; n++ {
		text, err := readLine(r)
		last := err != nil
		if last && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return false, fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		if last && len(text) > 0 && !json.Valid(text) {
			return true, nil
		}
		if len(text) > 1 {
			if last {
				text = append(text[:len(text):len(text)], '\n')
			}
			if err := each(Place{name, n}, text); err != nil {
				return false, err
			}
		}
		if last {
			return errors.Is(err, io.ErrUnexpectedEOF), nil
		}
	}
}

// readLine returns the next line; with it an error if it is the last.
func readLine(r *bufio.Reader) ([]byte, error) {
	text, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, err
	}
	long := append([]byte(nil), text...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(long) > maxLine {
			return nil, fmt.Errorf("it is longer than %d MB", maxLine>>20)
		}
		text, err = r.ReadSlice('\n')
		long = append(long, text...)
	}
	return long, err
}
