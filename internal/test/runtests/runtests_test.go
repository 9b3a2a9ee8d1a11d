// Package runtests shows how a package's tests move into the lab as a whole.
package runtests

import (
	"net"
	"os"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	spaces "github.com/rawshake/rawshake/internal/test/netns"
)

func TestMain(m *testing.M) { os.Exit(spaces.RunTests(m)) }

func TestEveryGoroutineStandsInNear(t *testing.T) {
	l, err := lab.New(t.Context())
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	defer l.Close()
	if !netns.Inside() {
		t.Skip("root outside a lab: the process stands elsewhere")
	}
	ln, err := l.Far().Listen("tcp", l.Far().Addr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialed := make(chan error)
	go func() {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err == nil {
			err = c.Close()
		}
		dialed <- err
	}()
	if err := <-dialed; err != nil {
		t.Error(err)
	}
	if _, err := lab.New(t.Context()); err == nil {
		t.Error("two labs stand in one namespace")
	}
	other, err := lab.New(t.Context(), lab.Isolated())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

func TestLabsMayFollowEachOther(t *testing.T) {
	for range 3 {
		l, err := lab.New(t.Context())
		if err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
