// What the tests of whole audits share.

package audit_test

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/scripted"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

var (
	papersOnce sync.Once
	papersMade *scripted.Papers
)

// papers are the certificates of all tests.
func papers(t testing.TB) *scripted.Papers {
	papersOnce.Do(func() { papersMade = scripted.NewPapers(t) })
	return papersMade
}

// auditing is how a server in memory is audited.
func auditing(t testing.TB, serve func(net.Conn)) audit.Driver {
	return audit.Driver{
		Options: audit.Options{ServerName: pki.ServerName},
		Dial:    scripted.Dial(serve),
		Worker:  &worker.Worker{Roots: papers(t).Roots},
		Timeout: time.Minute,
	}
}

// weaknessesOf are the IDs of what a report says is weak, in order.
func weaknessesOf(r *audit.Report) []string {
	ids := []string{}
	for _, w := range r.Weaknesses {
		ids = append(ids, w.ID)
	}
	slices.Sort(ids)
	return ids
}
