package peers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
)

func startServer(t *testing.T) *service.TLSServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, err := service.NewTLSServer(ln, service.Options{MaxVersion: tlsmsg.VersionTLS12}) // whose messages can be found
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	return srv
}

// dial connects to a server through a relay with a fault.
func dial(t *testing.T, srv *service.TLSServer, f Fault) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	relay(t, ln, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", srv.Addr().String())
	}, f)
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// through fetches a page through a relay with a fault, and returns what the
// client and the server thought of it.
func through(t *testing.T, f Fault) (reply string, seen service.Session[tls.ConnectionState], clientErr error) {
	t.Helper()
	srv := startServer(t)
	roots := x509.NewCertPool()
	roots.AddCert(srv.PKI.CA.Cert)
	stream := dial(t, srv, f)
	c := tls.Client(stream, &tls.Config{RootCAs: roots, ServerName: pki.ServerName, Certificates: []tls.Certificate{srv.PKI.Client.TLS()}})
	if clientErr = c.Handshake(); clientErr == nil {
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", pki.ServerName)
		var page []byte
		page, clientErr = io.ReadAll(c)
		reply = string(page)
		_ = c.Close()
	}
	_ = stream.Close()
	seen, err := srv.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return reply, seen, clientErr
}

func TestRelayWithoutFaultIsTransparent(t *testing.T) {
	reply, seen, err := through(t, Fault{})
	if err != nil || !strings.HasPrefix(reply, "HTTP/1.1 200") || seen.Err != nil || !seen.CloseNotify {
		t.Errorf("reply %q, %v; the server: %v", reply, err, seen.Err)
	}
}

func TestFlippedBitsDrawTheirAlert(t *testing.T) {
	const serverKeyExchange, certificate = 12, 11
	for name, c := range map[string]struct {
		fault Fault
		alert tlsmsg.AlertDescription // RFC 5246 7.2: what Go's client sends for it
	}{
		"signature": {FlipMessage(serverKeyExchange, -1), 47},
		"finished":  {FlipFinished(), 20},
		// The body's first byte is a length: the message falls apart.
		"certificate length": {FlipMessage(certificate, 0), 50},
	} {
		t.Run(name, func(t *testing.T) {
			_, seen, err := through(t, c.fault)
			if err == nil {
				t.Fatal("the client noticed nothing")
			}
			if seen.Alert != c.alert {
				t.Errorf("the client said %q and the server got alert %d (%v), want %d", err, seen.Alert, seen.Err, c.alert)
			}
			if len(seen.Request) > 0 {
				t.Errorf("the client sent data nevertheless: %q", seen.Request)
			}
		})
	}
}

// A TLS 1.2 server's handshake with a client certificate asked for: five
// plaintext messages, a ChangeCipherSpec, a Finished, with no session ticket.
func TestCutsFallBetweenMessages(t *testing.T) {
	srv := startServer(t)
	names := []string{"nothing", "ServerHello", "Certificate", "ServerKeyExchange", "CertificateRequest", "ServerHelloDone"}
	last := -1
	for n, name := range names {
		got := bytesBeforeCut(t, srv, CutAfterMessages(n))
		if messages := plaintextMessages(t, got); messages != n {
			t.Errorf("after %s: %d messages came, want %d", name, messages, n)
		}
		if len(got) <= last {
			t.Errorf("after %s: %d bytes, no more than before", name, len(got))
		}
		last = len(got)
	}
	for _, n := range []int{0, 1, 4, 5, 6, 100} {
		if got := bytesBeforeCut(t, srv, CutAfterBytes(n)); len(got) != n {
			t.Errorf("cut after %d bytes: %d came", n, len(got))
		}
	}
}

func TestCutCanBeAReset(t *testing.T) {
	_, _, err := through(t, CutAfterMessages(2).ByReset())
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client got %v, want ECONNRESET", err)
	}
	_, _, err = through(t, CutAfterMessages(2))
	if !errors.Is(err, io.EOF) {
		t.Errorf("the client got %v, want EOF", err)
	}
	// The sixth message is the ChangeCipherSpec: the cut does not wait for
	// bytes that are still to come.
	if _, _, err = through(t, CutAfterMessages(6)); !errors.Is(err, io.EOF) {
		t.Errorf("after the ChangeCipherSpec the client got %v, want EOF", err)
	}
}

// bytesBeforeCut sends a ClientHello through a relay and returns all that
// comes back.
func bytesBeforeCut(t *testing.T, srv *service.TLSServer, f Fault) []byte {
	t.Helper()
	c := dial(t, srv, f)
	if _, err := c.Write(clientHello(t)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// clientHello is the first record of Go's own client.
func clientHello(t *testing.T) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		conn := tls.Client(theirs, &tls.Config{ServerName: pki.ServerName, MaxVersion: tls.VersionTLS12})
		_ = conn.Handshake()
		_ = theirs.Close()
	}()
	buf := make([]byte, 4096)
	n, err := ours.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// plaintextMessages counts whole handshake messages, one to a record as
// crypto/tls writes them.
func plaintextMessages(t *testing.T, b []byte) (n int) {
	t.Helper()
	for len(b) >= 5 {
		length := int(b[3])<<8 | int(b[4])
		if len(b) < 5+length {
			t.Fatalf("the cut is inside a record: %d of %d bytes", len(b)-5, length)
		}
		b, n = b[5+length:], n+1
	}
	if len(b) > 0 {
		t.Fatalf("the cut is inside a record's header: %x", b)
	}
	return n
}
