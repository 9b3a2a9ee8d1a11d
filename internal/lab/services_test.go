package lab_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// A whole network may be silent or unreachable, at any port, in either version.
func TestAWholeNetworkMayRefuse(t *testing.T) {
	for kind, want := range map[service.Kind][2]error{
		service.Silent:      {context.DeadlineExceeded, context.DeadlineExceeded},
		service.Unreachable: {syscall.EHOSTUNREACH, syscall.ENETUNREACH},
	} {
		t.Run(string(kind), func(t *testing.T) {
			topology := lab.TwoHosts()
			topology.Nodes[1].Owns = []netip.Prefix{netip.MustParsePrefix("198.18.4.0/24"), netip.MustParsePrefix("2001:db8:4::/64")}
			topology.Nodes[1].Services = append(topology.Nodes[1].Services, service.Service{Kind: kind, Port: 443, At: topology.Nodes[1].Owns})
			l := newLabWith(t, topology)
			if err := greets(t, l, "198.18.0.2:443"); err != nil {
				t.Error(err)
			}
			for i, address := range []string{"198.18.4.9:1", "[2001:db8:4::9]:1"} { // one each: Linux says no more than so much
				patience := 5 * time.Second
				if kind == service.Silent {
					patience = 300 * time.Millisecond
				}
				c, err := dial(l, address, patience)
				if err == nil {
					c.Close()
				}
				var timeout net.Error
				if silent := errors.As(err, &timeout) && timeout.Timeout(); !errors.Is(err, want[i]) && !(silent && kind == service.Silent) {
					t.Errorf("%s: %v, want %v", address, err, want[i])
				}
			}
			if text := topology.Nodes[1].Services[len(topology.Nodes[1].Services)-1].String(); text != string(kind)+" at 198.18.4.0/24 2001:db8:4::/64" {
				t.Errorf("it is called %q", text)
			}
		})
	}
}

// The example of the file's form runs, with somebody else's server in it.
func TestATopologyFileRunsWithAProgramInIt(t *testing.T) {
	topology, err := lab.ParseTopology([]byte(example(t)))
	if err != nil {
		t.Fatal(err)
	}
	l := newLabWith(t, topology)
	papers, err := l.Papers()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"198.18.0.2:4433", "198.18.0.2:8443"} {
		reply, err := get(t.Context(), l, address, clientConfig(papers.PKI, false))
		if err != nil || !strings.HasPrefix(reply, "HTTP/1.") {
			t.Errorf("%s: %.40q, %v", address, reply, err)
		}
	}
}

// Where a node has no IPv4, a program is told its IPv6 address.
func TestAProgramRunsOnANodeWithoutIPv4(t *testing.T) {
	topology, err := lab.ParseTopology([]byte(`
nodes:
  - name: client
  - name: server
    services:
      - kind: command
        port: 4433
        command: [openssl, s_server, -accept, "{address}:{port}", -cert, "{cert}", -key, "{key}", -tls1_2, -www, -quiet]
links:
  - ends:
      - {node: client, addresses: ["2001:db8::1/64"]}
      - {node: server, addresses: ["2001:db8::2/64"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	l := newLabWith(t, topology)
	papers, err := l.Papers()
	if err != nil {
		t.Fatal(err)
	}
	reply, err := get(t.Context(), l, "[2001:db8::2]:4433", clientConfig(papers.PKI, false))
	if err != nil || !strings.HasPrefix(reply, "HTTP/1.") {
		t.Errorf("%.40q, %v", reply, err)
	}
}
