// Each weakness is found in a server that has it, and not in one that is the
// same but for that.

package audit_test

import (
	"crypto"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/scripted"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A weakness to be found: the two servers differ in it alone.
type weaknessCase struct {
	id          string
	weak, sound func(net.Conn)
	also        []string  // other weaknesses of the weak one
	left        []string  // and of the other
	judged      string    // part of from what it was judged
	at          time.Time // when the weak one is audited; zero: now
}

// A change makes a server of a sound one.
type change func(*scripted.Server)

// changed is a sound server with changes.
func changed(t testing.TB, changes ...change) func(net.Conn) {
	p := papers(t)
	s := scripted.Sound(scripted.ChainOf(p.ECDSA))
	s.Chains = append(s.Chains, scripted.ChainOf(p.RSA))
	s.DH = scripted.FFDHE2048()
	for _, c := range changes {
		c(s)
	}
	return s.Serve
}

// taking has it take suites of a version beside its own.
func taking(v tlsmsg.Version, ids ...tlsmsg.CipherSuite) change {
	return func(s *scripted.Server) { s.Suites[v] = append(slices.Clone(s.Suites[v]), ids...) }
}

// only has it speak one version, with these suites.
func only(v tlsmsg.Version, ids ...tlsmsg.CipherSuite) change {
	return func(s *scripted.Server) { s.Suites = map[tlsmsg.Version][]tlsmsg.CipherSuite{v: ids} }
}

// ignoring has it ignore an extension.
func ignoring(e tlsmsg.ExtensionType) change {
	return func(s *scripted.Server) {
		s.Extensions = slices.DeleteFunc(slices.Clone(s.Extensions), func(x tlsmsg.ExtensionType) bool { return x == e })
	}
}

func answering(e tlsmsg.ExtensionType) change {
	return func(s *scripted.Server) { s.Extensions = append(slices.Clone(s.Extensions), e) }
}

func group(g scripted.Group) change { return func(s *scripted.Server) { s.DH = g } }

func chain(c scripted.Chain) change {
	return func(s *scripted.Server) { s.Chains = []scripted.Chain{c} }
}

func schemes(list ...tlsmsg.SignatureScheme) change {
	return func(s *scripted.Server) { s.Schemes = list }
}

func failing(when func(*scripted.Hello) bool, how func(net.Conn)) change {
	return func(s *scripted.Server) { s.Faults = append(s.Faults, scripted.Fault{When: when, How: how}) }
}

const (
	ssl30, tls10, tls11, tls12 = tlsmsg.VersionSSL30, tlsmsg.VersionTLS10, tlsmsg.VersionTLS11, tlsmsg.VersionTLS12

	ecdheCBC  = tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
	dheGCM    = tlsmsg.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
	rsaRC4MD5 = tlsmsg.CipherSuite(0x0004)
	rsaRC4SHA = tlsmsg.CipherSuite(0x0005)
	dheCBC    = tlsmsg.TLS_DHE_RSA_WITH_AES_128_CBC_SHA
)

// weaknessCases are of scripted servers.
func weaknessCases(t testing.TB) []weaknessCase {
	p := papers(t)
	with := func(c ...change) func(net.Conn) { return changed(t, c...) }
	sound := with()
	suite := func(n uint16) change { return taking(tls12, tlsmsg.CipherSuite(n)) }
	alert := scripted.Alert(tlsmsg.AlertHandshakeFailure)
	own1024, own1536 := scripted.Own(t, 1024), scripted.Own(t, 1536)
	rsaOnly := chain(scripted.ChainOf(p.RSA))
	list := []weaknessCase{
		{id: "ssl2", weak: with(func(s *scripted.Server) { s.CiphersV2 = []uint32{0x010080} }), sound: sound, judged: "SSL_CK_RC4_128_WITH_MD5"},
		{id: "ssl3", weak: with(taking(ssl30, dheCBC), taking(tls12, dheCBC)), sound: with(taking(tls12, dheCBC)), also: []string{"beast"}},
		{id: "tls10", weak: with(taking(tls10, ecdheCBC)), sound: with(taking(tls12, ecdheCBC)), also: []string{"beast"}},
		{id: "tls11", weak: with(taking(tls11, ecdheCBC)), sound: with(taking(tls12, ecdheCBC))},
		{id: "null_cipher", weak: with(suite(0xc010)), sound: sound, judged: "TLS_ECDHE_RSA_WITH_NULL_SHA in TLS 1.2"},
		{id: "anonymous", weak: with(suite(0xc018)), sound: with(taking(tls12, ecdheCBC)), judged: "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"},
		{id: "anonymous", weak: with(suite(0x00a6)), sound: with(taking(tls12, dheGCM)), judged: "TLS_DH_anon_WITH_AES_128_GCM_SHA256"},
		{id: "freak", weak: with(suite(0x0008)), sound: with(suite(0x0009)), also: []string{"des"}, left: []string{"des", "static_rsa"}},
		{id: "logjam_export", weak: with(suite(0x0014), func(s *scripted.Server) { s.ExportDH = own512(t) }), sound: with(suite(0x0015)),
			also: []string{"des", "weak_dh"}, left: []string{"des"}},
		{id: "des", weak: with(suite(0x0015)), sound: with(taking(tls12, dheCBC))},
		{id: "rc4", weak: with(suite(0xc011)), sound: with(taking(tls12, ecdheCBC))},
		{id: "sweet32", weak: with(suite(0xc012)), sound: with(taking(tls12, ecdheCBC))},
		{id: "md5_mac", weak: with(taking(tls12, rsaRC4MD5)), sound: with(taking(tls12, rsaRC4SHA)),
			also: []string{"rc4", "static_rsa"}, left: []string{"rc4", "static_rsa"}},
		{id: "beast", weak: with(taking(tls10, ecdheCBC)), sound: with(suite(0xc011), taking(tls10, tlsmsg.CipherSuite(0xc011))),
			also: []string{"tls10"}, left: []string{"rc4", "tls10"}},
		{id: "lucky13", weak: with(taking(tls12, ecdheCBC), ignoring(tlsmsg.ExtensionEncryptThenMAC)), sound: with(taking(tls12, ecdheCBC))},
		{id: "static_rsa", weak: with(suite(0x009c)), sound: with(suite(0xc02f))},
		{id: "static_dh", weak: with(suite(0xc031)), sound: with(suite(0xc02f)), judged: "TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256"},
		{id: "static_dh", weak: with(suite(0x00a0)), sound: with(taking(tls12, dheGCM)), judged: "TLS_DH_RSA_WITH_AES_128_GCM_SHA256"},
		{id: "crime", weak: with(func(s *scripted.Server) { s.Deflate = true }), sound: sound},
		{id: "insecure_renegotiation", weak: with(ignoring(tlsmsg.ExtensionRenegotiationInfo)), sound: sound},
		{id: "heartbeat", weak: with(answering(scripted.Heartbeat)), sound: sound},
		{id: "no_fallback_scsv", weak: with(taking(tls11, ecdheCBC), func(s *scripted.Server) { s.SCSV = false }), sound: with(taking(tls11, ecdheCBC)),
			also: []string{"tls11"}, left: []string{"tls11"}},
		{id: "no_extended_master_secret", weak: with(ignoring(tlsmsg.ExtensionExtendedMasterSecret)), sound: sound},
		{id: "weak_dh", weak: with(taking(tls12, dheGCM), group(own1024)), sound: with(taking(tls12, dheGCM)), judged: "1024 bits"},
		{id: "short_dh", weak: with(taking(tls12, dheGCM), group(own1536)), sound: with(taking(tls12, dheGCM)), judged: "1536 bits"},
		{id: "common_dh", weak: with(taking(tls12, dheGCM), group(scripted.Oakley2())), sound: with(taking(tls12, dheGCM), group(own1024)),
			also: []string{"weak_dh"}, left: []string{"weak_dh"}, judged: "RFC 2409"},
		{id: "dh_not_prime", weak: with(taking(tls12, dheGCM), group(scripted.Composite(t, 1536))), sound: with(taking(tls12, dheGCM), group(own1536)),
			also: []string{"short_dh"}, left: []string{"short_dh"}},
		{id: "dh_generator", weak: with(taking(tls12, dheGCM), group(scripted.Group{P: scripted.FFDHE2048().P, G: []byte{1}})), sound: with(taking(tls12, dheGCM))},
		{id: "weak_curve", weak: with(func(s *scripted.Server) { s.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupX25519, 19} }), sound: sound, judged: "secp192r1"},
		{id: "expires_soon", weak: sound, sound: sound, at: p.ECDSA.Cert.NotAfter.Add(-24 * time.Hour)},
		{id: "insecure_renegotiation", weak: with(only(ssl30, dheCBC), ignoring(tlsmsg.ExtensionRenegotiationInfo)), sound: with(only(ssl30, dheCBC)),
			also: []string{"beast", "lucky13", "ssl3"}, left: []string{"beast", "lucky13", "ssl3"}},
		{id: "no_extended_master_secret", weak: with(taking(tls11, ecdheCBC), func(s *scripted.Server) { s.Silent = map[tlsmsg.Version]bool{tls11: true} }), sound: with(taking(tls11, ecdheCBC)),
			also: []string{"insecure_renegotiation", "lucky13", "tls11"}, left: []string{"tls11"}},
		{id: "short_key", weak: with(func(s *scripted.Server) {
			s.Chains = []scripted.Chain{{Chain: [][]byte{p.ECDSA.Cert.Raw, p.Issue(t, pki.Options{ServerKey: pki.RSA1024}).Cert.Raw}, ECDSA: true}}
		}), sound: sound, judged: "in the chain"},
		{id: "key_reuse", weak: with(sameKey), sound: sound},
		{id: "key_reuse", weak: with(only(tlsmsg.VersionTLS13, tlsmsg.TLS_AES_128_GCM_SHA256), sameKey), sound: with(only(tlsmsg.VersionTLS13, tlsmsg.TLS_AES_128_GCM_SHA256))},
		{id: "short_key", weak: with(rsaToo(p.Issue(t, pki.Options{ServerKey: pki.RSA1024}))), sound: sound, judged: "RSA with 1024 bits"},
		{id: "short_key", weak: with(chain(scripted.ChainOf(p.Issue(t, pki.Options{ServerKey: pki.RSA1024})))), sound: with(rsaOnly), judged: "RSA with 1024 bits"},
		{id: "sha1_certificate", weak: with(chain(p.Signed(t, crypto.SHA1))), sound: with(rsaOnly), also: []string{"not_verified"}},
		{id: "sha1_certificate", weak: with(chain(p.Signed(t, crypto.MD5))), sound: with(rsaOnly), also: []string{"not_verified"}},
		{id: "weak_signature", weak: with(rsaOnly, schemes(tlsmsg.SchemeRSAPKCS1SHA256, tlsmsg.SchemeRSAPKCS1SHA1)), sound: with(rsaOnly, schemes(tlsmsg.SchemeRSAPKCS1SHA256)), judged: "rsa_pkcs1_sha1"},
		{id: "weak_signature", weak: with(schemes(tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeECDSASHA1)), sound: sound, judged: "ecdsa_sha1"},
	}
	for _, fault := range []pki.Fault{pki.Expired, pki.NotYetValid, pki.SelfSigned, pki.UnknownCA, pki.WrongName, pki.WrongUse, pki.BadSignature} {
		list = append(list, weaknessCase{id: "not_verified", weak: with(chain(scripted.ChainOf(p.Issue(t, pki.Options{Fault: fault})))), sound: sound})
	}
	for _, bears := range []struct {
		name string
		when func(*scripted.Hello) bool
	}{
		{"reserved values", scripted.GREASE}, {"two records", scripted.Split}, {"4,096 bytes", scripted.Between(1400, 1<<16)},
		{"a record of TLS 1.2", scripted.HighRecord}, {"client_version", scripted.HighVersion}, {"384 bytes", scripted.Between(256, 511)},
	} {
		list = append(list,
			weaknessCase{id: "intolerant", weak: with(failing(bears.when, alert)), sound: sound, judged: bears.name},
			weaknessCase{id: "intolerant", weak: with(failing(bears.when, scripted.Close)), sound: sound, judged: bears.name})
	}
	return list
}

