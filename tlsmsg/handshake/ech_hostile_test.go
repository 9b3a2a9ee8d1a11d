package handshake_test

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// echClient makes outer ClientHellos by hand, with anything at all inside.
type echClient struct {
	t      testing.TB
	s      *handshake.Server
	w      *worker.Worker
	enc    []byte
	sender *hpke.Sender
	config tlsmsg.ECHConfig
	outer  tlsmsg.ClientHello
	inner  tlsmsg.ClientHello // as a client means it: whole but for its session_id
	zeros  []byte
}

func newECHClient(t testing.TB, edit func(*handshake.ServerConfig)) *echClient {
	key, config := echKey(t, 7, 0x20)
	scfg, w := theAuthority().serverConfig(t, "ecdsa256")
	scfg.MaxVersion, scfg.ECHKeys, w.ECHKeys = tlsmsg.VersionTLS13, []handshake.ECHKey{{Config: config, Retry: true}}, []hpke.PrivateKey{key}
	scfg.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupX25519}
	edit(&scfg)
	e := &echClient{t: t, s: handshake.NewServer(scfg), w: w, config: config}
	var err error
	e.enc, e.sender, err = hpke.NewSender(key.PublicKey(), hpke.HKDFSHA256(), hpke.AES128GCM(), suite.ECHInfo(&config))
	must(t, err)
	cfg := handshake.Config{Random: randomBytes(), ServerName: publicName, MaxVersion: tlsmsg.VersionTLS13, MinVersion: tlsmsg.VersionTLS13, KeyShares: []tlsmsg.NamedGroup{tlsmsg.GroupX25519}}
	c := handshake.NewClient(cfg)
	c.Start()
	w.Finish(c)
	must(t, tlsmsg.ParseInto(&e.outer, bytes.Clone(c.Next()[tlsmsg.RecordHeaderLen:]), tlsmsg.Context{}))
	e.inner = e.outer
	e.inner.Random = randomBytes()
	e.inner.Extensions = slices.Concat([]tlsmsg.Extension{e.name(serverName), {Type: tlsmsg.ExtensionEncryptedClientHello, Data: []byte{1}}}, e.outer.Extensions[1:])
	return e
}

func (e *echClient) name(host string) tlsmsg.Extension {
	data, err := tlsmsg.AppendHostName(nil, host)
	must(e.t, err)
	return tlsmsg.Extension{Type: tlsmsg.ExtensionServerName, Data: data}
}

// encoded is the inner ClientHello as it is encrypted.
func (e *echClient) encoded() []byte {
	return append(tlsmsg.AppendClientHelloInner(nil, &e.inner, 0), e.zeros...)
}

// send sends an outer ClientHello with this encrypted in it.
func (e *echClient) send(encoded []byte, edit func(*tlsmsg.EncryptedClientHello)) error {
	offer := tlsmsg.EncryptedClientHello{Form: tlsmsg.ECHOuter, Suite: tlsmsg.HPKESuite{KDF: 1, AEAD: 1}, ConfigID: e.config.ConfigID, Enc: e.enc, Payload: make([]byte, len(encoded)+suite.ECHOverhead)}
	edit(&offer)
	outer := e.outer
	outer.Extensions = append(slices.Clone(e.outer.Extensions), tlsmsg.NewExtension(&offer, tlsmsg.TypeClientHello))
	sealed, err := e.sender.Seal(outer.AppendBody(nil, tlsmsg.Context{}), encoded)
	must(e.t, err)
	copy(offer.Payload, sealed)
	outer.Extensions[len(outer.Extensions)-1] = tlsmsg.NewExtension(&offer, tlsmsg.TypeClientHello)
	raw := tlsmsg.Append(nil, &outer, tlsmsg.Context{})
	for len(raw) > 0 {
		n := min(len(raw), tlsmsg.MaxPlaintext)
		e.s.Receive(tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentHandshake, Version: tlsmsg.VersionTLS12, Fragment: raw[:n]}))
		raw = raw[n:]
	}
	e.w.Finish(e.s)
	return e.s.Err()
}

