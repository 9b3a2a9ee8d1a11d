// A limiter before a server costs time, and changes nothing that is found.

package audit_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/scripted"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// limited is a server with much to find out, that bears so many connections in a
// second, or any number.
func limited(t testing.TB, perSecond int) func(net.Conn) {
	return changed(t, taking(tls10, ecdheCBC, dheCBC), taking(tls11, ecdheCBC, dheCBC), taking(tls12, ecdheCBC, dheCBC, dheGCM),
		taking(tls12, tlsmsg.CipherSuite(0xc012), tlsmsg.CipherSuite(0x009c)),
		func(s *scripted.Server) { s.PerSecond = perSecond })
}

// agreed is what a report says that was agreed to.
func agreed(r *audit.Report) (list []string) {
	for _, v := range r.Versions {
		for _, s := range v.Suites {
			list = append(list, v.Name+" "+s.Name)
		}
	}
	for _, g := range r.Groups {
		list = append(list, fmt.Sprint(g.Name, g.Versions))
	}
	for _, s := range r.Schemes {
		list = append(list, fmt.Sprint(s.Name, s.Versions))
	}
	list = append(list, weaknessesOf(r)...)
	slices.Sort(list)
	return list
}

func TestALimiterCostsTimeAndChangesNothing(t *testing.T) {
	papers(t)
	for _, perSecond := range []int{1, 3, 10, 30} {
		t.Run(fmt.Sprint(perSecond), func(t *testing.T) {
			want, now := agreed(audit.Run(t.Context(), auditing(t, limited(t, 0)))), time.Now()
			serve := limited(t, perSecond)
			synctest.Test(t, func(t *testing.T) {
				d := audit.Driver{
					Options: audit.Options{ServerName: pki.ServerName}, Dial: scripted.Dial(serve), Timeout: patient,
					Worker: &worker.Worker{Roots: papers(t).Roots, Now: func() time.Time { return now }},
				}
				began := time.Now()
				r := audit.Run(t.Context(), d)
				if got := agreed(r); !slices.Equal(got, want) {
					t.Errorf("found %q\nwithout a limiter %q\nnot asked %+v", got, want, r.NotAsked)
				}
				t.Logf("%d connections in %v, %d pauses: %+v", r.Connections, time.Since(began), len(r.Pauses), r.Pauses)
				if len(r.Pauses) == 0 {
					t.Error("the report says of no pause")
				}
			})
		})
	}
}

// A server that refuses by a RST, or by silence, does so each time, and serves
// others meanwhile. That takes it for no limiter.
func TestARefusalByARSTIsNoLimiter(t *testing.T) {
	papers(t)
	for name, how := range map[string]func(net.Conn){"RST": scripted.Reset, "silence": scripted.Silence} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			serve := changed(t, taking(tls12, ecdheCBC), func(s *scripted.Server) { s.Refuses = how })
			want := agreed(audit.Run(t.Context(), auditing(t, changed(t, taking(tls12, ecdheCBC)))))
			synctest.Test(t, func(t *testing.T) {
				d := audit.Driver{
					Options: audit.Options{ServerName: pki.ServerName}, Dial: scripted.Dial(serve), Timeout: patient,
					Worker: &worker.Worker{Roots: papers(t).Roots, Now: func() time.Time { return now }},
				}
				began := time.Now()
				r := audit.Run(t.Context(), d)
				if got := agreed(r); !slices.Equal(got, want) || len(r.Pauses) > 0 {
					t.Errorf("found %q\nwhere alerts refuse %q\npauses %+v, not asked %+v", got, want, r.Pauses, r.NotAsked)
				}
				t.Logf("%d connections in %v", r.Connections, time.Since(began))
			})
		})
	}
}
