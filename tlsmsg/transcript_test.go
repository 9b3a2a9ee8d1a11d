package tlsmsg_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A flow is what one side sent before the other spoke again.
type flow struct {
	fromClient bool
	data       []byte
}

// loadTranscript reads a recorded conversation in the form of Go's
// crypto/tls/testdata: hex dumps under ">>> Flow 1 (client to server)".
func loadTranscript(t testing.TB, file string) []flow {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var flows []flow
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line := s.Text()
		switch {
		case strings.HasPrefix(line, ">>> Flow"):
			flows = append(flows, flow{fromClient: strings.Contains(line, "(client to server)")})
		case len(line) > 10 && len(flows) > 0:
			digits, _, _ := strings.Cut(line[10:], "|")
			b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			last := &flows[len(flows)-1]
			last.data = append(last.data, b...)
		}
	}
	if len(flows) < 2 {
		t.Fatalf("%s: %d flows", file, len(flows))
	}
	return flows
}

// dumpTranscript is the inverse of loadTranscript.
func dumpTranscript(flows []flow) []byte {
	var b bytes.Buffer
	for i, f := range flows {
		who := "server to client"
		if f.fromClient {
			who = "client to server"
		}
		fmt.Fprintf(&b, ">>> Flow %d (%s)\n%s", i+1, who, hex.Dump(f.data))
	}
	return b.Bytes()
}

// goTranscripts returns the files of Go's own recordings that match.
func goTranscripts(t testing.TB, pattern string) []string {
	t.Helper()
	root, err := goRoot()
	var files []string
	if err == nil {
		files, err = filepath.Glob(filepath.Join(root, "src/crypto/tls/testdata", pattern))
	}
	files = slices.DeleteFunc(files, func(file string) bool { // some recordings are empty
		info, err := os.Stat(file)
		return err != nil || info.Size() == 0
	})
	if len(files) == 0 {
		missing(t, fmt.Sprintf("no %s in crypto/tls/testdata of Go's source tree: %v", pattern, err))
	}
	return files
}

var goRoot = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out)), err
})

// missing skips a test for want of something that CI must have.
func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// opensslTranscripts returns our own recordings; see openssl_test.go.
func opensslTranscripts(t testing.TB) []string {
	t.Helper()
	files, _ := filepath.Glob("testdata/openssl/*.txt")
	if len(files) == 0 {
		t.Fatal("no recordings in testdata/openssl")
	}
	return files
}

// A content is a message in the clear: a whole handshake message, or the
// fragment of another record.
type content struct {
	fromClient bool
	content    tlsmsg.ContentType
	raw        []byte
	ctx        tlsmsg.Context
}

func (c content) String() string {
	if c.content == tlsmsg.ContentHandshake {
		return tlsmsg.HandshakeType(c.raw[0]).Heading()
	}
	return c.content.Heading()
}

// side follows one direction of a conversation.
type side struct {
	stream    []byte
	assembler tlsmsg.Assembler
	encrypted bool
}

// clear splits a conversation into its records, demands that each is encoded
// again to the same bytes, and returns all contents that are not encrypted.
func clear(t testing.TB, flows []flow) (out []content) {
	t.Helper()
	var sides [2]side
	var ctx tlsmsg.Context
	for _, f := range flows {
		s := &sides[0]
		if f.fromClient {
			s = &sides[1]
		}
		s.stream = append(s.stream, f.data...)
		for {
			rec, n, err := tlsmsg.NextRecord(s.stream)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			if again := tlsmsg.AppendRecord(nil, rec); !bytes.Equal(again, s.stream[:n]) {
				t.Fatalf("record % x became % x", s.stream[:n], again)
			}
			s.stream = s.stream[n:]
			for _, c := range s.contents(t, rec, &ctx) {
				c.fromClient, c.ctx = f.fromClient, ctx
				out = append(out, c)
			}
		}
	}
	for _, s := range sides {
		if len(s.stream) != 0 {
			t.Fatalf("%d bytes after the last record", len(s.stream))
		}
	}
	return out
}

func (s *side) contents(t testing.TB, rec tlsmsg.Record, ctx *tlsmsg.Context) (out []content) {
	t.Helper()
	switch {
	case s.encrypted || rec.Type == tlsmsg.ContentApplicationData:
	case rec.Type == tlsmsg.ContentHandshake:
		s.assembler.Write(rec.Fragment)
		for {
			raw, err := s.assembler.Next()
			if err != nil {
				t.Fatal(err)
			}
			if raw == nil {
				break
			}
			out = append(out, content{content: rec.Type, raw: raw})
			negotiate(t, raw, ctx)
		}
	default:
		if rec.Type == tlsmsg.ContentChangeCipherSpec {
			s.encrypted = ctx.Version != tlsmsg.VersionTLS13 // where it means nothing
			if s.assembler.Pending() {
				t.Fatal("part of a message before ChangeCipherSpec")
			}
		}
		out = append(out, content{content: rec.Type, raw: rec.Fragment})
	}
	return out
}

// negotiate learns from a ServerHello what the decoding of the rest depends on.
func negotiate(t testing.TB, raw []byte, ctx *tlsmsg.Context) {
	t.Helper()
	var hello tlsmsg.ServerHello
	if tlsmsg.HandshakeType(raw[0]) != hello.Type() {
		return
	}
	if err := tlsmsg.ParseInto(&hello, raw, *ctx); err != nil {
		t.Fatal(err)
	}
	*ctx = tlsmsg.Context{Version: hello.Version, KeyExchange: hello.CipherSuite.KeyExchange()}
	var v tlsmsg.SupportedVersions
	if found, err := hello.DecodeExtension(&v); err != nil {
		t.Fatal(err)
	} else if found {
		ctx.Version = v.Versions[0]
	}
}

// eachRecording runs f on Go's recordings and on our own.
func eachRecording(t *testing.T, f func(t *testing.T, all []content)) {
	for _, file := range append(opensslTranscripts(t), goTranscripts(t, "*-TLSv1*")...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f(t, clear(t, loadTranscript(t, file)))
		})
	}
}
