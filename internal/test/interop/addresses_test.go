package interop

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
)

// named runs the program on a node where /etc/hosts gives name.test these
// addresses.
func named(t *testing.T, n *lab.Node, addrs []netip.Addr, args ...string) run {
	t.Helper()
	var text strings.Builder
	for _, a := range addrs {
		fmt.Fprintf(&text, "%v name.test\n", a)
	}
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return execute(t, func(ctx context.Context) *netns.Cmd {
		script := `mount --bind "$0" /etc/hosts && exec "$@"`
		return n.CommandContext(ctx, needProgram(t, "unshare"), append([]string{"--mount", "sh", "-c", script, hosts, program}, args...)...)
	})
}

// TestTheNextAddressOfANameIsTried has one address of a name fail in each way
// in which it cannot be reached; the other one answers.
func TestTheNextAddressOfANameIsTried(t *testing.T) {
	l := newLab6(t)
	listener, err := l.Far().Listen("tcp6", hostPort6(l.Far()))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	target := fmt.Sprintf("name.test:%d", peerPort)
	silent := func(t *testing.T) {
		rules := fmt.Sprintf("table ip quiet { chain in { type filter hook input priority 0; tcp dport %d drop; }; }", peerPort)
		if out, err := l.Far().Command(needProgram(t, "nft"), rules).CombinedOutput(); err != nil {
			t.Fatalf("nft: %v\n%s", err, out)
		}
	}
	for _, c := range []struct {
		name, link string
		first      netip.Addr
		prepare    func(*testing.T)
		why        string
	}{
		{"refused", "packet", l.Far().Addr(), nil, "refused"},
		{"refused", "raw", l.Far().Addr(), nil, "refused"},
		{"refused", "kernel", l.Far().Addr(), nil, "refused"},
		{"no neighbour", "packet", netip.MustParseAddr("198.18.0.99"), nil, ""},
		{"silent", "packet", l.Far().Addr(), silent, "SYN-ACK"},
		{"silent", "kernel", l.Far().Addr(), nil, "SYN-ACK"},
	} {
		t.Run(c.name+"/"+c.link, func(t *testing.T) {
			if c.prepare != nil {
				c.prepare(t)
			}
			r := named(t, l.Near(), []netip.Addr{c.first, l.Far().Addr6()}, "connect", "--json", "--until", "tcp", "--timeout", "4s", "--link", c.link, target)
			r.want(t, 0).says(t, c.first.String()+" cannot be reached", c.why, "trying "+l.Far().Addr6().String())
			list := entries(t, r.stdout)
			at := slices.IndexFunc(list, func(e entry) bool { return e.Name == "next_address" })
			if at < 0 || !strings.Contains(list[at].Text, c.first.String()) {
				t.Fatalf("the view does not say that another address is tried:\n%s", r.stdout)
			}
			for _, e := range list[at:] {
				if e.Type == "segment" && slices.Equal(e.Flags, []string{"SYN"}) && e.Seq != 0 {
					t.Errorf("the second SYN is shown with sequence number %d: it begins a connection", e.Seq)
				}
			}
		})
	}
}

// TestEachAddressThatFailsIsTold also holds that what is asked for by version
// is not replaced by the other one, and that one address alone fails as ever.
func TestEachAddressThatFailsIsTold(t *testing.T) {
	l := newLab6(t)
	four, six, nowhere := l.Far().Addr(), l.Far().Addr6(), netip.MustParseAddr("2001:db8:dead::1")
	target := fmt.Sprintf("name.test:%d", peerPort)
	all := []netip.Addr{nowhere, six, four}
	r := named(t, l.Near(), all, "connect", "--json", target).want(t, 4).says(t, "none of the 3 addresses")
	list := entries(t, r.stdout)
	for _, a := range all {
		if !strings.Contains(list[len(list)-1].Error, a.String()+": ") {
			t.Errorf("the result does not tell %v:\n%s", a, list[len(list)-1].Error)
		}
	}
	if outcome := list[len(list)-1].Outcome; outcome != "closed" {
		t.Errorf("outcome %q: a refusal tells more than that there is no route", outcome)
	}
	for _, args := range [][]string{{"-4", target}, {"--resolve", "name.test:" + four.String(), target}, {hostPort(l.Far(), peerPort)}} {
		r := named(t, l.Near(), all, append([]string{"connect"}, args...)...).want(t, 4)
		if strings.Contains(r.stderr+r.stdout, six.String()) || strings.Contains(r.stderr, "none of") {
			t.Errorf("%q tries other addresses:\n%s%s", args, r.stdout, r.stderr)
		}
	}
}
