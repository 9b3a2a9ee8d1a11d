package docs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/build"
	"github.com/rawshake/rawshake/internal/test/dialogue"
	"github.com/rawshake/rawshake/internal/test/live"
)

// A site is the world of docs/audit.md: hosts of example.org, and somebody who audits
// them.
type site struct {
	lab   *lab.Lab
	dir   string // where the commands run
	bin   string // the first folder in which they look for programs
	kept  string // the harness's own files
	nginx string // the folder of www.example.org's files
	web   *netns.Cmd
}

// The hosts, each at an address of its own.
var hosts = map[string]string{
	"www.example.org": "198.18.0.2", "old.example.org": "198.18.0.3", "mail.example.org": "198.18.0.4",
	"proxy.example.org": "198.18.0.5", "inside.example.org": "198.18.0.6",
}

func newSite(t *testing.T) *site {
	s := &site{lab: live.New(t), dir: t.TempDir(), bin: t.TempDir(), kept: t.TempDir(), nginx: t.TempDir()}
	try(t, build.Program(filepath.Join(s.bin, "rawshake")))
	var text strings.Builder
	names := slices.Sorted(maps.Keys(hosts))
	for _, name := range names {
		addr := hosts[name]
		fmt.Fprintf(&text, "%s %s\n", addr, name)
		if addr != s.lab.Far().Addr().String() {
			try(t, s.lab.Far().AddAddress(pki24(addr)))
		}
	}
	s.write(t, s.kept, "hosts", text.String())
	p, err := pki.New(pki.Options{Names: names})
	try(t, err)
	s.write(t, s.kept, "ca.pem", string(p.CA.CertPEM()))
	s.write(t, s.kept, "server.pem", string(p.Server.CertPEM()))
	s.write(t, s.kept, "server.key", string(p.Server.KeyPEM()))
	s.write(t, s.bin, "docker", docker)
	s.serveWeb(t, "")
	s.serveOld(t)
	s.serveMail(t)
	s.serveProxy(t)
	return s
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	try(t, os.WriteFile(path, []byte(text), 0o755))
	return path
}

// need finds a program. Where the tests are the gate it must be there.
func need(t *testing.T, name string) string {
	t.Helper()
	for _, name := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: scripts/setup.sh installs it", name)
	}
	t.Skipf("%s is not installed: CI=true scripts/setup.sh installs it", name)
	return ""
}

// docker stands in for Docker: it runs the program alone, in a root folder that holds
// nothing else but the volume, the names, and the CA of this world.
const docker = `#!/bin/sh
set -e
test "$1 $2 $3 $5 $7" = "run --rm -v -w rawshake"
from=${4%%:*} to=${4#*:} dir=$6
shift 7
root=$(mktemp -d)
trap 'umount "$root$to" && rm -r "$root"' EXIT
mkdir -p "$root$to" "$root/etc" "$root/tmp" "$root$(dirname "$SSL_CERT_FILE")"
cp "$(dirname "$0")/rawshake" "$root/rawshake"
cp /etc/hosts "$root/etc/hosts"
cp "$SSL_CERT_FILE" "$root$SSL_CERT_FILE"
mount --bind "$from" "$root$to"
unshare --root="$root" --wd="$dir" /rawshake "$@"
`

// start runs a server until the test's end, and waits until it listens.
func (s *site) start(t *testing.T, at, name string, args ...string) *netns.Cmd {
	t.Helper()
	cmd := s.lab.Far().Command(need(t, name), args...)
	cmd.Dir = s.kept
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	try(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Signal(unix.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", name, said.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.lab.Far().AwaitListener(ctx, at); err != nil {
		t.Fatalf("%s does not listen: %v\n%s", name, err, said.String())
	}
	return cmd
}

const nginxConfig = `daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
	server {
		listen 198.18.0.2:443 ssl;
		listen 198.18.0.6:443 ssl;
		ssl_certificate %[2]s/server.pem; ssl_certificate_key %[2]s/server.key;
		%[3]s
	}
}
`

// serveWeb starts www.example.org with lines in its configuration, in the place of the
// one that runs.
func (s *site) serveWeb(t *testing.T, lines string) {
	t.Helper()
	if s.web != nil {
		_ = s.web.Signal(unix.SIGKILL)
		_ = s.web.Wait()
	}
	config := s.write(t, s.nginx, "nginx.conf", fmt.Sprintf(nginxConfig, s.nginx, s.kept, lines))
	s.web = s.start(t, "198.18.0.2:443", "nginx", "-p", s.nginx, "-c", config, "-e", "stderr")
}

// serveOld starts old.example.org, which has everything that an old server has.
func (s *site) serveOld(t *testing.T) {
	s.start(t, "198.18.0.3:443", "openssl", "s_server", "-quiet", "-accept", "198.18.0.3:443", "-cert", "server.pem", "-key", "server.key",
		"-min_protocol", "TLSv1", "-cipher", "ALL:@SECLEVEL=0", "-legacy_renegotiation", "-www")
}

// serveMail starts mail.example.org, which speaks SMTP and hands over to old's
// sister.
func (s *site) serveMail(t *testing.T) {
	s.start(t, "127.0.0.1:4443", "openssl", "s_server", "-quiet", "-accept", "127.0.0.1:4443", "-cert", "server.pem", "-key", "server.key", "-www")
	s.serve(t, "198.18.0.4:25", func(conn net.Conn) {
		if dialogue.Play(conn, dialogue.Good["smtp"], "mail.example.org") == nil {
			s.join(conn, conn, "127.0.0.1:4443")
		}
	})
}

// serveProxy starts an HTTP proxy that knows CONNECT alone.
func (s *site) serveProxy(t *testing.T) {
	s.serve(t, "198.18.0.5:3128", func(conn net.Conn) {
		r := bufio.NewReader(conn)
		request, err := http.ReadRequest(r)
		if err != nil || request.Method != http.MethodConnect {
			return
		}
		host, port, _ := net.SplitHostPort(request.Host)
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
		s.join(conn, r, net.JoinHostPort(hosts[host], port))
	})
}

// serve takes connections until the test's end.
func (s *site) serve(t *testing.T, at string, serve func(net.Conn)) {
	t.Helper()
	l, err := s.lab.Far().Listen("tcp", at)
	try(t, err)
	var running sync.WaitGroup // the lab's namespaces are closed once nobody is in them
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
}

// join carries what two ends say to each other until both are done.
func (s *site) join(conn net.Conn, from io.Reader, to string) {
	other, err := s.lab.Far().Dial(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	defer other.Close()
	go func() {
		_, _ = io.Copy(other, from)
		_ = other.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, other)
}

// shell runs a script on the auditor's host, where names are known and the CA of
// these hosts is trusted.
func (s *site) shell(t *testing.T, script string) string {
	t.Helper()
	cmd := s.lab.Near().Command(need(t, "unshare"), "--mount", need(t, "sh"), "-c", `mount --bind "$0" /etc/hosts && exec "$1" "$2"`,
		filepath.Join(s.kept, "hosts"), need(t, "bash"), s.write(t, s.kept, "script", script))
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PATH="+s.bin+":"+os.Getenv("PATH"), "SSL_CERT_FILE="+filepath.Join(s.kept, "ca.pem"), "COLUMNS=100", "LC_ALL=C.UTF-8")
	out, _ := cmd.CombinedOutput()
	return string(out)
}
