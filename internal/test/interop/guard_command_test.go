package interop

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/rawtcp/guard"
)

// TestGuardCommandGuardsOthersPrograms puts a guard up by hand and lets a
// program that brings none of its own, connect --guard none, go through it.
func TestGuardCommandGuardsOthersPrograms(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bare := []string{"connect", "-q", "--guard", "none", "--link", "packet", "--source-port", "4005", "--ca", s.CAFile(), s.Addr().String()}
	near := l.Near()
	rawshake(t, near, bare...).want(t, 4)

	run := append([]string{"guard", "run", "-q", "--guard", "nftables", "--ports", "4000-4010", "--", program}, bare...)
	rawshake(t, near, run...).want(t, 0)
	rawshake(t, near, bare...).want(t, 4)

	rawshake(t, near, "guard", "up", "--ports", "4000-4010").want(t, 0)
	rawshake(t, near, "guard", "up", "--ports", "4000-4010").want(t, 0).says(t, "already")
	rawshake(t, near, bare...).want(t, 0)
	var status struct {
		Kind    string `json:"kind"`
		First   int    `json:"first_port"`
		Last    int    `json:"last_port"`
		Owner   string `json:"owner"`
		Dropped int    `json:"dropped"`
	}
	out := rawshake(t, near, "guard", "status", "--json").want(t, 0).stdout
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatalf("status: %v\n%s", err, out)
	}
	if status.Kind != "nftables" || status.First != 4000 || status.Last != 4010 || !strings.Contains(status.Owner, "guard up") || status.Dropped == 0 {
		t.Errorf("status says %s", out)
	}
	rawshake(t, near, "guard", "down").want(t, 0)
	rawshake(t, near, "guard", "down").want(t, 0)
	rawshake(t, near, bare...).want(t, 4)
	if r := rawshake(t, near, "guard", "status").want(t, 0); !strings.Contains(r.stdout, "no guard stands") {
		t.Errorf("after down:\n%s", r.stdout)
	}
}

func TestGuardRunTellsThePortsAndEndsLikeItsCommand(t *testing.T) {
	l := newLab(t)
	r := rawshake(t, l.Near(), "guard", "run", "--ports", "4000-4010", "--", "sh", "-c", "echo $RAWSHAKE_PORTS {first} {last}; exit 9").want(t, 9)
	if r.stdout != "4000-4010 4000 4010\n" {
		t.Errorf("the command was told %q", r.stdout)
	}
	rawshake(t, l.Near(), "guard", "run", "--", "sh", "-c", "kill -TERM $$").want(t, 128+15)
	// masscan takes no other source ports: their number is a power of two, and
	// they begin at a multiple of it.
	rawshake(t, l.Near(), "guard", "run", "--", "sh", "-c", "n=$(({last} - {first} + 1)); [ $n -gt 1 ] && [ $((n & (n - 1))) = 0 ] && [ $(({first} % n)) = 0 ]").want(t, 0)
	for _, args := range []string{"", "up", "up --ports 0", "up --ports 9-8", "up --ports 1-x", "down --address 198.18.0.1", "run", "run --ports 70000 -- true", "status here", "frob"} {
		rawshake(t, l.Near(), append([]string{"guard"}, strings.Fields(args)...)...).want(t, 2)
	}
}

