package lab_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
)

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
