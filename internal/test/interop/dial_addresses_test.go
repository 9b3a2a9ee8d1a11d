package interop

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp"
)

// A name with several addresses is reached at the first that answers, with and
// without a shared network, and whoever asked is told which were in vain, and why.
func TestDialTriesEachAddressOfAName(t *testing.T) {
	l := newLab(t)
	good := netip.MustParseAddrPort(serve(t, l, echo))
	network := new(rawtcp.Network)
	defer network.Close()
	closed := netip.MustParseAddr("127.0.0.2")
	nowhere := netip.MustParseAddr("2001:db8:ffff::1")
	for name, tc := range map[string]struct {
		addrs []netip.Addr
		notes int
		tells []string // of the error; none: it is reached
	}{
		"the first answers":      {[]netip.Addr{good.Addr(), closed}, 0, nil},
		"the second does":        {[]netip.Addr{closed, good.Addr()}, 1, nil},
		"the one that has a way": {[]netip.Addr{nowhere, good.Addr()}, 0, nil},
		"none does":              {[]netip.Addr{closed, nowhere}, 1, []string{"none of the 2 addresses of host.test can be reached", closed.String() + ": ", nowhere.String() + ": "}},
	} {
		for _, shared := range []*rawtcp.Network{nil, network} {
			var notes []string
			d := rawtcp.Dialer{Network: shared, Lookup: func(context.Context, string, string) ([]netip.Addr, error) { return tc.addrs, nil },
				Notes: func(_, name, text string) {
					if name == "next_address" {
						notes = append(notes, text)
					}
				}}
			c, err := dial(t, l, d, net.JoinHostPort("host.test", good.String()[strings.LastIndexByte(good.String(), ':')+1:]), 20*time.Second)
			switch {
			case err == nil:
				if tc.tells != nil || c.RemoteAddr().String() != good.String() {
					t.Errorf("%s: connected to %v", name, c.RemoteAddr())
				}
				c.Close()
			case tc.tells == nil || !errors.Is(err, rawtcp.ErrRefused):
				t.Errorf("%s: %v", name, err)
			}
			for _, part := range tc.tells {
				if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "context") {
					t.Errorf("%s: %v says nothing of %q", name, err, part)
				}
			}
			if len(notes) != tc.notes {
				t.Errorf("%s: told %q", name, notes)
			}
		}
	}
}

// One address is no list of them, however often a name server says it.
func TestOneAddressIsTakenForWhatItIs(t *testing.T) {
	l := newLab(t)
	d := rawtcp.Dialer{}
	closed := net.JoinHostPort(l.Far().Addr().String(), "9")
	if _, err := dial(t, l, d, closed, 5*time.Second); !errors.Is(err, rawtcp.ErrRefused) || strings.Contains(err.Error(), "none of") {
		t.Errorf("%v", err)
	}
	one := l.Far().Addr()
	d.Lookup = func(context.Context, string, string) ([]netip.Addr, error) { return nil, nil }
	if _, err := dial(t, l, d, "host.test:443", 5*time.Second); err == nil || !strings.Contains(err.Error(), "no such address") {
		t.Errorf("%v", err)
	}
	d.Lookup = func(context.Context, string, string) ([]netip.Addr, error) { return []netip.Addr{one, one}, nil }
	if _, err := dial(t, l, d, "host.test:9", 5*time.Second); !errors.Is(err, rawtcp.ErrRefused) || strings.Contains(err.Error(), "none of") {
		t.Errorf("the same address twice: %v", err)
	}
}
