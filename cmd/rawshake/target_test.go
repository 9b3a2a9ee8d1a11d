package main

import (
	"errors"
	"net/netip"
	"testing"
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
		"a_b-c.test":         {host: "a_b-c.test", port: 443},
		"example.com:":       {host: "example.com", port: 443}, // as in a URL
	} {
		got, err := parseTarget(in)
		if err != nil || got != want {
			t.Errorf("parseTarget(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
}

func TestWrongTargetsAreWrongUsage(t *testing.T) {
	for _, in := range []string{"", ":", ":443", "a:0", "a:65536", "a:-1", "a:https", "1.2.3", "300.1.2.3", "a b", "a\x1b[m", "a:1:2"} {
		_, err := parseTarget(in)
		var status *statusError
		if !errors.As(err, &status) || status.code != exitUsage {
			t.Errorf("parseTarget(%q): %v, want wrong usage", in, err)
		}
	}
}

func TestResolveTakesCurlsFormAndTheShortOne(t *testing.T) {
	a := netip.MustParseAddr("198.18.0.2")
	for in, port := range map[string]uint16{"host:198.18.0.2": 0, "host:8443:198.18.0.2": 8443} {
		h, p, got, err := parseResolve(in)
		if err != nil || h != "host" || p != port || got != a {
			t.Errorf("parseResolve(%q) = %q %d %v %v", in, h, p, got, err)
		}
	}
	for _, in := range []string{"", "host", "host:", ":198.18.0.2", "host:99999:198.18.0.2", "host:80:nowhere"} {
		if _, _, _, err := parseResolve(in); err == nil {
			t.Errorf("parseResolve(%q) was taken", in)
		}
	}
}
