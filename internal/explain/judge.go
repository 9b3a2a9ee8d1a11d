// Judges the certificate chains of a capture.

package explain

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/observe"
	tls "github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// judgeBy judges the certificate chains of a capture as of the moment when they
// went by, for the name that the client asked for, or else the address. It uses
// the roots given, or else the system's, whose verdict counts only if the
// client ended the connection.
func judgeBy(roots *x509.CertPool) observe.Judge {
	return func(chain [][]byte, name string, server netip.Addr, at time.Time) (goal.Chain, bool) {
		found := goal.Chain{Unnamed: name == "", RootsGiven: roots != nil}
		if found.Unnamed {
			name = server.String()
		}
		w := worker.Worker{Roots: roots, Now: func() time.Time { return at }}
		result, _ := w.Do(tls.VerifyChainWork{Chain: chain, ServerName: name, Decrypts: false, Resumed: true}).(tls.VerifyChainResult)
		found.Verdict = result.Verdict
		var v *worker.Verdict
		onlyUnnamed := found.Unnamed && errors.As(result.Verdict, &v) && v.Reason == worker.WrongName && len(v.Faults) == 1
		return found, found.RootsGiven && !onlyUnnamed
	}
}
