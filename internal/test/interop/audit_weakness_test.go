package interop

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/scripted"
	"github.com/rawshake/rawshake/tlsmsg"
)

// audited runs the program, and returns its report, and the IDs of the weaknesses
// that it found.
func audited(t *testing.T, n *lab.Node, args ...string) (r audit.Report, ids []string) {
	t.Helper()
	out := rawshake(t, n, append([]string{"audit", "--json"}, args...)...).want(t, 0).stdout
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return r, idsOf(r)
}

// probedAudit is the same by the event loop.
func probedAudit(t *testing.T, n *lab.Node, args ...string) (audit.Report, []string) {
	t.Helper()
	out := rawshake(t, n, append([]string{"probe", "--audit"}, args...)...).want(t, 0).stdout
	var r struct{ Audit audit.Report }
	line, _, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return r.Audit, idsOf(r.Audit)
}

func idsOf(r audit.Report) []string {
	ids := []string{}
	for _, w := range r.Weaknesses {
		ids = append(ids, w.ID)
	}
	slices.Sort(ids)
	return ids
}

// Old servers and new ones, end to end: over our TCP and the kernel's, and by the
// event loop.
func TestAuditFindsWhatIsWeak(t *testing.T) {
	l := newLab(t)
	p := scripted.NewPapers(t)
	ca := writeFile(t, "ca.pem", p.CA())
	sound := func(changes ...func(*scripted.Server)) func(*net.TCPConn) {
		s := scripted.Sound(scripted.ChainOf(p.ECDSA))
		s.Chains, s.DH, s.ExportDH = append(s.Chains, scripted.ChainOf(p.RSA)), scripted.FFDHE2048(), scripted.Own(t, 512)
		for _, c := range changes {
			c(s)
		}
		return func(c *net.TCPConn) { s.Serve(c) }
	}
	old := func(s *scripted.Server) {
		s.CiphersV2 = []uint32{0x010080, 0x020080}
		for v := tlsmsg.VersionSSL30; v <= tlsmsg.VersionTLS11; v++ {
			s.Suites[v] = []tlsmsg.CipherSuite{0x0004, 0x000a, 0x0014}
		}
		s.Deflate, s.SCSV, s.SameKey, s.Extensions = true, false, true, []tlsmsg.ExtensionType{scripted.Heartbeat}
	}
	refusing := func(s *scripted.Server) { s.Refuses = scripted.Reset }
	limited := func(s *scripted.Server) { s.PerSecond = 20 }
	grease := func(s *scripted.Server) {
		s.Faults = []scripted.Fault{{When: scripted.GREASE, How: scripted.Reset}}
	}
	for _, tc := range []struct {
		name string
		is   func(*net.TCPConn)
		want []string
	}{
		{"sound", sound(), []string{}},
		{"old", sound(old), []string{"beast", "crime", "des", "heartbeat", "insecure_renegotiation", "key_reuse", "logjam_export", "lucky13", "md5_mac",
			"no_extended_master_secret", "no_fallback_scsv", "rc4", "ssl2", "ssl3", "static_rsa", "sweet32", "tls10", "tls11", "weak_dh"}},
		{"refusing by RST", sound(refusing), []string{}},
		{"behind a limiter", sound(limited), []string{}},
		{"failing at GREASE by RST", sound(grease), []string{"intolerant"}},
	} {
		at := serve(t, l, tc.is)
		t.Run(tc.name+" by probe", func(t *testing.T) {
			if r, got := probedAudit(t, l.Near(), "--ca", ca, "--servername", pki.ServerName, at); !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q: %+v", got, tc.want, r)
			}
		})
		for _, link := range []string{"packet", "kernel"} {
			t.Run(tc.name+" over "+link, func(t *testing.T) {
				r, got := audited(t, l.Near(), "--link", link, "--ca", ca, "--servername", pki.ServerName, at)
				if !slices.Equal(got, tc.want) {
					t.Errorf("%q, want %q: %+v", got, tc.want, r)
				}
			})
		}
	}
}

// OpenSSL's server lets clients renegotiate where it is told to.
func TestAuditFindsThatClientsMayRenegotiate(t *testing.T) {
	for flag, want := range map[string][]string{"-client_renegotiation": {"client_renegotiation"}, "-no_renegotiation": {}} {
		t.Run(flag, func(t *testing.T) {
			l := newLab(t)
			f := newFiles(t, l.Far(), pki.ECDSAP256, "")
			startPeer(t, l.Far(), needProgram(t, "openssl"), "s_server", "-tls1_2", "-www", "-accept", fmt.Sprint(peerPort), "-cert", f.cert, "-key", f.key,
				"-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", flag)
			if r, got := audited(t, l.Near(), "--ca", f.ca, hostPort(l.Far(), peerPort)); !slices.Equal(got, want) {
				t.Errorf("%q, want %q: %+v", got, want, r)
			}
		})
	}
}
