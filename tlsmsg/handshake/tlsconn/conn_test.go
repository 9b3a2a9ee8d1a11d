package tlsconn_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

func TestIsANetConn(t *testing.T) {
	p := good(t)
	for name, swap := range map[string]bool{"client first": false, "server first": true, "client of TLS 1.3 first": false, "server of TLS 1.3 first": true} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				a, b := streams(t)
				c, s := p.client(a), p.server(t, b)
				if strings.Contains(name, "1.3") {
					c, s = p.client13(a), p.server13(t, b)
				}
				failed := make(chan error, 1)
				go func() { failed <- s.Handshake(t.Context()) }()
				err := errors.Join(c.Handshake(t.Context()), <-failed)
				stop := func() { c.Close(); s.Close() }
				if swap {
					return s, c, stop, err
				}
				return c, s, stop, err
			})
		})
	}
}

// Each side reads all that the other's standard library wrote, to its end.
func TestSpeaksWithGo(t *testing.T) {
	p := good(t)
	data := make([]byte, 1<<20)
	rand.Read(data)
	for name, pair := range map[string]func() (net.Conn, net.Conn){
		"client": func() (net.Conn, net.Conn) {
			a, b := streams(t)
			return p.client(a), tls.Server(b, p.theirs())
		},
		"client of TLS 1.3": func() (net.Conn, net.Conn) {
			a, b := streams(t)
			theirs := p.theirs()
			theirs.MinVersion, theirs.MaxVersion = tls.VersionTLS13, tls.VersionTLS13
			return p.client13(a), tls.Server(b, theirs)
		},
		"server": func() (net.Conn, net.Conn) {
			a, b := streams(t)
			return p.server(t, a), tls.Client(b, p.theirs())
		},
		"server of TLS 1.3": func() (net.Conn, net.Conn) {
			a, b := streams(t)
			theirs := p.theirs()
			theirs.MinVersion, theirs.MaxVersion = tls.VersionTLS13, tls.VersionTLS13
			return p.server13(t, a), tls.Client(b, theirs)
		},
		"both of TLS 1.3": func() (net.Conn, net.Conn) {
			a, b := streams(t)
			return p.client13(a), p.server13(t, b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := pair()
			for _, dir := range [][2]net.Conn{{a, b}, {b, a}} {
				wrote := make(chan error, 1)
				go func() {
					_, err := dir[0].Write(data)
					wrote <- errors.Join(err, dir[0].(interface{ CloseWrite() error }).CloseWrite())
				}()
				got, err := io.ReadAll(dir[1])
				if err := errors.Join(err, <-wrote); err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d bytes of %d, %v", len(got), len(data), err)
				}
			}
			if err := errors.Join(a.Close(), b.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestServesAndFetchesHTTP(t *testing.T) {
	p := good(t)
	cfg, w := p.serverConfig(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Repeat("rawshake ", 20000)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })}
	go server.Serve(tlsconn.NewListener(ln, cfg, w))
	defer server.Close()

	transport := &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		stream, err := new(net.Dialer).DialContext(ctx, network, ln.Addr().String())
		if err != nil {
			return nil, err
		}
		c := p.client(stream)
		return c, c.Handshake(ctx)
	}}
	defer transport.CloseIdleConnections()
	for range 3 {
		reply, err := (&http.Client{Transport: transport}).Get("https://" + name + "/")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		if err != nil || string(got) != body {
			t.Fatalf("%d bytes of %d, %v", len(got), len(body), err)
		}
	}
}

// Whoever may not be trusted gets an alert that says why, and no data.
func TestRefusesAChainThatDoesNotVerify(t *testing.T) {
	expired, other := newPKI(t, time.Now().Add(-time.Hour)), good(t)
	for what, c := range map[string]struct {
		server *pki
		roots  *worker.Worker
		alert  string
		reason worker.Reason
	}{
		"expired":      {expired, expired.trusting(), "expired certificate", worker.Expired},
		"unknown root": {good(t), other.trusting(), "unknown certificate authority", worker.SelfSigned},
	} {
		t.Run(what, func(t *testing.T) {
			a, b := streams(t)
			client := tlsconn.Client(a, handshake.Config{ServerName: name}, c.roots)
			heard := make(chan error, 1)
			go func() { heard <- tls.Server(b, c.server.theirs()).HandshakeContext(t.Context()) }()
			err := client.Handshake(t.Context())
			var verdict *worker.Verdict
			if !errors.As(err, &verdict) || verdict.Reason != c.reason {
				t.Errorf("the client: %v", err)
			}
			if _, err := client.Write([]byte("secret")); !errors.As(err, &verdict) {
				t.Errorf("a write: %v", err)
			}
			if err := <-heard; err == nil || !strings.Contains(err.Error(), c.alert) {
				t.Errorf("the server: %v, want %q", err, c.alert)
			}
		})
	}
}

