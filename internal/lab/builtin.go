// The topologies that need no file, with the addresses that all labs have.

package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// The lab's addresses are those of RFC 2544's benchmarking network and of RFC
// 3849's documentation prefix: no route leads out.

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// Bare is two hosts and one link, with nothing on them: what [New] makes where
// it is not told otherwise.
func Bare() Topology {
	return Topology{
		Name:  "bare",
		About: "two hosts, near and far, and nothing on them",
		Nodes: []NodeConfig{{Name: "near"}, {Name: "far"}},
		Links: []LinkConfig{{Ends: []End{
			{"near", prefixes("198.18.0.1/24", "2001:db8::1/64")},
			{"far", prefixes("198.18.0.2/24", "2001:db8::2/64")},
		}}},
	}
}

// TwoHosts is two hosts: far serves TLS, plain HTTP, and a few things that are
// neither.
func TwoHosts() Topology {
	t := Bare()
	t.Name, t.About = "two-hosts", "near and far, over IPv4 and IPv6; far serves TLS on 443, HTTP on 80, and odder things"
	t.Nodes[1].Services = everyday()
	return t
}

// everyday are the services of a host that has a bit of everything.
func everyday() []service.Service {
	return []service.Service{
		{Kind: service.TLS, Port: 443, ClientAuth: service.RequestClient, Tickets: true, SessionIDs: true},
		{Kind: service.HTTP, Port: 80},
		{Kind: service.CryptoTLS, Port: 8443},
		{Kind: service.TLS, Port: 4443, Fault: pki.Expired},
		{Kind: service.Silent, Port: 8001},
		{Kind: service.Mute, Port: 8002},
		{Kind: service.Tarpit, Port: 8003},
	}
}

// Router is a client and a server with a router between them.
func Router() Topology {
	return Topology{
		Name:  "router",
		About: "client, router and server, over IPv4 and IPv6; server serves TLS on 443",
		Nodes: []NodeConfig{{Name: "client"}, {Name: "router"}, {Name: "server", Services: everyday()}},
		Links: []LinkConfig{
			{Ends: []End{
				{"client", prefixes("198.18.1.2/24", "2001:db8:1::2/64")},
				{"router", prefixes("198.18.1.1/24", "2001:db8:1::1/64")},
			}},
			{Ends: []End{
				{"router", prefixes("198.18.2.1/24", "2001:db8:2::1/64")},
				{"server", prefixes("198.18.2.2/24", "2001:db8:2::2/64")},
			}},
		},
	}
}

// Wide is a host, near, and 65,536 addresses in either IP version, 198.18.0.0/16
// and 2001:db8:18::/112, that all answer from one server, far. What they answer
// on port 443 the services say, each at its networks: Service.At, the narrowest
// first; where none is named, TLS does. The way there is through far as a
// gateway, so that nobody's neighbour table overflows.
func Wide(services ...service.Service) Topology {
	t := Topology{
		Name:  "wide",
		About: "near, and 65,536 addresses that answer from one server: 198.18.0.0/16, 2001:db8:18::/112",
		Nodes: []NodeConfig{{Name: "near"}, {Name: voidName}, {Name: "far", Owns: prefixes("198.18.0.0/16", "2001:db8:18::/112")}},
		Links: []LinkConfig{
			{Ends: []End{
				{"near", prefixes("198.19.0.1/24", "2001:db8::1/64")},
				{"far", prefixes("198.19.0.2/24", "2001:db8::2/64")},
			}},
			// Closed addresses are those of a host where nobody listens.
			{Ends: []End{
				{voidName, prefixes("198.19.1.1/24", "2001:db8:1::1/64")},
				{"far", prefixes("198.19.1.2/24", "2001:db8:1::2/64")},
			}},
		},
	}
	everywhere := func(s service.Service) bool { return len(s.At) == 0 }
	if !slices.ContainsFunc(services, everywhere) {
		services = append([]service.Service{{Kind: service.TLS}}, services...)
	}
	for i := range services {
		if services[i].Port == 0 {
			services[i].Port = 443
		}
	}
	t.Nodes[2].Services = services
	return t
}

// Mixed is Wide with something else at a quarter of the addresses, as an
// inhabited network has it.
func Mixed() Topology {
	t := Wide(
		service.Service{Kind: service.Silent, At: prefixes("198.18.64.0/20", "2001:db8:18::4000/116")},
		service.Service{Kind: service.Closed, At: prefixes("198.18.80.0/20", "2001:db8:18::5000/116")},
		service.Service{Kind: service.Unreachable, At: prefixes("198.18.96.0/22", "2001:db8:18::6000/118")},
		service.Service{Kind: service.Tarpit, At: prefixes("198.18.100.0/22", "2001:db8:18::6400/118")},
		service.Service{Kind: service.HTTP, At: prefixes("198.18.104.0/22", "2001:db8:18::6800/118")},
		service.Service{Kind: service.Mute, At: prefixes("198.18.108.0/22", "2001:db8:18::6c00/118")},
	)
	t.Name, t.About = "mixed", t.About+", a quarter of them silent, closed, unreachable, slow, or without TLS"
	return t
}

// Builtin are the topologies that need no file, by name.
func Builtin() []Topology {
	return []Topology{TwoHosts(), Router(), Wide(), Mixed(), Bare()}
}

// FindTopology returns the built-in topology of a name; the empty name is the
// first one's.
func FindTopology(name string) (Topology, error) {
	for _, t := range Builtin() {
		if name == "" || t.Name == name {
			return t, nil
		}
	}
	return Topology{}, fmt.Errorf("there is no topology %q: there are %s, or give a file", name, strings.Join(Topologies(), ", "))
}

// Topologies are the names of those that are built in.
func Topologies() (names []string) {
	for _, t := range Builtin() {
		names = append(names, t.Name)
	}
	return names
}
