package lab_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// newLabWith makes a lab of a topology for a test that runs as root.
func newLabWith(t *testing.T, topology lab.Topology) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context(), lab.With(topology))
	if errors.Is(err, netns.ErrForbidden) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error("close the lab:", err)
		}
	})
	return l
}

// greets makes a TLS connection from the first node and fetches a page.
func greets(t *testing.T, l *lab.Lab, address string) error {
	t.Helper()
	papers, err := l.Papers()
	if err != nil {
		t.Fatal(err)
	}
	reply, err := get(t.Context(), l, address, clientConfig(papers.PKI, true))
	if err == nil && !strings.HasPrefix(reply, "HTTP/1.1 200 OK") {
		t.Errorf("%s replies %q", address, reply)
	}
	return err
}

func TestEachBuiltInTopologyServesTLS(t *testing.T) {
	for _, topology := range lab.Builtin() {
		if topology.Name == "bare" {
			continue
		}
		t.Run(topology.Name, func(t *testing.T) {
			l := newLabWith(t, topology)
			far := l.Far()
			for _, a := range []netip.Addr{far.Addr(), far.Addr6()} {
				if !a.IsValid() {
					continue
				}
				if err := greets(t, l, netip.AddrPortFrom(a, 443).String()); err != nil {
					t.Errorf("%v: %v", a, err)
				}
			}
			if err := l.Near().Do(func() error {
				_, err := net.Interfaces()
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// dial tells how a connection from the first node begins.
func dial(l *lab.Lab, address string, patience time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return l.Near().Dial(ctx, "tcp", address)
}

// Of the wide topology every address answers, in either IP version, and
// answers what its network is told to.
func TestEveryAddressOfAWideLabAnswersAsItsNetworkIsTold(t *testing.T) {
	l := newLabWith(t, lab.Mixed())
	for _, address := range []string{
		"198.18.0.0:443", "198.18.0.1:443", "198.18.63.255:443", "198.18.200.7:443", "198.18.255.255:443",
		"[2001:db8:18::]:443", "[2001:db8:18::1]:443", "[2001:db8:18::ffff]:443",
	} {
		if err := greets(t, l, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, want := range map[string]error{
		"198.18.64.1:443":         os.ErrDeadlineExceeded,
		"198.18.79.255:443":       os.ErrDeadlineExceeded,
		"198.18.80.0:443":         syscall.ECONNREFUSED,
		"198.18.95.255:443":       syscall.ECONNREFUSED,
		"198.18.96.9:443":         syscall.EHOSTUNREACH,
		"198.18.0.1:444":          syscall.ECONNREFUSED,
		"[2001:db8:18::4001]:443": os.ErrDeadlineExceeded,
		"[2001:db8:18::5fff]:443": syscall.ECONNREFUSED,
		"[2001:db8:18::6001]:443": syscall.ENETUNREACH,
	} {
		patience := 5 * time.Second
		if want == os.ErrDeadlineExceeded {
			patience = 300 * time.Millisecond
		}
		c, err := dial(l, address, patience)
		if err == nil {
			c.Close()
		}
		var timeout net.Error
		silent := errors.As(err, &timeout) && timeout.Timeout()
		if !errors.Is(err, want) && !(silent && want == os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}
	for address, want := range map[string]string{
		"198.18.100.1:443": "\x16",
		"198.18.104.1:443": "HTTP/1.1 400",
		"198.18.108.1:443": "",
	} {
		c, err := dial(l, address, 5*time.Second)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		_, _ = c.Write([]byte("GET /\r\n\r\n"))
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		got, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(got), want) || want == "" && len(got) > 0 {
			t.Errorf("%s says %q, want %q", address, got, want)
		}
		c.Close()
	}
}

func TestThePacketsOfARoutedLabPassTheRouter(t *testing.T) {
	l := newLabWith(t, lab.Router())
	c, err := dial(l, "198.18.2.2:80", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	router := l.Node("router")
	if router.Addr() != netip.MustParseAddr("198.18.1.1") {
		t.Errorf("the router is %v", router.Addr())
	}
	ttl := 0
	ln, err := l.Far().ListenPacket("udp4", "198.18.2.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ttl, err = receivedTTL(l, ln)
	if err != nil || ttl != 63 {
		t.Errorf("a packet arrives with TTL %d, %v; want one hop less than 64", ttl, err)
	}
}

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

// The nearest way of one IP version may be none of the other.
func TestEachIPVersionHasItsOwnWay(t *testing.T) {
	end := func(node string, addresses ...string) lab.End {
		e := lab.End{Node: node}
		for _, a := range addresses {
			e.Addresses = append(e.Addresses, netip.MustParsePrefix(a))
		}
		return e
	}
	join := func(a, b lab.End) lab.LinkConfig { return lab.LinkConfig{Ends: []lab.End{a, b}} }
	l := newLabWith(t, lab.Topology{
		Nodes: []lab.NodeConfig{{Name: "client"}, {Name: "old"}, {Name: "new"}, {Name: "server", Services: []service.Service{{Kind: service.TLS, Port: 443}}}},
		Links: []lab.LinkConfig{
			join(end("client", "198.18.1.1/24"), end("old", "198.18.1.2/24")),
			join(end("client", "2001:db8:2::1/64"), end("new", "2001:db8:2::2/64")),
			join(end("old", "198.18.3.1/24", "2001:db8:3::1/64"), end("server", "198.18.3.2/24", "2001:db8:3::2/64")),
			join(end("new", "2001:db8:4::1/64"), end("server", "2001:db8:4::2/64")),
		},
	})
	for _, address := range []string{"198.18.3.2:443", "[2001:db8:3::2]:443", "[2001:db8:4::2]:443"} {
		if address[0] == '[' && !l.Near().Addr6().IsValid() {
			continue
		}
		if err := greets(t, l, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

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
		"misbehave":                  two(func(t *lab.Topology) { t.Nodes[1].Services[0].Misbehave = "dance" }),
	} {
		if _, err := lab.New(t.Context(), lab.With(topology)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want something about %q", err, want)
		}
	}
}
