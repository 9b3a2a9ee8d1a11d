// Probes over AF_XDP.

package interop

import (
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	bpflink "github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
)

func TestProbeOverXDPOfANetwork(t *testing.T) {
	l := newWide(t)
	p := runProbe(t, l, "", "--link", "xdp", "-p", "443", "198.18.0.0/25")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["certificate"] != 128 || len(n) != 1 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
	p = runProbe(t, l, "", "-q", "--link", "xdp", "--until", "tcp", "-p", "443,444", "198.18.7.0/28")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["open"] != 16 || n["closed"] != 16 || len(p.err) != 0 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
}

// Whatever hosts do, the two links tell the same of them, in both IP versions at once:
// ICMP errors, RSTs, silence, replies that are no TLS.
func TestProbeOverXDPFindsWhatThePacketLinkFinds(t *testing.T) {
	l, err := lab.New(t.Context(), lab.With(lab.Mixed()))
	if errors.Is(err, netns.ErrForbidden) {
		missing(t, "this test makes network namespaces: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var found [2]map[string]int
	for i, kind := range []string{"packet", "xdp"} {
		p := runProbe(t, l, "", "-q", "--link", kind, "--until", "finished", "--loops", "3",
			"198.18.0.0/26", "198.18.64.0/28", "198.18.80.0/28", "198.18.96.0/28", "198.18.104.0/28",
			"2001:db8:18::/122", "2001:db8:18::4000/124", "2001:db8:18::5000/124", "2001:db8:18::6000/124", "2001:db8:18::6800/124")
		found[i] = outcomes(t, p.records(t))
		if p.status != 0 || len(p.err) != 0 {
			t.Errorf("%s: status %d\n%s", kind, p.status, p.err)
		}
	}
	for _, n := range found { // the far kernel bounds its ICMP errors
		if n["unreachable"] == 0 {
			t.Errorf("nothing is unreachable: %v", n)
		}
		n["silent"] += n["unreachable"]
		delete(n, "unreachable")
	}
	if n := found[1]; !maps.Equal(found[0], n) || n["finished"] != 128 || n["silent"] != 64 || n["closed"] != 32 {
		t.Errorf("over xdp %v, over packet %v", n, found[0])
	}
}

// A firewall on this machine neither sees what is ours nor keeps it away, and the
// kernel, which has no connection, has nothing to answer.
func TestProbeOverXDPPassesBesideAFirewall(t *testing.T) {
	l := newWide(t)
	nft := func(stdin string, arg ...string) string {
		t.Helper()
		cmd := l.Near().Command(needProgram(t, "nft"), arg...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("nft: %v\n%s", err, out)
		}
		return string(out)
	}
	nft(`table inet fw {
  counter seen { }
  counter resets { }
  chain in { type filter hook input priority filter; policy drop; ct state established,related accept; iif lo accept; ip protocol icmp accept; tcp sport 443 counter name seen; }
  chain out { type filter hook output priority filter; policy accept; tcp flags rst counter name resets; tcp dport 443 counter name seen drop; }
}`, "-f", "-")
	p := runProbe(t, l, "", "-q", "--link", "xdp", "--until", "finished", "--loops", "2", "198.18.0.0/26")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["finished"] != 64 || len(p.err) != 0 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
	for _, counter := range []string{"seen", "resets"} {
		if out := nft("", "list", "counter", "inet", "fw", counter); !strings.Contains(out, "packets 0 ") {
			t.Errorf("the firewall has counted\n%s", out)
		}
	}
}

// nearProgram is the XDP program on the near host's interface, or 0.
func nearProgram(t *testing.T, l *lab.Lab) (id uint32) {
	t.Helper()
	if err := l.Near().Do(func() error {
		dev, err := netlink.LinkByName(l.Near().Interface())
		if err == nil && dev.Attrs().Xdp != nil {
			id = dev.Attrs().Xdp.ProgId
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAKilledProbeOverXDPLeavesNothingBehind(t *testing.T) {
	l := newWide(t)
	for range 50 {
		cmd := l.Near().Command(program, "probe", "-q", "--link", "xdp", "--rate", "3000", "-o", filepath.Join(t.TempDir(), "out"), "198.18.0.0/16")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(30 * time.Second); nearProgram(t, l) == 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(rand.N(300 * time.Millisecond))
		cmd.Process.Kill()
		cmd.Wait()
		for end := time.Now().Add(10 * time.Second); nearProgram(t, l) != 0; {
			if time.Now().After(end) {
				t.Fatal("the program is left behind")
			}
		}
	}
	p := runProbe(t, l, "", "-q", "--link", "xdp", "198.18.0.0/28")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["certificate"] != 16 {
		t.Errorf("after them: status %d, %v\n%s", p.status, n, p.err)
	}
}

// A scan that asks for what cannot be does not begin, whether its targets are known or
// come in a list.
func TestProbeOverXDPRespectsAnotherProgram(t *testing.T) {
	l := newWide(t)
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "somebodys", Type: ebpf.XDP, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	if err != nil {
		missing(t, "this test loads XDP programs: %v", err)
	}
	defer prog.Close()
	var attached bpflink.Link
	if err := l.Near().Do(func() error {
		dev, err := netlink.LinkByName(l.Near().Interface())
		if err == nil {
			attached, err = bpflink.AttachXDP(bpflink.XDPOptions{Program: prog, Interface: dev.Attrs().Index})
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer attached.Close()
	before := nearProgram(t, l)
	for _, p := range []*probed{
		runProbe(t, l, "", "--link", "xdp", "198.18.0.0/28"),
		runProbe(t, l, "198.18.0.1\n198.18.0.2\n", "--link", "xdp", "--allow-special"),
	} {
		if p.status == 0 || len(p.out) != 0 || !strings.Contains(string(p.err), `"somebodys"), and is left alone; use --link packet`) {
			t.Errorf("status %d: %s\n%s", p.status, p.out, p.err)
		}
	}
	if after := nearProgram(t, l); before == 0 || after != before {
		t.Errorf("program %d stands in the place of %d", after, before)
	}
}
