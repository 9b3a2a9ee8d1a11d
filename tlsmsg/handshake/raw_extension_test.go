package handshake_test

import (
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// What the server may choose is what the ClientHello says, not what the Config
// would have said: raw bytes stand in the place of an extension, and one that is
// left out excludes nothing.
func TestTheServerMayChooseWhatTheHelloThatWasSentOffers(t *testing.T) {
	groups := func(list ...tlsmsg.NamedGroup) []tlsmsg.Extension {
		v := tlsmsg.SupportedGroups{Groups: list}
		return []tlsmsg.Extension{{Type: tlsmsg.ExtensionSupportedGroups, Data: v.AppendData(nil, tlsmsg.TypeClientHello)}}
	}
	schemes := func(list ...tlsmsg.SignatureScheme) []tlsmsg.Extension {
		v := tlsmsg.SignatureAlgorithms{Schemes: list}
		return []tlsmsg.Extension{{Type: tlsmsg.ExtensionSignatureAlgorithms, Data: v.AppendData(nil, tlsmsg.TypeClientHello)}}
	}
	x25519 := []tlsmsg.NamedGroup{tlsmsg.GroupX25519}
	ed25519 := []tlsmsg.SignatureScheme{tlsmsg.SchemeEd25519}
	every := []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeRSAPSSRSAESHA256, tlsmsg.SchemeRSAPKCS1SHA256}
	for name, tc := range map[string]struct {
		set   func(*handshake.Config) // the fake chooses secp256r1 and a usual scheme
		takes bool
	}{
		"a group in raw bytes":        {func(c *handshake.Config) { c.Groups, c.Extensions = x25519, groups(tlsmsg.GroupSecp256r1) }, true},
		"a group that raw bytes lack": {func(c *handshake.Config) { c.Extensions = groups(tlsmsg.GroupX25519) }, false},
		"groups left out": {func(c *handshake.Config) {
			c.Groups, c.Omit = x25519, []tlsmsg.ExtensionType{tlsmsg.ExtensionSupportedGroups}
		}, true},
		"a group that is configured away": {func(c *handshake.Config) { c.Groups = x25519 }, false},
		"a scheme in raw bytes":           {func(c *handshake.Config) { c.SignatureSchemes, c.Extensions = ed25519, schemes(every...) }, true},
		"a scheme that raw bytes lack":    {func(c *handshake.Config) { c.Extensions = schemes(tlsmsg.SchemeEd25519) }, false},
		"schemes left out": {func(c *handshake.Config) {
			c.SignatureSchemes, c.Omit = ed25519, []tlsmsg.ExtensionType{tlsmsg.ExtensionSignatureAlgorithms}
		}, true},
	} {
		f := newFake(t)
		cfg := f.config()
		tc.set(&cfg)
		m := f.meet(cfg)
		m.upTo("")
		if err := m.c.Err(); (err == nil) != tc.takes {
			t.Errorf("%s: %v", name, err)
		}
	}
}
