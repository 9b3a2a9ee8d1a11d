package worker_test

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// knowing judges with one memory of verdicts, and compares with what a worker
// without one says.
type knowing struct {
	t  *testing.T
	w  worker.Worker
	at time.Time
}

func (k *knowing) judge(name string, chain ...*x509.Certificate) worker.Reason {
	k.t.Helper()
	work := handshake.VerifyChainWork{ServerName: name}
	for _, c := range chain {
		work.Chain = append(work.Chain, c.Raw)
	}
	plain := k.w
	plain.Verdicts = nil
	got, want := k.w.Do(work).(handshake.VerifyChainResult), plain.Do(work).(handshake.VerifyChainResult)
	if (got.Verdict == nil) != (want.Verdict == nil) || got.Verdict != nil && got.Verdict.Error() != want.Verdict.Error() || got.Alert != want.Alert {
		k.t.Errorf("at %v, for %s: %v, without a memory %v", k.at, name, got.Verdict, want.Verdict)
	}
	var v *worker.Verdict
	if errors.As(got.Verdict, &v) {
		return v.Reason
	}
	return ""
}

// A verdict that is remembered is the one that would be reached anew: at each
// moment, for each name, for each chain and for other roots.
func TestARememberedVerdictIsTheSame(t *testing.T) {
	root := issue(t, "root", nil, func(c *x509.Certificate) { ca(c); c.NotAfter = now.Add(50 * time.Minute) })
	between := issue(t, "between", root, func(c *x509.Certificate) { ca(c); c.NotAfter = now.Add(7 * time.Minute) })
	late := issue(t, "late", root, func(c *x509.Certificate) { ca(c); c.NotBefore = now.Add(5 * time.Minute) })
	named := func(c *x509.Certificate) { c.DNSNames = []string{"a.example"} }
	good, under, underLate := issue(t, "leaf", root, named), issue(t, "leaf", between, named), issue(t, "leaf", late, named)
	alone := issue(t, "alone", nil, named)
	pool, empty := x509.NewCertPool(), x509.NewCertPool()
	pool.AddCert(root)
	k := &knowing{t: t, w: worker.Worker{Roots: pool, Verdicts: new(worker.Verdicts)}}
	k.w.Now = func() time.Time { return k.at }
	for minutes := range 130 {
		for _, second := range []time.Duration{0, 1, time.Nanosecond, time.Second} {
			k.at = now.Add(-65*time.Minute + time.Duration(minutes)*time.Minute + second)
			for _, roots := range []*x509.CertPool{pool, empty} {
				k.w.Roots = roots
				for _, name := range []string{"a.example", "b.example"} {
					k.judge(name, good)
					k.judge(name, under, between)
					k.judge(name, under)
					k.judge(name, underLate, late)
					k.judge(name, alone)
				}
			}
		}
	}
	k.w.Roots, k.at = pool, now
	if a, b, c := k.judge("a.example", good), k.judge("b.example", good), k.judge("a.example", under); a != "" || b != worker.WrongName || c != worker.UnknownAuthority {
		t.Errorf("%q, %q, %q", a, b, c)
	}
	k.at = now.Add(-2 * time.Hour) // a clock that was set back
	if got := k.judge("a.example", good); got != worker.NotYetValid {
		t.Errorf("%q", got)
	}
}

// What is remembered is not judged again: roots that are gone meanwhile are not
// missed until VerdictLife is over.
func TestAVerdictIsBelievedForAWhile(t *testing.T) {
	root := issue(t, "root", nil, ca)
	leaf := issue(t, "leaf", root, func(c *x509.Certificate) { c.DNSNames = []string{"a.example"} })
	pool := x509.NewCertPool()
	at := now
	w := worker.Worker{Roots: pool, Verdicts: new(worker.Verdicts), Now: func() time.Time { return at }}
	verified := func() bool {
		return w.Do(handshake.VerifyChainWork{Chain: [][]byte{leaf.Raw}, ServerName: "a.example"}).(handshake.VerifyChainResult).Verdict == nil
	}
	if verified() {
		t.Fatal("there is no root")
	}
	pool.AddCert(root) // as nobody should, while it is in use
	if at = now.Add(worker.VerdictLife - 1); verified() {
		t.Error("the verdict was not remembered")
	}
	if at = now.Add(worker.VerdictLife); !verified() {
		t.Error("the verdict is believed for too long")
	}
}

func TestWhatIsKeptOfVerdictsIsBounded(t *testing.T) {
	leaf := issue(t, "leaf", nil, nil)
	w := worker.Worker{Roots: x509.NewCertPool(), Verdicts: new(worker.Verdicts), Now: func() time.Time { return now }}
	for n := range 2*worker.MaxVerdicts + 10 {
		w.Do(handshake.VerifyChainWork{Chain: [][]byte{leaf.Raw, {byte(n >> 8), byte(n)}}, ServerName: "a.example"})
		if got := w.Verdicts.Len(); got > worker.MaxVerdicts {
			t.Fatalf("%d verdicts are kept", got)
		}
	}
	if w.Verdicts.Len() == 0 {
		t.Error("none is kept")
	}
}
