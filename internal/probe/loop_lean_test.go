package probe

import (
	"crypto/tls"
	"testing"
	"unsafe"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// allocations is how many a round makes: the least of several counts, since each also
// has what the sink and others in this process allocate meanwhile.
func allocations(rounds int, round func()) float64 {
	least := testing.AllocsPerRun(rounds, round)
	for range 4 {
		least = min(least, testing.AllocsPerRun(rounds, round))
	}
	return least
}

// Once as many targets as may be in flight have come and gone, the next ones
// find all the memory that they need.
func TestATargetAllocatesNothingUpToItsCertificate(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	const each, rounds = 256, 40
	o := fakeOptions(t, 1<<16)
	o.Name, o.MaxInFlight, o.Timeout = "host.of-a-usual-length.test", each, MaxTimeout
	l := fakeLoop(t, o, &fakeNet{flight: serverFlight(t)})
	round := func() {
		for until := l.stats.Results + each; l.stats.Results < until; {
			l.now = l.instant()
			check(t, l.turn())
		}
	}
	for range rounds {
		round()
	}
	n := allocations(rounds, round)
	if done := l.stats.Outcomes[outcomeIndex("certificate")]; done != l.stats.Results {
		t.Fatalf("%d of %d came to their certificate", done, l.stats.Results)
	}
	if n > each/16 { // what the sink's buffers take
		t.Errorf("%v allocations for %d targets", n, each)
	}
}

// In TLS 1.3 it allocates what the key exchange needs, and hardly more: the keys, made
// twice, the secrets, and the cipher that opens the certificate.
func TestWhatATargetOfTLS13AllocatesUpToItsCertificate(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	defer func(n int) { fewConns = n }(fewConns)
	for _, tc := range []struct {
		group tlsmsg.NamedGroup
		few   int
		most  float64
	}{{tlsmsg.GroupX25519, 256, 66}, {tlsmsg.GroupX25519MLKEM768, 256, 68}, {tlsmsg.GroupX25519, 0, 90}, {tlsmsg.GroupX25519MLKEM768, 0, 92}} {
		fewConns = tc.few
		const each, rounds = 64, 20
		o := fakeOptions(t, 1<<16)
		o.Name, o.MaxInFlight, o.Timeout = "host.of-a-usual-length.test", each, MaxTimeout
		o.TLS.MinVersion, o.TLS.MaxVersion = tlsmsg.VersionTLS12, tlsmsg.VersionTLS13
		net := new(fakeNet)
		l := fakeLoop(t, o, net)
		net.flight = flightTo(t, sameHello(t, l), &tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveID(tc.group)}})
		round := func() {
			for until := l.stats.Results + each; l.stats.Results < until; {
				l.now = l.instant()
				check(t, l.turn())
			}
		}
		for range rounds {
			round()
		}
		n := allocations(rounds, round) / each
		if done := l.stats.Outcomes[outcomeIndex("certificate")]; done != l.stats.Results {
			t.Fatalf("%v: %d of %d came to their certificate", tc.group, done, l.stats.Results)
		}
		if n > tc.most {
			t.Errorf("%v, %d clients kept: %.2f allocations for a target, expected %v", tc.group, tc.few, n, tc.most)
		}
	}
}

// A target that has not answered its ClientHello holds none of it, nor its keys, however
// long they are: not even one that has acknowledged nothing.
func TestATargetThatWaitsForItsServerHelloTakesLittle(t *testing.T) {
	if raced {
		t.Skip("the race detector's memory is not ours")
	}
	const n, most = 8192, 2048
	for _, version := range []tlsmsg.Version{tlsmsg.VersionTLS12, tlsmsg.VersionTLS13} {
		l, net, used := holding(t, n, version)
		sent := l.stats.Packets
		if perTarget := float64(used) / n; perTarget > most {
			t.Errorf("%v: %.0f bytes for each of %d that wait, at most %d", version, perTarget, n, most)
		}
		// What is lost is made again, byte for byte.
		net.eager, net.flight = true, []byte("HTTP/1.0 400 Bad Request\r\n\r\n")
		for l.stats.Results < n {
			l.now = l.instant()
			check(t, l.turn())
		}
		if got := l.stats.Outcomes[outcomeIndex("not_tls")]; got != n || l.stats.Packets == sent {
			t.Errorf("%v: %d of %d were sent their ClientHello again", version, got, n)
		}
	}
}

// holding has a loop send so many ClientHellos to hosts that do not answer them, and
// returns what that takes, in bytes.
func holding(t *testing.T, n int, version tlsmsg.Version) (*loop, *fakeNet, uint64) {
	o := fakeOptions(t, n)
	o.MaxInFlight, o.Timeout = n, MaxTimeout
	o.TLS.MinVersion, o.TLS.MaxVersion = tlsmsg.VersionTLS12, version
	net := new(fakeNet)
	l := fakeLoop(t, o, net)
	before := heap()
	for l.begun.window.len() < n || net.waiting() > 0 || l.connections.queue.waiting() > 0 {
		l.now = l.instant()
		l.connections.work()
		l.admission.begin()
		check(t, l.receive(0))
	}
	net.ready = nil
	return l, net, heap() - before
}

// What a target holds beside its buffers, by how far it has come: the budget of
// a hundred thousand in flight (docs/benchmarks.md).
func TestWhatATargetTakes(t *testing.T) {
	if n := unsafe.Sizeof(slot{}); n > 16 {
		t.Errorf("a slot takes %d bytes", n)
	}
	if n := unsafe.Sizeof(connection{}); n > 1216 {
		t.Errorf("a connection takes %d bytes", n)
	}
	if n := unsafe.Sizeof(handshake.Client{}); n > 2040 { // with Go's eight, one of its sizes
		t.Errorf("a TLS client takes %d bytes", n)
	}
}
