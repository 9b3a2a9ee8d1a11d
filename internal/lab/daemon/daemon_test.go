package daemon

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
)

// Who asks a holder may say anything: it answers in a sentence, or not at all,
// and goes on.
func TestAHolderOutlivesWhateverItIsAsked(t *testing.T) {
	l, err := lab.New(t.Context(), lab.Isolated())
	if errors.Is(err, netns.ErrForbidden) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := &holder{name: "x", lab: l, since: time.Now(), done: make(chan struct{})}
	path := filepath.Join(t.TempDir(), "x.sock")
	if h.ln, err = net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"}); err != nil {
		t.Fatal(err)
	}
	defer h.ln.Close()
	go h.accept()
	call := func() *net.UnixConn {
		c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	for _, packet := range []string{"{", "null", "[1]", strings.Repeat("x", 1<<16), "\x00", `{"do":7}`} {
		if _, err := call().Write([]byte(packet)); err != nil {
			t.Errorf("%.10q: %v", packet, err)
		}
	}
	_ = call().Close()
	for want, q := range map[string]question{
		"is not understood":      {Do: "dance"},
		"there is no node":       {Do: "exec", Node: "nowhere", Args: []string{"true"}},
		"three streams":          {Do: "exec", Args: []string{"true"}},
		"a name and":             {Do: "exec"},
		"no such file or direct": {Do: "exec", Path: "/no/such", Args: []string{"such"}},
	} {
		c := call()
		var files []*os.File
		if q.Path != "" {
			files = []*os.File{os.Stdin, os.Stdout, os.Stderr}
		}
		if err := send(c, q, files...); err != nil {
			t.Fatal(err)
		}
		var a answer
		if _, err := receive(c, &a); err != nil || !strings.Contains(a.Error, want) {
			t.Errorf("%+v: %+v, %v, want something about %q", q, a, err, want)
		}
	}
	c := call()
	if err := send(c, question{Do: "status"}); err != nil {
		t.Fatal(err)
	}
	var a answer
	if _, err := receive(c, &a); err != nil || a.Status == nil || a.Status.Name != "x" || len(a.Status.Nodes) != 2 {
		t.Errorf("%+v, %v", a, err)
	}
}

// A folder that somebody else could have prepared is not used.
func TestAFolderOfOthersIsRefused(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	d := home()
	if err := d.make(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(string(d), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.make(); err == nil || !strings.Contains(err.Error(), "0700") {
		t.Errorf("a folder that all may read: %v", err)
	}
	if err := os.Remove(string(d)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), string(d)); err != nil {
		t.Fatal(err)
	}
	if err := d.make(); err == nil {
		t.Error("a symbolic link is followed")
	}
	if _, err := Up("default", lab.Bare(), Log{}); err == nil {
		t.Error("a lab is made in it")
	}
}

// The number of a holder that has ended may be another process's by then.
func TestAHolderThatHasEndedIsNoProcessToKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	ln, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pidfd, err := handle(c, os.Getpid())
	if err != nil {
		t.Fatalf("of one that stands: %v", err)
	}
	_ = unix.Close(pidfd)
	_ = ln.Close() // as its end does
	if _, err := handle(c, os.Getpid()); !errors.Is(err, unix.ESRCH) {
		t.Errorf("of one that has ended: %v, want ESRCH", err)
	}
}

// A lab that stands is the one asked for only if all of it is.
func TestEveryDifferenceOfATopologyIsNamed(t *testing.T) {
	base := func() lab.Topology {
		topology, err := lab.FindTopology("router")
		if err != nil {
			t.Fatal(err)
		}
		return topology
	}
	was, err := partsOf(base())
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*lab.Topology){
		"":                   func(*lab.Topology) {},
		"the seed":           func(x *lab.Topology) { x.Seed = 9 },
		"the name":           func(x *lab.Topology) { x.Name = "other" },
		"the description":    func(x *lab.Topology) { x.About = "other" },
		"node server":        func(x *lab.Topology) { x.Nodes[2].Services[0].Port++ },
		"link client-router": func(x *lab.Topology) { x.Links[0].MTU = 1400 },
		"link router-server": func(x *lab.Topology) { x.Links[1].Latency = time.Second },
		"node extra":         func(x *lab.Topology) { x.Nodes = append(x.Nodes, lab.NodeConfig{Name: "extra"}) },
		"the order of nodes": func(x *lab.Topology) { slices.Reverse(x.Nodes) },
		"the order of links": func(x *lab.Topology) { slices.Reverse(x.Links) },
	} {
		topology := base()
		topology.Nodes = slices.Clone(topology.Nodes)
		topology.Links = slices.Clone(topology.Links)
		for i := range topology.Nodes {
			topology.Nodes[i].Services = slices.Clone(topology.Nodes[i].Services)
		}
		change(&topology)
		now, err := partsOf(topology)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(now.differences(was), ", "); got != want {
			t.Errorf("%q is the difference, want %q", got, want)
		}
	}
}

func TestNamesOfLabs(t *testing.T) {
	for _, name := range []string{"default", "a", "A.b_c-9"} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", ".", "../x", "a/b", "-x", "a b", strings.Repeat("a", 41), "\x1b"} {
		if CheckName(name) == nil {
			t.Errorf("%q is a name", name)
		}
	}
}

// A holder that ends without a word is told of in words of ours.
func TestAHolderThatEndsUnheardIsExplained(t *testing.T) {
	for want, c := range map[string]struct {
		err   error
		limit uint64
	}{
		"may use 12 MB (/group)": {io.EOF, 12 << 20}, "has ended it": {io.ErrUnexpectedEOF, 0}, "does not stand after": {os.ErrDeadlineExceeded, 0},
	} {
		err := holderEnded(c.err, func() (uint64, string) { return c.limit, "/group" })
		if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, "EOF") || strings.Contains(text, "i/o timeout") {
			t.Errorf("%v: %q, expected something about %q", c.err, text, want)
		}
	}
}
