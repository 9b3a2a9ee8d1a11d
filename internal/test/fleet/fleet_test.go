//go:build linux

package fleet

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
)

// number is that of an environment variable, or otherwise. RAWSHAKE_FLEET_BITS,
// RAWSHAKE_FLEET_KILLS and RAWSHAKE_FLEET_RATE make the test as large as one likes.
func number(name string, otherwise int) int {
	n, _ := strconv.Atoi(os.Getenv("RAWSHAKE_FLEET_" + name))
	return cmp.Or(n, otherwise)
}

// Whoever is killed, at whatever moment: every target has one result, and the wire
// never more packets a second than the rate of the scan.
func TestEveryTargetHasOneResultWhoeverIsKilled(t *testing.T) {
	t.Parallel()
	const workers = 4
	kills, rate := number("KILLS", 8), number("RATE", 1200)
	block := fmt.Sprintf("198.18.0.0/%d", 32-number("BITS", 12))
	g := newGround(t, workers)
	w := g.watch(workers)
	g.await("a server", func() bool { _, _, s := g.try("status"); return s == 0 })
	g.fleet("start", "all", "--rate", strconv.Itoa(rate), "--shards", "12", "--max-version", "1.2", "--timeout", "30s", "--retries", "3", block)
	running := make([]*netns.Cmd, workers)
	begin := func(i int) {
		running[i] = g.work(i, "--name", fmt.Sprintf("w%d-%d", i+1, rand.Uint32()), "all")
	}
	for i := range running {
		begin(i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < kills; n++ {
		time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
		if st, ok := g.status("all"); ok && st.over() {
			t.Logf("finished after %d kills", n)
			break
		}
		if i := random.IntN(workers + 1); i < workers {
			kill(running[i])
			begin(i)
		} else {
			kill(g.server)
			time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
			g.serve()
		}
	}
	g.await("the end of the scan", func() bool {
		for i := range running { // one that gave up on a server that was away
			if running[i].ProcessState != nil && running[i].Status() != 0 {
				begin(i)
			}
		}
		st, ok := g.status("all")
		return ok && st.over()
	})
	if st, ok := g.status("all"); !ok || st.Shards.Aside > 0 {
		t.Errorf("%d shards are set aside\n%s", st.Shards.Aside, g.fleet("status", "all"))
	}
	g.once("all", block)
	list := w.all()
	if n := most(list); n > rate {
		t.Errorf("%d packets in a second, at a rate of %d", n, rate)
	}
	t.Logf("%d packets in %v, at most %d in a second", len(list), list[len(list)-1].at.Sub(list[0].at).Round(time.Second), most(list))
}

// A worker that loses the server sends its last packet within two seconds, and what it
// had is done by another.
func TestAWorkerThatIsCutOffSendsNothingMore(t *testing.T) {
	t.Parallel()
	g := newGround(t, 2)
	w := g.watch(2)
	g.await("a server", func() bool { _, _, s := g.try("status"); return s == 0 })
	g.fleet("start", "cut", "--rate", "400", "--shards", "2", "--max-version", "1.2", "--timeout", "30s", "--retries", "3", "198.18.0.0/21")
	g.work(0, "--name", "one", "cut")
	g.work(1, "--name", "two", "cut")
	sends := func(i int) func() bool {
		return func() bool { return !lastOf(w.all(), netip.MustParseAddr(fmt.Sprintf("198.19.%d.2", 51+i))).IsZero() }
	}
	g.await("packets of both", func() bool { return sends(0)() && sends(1)() })
	time.Sleep(time.Second)
	g.down(0, true)
	at := time.Now()
	g.await("the end of the scan without it", func() bool { st, ok := g.status("cut"); return ok && st.over() })
	last := lastOf(w.all(), netip.MustParseAddr("198.19.51.2"))
	if late := last.Sub(at); late > 2*time.Second {
		t.Errorf("a packet left %v after the worker was cut off", late)
	} else {
		t.Logf("the last packet left %v after the worker was cut off", late.Round(time.Millisecond))
	}
	g.once("cut", "198.18.0.0/21")
	if n := most(w.all()); n > 400 {
		t.Errorf("%d packets in a second", n)
	}
}

// A worker that slept for longer than its lease, as a machine that was suspended, sends
// nothing of what it was about to send when it wakes; nor does a server that stood still
// cost a result.
func TestWhoeverSleepsLosesNothing(t *testing.T) {
	t.Parallel()
	const rate = 400
	g := newGround(t, 2)
	w := g.watch(2)
	g.await("a server", func() bool { _, _, s := g.try("status"); return s == 0 })
	g.fleet("start", "sleep", "--rate", strconv.Itoa(rate), "--shards", "4", "--max-version", "1.2", "--timeout", "30s", "--retries", "3", "198.18.0.0/20")
	sleeper := g.work(0, "--name", "one", "sleep")
	g.work(1, "--name", "two", "sleep")
	from := netip.MustParseAddr("198.19.51.2")
	g.await("packets", func() bool { return !lastOf(w.all(), from).IsZero() })
	sleeps := func(cmd *netns.Cmd, d time.Duration) (woke time.Time) {
		check(t, cmd.Signal(unix.SIGSTOP))
		time.Sleep(d)
		woke = time.Now()
		check(t, cmd.Signal(unix.SIGCONT))
		return woke
	}
	woke := sleeps(sleeper, 13*time.Second)
	sleeps(g.server, 4*time.Second)
	g.await("the end of the scan", func() bool { st, ok := g.status("sleep"); return ok && st.over() })
	g.once("sleep", "198.18.0.0/20")
	list, early := w.all(), 0
	if n := most(list); n > rate {
		t.Errorf("%d packets in a second, at a rate of %d", n, rate)
	}
	for _, p := range list { // it has to find its way back first
		if d := p.at.Sub(woke); p.from == from && d > 0 && d < 100*time.Millisecond {
			early++
		}
	}
	if early > 0 {
		t.Errorf("%d packets left as soon as it woke", early)
	}
}
