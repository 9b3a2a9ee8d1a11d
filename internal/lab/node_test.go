package lab_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

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

func netnsOf(t *testing.T, path string) string {
	t.Helper()
	ns, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return ns
}
