// SYN proxies of the kernel's, and hosts that look like one.

package interop

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

// Ports of the far host. What answers on the first two kinds is the kernel's SYN proxy,
// before a host that listens, refuses, or is not there; on the others, the kernel's TCP.
const (
	proxiedPort  = 1000 // and two more: with the options of a host
	plainPort    = 1010 // the same without any
	strippedPort = 1020 // SYN-ACKs that lost their options on the way
	closedPort   = 1021 // SYN-ACKs whose window is closed
	honestPort   = 1022
)

// synProxy has the far kernel answer for ports as its SYN proxy.
func synProxy(t *testing.T, n *lab.Node) {
	t.Helper()
	rules := fmt.Sprintf(`table ip proxied {
	chain raw { type filter hook prerouting priority raw; iifname != "lo" tcp dport { %[1]d-%[2]d, %[3]d-%[4]d } tcp flags syn / fin,syn,rst,ack notrack; }
	chain in { type filter hook input priority filter;
		iifname "lo" tcp dport { %[2]d, %[4]d } drop
		iifname != "lo" tcp dport %[1]d-%[2]d ct state { invalid, untracked } synproxy mss 1460 wscale 7 timestamp sack-perm
		iifname != "lo" tcp dport %[3]d-%[4]d ct state { invalid, untracked } synproxy
	}
	chain out { type filter hook output priority filter;
		tcp sport %[5]d tcp flags & (syn|ack) == syn|ack reset tcp option maxseg
		tcp sport %[6]d tcp flags & (syn|ack) == syn|ack tcp window set 0
	}
}`, proxiedPort, proxiedPort+2, plainPort, plainPort+2, strippedPort, closedPort)
	cmd := n.Command(needProgram(t, "nft"), "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, "this kernel has no SYN proxy: %v: %s", err, out)
	}
	sysctl(t, n, "net/netfilter/nf_conntrack_tcp_loose", "0")
	for _, name := range []string{"timestamps", "sack", "window_scaling"} { // of the TCP behind it, and of the honest
		sysctl(t, n, "net/ipv4/tcp_"+name, "0")
	}
}

// takeConnections listens on ports, and keeps what connects.
func takeConnections(t *testing.T, n *lab.Node, ports ...int) {
	t.Helper()
	for _, port := range ports {
		ln, err := n.Listen("tcp", hostPort(n, port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { c.Close() })
			}
		}()
	}
}

// A port that a SYN proxy answers is open if there is a host behind it that takes the
// connection, and a host that looks like a proxy has its ports open all the same.
func TestAPortBehindASYNProxyIsOpenIfAHostIs(t *testing.T) {
	l := newLab(t)
	synProxy(t, l.Far())
	takeConnections(t, l.Far(), proxiedPort, plainPort, strippedPort, closedPort, honestPort)
	p := runProbe(t, l, "", "-q", "--until", "tcp", "--timeout", "4s",
		"-p", fmt.Sprintf("%d-%d,%d-%d,%d-%d", proxiedPort, proxiedPort+2, plainPort, plainPort+2, strippedPort, honestPort), l.Far().Addr().String())
	seen := byPort(p.records(t))
	for port, want := range map[int]struct {
		outcome string
		odd     []string
	}{
		proxiedPort:     {"open", []string{"syn_ack_zero_window"}},
		proxiedPort + 1: {"reset", []string{"syn_ack_zero_window", "reset_after_ack"}},
		proxiedPort + 2: {"timeout", []string{"syn_ack_zero_window", "nothing_behind_ack"}},
		plainPort:       {"open", []string{"syn_ack_zero_window", "syn_ack_without_options"}},
		plainPort + 1:   {"reset", []string{"syn_ack_zero_window", "reset_after_ack", "syn_ack_without_options"}},
		plainPort + 2:   {"timeout", []string{"syn_ack_zero_window", "syn_ack_without_options", "nothing_behind_ack"}},
		strippedPort:    {"open", []string{"syn_ack_without_options"}},
		closedPort:      {"open", []string{"syn_ack_zero_window"}},
		honestPort:      {"open", nil},
	} {
		if r := seen[port]; r["outcome"] != want.outcome || !slices.Equal(oddOf(r), want.odd) {
			t.Errorf("port %d: %v, want %v", port, r, want)
		}
	}
	if p.status != 0 || len(p.err) > 0 {
		t.Errorf("status %d\n%s", p.status, p.err)
	}
}