func asIs(*tlsmsg.EncryptedClientHello) {}

// RFC 9849, sections 5.1 and 7.1: what is wrong with the inner ClientHello is refused by
// the alert that stands there, and named.
func TestAServerRefusesWhatIsWrongInside(t *testing.T) {
	without := func(list []tlsmsg.Extension, typ tlsmsg.ExtensionType) []tlsmsg.Extension {
		return slices.DeleteFunc(slices.Clone(list), func(x tlsmsg.Extension) bool { return x.Type == typ })
	}
	outerRefs := func(e *echClient, types ...tlsmsg.ExtensionType) {
		e.inner.Extensions = append(e.inner.Extensions, tlsmsg.NewExtension(&tlsmsg.ECHOuterExtensions{Types: types}, tlsmsg.TypeClientHello))
	}
	versions := func(e *echClient, list ...tlsmsg.Version) {
		e.inner.Extensions = append(without(e.inner.Extensions, tlsmsg.ExtensionSupportedVersions), tlsmsg.NewExtension(&tlsmsg.SupportedVersions{Versions: list}, tlsmsg.TypeClientHello))
	}
	for name, tc := range map[string]struct {
		edit  func(*echClient)
		where string
	}{
		"nothing": {func(*echClient) {}, ""},
		"padding": {func(e *echClient) { e.zeros = []byte{0, 1, 0} }, "EncodedClientHelloInner.zeros"},
		"no marker": {func(e *echClient) {
			e.inner.Extensions = without(e.inner.Extensions, tlsmsg.ExtensionEncryptedClientHello)
		}, "ClientHelloInner.encrypted_client_hello"},
		"an outer one inside": {func(e *echClient) {
			e.inner.Extensions[1].Data = append([]byte{0, 0, 1, 0, 1, 7, 0, 0, 0, 1}, 9)
		}, "ClientHelloInner.encrypted_client_hello"},
		"TLS 1.2":          {func(e *echClient) { versions(e, tlsmsg.VersionTLS13, tlsmsg.VersionTLS12) }, "ClientHelloInner.supported_versions"},
		"no version":       {func(e *echClient) { versions(e, 0x0A0A) }, "ClientHello.client_version"},
		"missing outside":  {func(e *echClient) { outerRefs(e, tlsmsg.ExtensionCookie) }, "ech_outer_extensions"},
		"itself":           {func(e *echClient) { outerRefs(e, tlsmsg.ExtensionEncryptedClientHello) }, "ech_outer_extensions"},
		"twice":            {func(e *echClient) { outerRefs(e, tlsmsg.ExtensionKeyShare, tlsmsg.ExtensionKeyShare) }, "ech_outer_extensions"},
		"in another order": {func(e *echClient) { outerRefs(e, tlsmsg.ExtensionKeyShare, tlsmsg.ExtensionSupportedGroups) }, "ech_outer_extensions"},
	} {
		e := newECHClient(t, func(*handshake.ServerConfig) {})
		tc.edit(e)
		err := e.send(e.encoded(), asIs)
		var refused *handshake.ProtocolError
		switch {
		case tc.where == "" && (err != nil || e.s.ECH() != handshake.ECHAccepted || e.s.ServerName() != serverName):
			t.Errorf("%s: %v, %v, %q", name, err, e.s.ECH(), e.s.ServerName())
		case tc.where == "":
		case !errors.As(err, &refused) || refused.Alert != tlsmsg.AlertIllegalParameter && name != "no version" || !strings.Contains(err.Error(), tc.where):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What cannot be opened, for whatever reason, is answered by the outer one: nobody
// learns which keys there are.
func TestWhatDoesNotOpenIsAnsweredAsIfNothingWereInside(t *testing.T) {
	for name, edit := range map[string]func(*tlsmsg.EncryptedClientHello){
		"another key":        func(o *tlsmsg.EncryptedClientHello) { o.ConfigID++ },
		"another suite":      func(o *tlsmsg.EncryptedClientHello) { o.Suite.AEAD = 3 },
		"a suite of no use":  func(o *tlsmsg.EncryptedClientHello) { o.Suite.AEAD = 0xFFFF },
		"a bad encapsulated": func(o *tlsmsg.EncryptedClientHello) { o.Enc = o.Enc[:31] },
		"none":               func(o *tlsmsg.EncryptedClientHello) { o.Enc = nil },
		"a point of no use":  func(o *tlsmsg.EncryptedClientHello) { o.Enc = make([]byte, 32) },
	} {
		e := newECHClient(t, func(*handshake.ServerConfig) {})
		if err := e.send(e.encoded(), edit); err != nil || e.s.ECH() != handshake.ECHRejected || e.s.ServerName() != publicName {
			t.Errorf("%s: %v, %v, %q", name, err, e.s.ECH(), e.s.ServerName())
		}
	}
}

// RFC 9849, section 7.1.1: after a HelloRetryRequest the second must be for the same key,
// under the same context.
func TestAServerHoldsTheSecondEncryptedClientHelloToTheFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		edit  func(*tlsmsg.EncryptedClientHello)
		alert tlsmsg.AlertDescription
	}{
		"the same":      {func(o *tlsmsg.EncryptedClientHello) { o.Enc = nil }, 0},
		"another key":   {func(o *tlsmsg.EncryptedClientHello) { o.Enc = nil; o.ConfigID++ }, tlsmsg.AlertIllegalParameter},
		"another suite": {func(o *tlsmsg.EncryptedClientHello) { o.Enc = nil; o.Suite.AEAD = 3 }, tlsmsg.AlertIllegalParameter},
		"enc again":     {asIs, tlsmsg.AlertIllegalParameter},
		"inner":         {func(o *tlsmsg.EncryptedClientHello) { o.Form = tlsmsg.ECHInner }, tlsmsg.AlertIllegalParameter},
	} {
		e := newECHClient(t, func(c *handshake.ServerConfig) { c.Cookie = []byte("again") })
		must(t, e.send(e.encoded(), asIs))
		cookie := tlsmsg.NewExtension(&tlsmsg.Cookie{Cookie: []byte("again")}, tlsmsg.TypeClientHello)
		e.outer.Extensions, e.inner.Extensions = append(slices.Clone(e.outer.Extensions), cookie), append(slices.Clone(e.inner.Extensions), cookie)
		err := e.send(e.encoded(), tc.edit)
		var refused *handshake.ProtocolError
		if tc.alert == 0 && (err != nil || e.s.ECH() != handshake.ECHAccepted || e.s.Stage() < handshake.StageHelloDone) {
			t.Errorf("%s: %v, %v", name, err, e.s.Stage())
		} else if tc.alert != 0 && (!errors.As(err, &refused) || refused.Alert != tc.alert) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := newECHClient(t, func(c *handshake.ServerConfig) { c.Cookie = []byte("again") })
	must(t, e.send(e.encoded(), asIs))
	e.s.Receive(tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentHandshake, Version: tlsmsg.VersionTLS12, Fragment: tlsmsg.Append(nil, &e.outer, tlsmsg.Context{})}))
	e.w.Finish(e.s)
	var refused *handshake.ProtocolError
	if !errors.As(e.s.Err(), &refused) || refused.Alert != tlsmsg.AlertMissingExtension {
		t.Errorf("none in the second: %v", e.s.Err())
	}
}

