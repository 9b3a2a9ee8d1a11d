package interop

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/netem"
)

// A ClientHello with a hybrid share takes two segments and more. It gets through
// a link that loses packets, a small MTU, and to a server that reads a byte at a
// time, from connect and from probe.
func TestAClientHelloOfSeveralSegmentsGetsThrough(t *testing.T) {
	for name, c := range map[string]struct {
		link  netem.Impairment
		mtu   int
		slow  bool // the server reads a byte at a time
		times int  // connections of each command
	}{
		"5 % loss":              {link: netem.Impairment{Loss: 0.05}, times: 8},
		"the first part lost":   {link: netem.Impairment{Drop: []string{"> data 1 1"}}, times: 1},
		"the second part lost":  {link: netem.Impairment{Drop: []string{"> data 2 1"}}, times: 1},
		"the parts out of turn": {link: netem.Impairment{Delay: []string{"> data 1 1"}}, times: 1},
		"an MTU of 576":         {mtu: 576, times: 1},
		"576, and 5 % loss":     {link: netem.Impairment{Loss: 0.05}, mtu: 576, times: 4},
		"a byte at a time":      {slow: true, times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			topology := lab.Bare()
			topology.Seed, topology.Links[0].Impairment, topology.Links[0].MTU = 1, c.link, c.mtu
			for i := range topology.Links[0].Ends { // IPv6 needs an MTU of 1280
				topology.Links[0].Ends[i].Addresses = topology.Links[0].Ends[i].Addresses[:1]
			}
			l := newLab(t, lab.With(topology))
			p, err := pki.New(pki.Options{Addresses: addresses(l.Far())})
			if err != nil {
				t.Fatal(err)
			}
			config := &tls.Config{Certificates: []tls.Certificate{p.Server.TLS()}, CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}}
			at := serve(t, l, func(tcp *net.TCPConn) {
				var stream net.Conn = tcp
				if c.slow {
					stream = byteReader{tcp}
				}
				s := tls.Server(stream, config)
				_, _ = io.Copy(io.Discard, s)
				_ = s.Close()
			})
			ca := writeFile(t, "ca.pem", p.CA.CertPEM())
			for range c.times {
				list := entries(t, rawshake(t, l.Near(), "connect", "--json", "--timeout", "2m", "--ca", ca, at).want(t, 0).stdout)
				if res := list[len(list)-1]; res.Version != "TLS 1.3" || res.Group != "X25519MLKEM768" {
					t.Errorf("connect: %s over %s", res.Version, res.Group)
				}
				found := runProbe(t, l, at, "-q", "--allow-special", "--ca", ca, "--until", "finished", "--timeout", "2m", "--max-version", "1.3").records(t)
				if len(found) != 1 || found[0]["ok"] != true || found[0]["group"] != "X25519MLKEM768" {
					t.Errorf("probe: %v", found)
				}
			}
		})
	}
}

// byteReader is a connection that is read a byte at a time.
type byteReader struct{ net.Conn }

func (c byteReader) Read(p []byte) (int, error) { return c.Conn.Read(p[:min(1, len(p))]) }
