// Where one server stands: its folder, certificate, processes and logs.

package servers

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// patience is how long a server may take to start, and what prepares it to end. None
// takes a tenth of it on a machine that is not busy.
const patience = time.Minute

// A site is the place of one server in a lab.
type site struct {
	testing.TB
	node      *lab.Node
	name      string
	dir       string // its own, short enough for a Unix socket, and for everybody to read
	tls       bool
	noKey     bool
	pki       *pki.PKI
	ca        string
	cert, key string
	both      string // certificate and key in one file
	output    output
	serving   context.Context // until a server ends
	ended     context.CancelCauseFunc
}

func newSite(t testing.TB, n *lab.Node, name string, o Options) *site {
	t.Helper()
	need(t)
	dir, err := os.MkdirTemp("/run", name+"-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &site{TB: t, node: n, name: name, dir: dir, tls: !o.WithoutTLS}
	s.serving, s.ended = context.WithCancelCause(t.Context())
	t.Cleanup(func() {
		s.end()
		if t.Failed() {
			t.Logf("%s says:\n%s", name, s.logs())
		}
		_ = os.RemoveAll(dir)
	})
	s.certificate()
	s.noKey = o.NoKey
	return s
}

func (s *site) certificate() {
	s.Helper()
	p, err := pki.New(pki.Options{Addresses: append(s.node.Addresses(), netip.MustParseAddr("127.0.0.1"))})
	if err != nil {
		s.Fatal(err)
	}
	s.pki = p
	s.ca = s.write("ca.pem", string(p.CA.CertPEM()))
	s.cert = s.write("cert.pem", string(p.Server.CertPEM()))
	s.key = s.write("key.pem", string(p.Server.KeyPEM()))
	s.both = s.write("both.pem", string(p.Server.KeyPEM())+string(p.Server.CertPEM()))
}

// lose takes the key away.
func (s *site) lose() {
	s.Helper()
	for _, path := range []string{s.cert, s.key, s.both} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			s.Fatal(err)
		}
	}
}

// onlyTLS is text that belongs to a configuration with TLS.
func (s *site) onlyTLS(text string) string {
	if s.tls {
		return text
	}
	return ""
}

// withoutTLS is text that belongs to one without.
func (s *site) withoutTLS(text string) string {
	if s.tls {
		return ""
	}
	return text
}

// yes is "yes" with TLS and "no" without.
func (s *site) yes() string {
	if s.tls {
		return "yes"
	}
	return "no"
}

// fill puts the site's own names in place of {dir}, {name}, {cert}, {key} and {both}.
func (s *site) fill(text string) string {
	return strings.NewReplacer("{dir}", s.dir, "{name}", pki.ServerName,
		"{cert}", s.cert, "{key}", s.key, "{both}", s.both, "{yes}", s.yes()).Replace(text)
}

// write writes a file in the site's folder, which everybody may read.
func (s *site) write(name, text string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(s.fill(text)), 0o644); err != nil {
		s.Fatal(err)
	}
	return path
}

// secret copies a file for one user's eyes: some servers refuse a key that others read.
func (s *site) secret(name, from, owner string) {
	s.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		s.Fatal(err)
	}
	path := s.write(name, string(b))
	if err := os.Chmod(path, 0o600); err != nil {
		s.Fatal(err)
	}
	s.give(path, owner)
}

// folder makes a folder in the site's own, of a user.
func (s *site) folder(name, owner string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.Mkdir(path, 0o755); err != nil {
		s.Fatal(err)
	}
	s.give(path, owner)
	return path
}

// give gives a file to a user.
func (s *site) give(path, owner string) {
	s.Helper()
	c := s.credential(owner)
	if err := os.Chown(path, int(c.Uid), int(c.Gid)); err != nil {
		s.Fatal(err)
	}
}

func (s *site) credential(name string) *syscall.Credential {
	s.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		s.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		s.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		s.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// A command is a program to run on the site, with an environment of few words.
type command struct {
	user string // root if empty
	env  []string
	args []string
}

func (s *site) prepare(ctx context.Context, c command) *netns.Cmd {
	s.Helper()
	for i := range c.args {
		c.args[i] = s.fill(c.args[i])
	}
	path, err := exec.LookPath(c.args[0])
	if err != nil {
		s.Fatalf("%v: scripts/servers.sh unpacks it", err)
	}
	cmd := s.node.CommandContext(ctx, path, c.args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LANG=C"}, c.env...)
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	cmd.WaitDelay = time.Second // children that hold the output
	if c.user != "" {
		cmd.SysProcAttr.Credential = s.credential(c.user)
	}
	return cmd
}

// prepares runs a command that ends, before the server starts.
func (s *site) prepares(c command) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	if err := s.prepare(ctx, c).Run(); err != nil {
		s.Fatalf("%s: %v", c.args[0], err)
	}
}

// serves starts a server that stays in the foreground.
func (s *site) serves(c command) {
	s.Helper()
	if s.noKey {
		s.lose()
	}
	cmd := s.prepare(context.Background(), c)
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		s.ended(fmt.Errorf("%s ended: %v", c.args[0], cmd.Wait()))
	}()
}

// await waits until the server listens.
func (s *site) await(port uint16) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.serving, patience)
	defer cancel()
	if err := s.node.AwaitListener(ctx, netip.AddrPortFrom(s.node.Addr(), port).String()); err != nil {
		s.Fatalf("%s does not start: %v", s.name, err)
	}
}

// logs is what the server wrote, to its output and into files.
func (s *site) logs() string {
	text := s.output.String()
	here, _ := filepath.Glob(filepath.Join(s.dir, "*log"))
	below, _ := filepath.Glob(filepath.Join(s.dir, "*", "*log"))
	for _, f := range append(here, below...) {
		b, err := os.ReadFile(f)
		if errors.Is(err, unix.EISDIR) {
			continue
		}
		text += fmt.Sprintf("%s (%v):\n%s", filepath.Base(f), err, b)
	}
	return text
}

// An output is what several processes write.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
