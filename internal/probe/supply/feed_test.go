package supply

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// fedBy deals a feed out to two loops, and gives what each got, in order.
func fedBy(t *testing.T, f *Feed) (got [2][]fed) {
	t.Helper()
	d := &Distributor{feed: f, share: share{0, 1}}
	for range got {
		d.outs = append(d.outs, make(chan fed, 1000))
	}
	d.Run(t.Context())
	check(t, d.Failure())
	for i, out := range d.outs {
		for x := range out {
			got[i] = append(got[i], x)
		}
	}
	return got
}

// A scan that goes on knows its targets by their places: those belong to the
// lines of a list, whatever its names come to and whatever is left out now.
func TestALineKeepsItsPlaceWhateverItsNameComesTo(t *testing.T) {
	const list = "a.test\n198.51.100.7\nb.test:443,8443\nc.test\n203.0.113.0/29\nd.test\n"
	feed := func(known map[string]string, exclude string) *Feed {
		rules := &targets.Rules{AllowSpecial: true}
		if exclude != "" {
			r, err := targets.ParseRange(exclude)
			check(t, err)
			rules.Exclude.Add(r)
		}
		return &Feed{Lists: []*targets.List{{Name: "list", From: strings.NewReader(list)}}, Ports: []uint16{443}, Rules: rules,
			Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
				if a := known[host]; a != "" {
					return []netip.Addr{netip.MustParseAddr(a)}, nil
				}
				return nil, errors.New("no such host")
			}}
	}
	first := fedBy(t, feed(map[string]string{"a.test": "198.18.0.1", "b.test": "198.18.0.2", "c.test": "198.18.0.3", "d.test": "198.18.0.4"}, ""))
	later := fedBy(t, feed(map[string]string{"a.test": "198.18.9.1", "c.test": "224.0.0.1", "d.test": "198.18.0.4"}, "203.0.113.2-203.0.113.5"))
	said := func(f fed) string {
		switch {
		case f.leftOut():
			return "left out"
		case f.failure != "":
			return "no address"
		}
		return fmt.Sprint(f.Target)
	}
	left := 0
	for i := range first {
		if len(first[i]) != len(later[i]) {
			t.Fatalf("loop %d has %d places, and later %d", i, len(first[i]), len(later[i]))
		}
		for k, a := range first[i] {
			b := later[i][k]
			if b.leftOut() {
				left++
			}
			if !b.leftOut() && (a.Name != b.Name || a.Port != b.Port || a.Name == "" && a.Addr != b.Addr) {
				t.Errorf("loop %d, place %d: %s, and later %s", i, k, said(a), said(b))
			}
		}
	}
	if left != 1+4 {
		t.Errorf("%d were left out, want c.test and four of the block", left)
	}
}

func zonedFeed(t *testing.T, list string, hosts ...string) *Feed {
	t.Helper()
	f := &Feed{Ports: []uint16{443, 444}, Rules: &targets.Rules{AllowSpecial: true}, Zone: route.Zone}
	if list != "" {
		f.Lists = []*targets.List{{Name: "list", From: strings.NewReader(list)}}
	}
	for _, h := range hosts {
		spec, err := targets.ParseSpec(h)
		check(t, err)
		f.Hosts = append(f.Hosts, targets.Line{Spec: spec})
	}
	return f
}

func TestAZoneThatIsNoLinkIsALineThatCannotBeRead(t *testing.T) {
	f := zonedFeed(t, "198.18.0.1\nfe80::1%nosuch\n")
	f.Strict = true
	d := &Distributor{feed: f, share: share{0, 1}, outs: []chan fed{make(chan fed, 10)}}
	d.Run(t.Context())
	if err := d.Failure(); err == nil || !strings.Contains(err.Error(), "list, line 2") || !strings.Contains(err.Error(), `"nosuch" here (ip link lists them)`) {
		t.Errorf("%v", err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
