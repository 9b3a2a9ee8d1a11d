package probe

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// scan probes from the near host, and gives what was written.
func scan(t *testing.T, l *lab.Lab, o Options) ([]byte, Stats) {
	t.Helper()
	var out bytes.Buffer
	var stats Stats
	check(t, l.Near().Do(func() error {
		s, err := Open(t.Context(), o, store.NewOutput(&out))
		if err != nil {
			return err
		}
		stats, err = s.Run(t.Context(), t.Context())
		return err
	}))
	return out.Bytes(), stats
}

func TestARecordTellsOfOCSPAndSCTs(t *testing.T) {
	l := newWideLab(t)
	pki, err := pki.New(pki.Options{})
	check(t, err)
	ln, err := l.Far().Listen("tcp", "0.0.0.0:443")
	check(t, err)
	defer ln.Close()
	cfg := &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{pki.Server.Cert.Raw}, PrivateKey: pki.Server.Key,
		OCSPStaple: make([]byte, 471), SignedCertificateTimestamps: [][]byte{make([]byte, 120), make([]byte, 119)}}}}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { tls.Server(c, cfg).Handshake(); c.Close() }()
		}
	}()
	o := options(t, "443", "198.19.0.1")
	o.Goal = GoalFinished
	out, _ := scan(t, l, o)
	schema.Check(t, out)
	var r struct {
		Outcome string
		OCSP    int `json:"ocsp_response_len"`
		SCTs    int
	}
	check(t, json.Unmarshal(out, &r))
	if r.OCSP != 471 || r.SCTs != 2 {
		t.Errorf("%+v in %s", r, out)
	}
}

// Each target that holds a connection costs memory; there are no more of them
// than it allows, and all have their turn.
func TestMemoryBoundsWhatIsInFlight(t *testing.T) {
	const n = 1 << 14
	o := fakeOptions(t, n)
	o.MaxInFlight, o.Timeout, o.MaxMemory = 2*n, time.Minute, heap()+2<<20
	l := fakeLoop(t, o, &fakeNet{}) // hosts that take the connection and say no more
	most := 0
	for idle := 0; !l.admission.ended || l.begun.window.len() > 0; idle++ {
		l.now = l.instant()
		check(t, l.turn())
		if now := l.admission.inFlight(); now > most {
			most, idle = now, 0
		}
		if idle == 50 { // they have waited long enough
			l.epoch, idle = l.epoch.Add(-2*o.Timeout), 0
		}
	}
	if most == n || l.stats.Records < n {
		t.Errorf("%d of %d in flight at once; %d records", most, n, l.stats.Records)
	}
}

// A narrowNet takes so many packets between two looks at it, and drops the rest.
type narrowNet struct {
	fakeNet
	room, used, unsent int
}

func (n *narrowNet) Queue(packet []byte, hop link.Hop) error {
	if n.used++; n.used > n.room {
		n.unsent++
		return nil
	}
	return n.fakeNet.Queue(packet, hop)
}

func (n *narrowNet) Stats() link.RingStats {
	n.used = 0
	s := n.fakeNet.Stats()
	s.Unsent = uint64(n.unsent)
	return s
}

func TestALinkWithoutRoomSlowsTheScanDown(t *testing.T) {
	o := fakeOptions(t, 16384)
	o.Goal, o.Rate, o.Timeout, o.Retries = GoalTCP, 40000, time.Millisecond, 0
	n := &narrowNet{room: 100}
	l := fakeLoop(t, o, &n.fakeNet)
	l.routes.Paths[0].Link = n
	slowest := 1.0
	for !l.admission.ended {
		l.now = l.instant()
		check(t, l.turn())
		slowest = min(slowest, l.egress.pace.Factor)
	}
	if slowest > pace.AfterDrops {
		t.Errorf("at %.2f of the rate after %d packets without room", slowest, n.unsent)
	}
}

// Who has its record and goes on sending draws some RSTs, and no more: they are
// packets of the rate that the others wait for.
func TestLateSegmentsDrawFewResets(t *testing.T) {
	o := fakeOptions(t, 256)
	o.Goal = GoalTCP
	f := new(fakeNet)
	l := fakeLoop(t, o, f)
	check(t, l.run(t.Context(), t.Context()))
	a, port := l.o.Space.At(0)
	local := l.routes.Paths[0].First + l.syns.mac.Port(a, port)%uint16(o.Ports)
	iss, _ := l.syns.mac.Sequence(a, port, local)
	before := f.sent
	for range 10000 {
		f.ready = append(f.ready, answer{from: a.As4(), src: port, dst: local, flags: wire.ACK, seq: 1001, ack: wire.Seq(iss) + 1})
	}
	l.now = l.instant()
	check(t, l.receive(0))
	if n := f.sent - before; n == 0 || n > 5000 || l.stats.Late < 10000 {
		t.Errorf("%d RSTs for %d late segments", n, l.stats.Late)
	}
}

// A connection on which nothing comes but segments ends as well.
func TestSegmentsWithoutDataHaveAnEnd(t *testing.T) {
	o := fakeOptions(t, 256)
	f := new(fakeNet)
	l := fakeLoop(t, o, f)
	for l.stats.Answers == 0 {
		l.now = l.instant()
		check(t, l.turn())
	}
	c := l.connections.all[slices.IndexFunc(l.connections.all, func(c *connection) bool { return c.session != nil })]
	for range maxSegments + 10 {
		f.ready = append(f.ready, answer{from: c.target.Addr.As4(), src: c.target.Port, dst: c.local, flags: wire.ACK, seq: 1, ack: 1})
	}
	l.now = l.instant()
	check(t, l.receive(0))
	if n := l.stats.Outcomes[outcomeIndex("protocol")]; n != 1 {
		t.Errorf("%d ended: %+v", n, l.stats)
	}
}
