package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// twins gives the near host two links more, left and right, on each of which a host
// has the address fe80::1: on the left it listens on port 443, on the right on 444.
func twins(t *testing.T, l *lab.Lab) {
	t.Helper()
	var far *os.File
	check(t, l.Far().Do(func() (err error) { far, err = os.Open("/proc/thread-self/ns/net"); return err }))
	defer far.Close()
	ports := map[string]string{"left": "443", "right": "444"}
	for name, own := range map[string]string{"left": "fe80::a/64", "right": "fe80::b/64"} {
		check(t, l.Near().Do(func() error {
			v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: name, PeerNamespace: netlink.NsFd(int(far.Fd()))}
			return errors.Join(netlink.LinkAdd(v), giveAddress(name, own))
		}))
		check(t, l.Far().Do(func() error { return giveAddress(name, "fe80::1/64") }))
		// By number: package net keeps the names of one namespace for a minute,
		// whichever namespace asks.
		zone := 0
		check(t, l.Far().Do(func() error {
			dev, err := netlink.LinkByName(name)
			if err == nil {
				zone = dev.Attrs().Index
			}
			return err
		}))
		ln, err := l.Far().Listen("tcp", net.JoinHostPort(fmt.Sprintf("fe80::1%%%d", zone), ports[name]))
		check(t, err)
		t.Cleanup(func() { ln.Close() })
	}
}

func giveAddress(name, addr string) error {
	dev, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	a, err := netlink.ParseAddr(addr)
	if err != nil {
		return err
	}
	a.Flags = unix.IFA_F_NODAD
	return errors.Join(netlink.LinkSetUp(dev), netlink.AddrAdd(dev, a))
}

// The same address in two zones is two hosts: each is reached by its own interface,
// answers there, and has its zone in its result, whichever link carries it.
func TestTheZoneOfATargetIsItsInterface(t *testing.T) {
	for _, kind := range []link.Kind{link.KindPacket, link.KindRaw} {
		l := newWideLab(t)
		twins(t, l)
		var right int
		check(t, l.Near().Do(func() error {
			dev, err := netlink.LinkByName("right")
			if err == nil {
				right = dev.Attrs().Index
			}
			return err
		}))
		o := options(t, "443", "198.19.0.1")
		o.Space, o.Goal, o.Link, o.Retries, o.Timeout = nil, GoalTCP, kind, 2, 20*time.Second
		o.Feed = zonedFeed(t, fmt.Sprintf("fe80::1%%nosuch\n[fe80::1%%25%d]:444\n", right), "fe80::1%left", "https://[fe80::1%25right]", "fe80::1-fe80::1%left")
		o.Feed.Zone = func(zone string) (name string, err error) { // lists are read in a goroutine of their own
			err = l.Near().Do(func() (err error) { name, err = route.Zone(zone); return err })
			return name, err
		}
		out, _ := scan(t, l, o)
		schema.Check(t, out)
		got := map[string]int{}
		for line := range bytes.Lines(out) {
			var r seenRecord
			check(t, json.Unmarshal(line, &r))
			got[fmt.Sprintf("%s %d %s", r.Addr, r.Port, r.Outcome)]++
		}
		want := map[string]int{"fe80::1%left 443 open": 2, "fe80::1%left 444 closed": 2, "fe80::1%right 443 closed": 1, "fe80::1%right 444 open": 1}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s link: %v, want %v", kind, got, want)
		}
		if _, bad := o.Feed.Refused(); bad != 1 {
			t.Errorf("%d lines could not be read, want that of the zone that there is not", bad)
		}
	}
}

func zonedFeed(t *testing.T, list string, hosts ...string) *supply.Feed {
	t.Helper()
	f := &supply.Feed{Ports: []uint16{443, 444}, Rules: &targets.Rules{AllowSpecial: true}, Zone: route.Zone}
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