func byPort(list []map[string]any) map[int]map[string]any {
	ports := map[int]map[string]any{}
	for _, r := range list {
		ports[int(r["port"].(float64))] = r
	}
	return ports
}

func oddOf(r map[string]any) (odd []string) {
	list, _ := r["odd"].([]any)
	for _, o := range list {
		odd = append(odd, o.(string))
	}
	return odd
}

func reasonOf(r map[string]any) string {
	list, _ := r["reasons"].([]any)
	if len(list) == 0 {
		return ""
	}
	return list[0].(map[string]any)["code"].(string)
}

// Where more than the connection is asked for, the reason of a silence is that nobody is
// behind the proxy, and not what a server may think of a ClientHello.
func TestASilenceBehindASYNProxyIsNotBlamedOnTheServer(t *testing.T) {
	l := newLab(t)
	synProxy(t, l.Far())
	takeConnections(t, l.Far(), proxiedPort, closedPort, honestPort)
	p := runProbe(t, l, "", "-q", "--until", "certificate", "--timeout", "4s", "-p",
		fmt.Sprintf("%d,%d,%d,%d,%d", proxiedPort, proxiedPort+2, plainPort+2, closedPort, honestPort), l.Far().Addr().String())
	seen := byPort(p.records(t))
	for port, want := range map[int]string{proxiedPort: "stalled", proxiedPort + 2: "nothing_behind", plainPort + 2: "nothing_behind",
		closedPort: "stalled", honestPort: "stalled"} {
		r := seen[port]
		if r["outcome"] != "timeout" || reasonOf(r) != want || slices.Contains(oddOf(r), "nothing_behind_ack") != (want == "nothing_behind") {
			t.Errorf("port %d: %v, want %s", port, r, want)
		}
	}
	for port, want := range map[int]string{proxiedPort + 2: "nothing_behind", closedPort: "stalled"} { // one diagnosis for both
		r := rawshake(t, l.Near(), "connect", "--json", "--insecure", "--timeout", "4s", hostPort(l.Far(), port))
		if res := last(t, r); res.Outcome != "timeout" || len(res.Reasons) == 0 || res.Reasons[0].Code != want {
			t.Errorf("connect to port %d: %+v, want %s", port, res, want)
		}
	}
}

// A capture of such a scan tells the same.
func TestExplainTellsThatNobodyIsBehindASYNProxy(t *testing.T) {
	l := newLab(t)
	synProxy(t, l.Far())
	takeConnections(t, l.Far(), closedPort)
	for _, tc := range []struct {
		port  int
		until string
		code  string
	}{{proxiedPort + 2, "tcp", "nothing_behind"}, {plainPort + 2, "certificate", "nothing_behind"}, {closedPort, "tcp", "client_reset"}, {proxiedPort + 1, "tcp", "reset"}} {
		r := &recording{t: t, lab: l, path: filepath.Join(t.TempDir(), "proxied.pcapng")}
		r.capture(func() {
			runProbe(t, l, "", "-q", "--link", "raw", "--until", tc.until, "--timeout", "4s", "-p", fmt.Sprint(tc.port), l.Far().Addr().String())
		}, r.veth()...)
		said := rawshake(t, l.Near(), "explain", "--json", r.path)
		t.Logf("%s", said.stdout)
		if res := last(t, said); len(res.Reasons) == 0 || res.Reasons[0].Code != tc.code {
			t.Errorf("port %d until %s: %+v, want %s", tc.port, tc.until, res, tc.code)
		}
	}
}
