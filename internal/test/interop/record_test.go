package interop

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// The captures in testdata/captures are made here, from real peers: `make
// captures` runs this test with the flag below and replaces them.
var record = flag.Bool("record", false, "make testdata/captures anew")

var capturesDir = filepath.Join("..", "..", "..", "testdata", "captures")

// A specimen is one capture: its file, what is in it and how it was made.
type specimen struct {
	file, how string
	make      func(r *recording)
}

// A recording is a specimen in the making.
type recording struct {
	t    *testing.T
	lab  *lab.Lab
	path string // of the capture
	keys string // of the key log that clients write
}

func TestRecordCaptures(t *testing.T) {
	if !*record {
		t.Skip("make captures, or the flag -record, makes the captures anew")
	}
	for _, name := range []string{"openssl", "gnutls-cli", "gnutls-serv", "nginx", "curl", "dumpcap", "editcap", "nft"} {
		needProgram(t, name)
	}
	if err := os.MkdirAll(capturesDir, 0o755); err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, group := range [][]specimen{handshakeSpecimens, endSpecimens, networkSpecimens, formatSpecimens} {
		for _, s := range group {
			fmt.Fprintf(&list, "| `%s` | %s |\n", s.file, s.how)
			t.Run(s.file, func(t *testing.T) {
				r := newRecording(t, s.file)
				s.make(r)
				if filepath.Ext(s.file) == ".pcapng" {
					forgetMachine(t, r.path)
				}
			})
		}
	}
	readme := fmt.Sprintf(capturesReadme, list.String())
	if err := os.WriteFile(filepath.Join(capturesDir, "README.md"), []byte(readme), 0o644); err != nil {
		t.Fatal(err)
	}
}

const capturesReadme = `# Captures

Recorded from real peers in a private network by ` + "`make captures`" + ` (internal/test/interop/record_test.go and its neighbours), which makes all of them and this page anew.
Addresses are those of RFC 2544 and RFC 3849, names and certificates the lab's. "DSB" says that the file holds its secrets in a Decryption Secrets Block; where a key log stands beside a capture, it has the same name with ` + "`.keys`" + `.
Unless another is said, frames are Ethernet and IPv4, the client's side was captured by dumpcap, and its kernel left checksums to the network card.

| file | what it is and how it was made |
| --- | --- |
%s`

func newRecording(t *testing.T, file string) *recording {
	return &recording{t: t, lab: newLab(t), path: filepath.Join(capturesDir, file), keys: filepath.Join(t.TempDir(), "keys")}
}

// capture records on a device of the near node while f runs.
func (r *recording) capture(f func(), args ...string) {
	r.t.Helper()
	args = append([]string{"-q", "-w", r.path}, args...)
	if strings.HasSuffix(r.path, ".pcap") {
		args = append(args, "-P")
	}
	cmd := r.lab.Near().Command(needProgram(r.t, "dumpcap"), args...)
	said := newLineWatch("File:")
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	select {
	case <-said.seen:
	case <-time.After(10 * time.Second):
		r.t.Fatalf("dumpcap does not start: %s", said)
	}
	f()
	time.Sleep(300 * time.Millisecond) // what is still under way
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		r.t.Fatalf("dumpcap: %v\n%s", err, said)
	}
	os.Chmod(r.path, 0o644)
}

// veth says to dumpcap what to capture: the connections to our peers, and what
// else is about them, but no neighbour discovery.
func (r *recording) veth() []string {
	return []string{"-i", r.lab.Near().Interface(), "-f", "tcp or icmp or ip6 proto 44 or (icmp6 and ip6[40] < 128)"}
}

// run runs a client in the near node, with what it is to say.
func (r *recording) run(input, name string, args ...string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	cmd := r.lab.Near().CommandContext(ctx, needProgram(r.t, name), args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "SSLKEYLOGFILE="+r.keys)
	out, err := cmd.CombinedOutput()
	r.t.Logf("%s %q: %v\n%s", name, args, err, out)
}

const request = "GET / HTTP/1.0\r\n\r\n"

// sClient makes one connection with OpenSSL's client.
func (r *recording) sClient(args ...string) {
	r.t.Helper()
	all := []string{"s_client", "-connect", hostPort(r.lab.Far(), peerPort), "-servername", pki.ServerName, "-keylogfile", r.keys, "-ign_eof"}
	r.run(request, "openssl", append(all, args...)...)
}

// inject moves the key log into the capture.
func (r *recording) inject() {
	r.t.Helper()
	tmp := r.path + ".tmp"
	if out, err := exec.Command("editcap", "--inject-secrets", "tls,"+r.keys, r.path, tmp).CombinedOutput(); err != nil {
		r.t.Fatalf("editcap: %v\n%s", err, out)
	}
	if err := os.Rename(tmp, r.path); err != nil {
		r.t.Fatal(err)
	}
}

// keepKeys puts the key log beside the capture.
func (r *recording) keepKeys() {
	r.t.Helper()
	b, err := os.ReadFile(r.keys)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.path+".keys", b, 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *recording) files(key pki.KeyType) files { return newFiles(r.t, r.lab.Far(), key, "") }

// openSSL serves pages with OpenSSL's server, in any version.
func (r *recording) openSSL(f files, args ...string) {
	r.t.Helper()
	all := []string{"s_server", "-www", "-accept", fmt.Sprint(peerPort), "-cert", f.cert, "-key", f.key, "-CAfile", f.ca}
	startPeer(r.t, r.lab.Far(), "/usr/bin/openssl", append(all, args...)...)
}

// far6 is the far node's IPv6 address with the peers' port.
func (r *recording) far6() string {
	return netip.AddrPortFrom(r.lab.Far().Addr6(), peerPort).String()
}

// lineWatch keeps what is written, and tells when a word was in it.
type lineWatch struct {
	word string
	buf  bytes.Buffer
	seen chan struct{}
	told bool
}

func newLineWatch(word string) *lineWatch { return &lineWatch{word: word, seen: make(chan struct{})} }

func (w *lineWatch) Write(b []byte) (int, error) {
	w.buf.Write(b)
	if !w.told && bytes.Contains(w.buf.Bytes(), []byte(w.word)) {
		w.told = true
		close(w.seen)
	}
	return len(b), nil
}

func (w *lineWatch) String() string { return w.buf.String() }
