package handshake_test

import (
	"encoding/binary"
	"testing"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// drive takes a client that was reset through a handshake with a fake, whose
// bytes come in pieces, and gives all that the client sent.
func drive(c *handshake.Client, f *fake, piece int) (sent string) {
	m := &meeting{c: c, w: theAuthority().worker(), f: f}
	take := func() []byte {
		out := c.Output()
		first := append([]byte(nil), out[:len(out)/2]...)
		c.Sent(len(first))
		rest := append(first, c.Output()...)
		c.Sent(len(rest) - len(first))
		sent += string(rest)
		return rest
	}
	c.Start()
	for parts, flight := f.first(take()), 0; flight < 2; flight++ {
		for _, p := range parts {
			for wire := p.wire(); len(wire) > 0; wire = wire[min(piece, len(wire)):] {
				m.feed(wire[:min(piece, len(wire))])
			}
		}
		if flight == 0 {
			parts = f.second(take())
		}
	}
	return sent
}

// A client that takes its memory from a pool, and gives it back, says and learns
// what any other does, one connection after the other; and what has been given
// back is not needed any more, as the pool writes over it.
func TestAClientLivesOnWhatAPoolLends(t *testing.T) {
	pool := &slab.Pool{Poison: true}
	var c handshake.Client
	kept := 0
	for round := range 3 {
		for i, setup := range []func(*fake){
			func(*fake) {},
			func(f *fake) { f.kind, f.id, f.status, f.ticket = "rsa", gcmDHE, true, true },
			func(f *fake) { f.kind, f.id, f.request = "rsa", gcmRSA, anyRequest() },
			func(f *fake) { f.session = session(f) },
		} {
			for _, piece := range []int{1, 7, 100, 1 << 14} {
				f, g := newFake(t), newFake(t)
				setup(f)
				setup(g)
				cfg := f.config()
				cfg.Pool = nil
				plain := handshake.NewClient(cfg)
				want := drive(plain, f, piece)
				cfg.Pool = pool
				id := handshake.Identity{Random: cfg.Random, ServerName: cfg.ServerName, Session: cfg.Session}
				c.Reset(handshake.NewProfile(cfg), id)
				got := drive(&c, g, piece)
				if c.Err() != nil || c.Stage() != handshake.StageFinished || plain.Stage() != handshake.StageFinished {
					t.Fatalf("%d, in pieces of %d: %v, %v", i, piece, c.Err(), plain.Err())
				}
				// After the ClientHello there are keys: a number of DHE may be shorter.
				hello := int(binary.BigEndian.Uint16([]byte(want[3:]))) + 5
				if got[:hello] != want[:hello] || max(len(got)-len(want), len(want)-len(got)) > 4 {
					t.Errorf("%d, in pieces of %d: sent %d bytes, want %d", i, piece, len(got), len(want))
				}
				a, b := c.State(), plain.State()
				if len(a.Chain) != len(b.Chain) || string(a.Chain[0]) != string(b.Chain[0]) || string(a.OCSPResponse) != string(b.OCSPResponse) || string(a.SessionID) != string(b.SessionID) {
					t.Errorf("%d, in pieces of %d: it knows %+v, want %+v", i, piece, a, b)
				}
				if session := a.Session; session != nil {
					c.Release()
					if string(session.Ticket) != string(b.Session.Ticket) || string(session.Chain[0]) != string(b.Chain[0]) || string(session.ID) != string(b.Session.ID) {
						t.Errorf("%d: the session has changed with the memory of its connection", i)
					}
				}
				c.Release()
			}
		}
		if round == 1 {
			kept = pool.Held()
		}
	}
	if n := pool.Held(); n != kept {
		t.Errorf("the pool holds %d bytes after one round, %d after another", kept, n)
	}
}

// What a prober asks of a client costs it nothing.
func TestAClientAllocatesNothingUpToTheCertificate(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	f := newFake(t)
	f.status = true
	cfg := f.config()
	cfg.Pool, cfg.GREASE = new(slab.Pool), false
	cfg.CipherSuites, cfg.ALPN = append(cfg.CipherSuites, tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA), []string{"h2", "http/1.1"}
	profile := handshake.NewProfile(cfg)
	id := handshake.Identity{ServerName: serverName, Random: cfg.Random}
	var c handshake.Client
	c.Reset(profile, id)
	c.Start()
	var flight []byte
	for _, p := range f.first(c.Next()) {
		flight = append(flight, p.wire()...)
	}
	n := testing.AllocsPerRun(100, func() {
		c.Reset(profile, id)
		c.Start()
		c.Sent(len(c.Output()))
		c.Receive(flight[:50])
		c.Receive(flight[50:])
		if c.Stage() != handshake.StageCertificateReceived {
			t.Fatal(c.Stage(), c.Err())
		}
		c.Release()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
