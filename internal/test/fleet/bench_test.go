//go:build linux

package fleet

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/netns"
)

// What a worker's CPU is beside that of a plain probe with a checkpoint, for the same
// scan: in turns, the sum of all. It needs as many targets as make a second of CPU.
func BenchmarkWorkBesideProbe(b *testing.B) {
	g := newGround(b, 1)
	g.await("a server", func() bool { _, _, s := g.try("status"); return s == 0 })
	scan := []string{"--shards", "4", "--rate", "16000", "--retries", "0", "--max-version", "1.2", "198.18.0.0/16"}
	cpu := func(cmd *netns.Cmd) time.Duration {
		cmd.Wait()
		if cmd.Status() != 0 {
			b.Fatalf("status %d", cmd.Status())
		}
		return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	var plain, worker time.Duration
	turn := 0
	for b.Loop() {
		turn++
		name, dir := fmt.Sprintf("turn%d", turn), b.TempDir()
		g.fleet(append([]string{"start", name}, scan...)...)
		probe := func() {
			plain += cpu(g.start("w1", append([]string{"probe", "-q", "--loops", "1", "--checkpoint", filepath.Join(dir, "state"), "-o", filepath.Join(dir, "out.jsonl")}, scan[2:]...)...))
		}
		work := func() { worker += cpu(g.work(0, "--loops", "1", "--name", name, name)) }
		for _, one := range [][]func(){{probe, work}, {work, probe}}[turn%2] {
			one()
		}
		g.fleet("remove", name)
	}
	b.ReportMetric(plain.Seconds()/float64(turn), "probe-s")
	b.ReportMetric(worker.Seconds()/float64(turn), "work-s")
	b.ReportMetric(worker.Seconds()/plain.Seconds(), "work/probe")
}
