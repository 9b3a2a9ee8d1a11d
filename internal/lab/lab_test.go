package lab_test

import (
	"errors"
	"os"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
)

// newLab makes a lab for a test that runs as root. Elsewhere the test is
// skipped: netns.Reexec is the way for everybody.
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

func TestManyLabsStandSideBySide(t *testing.T) {
	for range 4 {
		newLab(t)
	}
}

// newLabWith makes a lab of a topology for a test that runs as root.
func newLabWith(t *testing.T, topology lab.Topology) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context(), lab.With(topology))
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
