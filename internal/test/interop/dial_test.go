package interop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/peers"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// dial opens a connection from the near node with our TCP.
func dial(t *testing.T, l *lab.Lab, d rawtcp.Dialer, address string, timeout time.Duration) (net.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	var c net.Conn
	err := l.Near().Do(func() (err error) {
		c, err = d.DialContext(ctx, "tcp", address)
		return err
	})
	return c, err
}

// serve answers each connection to a port of the far node, on the kernel's TCP.
func serve(t *testing.T, l *lab.Lab, each func(*net.TCPConn)) string {
	t.Helper()
	ln, err := l.Far().Listen("tcp", l.Far().Addr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				each(c.(*net.TCPConn))
			}()
		}
	}()
	return ln.Addr().String()
}

func echo(c *net.TCPConn) { io.Copy(c, c) }

// TestBytesArriveWholeAndInOrder sends a megabyte to a kernel's TCP and back,
// over each link, and half-closes.
func TestBytesArriveWholeAndInOrder(t *testing.T) {
	l := newLab(t)
	address := serve(t, l, echo)
	want := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{1}).Read(want)
	for _, kind := range []string{"packet", "raw"} {
		t.Run(kind, func(t *testing.T) {
			c, err := dial(t, l, rawtcp.Dialer{Link: link.Kind(kind)}, address, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute))
			go func() {
				c.Write(want)
				c.(*rawtcp.Conn).CloseWrite()
			}()
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d of %d bytes, equal: %v, error %v", len(got), len(want), bytes.Equal(got, want), err)
			}
		})
	}
}

func TestDialErrorsCanBeTested(t *testing.T) {
	l := newLab(t)
	closed := peers.Start(t, l, service.Closed)
	if _, err := dial(t, l, rawtcp.Dialer{}, closed.String(), 10*time.Second); !errors.Is(err, rawtcp.ErrRefused) {
		t.Errorf("closed port: %v, want ErrRefused", err)
	}
	silent := peers.Start(t, l, service.Silent)
	_, err := dial(t, l, rawtcp.Dialer{}, silent.String(), 300*time.Millisecond)
	var timeout net.Error
	if !errors.Is(err, rawtcp.ErrTimeout) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("silent host: %v, want ErrTimeout, and a net.Error of time", err)
	}
	reset := serve(t, l, func(c *net.TCPConn) { c.SetLinger(0) })
	c, err := dial(t, l, rawtcp.Dialer{}, reset, 10*time.Second)
	if err == nil {
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, rawtcp.ErrReset) {
		t.Errorf("reset connection: %v, want ErrReset", err)
	}
	_, err = dial(t, l, rawtcp.Dialer{}, "198.19.255.1:443", 10*time.Second)
	if !errors.Is(err, rawtcp.ErrUnreachable) {
		t.Errorf("no route: %v, want ErrUnreachable", err)
	}
}

func TestDeadlinesEndReadsAndWrites(t *testing.T) {
	l := newLab(t)
	address := serve(t, l, func(c *net.TCPConn) { time.Sleep(time.Minute) })
	c, err := dial(t, l, rawtcp.Dialer{}, address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v, want os.ErrDeadlineExceeded", err)
	}
	c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	if _, err := c.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write into a full window: %v, want os.ErrDeadlineExceeded", err)
	}
}

func TestHTTPWorksOverOurConn(t *testing.T) {
	l := newLab(t)
	ln, err := l.Far().Listen("tcp", l.Far().Addr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page "+r.URL.Path) })}
	go server.Serve(ln)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(t, l, rawtcp.Dialer{}, address, 10*time.Second)
	}}}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/a", "/b"} { // the second on the kept connection
		resp, err := client.Get("http://" + ln.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "page "+path {
			t.Errorf("got %q", body)
		}
	}
}
