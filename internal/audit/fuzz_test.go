// Bytes of anybody's, where a server's answer is read.

package audit

import (
	"slices"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

func FuzzFlight(f *testing.F) {
	hello := tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, CipherSuite: tlsmsg.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256}
	anonymous := hello
	anonymous.CipherSuite = 0x0034
	exported := hello
	exported.CipherSuite = 0x0014
	for _, h := range []tlsmsg.ServerHello{hello, anonymous, exported} {
		raw := tlsmsg.Append(nil, &h, tlsmsg.Context{})
		raw = tlsmsg.Append(raw, &tlsmsg.ServerKeyExchange{Raw: []byte{0, 1, 23, 0, 1, 2, 0, 1, 4}}, tlsmsg.Context{})
		raw = tlsmsg.Append(raw, &tlsmsg.ServerHelloDone{}, tlsmsg.Context{})
		f.Add(tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentHandshake, Version: 0x0303, Fragment: raw}), false, uint8(3))
	}
	f.Add([]byte{21, 3, 3, 0, 2, 1, 112, 21, 3, 3, 0, 2, 2, 40}, true, uint8(1))
	f.Add([]byte{0x80, 14, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 1, 0, 0x80}, true, uint8(9))
	f.Fuzz(func(t *testing.T, b []byte, v2 bool, step uint8) {
		whole, pieces := &Flight{V2: v2}, &Flight{V2: v2}
		whole.Receive(b)
		for part := range slices.Chunk(b, int(step)+1) {
			if pieces.Receive(part) {
				break
			}
		}
		for _, one := range []*Flight{whole, pieces} {
			one.End(OutcomeOf(nil))
			if a := one.Answer(); a.Outcome == NotAsked || a.agreed() != (a.Hello != nil || a.V2 != nil) && a.Outcome != Strange && a.Outcome != Refused {
				t.Errorf("outcome %v of %+v", a.Outcome, a)
			}
		}
		if w, p := whole.Answer(), pieces.Answer(); w.Outcome != p.Outcome {
			t.Errorf("as a whole %v, in pieces %v", w, p)
		}
		report(whole.Answer())
	})
}

// report has a report made of an answer, as the walks do.
func report(answer *Answer) {
	a := New(Options{Random: func([]byte) {}})
	a.Stop("the test")
	v := a.found.version(tlsmsg.VersionTLS12)
	a.found.answered(&Question{}, answer)
	if answer.Hello != nil {
		a.found.old(v, a.helloOld(tlsmsg.VersionTLS12, nil), answer)
	}
	if answer.V2 != nil {
		v.v2 = answer.V2
		a.found.chain(answer.V2.chain(), true)
	}
	a.Report(nil)
}

func FuzzServerHelloV2(f *testing.F) {
	f.Add([]byte{4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0x30, 1, 0, 0x80, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseServerHelloV2(b)
		if err == nil && (m == nil || len(m.Certificate)+3*len(m.Ciphers)+11 > len(b)) {
			t.Errorf("%+v of %d bytes", m, len(b))
		}
	})
}