// A Write that ends at its deadline leaves a connection as good as before.
func TestWhatADeadlineInterruptsIsSentLater(t *testing.T) {
	p := good(t)
	a, b := streams(t)
	c, s := p.client(a), p.server(t, b)
	read := make(chan []byte, 1)
	start := make(chan bool)
	go func() {
		if s.Handshake(t.Context()) == nil {
			<-start
		}
		got, _ := io.ReadAll(s)
		read <- got
	}()
	if err := c.Handshake(t.Context()); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 32<<20) // more than the kernel holds
	rand.Read(data)
	c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := c.Write(data)
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == len(data) {
		t.Fatalf("%d of %d bytes, %v", n, len(data), err)
	}
	close(start)
	c.SetWriteDeadline(time.Time{})
	if _, err := c.Write(data[n:]); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got := <-read; !bytes.Equal(got, data) {
		t.Errorf("%d bytes of %d arrived as they were", len(got), len(data))
	}
}

// Two that both write before they read do not wait for each other for ever, as
// long as somebody reads.
func TestReadingNeverWaitsForWriting(t *testing.T) {
	p := good(t)
	a, b := streams(t)
	ends := []*tlsconn.Conn{p.client(a), p.server(t, b)}
	data := make([]byte, 16<<20)
	var all sync.WaitGroup
	for _, c := range ends {
		all.Go(func() {
			if _, err := c.Write(data); err != nil {
				t.Error(err)
			}
			c.CloseWrite()
		})
		all.Go(func() {
			if n, err := io.Copy(io.Discard, c); err != nil || n != int64(len(data)) {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
	all.Wait()
}

// Who waits for what the peer says later reads the stream meanwhile. Another who
// wants the handshake alone, as a first Write does, does not wait with him.
func TestNobodyWaitsForWhatAnotherWaitsFor(t *testing.T) {
	p := good(t)
	for what, finished := range map[string]bool{"a handshake that is done": true, "one that is not": false} {
		t.Run(what, func(t *testing.T) {
			a, b := streams(t)
			machine := handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: name})
			c, s := tlsconn.New(a, machine, p.trusting()), p.server(t, b)
			go io.Copy(s, s)
			if finished {
				if err := c.Until(t.Context(), func() bool { return machine.Stage() == handshake.StageFinished }); err != nil {
					t.Fatal(err)
				}
			}
			reads := make(chan struct{})
			var once sync.Once
			go c.Until(t.Context(), func() bool { once.Do(func() { close(reads) }); return false })
			<-reads
			if _, err := c.Write([]byte("a")); err != nil {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestAContextEndsAHandshake(t *testing.T) {
	p := good(t)
	a, _ := streams(t)
	c := p.client(a)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := c.Handshake(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "an answer to our ClientHello") {
		t.Error(err)
	}
}

// A handshake that stops in between goes on where it stopped.
func TestUntilStopsWhereItIsTold(t *testing.T) {
	p := good(t)
	a, b := streams(t)
	go tls.Server(b, p.theirs()).HandshakeContext(t.Context())
	machine := handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: name})
	c := tlsconn.New(a, machine, p.trusting())
	for _, stage := range []handshake.Stage{handshake.StageHelloReceived, handshake.StageHelloDone, handshake.StageFinished} {
		if err := c.Until(t.Context(), func() bool { return machine.Stage() >= stage }); err != nil {
			t.Fatalf("%v: %v", stage, err)
		}
	}
	if err := c.Handshake(t.Context()); err != nil {
		t.Error(err)
	}
}

// A wait for what the peer cannot say any more ends when it has closed.
func TestUntilEndsWithThePeer(t *testing.T) {
	p := good(t)
	for what, closing := range map[string]func(*tls.Conn) error{
		"its direction": (*tls.Conn).CloseWrite, "everything": (*tls.Conn).Close,
	} {
		t.Run(what, func(t *testing.T) {
			a, b := streams(t)
			theirs := tls.Server(b, p.theirs())
			closed := make(chan error, 1)
			go func() {
				err := theirs.HandshakeContext(t.Context())
				closed <- errors.Join(err, closing(theirs), b.(interface{ CloseWrite() error }).CloseWrite())
			}()
			c := p.client(a)
			if err := c.Until(t.Context(), func() bool { return false }); !errors.Is(err, io.EOF) {
				t.Errorf("the wait ends with %v", err)
			}
			if err := <-closed; err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

// Whoever ends the stream without a close_notify is found out.
func TestAStreamThatIsCutOffIsAnError(t *testing.T) {
	p := good(t)
	a, b := streams(t)
	c, s := p.client(a), p.server(t, b)
	go func() {
		s.Write([]byte("half of "))
		s.NetConn().Close()
	}()
	got, err := io.ReadAll(c)
	if string(got) != "half of " || !errors.Is(err, handshake.ErrTruncated) {
		t.Errorf("%q, %v", got, err)
	}
}

// What a peer says before it hangs up is the reason, not the broken stream.
func TestAnAlertComesBeforeABrokenStream(t *testing.T) {
	p := good(t)
	a, b := streams(t)
	theirs := p.theirs()
	theirs.ClientAuth = tls.RequireAnyClientCert
	go func() {
		tls.Server(b, theirs).HandshakeContext(t.Context())
		b.Close()
	}()
	var alert *handshake.AlertError
	if err := p.client(a).Handshake(t.Context()); !errors.As(err, &alert) || alert.Alert.Description != tlsmsg.AlertBadCertificate && alert.Alert.Description != tlsmsg.AlertHandshakeFailure {
		t.Error(err)
	}
}

func TestAClosedConnSaysSo(t *testing.T) {
	p := good(t)
	a, _ := streams(t)
	c := p.client(a)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	_, read := c.Read(make([]byte, 1))
	_, write := c.Write([]byte{1})
	for _, err := range []error{read, write, c.CloseWrite(), c.Close(), c.Handshake(t.Context())} {
		if !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

// A dialer judges the name that it was asked for, and leaves no stream open that
// it does not return.
func TestADialerReturnsAConnectionThatIsVerifiedOrNone(t *testing.T) {
	p := good(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ended := make(chan error, 2)
	go func() {
		for range 2 {
			stream, err := ln.Accept()
			if err != nil {
				return
			}
			c := tls.Server(stream, p.theirs())
			_, err = io.Copy(io.Discard, c) // until the client is gone
			ended <- err
			stream.Close()
		}
	}()
	d := tlsconn.Dialer{Worker: p.trusting()}
	if c, err := d.DialContext(t.Context(), "tcp", ln.Addr().String()); err == nil || c != nil {
		t.Errorf("a certificate for %s serves 127.0.0.1: %v", name, c)
	}
	<-ended
	d.Config.ServerName = name
	c, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if v := c.(*tlsconn.Conn).ConnectionState().Version; v != tlsmsg.VersionTLS12 {
		t.Error(v)
	}
	c.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := d.DialContext(t.Context(), "tcp", "no port"); err == nil {
		t.Error("an address without a port was dialled")
	}
}

// Early data is read before what comes later, and leaves before the server answers.
func TestEarlyDataIsReadFirst(t *testing.T) {
	p := good(t)
	scfg, sw := p.serverConfig(t)
	scfg.MaxVersion, scfg.Tickets, scfg.EarlyData = tlsmsg.VersionTLS13, true, 1000
	sw.Sessions = &worker.Sessions{Key: make([]byte, 32)}
	cfg := handshake.Config{ServerName: name, MaxVersion: tlsmsg.VersionTLS13}
	for round, want := range []string{"later", "early later"} {
		a, b := streams(t)
		c, s := tlsconn.Client(a, cfg, p.trusting()), tlsconn.Server(b, scfg, sw)
		read := make(chan string, 1)
		go func() {
			got, err := io.ReadAll(s)
			if err != nil {
				t.Error(err)
			}
			read <- string(got)
			s.Close()
		}()
		if _, err := c.Write([]byte("later")); err != nil {
			t.Fatal(err)
		}
		c.CloseWrite()
		if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
			t.Errorf("round %d: %q, %v", round, rest, err)
		}
		if got := <-read; got != want || s.ConnectionState().EarlyData != c.ConnectionState().EarlyData {
			t.Errorf("round %d: %q, %v, %v", round, got, s.ConnectionState().EarlyData, c.ConnectionState().EarlyData)
		}
		cfg.Session, cfg.EarlyData = c.ConnectionState().Session, []byte("early ")
	}
}
