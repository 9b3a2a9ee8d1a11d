package rawtcp_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/test/badlink"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// Once Close has returned without an error the peer has it all, whatever becomes
// of us.
func TestCloseReturnsWhenAllIsDelivered(t *testing.T) {
	for name, bad := range map[string]badlink.Impairment{
		"clear": {}, "slow": {Delay: 5 * time.Millisecond}, "lossy": {Seed: 3, Loss: 0.05, Reorder: 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := link.Pipe()
			near, far := rawtcp.NewStack(badlink.Wrap(a, bad), rawtcp.StackConfig{Linger: time.Minute}), rawtcp.NewStack(b, rawtcp.StackConfig{})
			defer far.Close()
			ln, err := far.Listen(serverAddr)
			if err != nil {
				t.Fatal(err)
			}
			c, err := near.Open(clientAddr, serverAddr, plain)
			if err != nil {
				t.Fatal(err)
			}
			data := make([]byte, 200<<10)
			rand.Read(data)
			accepted := make(chan net.Conn, 1)
			got := make(chan []byte, 1)
			go func() {
				s, _ := ln.Accept()
				accepted <- s
				all, _ := io.ReadAll(s)
				got <- all
			}()
			if err := c.Handshake(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write(data); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			near.Close() // as the program's end
			if all := <-got; !bytes.Equal(all, data) {
				t.Errorf("%d bytes of %d arrived", len(all), len(data))
			}
			(<-accepted).Close()
		})
	}
}

// What is not delivered is told by its number.
func TestCloseSaysHowMuchWasNotDelivered(t *testing.T) {
	a, b := link.Pipe()
	c, s, stop, err := pair(t, a, b, rawtcp.StackConfig{Linger: 20 * time.Millisecond})
	defer stop()
	if err != nil {
		t.Fatal(err)
	}
	b.Close() // the peer is gone, and nobody says so
	c.Write(make([]byte, 5000))
	var lost *rawtcp.UndeliveredError
	if err := c.Close(); !errors.As(err, &lost) || lost.Octets != 5000 || !errors.Is(err, rawtcp.ErrTimeout) || !strings.Contains(err.Error(), "5000 octets") {
		t.Errorf("a peer that is gone: %v", err)
	}
	_ = s
}

// A reset tells of what it cost, and of nothing where it cost nothing.
func TestCloseAfterAnAbortTellsWhatItCost(t *testing.T) {
	for _, written := range []int{0, 3000} {
		a, b := link.Pipe()
		c, s, stop, err := pair(t, a, b, rawtcp.StackConfig{})
		if err != nil {
			t.Fatal(err)
		}
		s.Write([]byte("nobody reads this"))
		one := make([]byte, 1)
		if _, err := io.ReadFull(c, one); err != nil { // so that the rest is there
			t.Fatal(err)
		}
		b.Close() // so that nothing is acknowledged from now on
		c.Write(make([]byte, written))
		err = c.Close()
		var lost *rawtcp.UndeliveredError
		switch {
		case written == 0 && err != nil:
			t.Errorf("nothing was lost: %v", err)
		case written > 0 && (!errors.As(err, &lost) || lost.Octets != written || !errors.Is(err, rawtcp.ErrAborted)):
			t.Errorf("%d octets were lost: %v", written, err)
		}
		stop()
	}
}
