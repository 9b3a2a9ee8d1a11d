//go:build linux

package main

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/route"
)

func TestTargetsAreReadAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]target{
		"example.com":        {host: "example.com", port: 443},
		"example.com:8443":   {host: "example.com", port: 8443},
		"198.18.0.2":         {host: "198.18.0.2", port: 443},
		"198.18.0.2:80":      {host: "198.18.0.2", port: 80},
		"[2001:db8::2]:8443": {host: "2001:db8::2", port: 8443},
		"2001:db8::2":        {host: "2001:db8::2", port: 443},
		"[2001:db8::2]":      {host: "2001:db8::2", port: 443},
		"[fe80::1%eth0]:80":  {host: "fe80::1%eth0", port: 80},
		"[fe80::1%25eth0]":   {host: "fe80::1%eth0", port: 443}, // as in a URL
		"[fe80::1%25eth0]:1": {host: "fe80::1%eth0", port: 1},
		"[fe80::1%25]:80":    {host: "fe80::1%25", port: 80}, // the interface of index 25
		"fe80::1%25":         {host: "fe80::1%25", port: 443},
		"a_b-c.test":         {host: "a_b-c.test", port: 443},
		"example.com:":       {host: "example.com", port: 443}, // as in a URL
	} {
		got, err := parseTarget(in, defaultPort)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("parseTarget(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
}

func TestWrongTargetsAreWrongUsage(t *testing.T) {
	for _, in := range []string{"", ":", ":443", "a:0", "a:65536", "a:-1", "a:https", "1.2.3", "300.1.2.3", "a b", "a\x1b[m", "a:1:2", "a:1-2", "198.18.0.1-198.18.0.9", "198.18.0.0/30", "[2001:db8::1", "a..b"} {
		_, err := parseTarget(in, defaultPort)
		var status *statusError
		if !errors.As(err, &status) || status.code != exitUsage {
			t.Errorf("parseTarget(%q): %v, want wrong usage", in, err)
		}
	}
}

func TestResolveTakesCurlsFormAndTheShortOne(t *testing.T) {
	a := netip.MustParseAddr("198.18.0.2")
	six := netip.MustParseAddr("2001:db8::2")
	for in, port := range map[string]uint16{"host:[2001:db8::2]": 0, "host:8443:[2001:db8::2]": 8443, "host:2001:db8::2:9": 1} {
		h, p, got, err := parseResolve(in)
		if port == 1 { // port 2001 and db8::2:9, or an address?
			if err == nil || !strings.Contains(err.Error(), "brackets") {
				t.Errorf("parseResolve(%q) = %v %v, %v", in, p, got, err)
			}
			continue
		}
		if err != nil || h != "host" || p != port || got != six {
			t.Errorf("parseResolve(%q) = %q %d %v %v", in, h, p, got, err)
		}
	}
	for _, in := range []string{"host:::1", "host:443:::1", "host:fe80::1"} {
		if _, _, got, err := parseResolve(in); err != nil || !got.Is6() {
			t.Errorf("parseResolve(%q) = %v %v", in, got, err)
		}
	}
	for in, port := range map[string]uint16{"host:198.18.0.2": 0, "host:8443:198.18.0.2": 8443} {
		h, p, got, err := parseResolve(in)
		if err != nil || h != "host" || p != port || got != a {
			t.Errorf("parseResolve(%q) = %q %d %v %v", in, h, p, got, err)
		}
	}
	for _, in := range []string{"", "host", "host:", ":198.18.0.2", "host:99999:198.18.0.2", "host:80:nowhere", "host:[198.18.0.2]", "host:[::1", "host:::1]"} {
		if _, _, _, err := parseResolve(in); err == nil {
			t.Errorf("parseResolve(%q) was taken", in)
		}
	}
}

func TestHostHeadersAreWrittenAsInAURL(t *testing.T) {
	for in, want := range map[string]string{
		"example.com":         "example.com",
		"example.com:8443":    "example.com:8443",
		"2001:db8::2":         "[2001:db8::2]",
		"[2001:db8::2]:8443":  "[2001:db8::2]:8443",
		"[fe80::1%eth0]:8443": "[fe80::1]:8443",
	} {
		target, err := parseTarget(in, defaultPort)
		if err != nil || target.hostHeader() != want {
			t.Errorf("%q: %q, %v, want %q", in, target.hostHeader(), err, want)
		}
	}
}

func TestTheAddressIsOfTheVersionAskedFor(t *testing.T) {
	for _, tc := range []struct {
		in     string
		f      family
		via    []string
		want   string
		refuse bool
	}{
		{"198.18.0.2", anyFamily, nil, "198.18.0.2", false},
		{"198.18.0.2", onlyIPv6, nil, "", true},
		{"[2001:db8::2]:443", anyFamily, nil, "2001:db8::2", false},
		{"2001:db8::2", onlyIPv4, nil, "", true},
		{"::ffff:198.18.0.2", onlyIPv4, nil, "198.18.0.2", false},
		{"name.test", onlyIPv6, []string{"other.test:198.18.0.9", "name.test:443:[2001:db8::3]"}, "2001:db8::3", false},
		{"name.test", onlyIPv4, []string{"name.test:[2001:db8::3]"}, "", true},
		{"127.0.0.1", anyFamily, []string{"nonsense"}, "", true},
	} {
		target, err := parseTarget(tc.in, defaultPort)
		if err != nil {
			t.Fatal(err)
		}
		err = target.lookup(t.Context(), tc.via, tc.f, route.Via{})
		var status *statusError
		if tc.refuse {
			if !errors.As(err, &status) || status.code != exitUsage {
				t.Errorf("%s as %s: %v, want wrong usage", tc.in, tc.f, err)
			}
			continue
		}
		if err != nil || target.addr != netip.MustParseAddr(tc.want) {
			t.Errorf("%s as %s: %v, %v, want %s", tc.in, tc.f, target.addr, err, tc.want)
		}
	}
}
