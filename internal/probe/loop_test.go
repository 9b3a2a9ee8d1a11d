package probe

import (
	"testing"
)

func BenchmarkSYNToCertificate(b *testing.B) {
	f := &fakeNet{flight: serverFlight(b)}
	l := fakeLoop(b, fakeOptions(b, b.N), f)
	b.ReportAllocs()
	b.ResetTimer()
	check(b, l.run(b.Context(), b.Context()))
	b.StopTimer()
	if n := l.stats.Outcomes[outcomeIndex("certificate")]; n < uint64(b.N) {
		b.Fatalf("%d of %d: %+v", n, b.N, l.stats)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(l.stats.Results), "ns/target")
}

func BenchmarkSYN(b *testing.B) {
	f := &fakeNet{deaf: true}
	o := fakeOptions(b, b.N)
	o.MaxInFlight = 1 << 30
	l := fakeLoop(b, o, f)
	b.ReportAllocs()
	b.ResetTimer()
	for !l.admission.ended {
		l.now = l.instant()
		l.egress.pace.Fill(l.now)
		l.admission.begin()
	}
}
