// The budget of connections holds whatever comes of them, and in whatever order.

package audit

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// somehow is an answer that is any of all kinds.
func somehow(r *rand.Rand, q *Question) *Answer {
	outcome := Outcome(1 + r.IntN(int(Unreachable)))
	answer := &Answer{Outcome: outcome, Err: fmt.Errorf("%v", outcome)}
	if q.Hello != nil && outcome == Agreed {
		answer.Hello = &tlsmsg.ServerHello{Version: q.Hello.Version}
		if n := len(q.Hello.Suites); n > 0 {
			answer.Hello.CipherSuite = q.Hello.Suites[r.IntN(n)]
		}
	}
	if q.V2 && outcome == Agreed {
		answer.V2 = new(ServerHelloV2)
	}
	return answer
}

func TestNoAnswersMakeAnAuditExceedItsBudget(t *testing.T) {
	before := runtime.NumGoroutine()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		budget, most, trouble := 1+r.IntN(40), 1+r.IntN(6), r.IntN(4)
		a := New(Options{MaxConnections: budget, Random: func([]byte) {}})
		begun := 0
		var open []Turn
		for !a.Done() {
			turn, ok := Turn{}, false
			if len(open) < most {
				turn, ok = a.Next()
			}
			switch {
			case ok:
				open = append(open, turn)
				begun++
			case len(open) == 0:
				t.Fatalf("seed %d: nothing is asked, and nothing awaited, after %d connections", seed, begun)
			default:
				i := r.IntN(len(open))
				answer := &Answer{Outcome: Reset}
				if r.IntN(4) >= trouble || begun < 4 {
					answer = somehow(r, open[i].Question)
				}
				a.Answer(open[i], answer)
				open = append(open[:i], open[i+1:]...)
				a.Pause()
			}
			if seed%10 == 0 && begun > budget/2 {
				a.Stop("the test")
			}
		}
		if begun > budget || a.Connections() > budget {
			t.Fatalf("seed %d: %d connections, %d reported, of a budget of %d, %d at once", seed, begun, a.Connections(), budget, most)
		}
		a.Report(nil)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// A server may send another certificate with each answer, as long as an answer may be.
func TestCertificatesOfOneServerAreBounded(t *testing.T) {
	var f found
	f.init()
	for i := range 64 {
		f.chain([][]byte{append([]byte{byte(i)}, make([]byte, 200<<10)...)}, true)
	}
	if len(f.chains) == 0 || len(f.chains) > 2 {
		t.Errorf("%d chains of 200 KiB each are kept", len(f.chains))
	}
	if f.chain([][]byte{{1}}, true); len(f.chains) > 3 {
		t.Errorf("%d chains", len(f.chains))
	}
}
