package explain

import (
	"crypto/tls"
	"net/netip"
	"strings"
	"testing"
)

// A ClientHello may come from the side that accepted the connection, as on
// FTP's data connections in active mode: it is read, decrypted and named like
// any other.
func TestAClientHelloOfWhoAcceptedTheConnectionIsRead(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		dialogue, keys := shake(t, version)
		for _, port := range []string{"20", "50123"} {
			m := newMade()
			m.ends[0] = netip.MustParseAddrPort("198.18.0.1:" + port)
			m.ends[1] = netip.MustParseAddrPort("198.18.0.2:40001")
			m.open()
			for _, s := range dialogue {
				m.say(1-s.dir, s.data)
			}
			list, ladder, r := events(t, m.close().file(t, keys), Options{})
			turned := named(list, "roles_turned")
			if res := r.Transcript.Result(); !res.OK || len(turned) != 1 || strings.Contains(turned[0], "FTP") != (port == "20") || r.Matching[0].ServerName != "made.example" {
				t.Errorf("version %#x, port %s: %q, %+v, %q\n%s", version, port, turned, res, r.Matching[0].ServerName, ladder)
			}
			if version == tls.VersionTLS12 && (!readBoth(list) || len(named(list, "handshake_finished")) != 1) {
				t.Errorf("port %s: it is not decrypted, or its Finished not checked:\n%s", port, ladder)
			}
		}
	}
}
