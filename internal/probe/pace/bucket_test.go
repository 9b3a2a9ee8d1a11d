package pace

import (
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Whenever it is asked, in whatever steps the time passes: no more leaves than the
// rate allows, and the burst after a pause; and no less, where somebody always waits.
func TestNoMoreLeavesThanTheRateAndABurst(t *testing.T) {
	for _, rate := range []float64{1, 100, 40000} {
		for _, step := range []time.Duration{time.Microsecond * 100, time.Millisecond * 7, time.Millisecond} {
			b := Bucket{Rate: rate, Factor: 1}
			sent := 0
			for now := wire.Instant(0); now < wire.Instant(3*time.Second); now = now.Add(step) {
				b.Fill(now)
				for b.May() {
					b.Spend()
					sent++
				}
				if most := b.Burst() + rate*time.Duration(now).Seconds(); float64(sent) > most {
					t.Fatalf("%d packets in %v at %v a second, expected %.0f at most", sent, time.Duration(now), rate, most)
				}
				if b.Tokens < 0 {
					t.Fatal("it is in debt")
				}
			}
			if least := rate*(3*time.Second-step).Seconds() - 2; step <= BurstTime && float64(sent) < least {
				t.Errorf("%d packets in 3 s at %v a second, expected %.0f", sent, rate, least)
			}
		}
	}
}

func TestDropsSlowItDownAndTimeMendsIt(t *testing.T) {
	b := Bucket{Rate: 1000, Factor: 1}
	b.Drops(0, 10)
	if b.Factor != AfterDrops {
		t.Errorf("at %v of the rate after drops", b.Factor)
	}
	for n := range uint64(100) {
		b.Drops(0, 20+n)
	}
	if b.Factor <= 0 || b.Factor > AfterDrops/2 {
		t.Errorf("at %v of the rate after many", b.Factor)
	}
	for s := 1; s < 100; s++ {
		b.Drops(wire.Instant(s)*wire.Instant(time.Second), 119)
	}
	if b.Factor != 1 {
		t.Errorf("at %v of the rate when there were none for long", b.Factor)
	}
}

// A wait ends when something may leave, and at a high rate when enough may that a
// wake-up is worth it; it is never longer than one packet takes, or the batch's time.
func TestAWaitIsForABatch(t *testing.T) {
	for _, rate := range []float64{0.1, 10, 999, 1000, 5000, 60000, 10e6} {
		for _, factor := range []float64{1, minFactor} {
			for _, reserve := range []float64{0, 4} {
				b := Bucket{Rate: rate, Factor: factor}
				b.Fill(wire.Instant(time.Hour))
				left := 0
				for b.MayBeside(reserve) {
					b.Spend()
					left++
				}
				wait := b.Wait(reserve)
				one := time.Duration(float64(time.Second) / (rate * factor))
				if wait <= 0 || wait > max(one, batchTime)+time.Microsecond {
					t.Errorf("%v × %v a second, %v in reserve: a wait of %v", rate, factor, reserve, wait)
				}
				b.Fill(wire.Instant(time.Hour).Add(wait + time.Microsecond))
				n := 0
				for b.MayBeside(reserve) {
					b.Spend()
					n++
				}
				if want := int(min(rate*factor*batchTime.Seconds(), float64(left)-1)); n < max(want, 1) {
					t.Errorf("%v × %v a second, %v in reserve: %d may leave after the wait, want %d", rate, factor, reserve, n, want)
				}
			}
		}
	}
}
