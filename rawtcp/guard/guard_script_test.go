package guard_test

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/nftables"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// script runs scripts/rst-guard.sh in the namespace of the calling thread, with
// only the given firewall tools at hand, and returns what it said and its exit
// status.
func script(t *testing.T, tools []string, args ...string) (string, int) {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range append([]string{"sed", "tr", "id", "grep", "sh"}, tools...) {
		path, err := exec.LookPath(tool)
		if err != nil {
			netns.Missing(t, tool, err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("../../scripts/rst-guard.sh", args...)
	cmd.Env = []string{"PATH=" + bin, "XTABLES_LOCKFILE=" + filepath.Join(bin, "lock")}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestScriptDropsTheKernelsResetsFromItsPortsOnly(t *testing.T) {
	for name, tools := range map[string][]string{
		"iptables": {"iptables", "ip6tables", "nft"},
		"nft":      {"nft"},
	} {
		t.Run(name, func(t *testing.T) {
			netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
				inside := netip.AddrPortFrom(p.Client.Addr, 4001)
				outside := netip.AddrPortFrom(p.Client.Addr, 4011)
				do := func(want int, args ...string) string {
					t.Helper()
					out, status := script(t, tools, args...)
					if status != want {
						t.Fatalf("rst-guard.sh %s: status %d, want %d\n%s", strings.Join(args, " "), status, want, out)
					}
					return out
				}
				resets := func(from netip.AddrPort, want int) {
					t.Helper()
					if n := shower(t, p, from, wire.SYN|wire.ACK, 64, 20); n != want {
						t.Errorf("20 SYN-ACKs to %v drew %d RSTs, want %d", from, n, want)
					}
				}

				do(1, "status", "4000-4010")
				resets(inside, 20)
				do(0, "up", "4000-4010")
				do(0, "up", "4000-4010")
				do(0, "status", "4000-4010")
				if out := do(0, "status"); strings.Count(out, "rawshake-rst-guard") != 2 {
					t.Errorf("status after up twice, want one rule a family:\n%s", out)
				}
				resets(inside, 0)
				resets(outside, 20)
				do(0, "down", "4000-4010")
				do(0, "down", "4000-4010")
				do(1, "status")
				resets(inside, 20)
				at := p.Client.Addr.String()
				do(0, "up", "4001", at) // for the one address alone
				if out := do(0, "status"); strings.Count(out, "rawshake-rst-guard") != 1 {
					t.Errorf("status of a rule for %s, want one:\n%s", at, out)
				}
				resets(inside, 0)
				do(0, "down", "4001", at)
				resets(inside, 20)
				if left := ruleset(t); len(left) != 0 {
					t.Errorf("tables left behind: %q", left)
				}
			})
		})
	}
}

func TestScriptUndoesWhatIsHalfDone(t *testing.T) {
	p := netns.NewPair(t)
	tools := []string{"iptables", "ip6tables", "nft"}
	at := p.Client.Addr.String()
	for _, step := range []struct {
		args string
		want int
	}{
		{"up 4000", 0},
		{"up 4001 " + at, 0},
		{"status 4001 " + at, 0},
		{"status 4001", 1}, // that is another rule
		{"down 4000", 0},
		{"status 4001 " + at, 0}, // which is nobody else's to undo
		{"down 4001-4001 " + at, 0},
		{"status", 1},
	} {
		if out, status := script(t, tools, strings.Fields(step.args)...); status != step.want {
			t.Errorf("rst-guard.sh %s: status %d, want %d\n%s", step.args, status, step.want, out)
		}
	}

	// One family's rule is there and the other's is not.
	script(t, tools, "up", "4002")
	if out, err := exec.Command("ip6tables", "-t", "raw", "-F", "OUTPUT").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, status := script(t, tools, "status", "4002"); status != 1 || !strings.Contains(out, "IPv4: up\nIPv6: down") {
		t.Errorf("half of it stands: status %d\n%s", status, out)
	}
	if out, status := script(t, tools, "down", "4002"); status != 0 {
		t.Errorf("down of half: status %d\n%s", status, out)
	}
	if out, status := script(t, tools, "status"); status != 1 {
		t.Errorf("after down: status %d\n%s", status, out)
	}
}

func TestScriptRefusesWrongArguments(t *testing.T) {
	netns.NewPair(t)
	for _, args := range []string{"", "up", "down", "frob 1", "up 0", "up 65536", "up 5-4", "up 5-", "up -5", "up 5x",
		"up 1 2 3", "up 1 host", "up 1 198.18.0.1,198.18.0.2", "up 1 198.18.0.256", "up 1 198.18.0", "up 1 2001:db8:1", "up 1 2001:db8::1::1"} {
		out, status := script(t, []string{"nft"}, strings.Fields(args)...)
		if status != 2 || !strings.Contains(out, "usage:") {
			t.Errorf("rst-guard.sh %s: status %d, want 2\n%s", args, status, out)
		}
	}
	if out, status := script(t, nil, "up", "1"); status != 3 {
		t.Errorf("without any tool: status %d, want 3\n%s", status, out)
	}
}

// ruleset names the tables in the namespace of the calling thread, other than
// the guard's own.
func ruleset(t *testing.T) (names []string) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range all {
		names = append(names, table.Name)
	}
	return names
}
