package lab_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// newLab makes a lab for a test that runs as root. Elsewhere the test is
// skipped: reexec_test.go shows the way for everybody.
func newLab(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context())
	if errors.Is(err, netns.ErrForbidden) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error("close the lab:", err)
		}
	})
	return l
}

func clientConfig(p *pki.PKI, withCert bool) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(p.CA.Cert)
	c := &tls.Config{RootCAs: roots, ServerName: pki.ServerName}
	if withCert {
		c.Certificates = []tls.Certificate{p.Client.TLS()}
	}
	return c
}

// get fetches a page from the near node with Go's own client.
func get(ctx context.Context, l *lab.Lab, addr string, config *tls.Config) (string, error) {
	tcp, err := l.Near().Dial(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer tcp.Close()
	_ = tcp.SetDeadline(time.Now().Add(10 * time.Second))
	conn := tls.Client(tcp, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return "", err
	}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", pki.ServerName)
	reply, err := io.ReadAll(conn)
	if err != nil {
		return "", err
	}
	return string(reply), conn.Close()
}

func TestClientCrossesTheLinkToTheEmbeddedServer(t *testing.T) {
	l := newLab(t)
	for _, key := range []pki.KeyType{pki.ECDSAP256, pki.RSA2048, pki.Ed25519} {
		for _, withCert := range []bool{false, true} {
			t.Run(fmt.Sprint(key, withCert), func(t *testing.T) {
				srv, err := l.StartTLSServer(service.Options{Key: key, ClientKey: key})
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				reply, err := get(t.Context(), l, srv.Addr().String(), clientConfig(srv.PKI, withCert))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(reply, "HTTP/1.1 200 OK\r\n") || !strings.Contains(reply, "Connection: close\r\n") {
					t.Errorf("reply is %q", reply)
				}
				s, err := srv.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if s.Client.Addr() != l.Near().Addr() {
					t.Errorf("the server saw %v, want an address of near, %v", s.Client, l.Near().Addr())
				}
				if !s.Complete || s.Err != nil || !s.CloseNotify {
					t.Errorf("session: complete %v, close_notify %v, error %v", s.Complete, s.CloseNotify, s.Err)
				}
				if s.State.Version != tls.VersionTLS12 {
					t.Errorf("version %#x, want TLS 1.2", s.State.Version)
				}
				if got := len(s.State.PeerCertificates) > 0; got != withCert {
					t.Errorf("client certificate arrived: %v, want %v", got, withCert)
				}
				if !bytes.HasPrefix(s.Request, []byte("GET / ")) {
					t.Errorf("request is %q", s.Request)
				}
			})
		}
	}
}

func TestIPv6WorksAtOnce(t *testing.T) {
	l := newLab(t)
	if !l.Far().Addr6().IsValid() {
		if os.Getenv("CI") == "true" {
			t.Fatal("this kernel has no IPv6")
		}
		t.Skip("this kernel has no IPv6")
	}
	ln, err := l.Far().Listen("tcp", "["+l.Far().Addr6().String()+"]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := l.Near().Dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// A link whose carrier the kernel has not noticed yet throws packets away. A
// broadcast needs no ARP and is sent once: it arrives or it was lost.
func TestFirstPacketCrossesANewLink(t *testing.T) {
	for range 20 {
		l, err := lab.New(t.Context(), lab.Isolated())
		if errors.Is(err, netns.ErrForbidden) && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range [][2]*lab.Node{{l.Near(), l.Far()}, {l.Far(), l.Near()}} {
			if err := broadcast(way[0], way[1]); err != nil {
				t.Errorf("from %s to %s: %v", way[0].Name(), way[1].Name(), err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// broadcast sends one datagram and waits for it.
func broadcast(from, to *lab.Node) error {
	in, err := to.ListenPacket("udp4", "0.0.0.0:9")
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := from.Dial(context.Background(), "udp4", "198.18.0.255:9")
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := out.Write([]byte("first")); err != nil {
		return err
	}
	_ = in.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, _, err = in.ReadFrom(make([]byte, 16))
	return err
}

func TestNodesShareNothing(t *testing.T) {
	l := newLab(t)
	outside := netnsOf(t, "/proc/thread-self/ns/net")
	seen := map[string]string{outside: "the test"}
	for _, n := range []*lab.Node{l.Near(), l.Far()} {
		err := n.Do(func() error {
			ns := netnsOf(t, "/proc/thread-self/ns/net")
			if other, taken := seen[ns]; taken {
				t.Errorf("%s stands in %s, like %s", n.Name(), ns, other)
			}
			seen[ns] = n.Name()
			if want := fmt.Sprintf("net:[%d]", n.Inode()); ns != want {
				t.Errorf("%s is %s, Inode says %s", n.Name(), ns, want)
			}
			ifs, err := net.Interfaces()
			if len(ifs) != 2 {
				t.Errorf("%s has %d interfaces, want lo and its own", n.Name(), len(ifs))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if back := netnsOf(t, "/proc/thread-self/ns/net"); back != outside {
		t.Errorf("after Do the test stands in %s, want %s", back, outside)
	}
}

func TestCommandRunsInItsNodeAndDiesWithTheLab(t *testing.T) {
	l := newLab(t)
	out, err := l.Far().Command("readlink", "/proc/self/ns/net").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.TrimSpace(string(out)), fmt.Sprintf("net:[%d]", l.Far().Inode()); got != want {
		t.Errorf("the command ran in %s, want far's %s", got, want)
	}
	forever := l.Far().Command("sleep", "1000")
	if err := forever.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := forever.Wait(); err == nil {
		t.Error("sleep ended by itself")
	}
	if err := l.Far().Command("true").Start(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a command after Close: %v, want os.ErrClosed", err)
	}
}

func TestManyLabsStandSideBySide(t *testing.T) {
	for range 4 {
		newLab(t)
	}
}

func netnsOf(t *testing.T, path string) string {
	t.Helper()
	ns, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

// What the interoperability tests stand on: somebody else's server, in the far
// node, with certificates that have no file.
func TestExternalServerServesFromTheFarNode(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no openssl here")
	}
	l := newLab(t)
	srv := startServer(t, l, service.Options{Key: pki.RSA2048})
	addr := l.Far().Addr().String() + ":4433"
	server := l.Far().Command(openssl, "s_server", "-accept", addr, "-tls1_2", "-www",
		"-cert", srv.CertFile(), "-key", srv.KeyFile(), "-CAfile", srv.CAFile(), "-Verify", "1")
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Far().AwaitListener(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	reply, err := get(t.Context(), l, addr, clientConfig(srv.PKI, true))
	if err != nil || !strings.HasPrefix(reply, "HTTP/1.0 200 ok") {
		_ = l.Close()
		t.Errorf("%q, %v; the server said %s", reply, err, said.Bytes())
	}
}
