package handshake_test

import (
	"bytes"
	"crypto/tls"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// helloOf has a client of a profile make its ClientHello.
func clientHello(c *handshake.Client, p *handshake.Profile, id handshake.Identity) []byte {
	c.Reset(p, id)
	c.Start()
	theAuthority().worker().Finish(c)
	return bytes.Clone(c.Output())
}

// A client that is made again from the same seed goes on where the first one stopped:
// with any group, and where the server asks for another.
func TestAClientMadeAgainHasTheSameShares(t *testing.T) {
	for _, tc := range []struct{ share, group tlsmsg.NamedGroup }{
		{0, tlsmsg.GroupX25519MLKEM768}, {0, tlsmsg.GroupX25519}, {tlsmsg.GroupSecp256r1, tlsmsg.GroupSecp256r1},
		{tlsmsg.GroupSecP384r1MLKEM1024, tlsmsg.GroupSecP384r1MLKEM1024}, {0, tlsmsg.GroupSecp521r1}, {tlsmsg.GroupSecp521r1, tlsmsg.GroupX25519},
	} {
		cfg := config13(tlsmsg.VersionTLS12)
		cfg.MaxVersion = tlsmsg.VersionTLS13
		if tc.share != 0 {
			cfg.KeyShares = []tlsmsg.NamedGroup{tc.share}
		}
		profile := handshake.NewProfile(cfg)
		id := handshake.Identity{Random: randomBytes(), ServerName: serverName, ShareSeed: randomBytes()}
		var first, again handshake.Client
		hello := clientHello(&first, profile, id)
		if !bytes.Equal(hello, clientHello(&again, profile, id)) {
			t.Fatalf("%v: another ClientHello from the same seed", tc.group)
		}
		server := theAuthority().server("ecdsa256")
		server.MaxVersion, server.CurvePreferences = tls.VersionTLS13, []tls.CurveID{tls.CurveID(tc.group)}
		stream, s := serve(t, server)
		if _, err := stream.Write(hello); err != nil {
			t.Fatal(err)
		}
		again.Sent(len(hello))
		d := &driver{c: &again, w: theAuthority().worker(), stream: stream}
		if err := d.handshake(); err != nil {
			t.Fatalf("%v: %v (server: %v)", tc.group, err, <-s.done)
		}
		if got := again.State().Group; got != tc.group {
			t.Errorf("%v, expected %v", got, tc.group)
		}
		exchangeData(t, d, s, 16)
	}
}

// Of each seed the shares are others, and without a seed they are drawn. Those of each
// group are others, too, but for a curve that a hybrid before it has.
func TestNoTwoSeedsMakeTheSameShare(t *testing.T) {
	cfg := config13(tlsmsg.VersionTLS13)
	cfg.Groups, cfg.KeyShares = nil, slices.Concat(suite.HybridGroups(), suite.Groups())
	profile := handshake.NewProfile(cfg)
	seen := make(map[string]int)
	var c handshake.Client
	for n, seed := range [][32]byte{{}, {}, {1}, {31: 1}} {
		raw := clientHello(&c, profile, handshake.Identity{Random: [32]byte{7}, ShareSeed: seed})
		var hello tlsmsg.ClientHello
		if err := tlsmsg.ParseInto(&hello, raw[tlsmsg.RecordHeaderLen:], tlsmsg.Context{}); err != nil {
			t.Fatal(err)
		}
		var shares tlsmsg.KeyShare
		if ok, err := hello.DecodeExtension(&shares); !ok || err != nil || len(shares.Shares) != len(cfg.KeyShares) {
			t.Fatalf("%+v, %v", shares, err)
		}
		for i, s := range shares.Shares {
			if seed != [32]byte{} && slices.ContainsFunc(shares.Shares[:i], func(h tlsmsg.KeyShareEntry) bool { return suite.HybridCurve(h.Group) == s.Group }) {
				continue
			}
			for at := 0; at+32 <= len(s.KeyExchange); at += 32 {
				if who, ok := seen[string(s.KeyExchange[at:at+32])]; ok {
					t.Errorf("seed %d: %v has bytes of seed %d", n, s.Group, who)
				}
				seen[string(s.KeyExchange[at:at+32])] = n
			}
		}
	}
}
