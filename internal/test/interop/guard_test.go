package interop

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// TestWithoutAGuardTheKernelEndsTheConnection checks that the ladder shows the
// kernel's RST, says where it came from, and how to prevent it.
func TestWithoutAGuardTheKernelEndsTheConnection(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	for name, at := range map[string]struct {
		node    *lab.Node
		address string
	}{
		"veth":     {l.Near(), hostPort(l.Far(), peerPort)},
		"loopback": {l.Far(), fmt.Sprintf("127.0.0.1:%d", peerPort)},
	} {
		t.Run(name, func(t *testing.T) {
			r := rawshake(t, at.node, "connect", "--guard", "none", "--ca", f.ca, at.address).want(t, 4).says(t, "reset", "--guard")
			for _, word := range []string{"RST", "kernel", "--guard"} {
				if !strings.Contains(r.stdout, word) {
					t.Errorf("the ladder does not say %q:\n%s", word, r.stdout)
				}
			}
			r = rawshake(t, at.node, "connect", "--json", "--guard", "none", "--ca", f.ca, at.address).want(t, 4)
			if !slices.ContainsFunc(entries(t, r.stdout), func(e entry) bool {
				return e.Type == "segment" && e.Origin == "kernel" && slices.Contains(e.Flags, "RST")
			}) {
				t.Errorf("the transcript does not know the kernel's RST:\n%s", r.stdout)
			}
		})
	}
}

// TestEachGuardHolds connects with each guard over each link and counts RSTs
// on the wire.
func TestEachGuardHolds(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	for _, guard := range []string{"auto", "listener", "nftables", "tcx"} {
		for _, link := range []string{"packet", "raw"} {
			if guard == "tcx" && link == "raw" {
				continue // refused: it would take the segments away from the raw link
			}
			t.Run(guard+"/"+link, func(t *testing.T) {
				s := sniff(t, l.Far(), l.Far().Interface())
				rawshake(t, l.Near(), "connect", "-q", "--guard", guard, "--link", link, "--get", "/", "--ca", f.ca, hostPort(l.Far(), peerPort)).want(t, 0)
				if n := len(resets(from(s.end(t), l.Near().Addr().String()))); n != 0 {
					t.Errorf("%d RSTs of ours on the wire", n)
				}
			})
		}
	}
}

// TestKilledAtAnyMomentLeavesNothing kills the program throughout a handshake,
// and looks for rules, interfaces and held ports.
func TestKilledAtAnyMomentLeavesNothing(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{}) // many at a time: s_server would wait for the dead
	if err != nil {
		t.Fatal(err)
	}
	nft, ss := needProgram(t, "nft"), needProgram(t, "ss")
	before := traces(t, l.Near(), nft, ss)
	for _, guard := range []string{"listener", "nftables"} {
		for i := range 25 {
			cmd := l.Near().Command(program, "connect", "--guard", guard, "--json", "--ca", s.CAFile(), s.Addr().String())
			view, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// A line of the view is a moment of the handshake.
			lines := bufio.NewScanner(view)
			for n := rand.IntN(30); n > 0 && lines.Scan(); n-- {
			}
			cmd.Process.Kill()
			cmd.Wait()
			if after := traces(t, l.Near(), nft, ss); after != before {
				t.Fatalf("guard %s, round %d: killed, it left\n%s\nbefore there was\n%s", guard, i, after, before)
			}
		}
	}
}

// traces lists the rules, interfaces and TCP sockets of a node. What a dying
// process held may take a moment to go.
func traces(t *testing.T, n *lab.Node, nft, ss string) string {
	t.Helper()
	var now string
	for range 50 {
		now = ""
		for _, cmd := range [][]string{{nft, "list", "ruleset"}, {"/bin/ls", "/proc/self/net/dev_snmp6"}, {ss, "-Htanl"}} {
			out, err := n.Command(cmd[0], cmd[1:]...).CombinedOutput()
			if err != nil {
				t.Fatalf("%q: %v\n%s", cmd, err, out)
			}
			now += string(out)
		}
		if !strings.Contains(now, "rawshake") && !strings.Contains(now, n.Addr().String()) {
			return now
		}
		time.Sleep(100 * time.Millisecond)
	}
	return now
}