// A guard that holds no ports may touch others, and says so.
func TestGuardWarnsOfPortsThatOthersUse(t *testing.T) {
	near := newLab(t).Near()
	ln, err := near.Listen("tcp", "0.0.0.0:4005")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var low uint16
	if err := near.Do(func() (err error) {
		low, _, err = guard.EphemeralPorts()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	ours := fmt.Sprint(low)
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"up":           {[]string{"up", "--ports", ours}, []string{"its own connections"}},
		"up again":     {[]string{"up", "--ports", ours}, []string{"its own connections"}},
		"up in use":    {[]string{"up", "--ports", "4000-4010"}, []string{"port in use", "4005"}},
		"run":          {[]string{"run", "--guard", "nftables", "--ports", ours, "--", "true"}, []string{"its own connections"}},
		"run in use":   {[]string{"run", "--guard", "nftables", "--ports", "4005", "--", "true"}, []string{"port in use", "4005"}},
		"run held":     {[]string{"run", "--guard", "listener", "--ports", ours, "--", "true"}, nil},
		"run in quiet": {[]string{"run", "-q", "--guard", "nftables", "--ports", ours, "--", "true"}, nil},
		"up elsewhere": {[]string{"up", "--ports", "5000"}, nil},
	} {
		r := rawshake(t, near, append([]string{"guard"}, c.args...)...).want(t, 0).says(t, c.says...)
		if c.says == nil && strings.Contains(r.stderr, "note:") {
			t.Errorf("%s: %s", name, r.stderr)
		}
	}
	rawshake(t, near, "guard", "down").want(t, 0)
}

// An ordinary user may run a program under a guard, and is told what `up` needs.
func TestGuardWithoutAnyPrivilege(t *testing.T) {
	l := newLab(t)
	setpriv := needProgram(t, "setpriv")
	as := func(args ...string) (string, int) {
		cmd := l.Near().Command(setpriv, append([]string{"--inh-caps=-all", "--bounding-set=-all", program}, args...)...)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, status := as("guard", "run", "--", "true"); status != 0 || !strings.Contains(out, "TTL") {
		t.Errorf("run: status %d, %s", status, out)
	}
	if out, status := as("guard", "up", "--ports", "4000"); status != 3 || !strings.Contains(out, "CAP_NET_ADMIN") || !strings.Contains(out, "guard run") {
		t.Errorf("up: status %d, %s", status, out)
	}
	if out, status := as("guard", "down"); status != 3 || !strings.Contains(out, "CAP_NET_ADMIN") || strings.Contains(out, "guard run") {
		t.Errorf("down: status %d, %s", status, out)
	}
	if out, status := as("guard", "run", "--guard", "nftables", "--", "true"); status != 3 || !strings.Contains(out, "leave out --guard") {
		t.Errorf("run --guard nftables: status %d, %s", status, out)
	}
	if out, status := as("guard", "status"); status != 0 || !strings.Contains(out, "no guard can be seen") || !strings.Contains(out, "not all") {
		t.Errorf("status: status %d, %s", status, out)
	}
}

// A firewall as ufw, firewalld and Docker make them: invalid segments and what
// is not of a known connection are dropped, in and out, and Docker's NAT is
// there.
const firewall = `
table inet host {
	chain prerouting { type filter hook prerouting priority mangle + 10; ct state invalid counter drop; }
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		ip protocol icmp accept
		meta l4proto ipv6-icmp accept
		iifname "lo" accept
	}
	chain forward { type filter hook forward priority filter; policy drop; }
	chain output {
		type filter hook output priority filter; policy accept;
		ct state invalid drop
	}
}
table ip docker_like {
	chain postrouting { type nat hook postrouting priority 100; ip saddr 172.17.0.0/16 masquerade; }
	chain output { type nat hook output priority -100; ip daddr 198.18.99.99 dnat to 198.18.0.2; }
}
`

// TestEveryGuardWorksBesideAHostsFirewall connects through a stateful firewall
// that drops everything it has not seen begin, and finds its rules untouched.
func TestEveryGuardWorksBesideAHostsFirewall(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nft := needProgram(t, "nft")
	load := l.Near().Command(nft, "-f", "-")
	load.Stdin = strings.NewReader(firewall)
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	rules := func() string {
		out, err := l.Near().Command(nft, "-s", "list", "ruleset").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	before := rules()
	for _, how := range []string{"auto/packet", "auto/raw", "listener/packet", "listener/raw", "nftables/packet", "nftables/raw", "tcx/packet"} {
		guard, link, _ := strings.Cut(how, "/")
		t.Run(how, func(t *testing.T) {
			rawshake(t, l.Near(), "connect", "-q", "--guard", guard, "--link", link, "--get", "/", "--ca", s.CAFile(), s.Addr().String()).want(t, 0)
			if after := rules(); after != before {
				t.Errorf("the firewall was\n%s\nand is\n%s", before, after)
			}
		})
	}
}