func sameKey(s *scripted.Server) { s.SameKey = true }

// rsaToo has a server show another certificate with an RSA key.
func rsaToo(c pki.Credential) change {
	return func(s *scripted.Server) { s.Chains = []scripted.Chain{s.Chains[0], scripted.ChainOf(c)} }
}

func own512(t testing.TB) scripted.Group { return scripted.Own(t, 512) }

func TestEachWeaknessIsFoundWhereItIsAndNotElsewhere(t *testing.T) {
	list := append(weaknessCases(t), finishedCases(t)...)
	for _, id := range audit.WeaknessIDs() {
		if !slices.ContainsFunc(list, func(c weaknessCase) bool { return c.id == id }) {
			t.Errorf("%s has no server that has it", id)
		}
	}
	for _, c := range list {
		t.Run(strings.TrimSuffix(c.id+"/"+c.judged, "/"), func(t *testing.T) {
			t.Parallel()
			c.found(t)
		})
	}
}

func (c *weaknessCase) found(t *testing.T) {
	weak, sound := append([]string{c.id}, c.also...), append([]string{}, c.left...)
	slices.Sort(weak)
	slices.Sort(sound)
	for run := range runs {
		for _, side := range []struct {
			name  string
			serve func(net.Conn)
			want  []string
		}{{"the weak one", c.weak, weak}, {"the sound one", c.sound, sound}} {
			d := auditing(t, side.serve)
			if side.name == "the weak one" {
				d.Time = c.at
			}
			r := audit.Run(t.Context(), d)
			if got := weaknessesOf(r); !slices.Equal(got, side.want) {
				t.Fatalf("run %d, %s: %q, expected %q: %+v", run, side.name, got, side.want, r.Weaknesses)
			}
			if i := slices.IndexFunc(r.Weaknesses, func(w audit.Weakness) bool { return w.ID == c.id }); i >= 0 && !strings.Contains(r.Weaknesses[i].Judged, c.judged) {
				t.Fatalf("run %d: judged from %q, expected %q in it", run, r.Weaknesses[i].Judged, c.judged)
			}
		}
	}
}
