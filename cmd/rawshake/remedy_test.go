//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// An old host answers a modern offer with handshake_failure: the flag that makes
// it an old one is named, unless it was given.
func TestTheWayOutOfAHandshakeFailureNamesLegacy(t *testing.T) {
	err := &handshake.AlertError{Alert: tlsmsg.Alert{Description: tlsmsg.AlertHandshakeFailure}}
	for _, legacy := range []bool{false, true} {
		f := defaultConnectFlags()
		f.tls.legacy = legacy
		got := f.remedy(err)
		if strings.Contains(got, "--legacy") == legacy || !strings.Contains(got, "--ciphers") {
			t.Errorf("legacy %v: %q", legacy, got)
		}
	}
}