// A server that says one thing and then another is refused.
func TestAClientRefusesAServerThatContradictsItself(t *testing.T) {
	change := func(typ tlsmsg.HandshakeType, nth int, how func(*tlsmsg.ServerHello)) func(*handshake.ServerConfig) {
		return func(c *handshake.ServerConfig) {
			seen := 0
			c.Tamper = &handshake.Tamper{Messages: func(o handshake.Outgoing) []handshake.Outgoing {
				if got, _ := o.HandshakeType(); got == typ {
					if seen++; seen == nth {
						var m tlsmsg.ServerHello
						must(t, tlsmsg.ParseInto(&m, o.Data, tlsmsg.Context{}))
						how(&m)
						o.Data = tlsmsg.Append(nil, &m, tlsmsg.Context{Version: tlsmsg.VersionTLS13})
					}
				}
				return []handshake.Outgoing{o}
			}}
		}
	}
	encrypted := func(data []byte) func(*handshake.ServerConfig) {
		return func(c *handshake.ServerConfig) {
			c.Tamper = &handshake.Tamper{Messages: func(o handshake.Outgoing) []handshake.Outgoing {
				if typ, _ := o.HandshakeType(); typ == tlsmsg.TypeEncryptedExtensions {
					o.Data = tlsmsg.Append(nil, &tlsmsg.EncryptedExtensions{Extensions: []tlsmsg.Extension{{Type: tlsmsg.ExtensionEncryptedClientHello, Data: data}}}, tlsmsg.Context{Version: tlsmsg.VersionTLS13})
				}
				return []handshake.Outgoing{o}
			}}
		}
	}
	_, other := echKey(t, 3, 0x20)
	for name, tc := range map[string]struct {
		retry, rejected bool
		edit            func(*handshake.ServerConfig)
		alert           tlsmsg.AlertDescription
	}{
		"confirms the first and not the second": {true, false, change(tlsmsg.TypeServerHello, 2, func(m *tlsmsg.ServerHello) { clear(m.Random[24:]) }), tlsmsg.AlertIllegalParameter},
		"confirms in seven bytes": {true, false, change(tlsmsg.TypeServerHello, 1, func(m *tlsmsg.ServerHello) {
			m.Extensions[len(m.Extensions)-1].Data = make([]byte, 7)
		}), tlsmsg.AlertDecodeError},
		"configurations though accepted": {false, false, encrypted(tlsmsg.AppendECHConfigList(nil, []tlsmsg.ECHConfig{other})), tlsmsg.AlertUnsupportedExtension},
		"no list":                        {false, true, encrypted([]byte{0}), tlsmsg.AlertDecodeError},
		"an empty list":                  {false, true, encrypted([]byte{0, 0}), tlsmsg.AlertDecodeError},
	} {
		for _, pool := range []*slab.Pool{nil, {Poison: true}} {
			p := echPair(t, func(c *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) {
				c.Pool = pool
				if tc.retry {
					s.Cookie = []byte("again")
				}
				if tc.rejected {
					c.ECHConfigs = []tlsmsg.ECHConfig{other}
				}
				tc.edit(s)
			})
			var refused *handshake.ProtocolError
			if !errors.As(p.c.Err(), &refused) || refused.Alert != tc.alert {
				t.Errorf("%s: %v", name, p.c.Err())
			}
		}
	}
}

// Whatever is encrypted in a ClientHello, a server neither panics nor hangs, and goes on
// with it only if it is one that may stand there.
func FuzzServerAgainstAnyInnerClientHello(f *testing.F) {
	seed := newECHClient(f, func(*handshake.ServerConfig) {})
	f.Add(seed.encoded())
	seed.inner.Extensions = append(seed.inner.Extensions[:2], tlsmsg.NewExtension(&tlsmsg.ECHOuterExtensions{Types: []tlsmsg.ExtensionType{
		tlsmsg.ExtensionSupportedGroups, tlsmsg.ExtensionSignatureAlgorithms, tlsmsg.ExtensionSupportedVersions, tlsmsg.ExtensionKeyShare}}, tlsmsg.TypeClientHello))
	seed.zeros = make([]byte, 20)
	f.Add(seed.encoded())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if len(encoded) > 1<<14 {
			return
		}
		e := newECHClient(t, func(*handshake.ServerConfig) {})
		err := e.send(encoded, asIs)
		if err == nil && e.s.ECH() != handshake.ECHAccepted {
			t.Errorf("%v", e.s.ECH())
		}
		e.s.TransportEOF()
	})
}
