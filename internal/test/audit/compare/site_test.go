// Where a server stands: a host of its own, on which the kernel counts the
// connections.

package compare

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/test/netns"
)

// A site is the host of one server.
type site struct {
	host   *netns.Host
	server *server
	papers *papers
	dir    string // for the server's files
}

func newSite(t *testing.T, s *server, p *papers) *site {
	return &site{host: netns.NewPair(t).Server, server: s, papers: p, dir: t.TempDir()}
}

func (s *site) addr() string { return netip.AddrPortFrom(s.host.Addr, 443).String() }

// start runs a server until the test's end, and returns once it takes connections.
func (s *site) start(t *testing.T, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	var log bytes.Buffer
	var mu sync.Mutex
	cmd.Stdout, cmd.Stderr = locked{&mu, &log}, locked{&mu, &log}
	stdin, err := cmd.StdinPipe() // open, since the end of it is the end of some
	must(t, err)
	s.host.Do(t, cmd.Start)
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	if !s.await() {
		mu.Lock()
		defer mu.Unlock()
		t.Fatalf("%s does not listen. It says\n%s", path, &log)
	}
}

// await waits until there is a server.
func (s *site) await() bool {
	for deadline := time.Now().Add(patience / 10); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp4", s.addr()); err == nil {
			conn.Close()
			return true
		}
	}
	return false
}

// locked lets the two streams of a process share a buffer with the test.
type locked struct {
	mu  *sync.Mutex
	buf *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// accepted is how many connections were opened to the host so far.
func (s *site) accepted(t *testing.T) (n int) {
	t.Helper()
	s.host.Do(t, func() error {
		b, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		n, err = passiveOpens(string(b))
		return err
	})
	return n
}

// passiveOpens finds the counter: the first line that begins with Tcp: has the
// names, the second the values.
func passiveOpens(snmp string) (int, error) {
	var names []string
	for line := range strings.Lines(snmp) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if name == "PassiveOpens" && i < len(fields) {
				return strconv.Atoi(fields[i])
			}
		}
	}
	return 0, fmt.Errorf("no PassiveOpens in %q", snmp)
}
