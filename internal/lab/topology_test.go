package lab_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
)

func TestWrongTopologiesAreRefusedInSentences(t *testing.T) {
	two := func(change func(*lab.Topology)) lab.Topology {
		t := lab.TwoHosts()
		change(&t)
		return t
	}
	for want, topology := range map[string]lab.Topology{
		"there are no nodes":        {},
		`"Near"`:                    two(func(t *lab.Topology) { t.Nodes[0].Name = "Near" }),
		`"far" is taken`:            two(func(t *lab.Topology) { t.Nodes[0].Name = "far" }),
		`there is no node "middle"`: two(func(t *lab.Topology) { t.Links[0].Ends[0].Node = "middle" }),
		"joins":                     two(func(t *lab.Topology) { t.Links[0].Ends[0].Node = "far" }),
		"mtu: 12":                   two(func(t *lab.Topology) { t.Links[0].MTU = 12 }),
		"IPv6 needs 1280":           two(func(t *lab.Topology) { t.Links[0].MTU = 600 }),
		"is an address of":          two(func(t *lab.Topology) { t.Links[0].Ends[0].Addresses = t.Links[0].Ends[1].Addresses }),
		`"tsl" is not one of`:       two(func(t *lab.Topology) { t.Nodes[1].Services[0].Kind = "tsl" }),
		"the port is missing":       two(func(t *lab.Topology) { t.Nodes[1].Services[0].Port = 0 }),
		"suites":                    two(func(t *lab.Topology) { t.Nodes[1].Services[0].Suites = []string{"TLS_NONSENSE"} }),
		`fault "odd" is not one of`: two(func(t *lab.Topology) { t.Nodes[1].Services[0].Fault = "odd" }),
		`key "odd" is not one of`:   two(func(t *lab.Topology) { t.Nodes[1].Services[0].Key = "odd" }),
		`client-auth "odd" is not`:  two(func(t *lab.Topology) { t.Nodes[1].Services[0].ClientAuth = "odd" }),
		"may be below 0":            two(func(t *lab.Topology) { t.Nodes[1].Services[0].Linger = -time.Second }),
		"expected 1 to 255":         two(func(t *lab.Topology) { t.Nodes[1].Services[0].ALPN = []string{"h2", ""} }),
		"is above max-version": two(func(t *lab.Topology) {
			t.Nodes[1].Services[0].MinVersion, t.Nodes[1].Services[0].MaxVersion = "1.2", "1.1"
		}),
		"go together": two(func(t *lab.Topology) {
			t.Nodes[1].Services[0].Kind, t.Nodes[1].Services[0].Command = service.Command, []string{""}
		}),
		"port 443 is services[0]'s": two(func(t *lab.Topology) { t.Nodes[1].Services[1].Port = 443 }),
		"every port of 198.18.0.2/32 is services[5]'s": two(func(t *lab.Topology) {
			at := []netip.Prefix{netip.MustParsePrefix("198.18.0.2/32")}
			t.Nodes[1].Services = append(t.Nodes[1].Services[:5:5],
				service.Service{Kind: service.Silent, Port: 1, At: at}, service.Service{Kind: service.Unreachable, Port: 2, At: at})
		}),
		"198.18.0.2/32 can only be silent as part of a network in nodes[1].owns": two(func(t *lab.Topology) {
			t.Nodes[1].Services = []service.Service{{Kind: service.Silent, Port: 1, At: []netip.Prefix{netip.MustParsePrefix("198.18.0.2/32")}}}
		}),
		"2001:db8:9::/47 can only be closed": two(func(t *lab.Topology) {
			t.Nodes[1].Owns = []netip.Prefix{netip.MustParsePrefix("2001:db8:9::/48")}
			t.Nodes[1].Services = []service.Service{{Kind: service.Closed, Port: 1, At: []netip.Prefix{netip.MustParsePrefix("2001:db8:9::/47")}}}
		}),
		"nodes[1].owns: 2001:db8::/48 holds 2001:db8::1, an address of near": two(func(t *lab.Topology) {
			t.Nodes[1].Owns = []netip.Prefix{netip.MustParsePrefix("2001:db8::/48")}
		}),
		"is no address of far": two(func(t *lab.Topology) {
			t.Nodes[1].Services[0].At = []netip.Prefix{netip.MustParsePrefix("198.18.0.1/32")}
		}),
		`drop: "> dance 1" names no`: two(func(t *lab.Topology) { t.Links[0].Drop = []string{"< data 2 1", "> dance 1"} }),
		`delay: "syn 1" names no`:    two(func(t *lab.Topology) { t.Links[0].Delay = []string{"syn 1"} }),
		"misbehave":                  two(func(t *lab.Topology) { t.Nodes[1].Services[0].HandshakeFault = "dance" }),
	} {
		if _, err := lab.New(t.Context(), lab.With(topology)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want something about %q", err, want)
		}
	}
}

// A link has the name of its nodes, in either order.
func TestLinksHaveNames(t *testing.T) {
	topology, err := lab.FindTopology("router")
	if err != nil {
		t.Fatal(err)
	}
	for i := range topology.Links {
		a, b := topology.Links[i].Ends[0].Node, topology.Links[i].Ends[1].Node
		for _, name := range []string{a + "-" + b, b + "-" + a} {
			if found, err := topology.FindLink(name); err != nil || found != i {
				t.Errorf("%s: %d, %v", name, found, err)
			}
		}
	}
	if _, err := topology.FindLink("nowhere"); err == nil || !strings.Contains(err.Error(), topology.Links[0].LinkName()) {
		t.Errorf("%v does not say which there are", err)
	}
}
