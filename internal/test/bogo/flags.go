// The flags with which the runner starts the shim.

package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A flag of the runner that this shim knows.
type flag struct {
	hasValue bool
	set      func(s *settings, value string) error
}

func yes(to func(*settings) *bool) flag {
	return flag{set: func(s *settings, _ string) error { *to(s) = true; return nil }}
}

func text(to func(*settings) *string) flag {
	return flag{true, func(s *settings, v string) error { *to(s) = v; return nil }}
}

func number[T ~int | ~uint16 | ~uint64](to func(*settings) *T) flag {
	return flag{true, func(s *settings, v string) error {
		n, err := strconv.ParseUint(v, 10, 63)
		*to(s) = T(n)
		return err
	}}
}

func numbers[T ~uint16](to func(*settings) *[]T) flag {
	return flag{true, func(s *settings, v string) error {
		n, err := strconv.ParseUint(v, 10, 16)
		*to(s) = append(*to(s), T(n))
		return err
	}}
}

// octets takes what the runner sends in base64.
func octets(to func(*settings) *[]byte) flag {
	return flag{true, func(s *settings, v string) (err error) {
		*to(s), err = base64.StdEncoding.DecodeString(v)
		return err
	}}
}

// moot is a flag that makes no difference here: a callback or mode of
// BoringSSL's API, or an expectation about its own state.
var moot = flag{set: func(*settings, string) error { return nil }}

var flags = map[string]flag{
	"port":         number(func(s *settings) *int { return &s.port }),
	"shim-id":      number(func(s *settings) *uint64 { return &s.shimID }),
	"ipv6":         yes(func(s *settings) *bool { return &s.ipv6 }),
	"server":       yes(func(s *settings) *bool { return &s.server }),
	"resume-count": number(func(s *settings) *int { return &s.resumeCount }),

	"min-version":   number(func(s *settings) *tlsmsg.Version { return &s.minVersion }),
	"max-version":   number(func(s *settings) *tlsmsg.Version { return &s.maxVersion }),
	"no-tls13":      without(tlsmsg.VersionTLS13),
	"no-tls12":      without(tlsmsg.VersionTLS12),
	"no-tls11":      without(tlsmsg.VersionTLS11),
	"no-tls1":       without(tlsmsg.VersionTLS10),
	"fallback-scsv": yes(func(s *settings) *bool { return &s.fallback }),

	"host-name":         text(func(s *settings) *string { return &s.hostName }),
	"curves":            numbers(func(s *settings) *[]tlsmsg.NamedGroup { return &s.groups }),
	"verify-prefs":      numbers(func(s *settings) *[]tlsmsg.SignatureScheme { return &s.verifyPrefs }),
	"cipher":            text(func(s *settings) *string { return &s.ciphers }),
	"server-preference": yes(func(s *settings) *bool { return &s.serverPreference }),
	"advertise-alpn":    text(func(s *settings) *string { return &s.advertiseALPN }),
	"select-alpn":       text(func(s *settings) *string { return &s.selectALPN }),
	"decline-alpn":      moot,
	"reject-alpn":       yes(func(s *settings) *bool { return &s.rejectALPN }),
	"no-ticket":         yes(func(s *settings) *bool { return &s.noTicket }),

	"enable-ocsp-stapling":           yes(func(s *settings) *bool { return &s.ocsp }),
	"enable-signed-cert-timestamps":  yes(func(s *settings) *bool { return &s.scts }),
	"enable-grease":                  yes(func(s *settings) *bool { return &s.grease }),
	"verify-peer":                    yes(func(s *settings) *bool { return &s.verifyPeer }),
	"require-any-client-certificate": yes(func(s *settings) *bool { return &s.requireCertificate }),
	"reverify-on-resume":             yes(func(s *settings) *bool { return &s.reverify }),
	"verify-fail":                    yes(func(s *settings) *bool { return &s.verifyFail }),
	"trust-cert":                     {true, moot.set},
	"no-server-name-ack":             yes(func(s *settings) *bool { return &s.noServerNameAck }),
	"use-client-ca-list":             text(func(s *settings) *string { return &s.clientCAs }),

	"cert-file":              credentialFlag(func(c *credentialFiles, v string) error { c.cert = v; return nil }),
	"key-file":               credentialFlag(func(c *credentialFiles, v string) error { c.key = v; return nil }),
	"ocsp-response":          credentialFlag(func(c *credentialFiles, v string) (err error) { c.ocsp, err = unbase64(v); return }),
	"signed-cert-timestamps": credentialFlag(func(c *credentialFiles, v string) (err error) { c.scts, err = unbase64(v); return }),
	"signing-prefs": credentialFlag(func(c *credentialFiles, v string) error {
		n, err := strconv.ParseUint(v, 10, 16)
		c.schemes = append(c.schemes, tlsmsg.SignatureScheme(n))
		return err
	}),
	"new-x509-credential": {set: func(s *settings, _ string) error {
		s.credentials = append(s.credentials, credentialFiles{})
		return nil
	}},

	"new-psk-credential": {set: func(s *settings, _ string) error {
		s.credentials = append(s.credentials, credentialFiles{isPSK: true})
		return nil
	}},
	"psk-importer-key":      credentialFlag(func(c *credentialFiles, v string) (err error) { c.psk, err = unbase64(v); return }),
	"psk-importer-identity": credentialFlag(func(c *credentialFiles, v string) (err error) { c.identity, err = unbase64(v); return }),
	"psk-importer-context":  credentialFlag(func(c *credentialFiles, v string) (err error) { c.context, err = unbase64(v); return }),
	"psk-importer-sha256":   {set: func(s *settings, _ string) error { s.credentials[len(s.credentials)-1].hash = suite.SHA256; return nil }},
	"psk-importer-sha384":   {set: func(s *settings, _ string) error { s.credentials[len(s.credentials)-1].hash = suite.SHA384; return nil }},
	"fips-202205":           follow(fips202205),
	"wpa-202304":            follow(wpa202304),
	"cnsa1-202603":          follow(cnsa1202603),
	"cnsa2-202603":          follow(cnsa2202603),

	"shim-writes-first":            yes(func(s *settings) *bool { return &s.writesFirst }),
	"shim-initial-write":           text(func(s *settings) *string { return &s.initialWrite }),
	"repeat-shim-initial-write":    number(func(s *settings) *int { return &s.initialWrites }),
	"shim-shuts-down":              yes(func(s *settings) *bool { return &s.shutsDown }),
	"check-close-notify":           moot, // always
	"write-different-record-sizes": yes(func(s *settings) *bool { return &s.differentSizes }),
	"read-size":                    number(func(s *settings) *int { return &s.readSize }),
	"send-alert":                   yes(func(s *settings) *bool { return &s.sendAlert }),
	"export-keying-material":       number(func(s *settings) *int { return &s.exportLen }),
	"export-label":                 text(func(s *settings) *string { return &s.exportLabel }),
	"export-context":               text(func(s *settings) *string { return &s.exportContext }),
	"use-export-context":           yes(func(s *settings) *bool { return &s.useExportContext }),
	"tls-unique":                   yes(func(s *settings) *bool { return &s.tlsUnique }),
	"async":                        yes(func(s *settings) *bool { return &s.byteByByte }),

	"expect-version":                  number(func(s *settings) *tlsmsg.Version { return &s.expect.version }),
	"expect-server-name":              text(func(s *settings) *string { return &s.expect.serverName }),
	"expect-no-server-name":           yes(func(s *settings) *bool { return &s.expect.noServerName }),
	"expect-alpn":                     text(func(s *settings) *string { return &s.expect.alpn }),
	"expect-advertised-alpn":          text(func(s *settings) *string { return &s.expect.advertisedALPN }),
	"expect-extended-master-secret":   yes(func(s *settings) *bool { return &s.expect.extendedMasterSecret }),
	"expect-secure-renegotiation":     yes(func(s *settings) *bool { return &s.expect.renegotiation }),
	"expect-no-secure-renegotiation":  yes(func(s *settings) *bool { return &s.expect.noRenegotiation }),
	"expect-curve-id":                 number(func(s *settings) *tlsmsg.NamedGroup { return &s.expect.group }),
	"expect-cipher":                   number(func(s *settings) *tlsmsg.CipherSuite { return &s.expect.suite }),
	"expect-cipher-aes":               {true, moot.set}, // depends on whether the machine has fast AES
	"expect-cipher-no-aes":            {true, moot.set},
	"expect-peer-signature-algorithm": number(func(s *settings) *tlsmsg.SignatureScheme { return &s.expect.scheme }),
	"expect-peer-verify-pref":         numbers(func(s *settings) *[]tlsmsg.SignatureScheme { return &s.expect.verifyPrefs }),
	"expect-ocsp-response":            octets(func(s *settings) *[]byte { return &s.expect.ocsp }),
	"expect-signed-cert-timestamps":   octets(func(s *settings) *[]byte { return &s.expect.scts }),
	"expect-certificate-types":        octets(func(s *settings) *[]byte { return &s.expect.certificateTypes }),
	"expect-client-ca-list":           text(func(s *settings) *string { return &s.expect.clientCAs }),
	"expect-peer-cert-file":           text(func(s *settings) *string { return &s.expect.peerCert }),
	"expect-no-peer-cert":             yes(func(s *settings) *bool { return &s.expect.noPeerCert }),
	"expect-selected-credential": {true, func(s *settings, v string) (err error) {
		s.expect.credential, err = strconv.Atoi(v)
		return err
	}},
	"expect-session-miss":               yes(func(s *settings) *bool { return &s.expect.miss }),
	"expect-no-session":                 yes(func(s *settings) *bool { return &s.expect.noSession }),
	"expect-ticket-renewal":             yes(func(s *settings) *bool { return &s.expect.renewal }),
	"expect-session-id":                 yes(func(s *settings) *bool { return &s.expect.sessionID }),
	"expect-no-session-id":              yes(func(s *settings) *bool { return &s.expect.noSessionID }),
	"expect-verify-result":              moot,
	"expect-total-renegotiations":       number(func(s *settings) *int { return &s.expect.renegotiations }),
	"expect-hrr":                        yes(func(s *settings) *bool { return &s.expect.retry }),
	"expect-no-hrr":                     yes(func(s *settings) *bool { return &s.expect.noRetry }),
	"enable-early-data":                 yes(func(s *settings) *bool { return &s.early }),
	"expect-accept-early-data":          yes(func(s *settings) *bool { return &s.expect.earlyAccepted }),
	"expect-reject-early-data":          yes(func(s *settings) *bool { return &s.expect.earlyRefused }),
	"expect-no-offer-early-data":        yes(func(s *settings) *bool { return &s.expect.noEarly }),
	"expect-ticket-supports-early-data": yes(func(s *settings) *bool { return &s.expect.earlyTicket }),
	"expect-early-data-reason":          {true, moot.set}, // in BoringSSL's own terms
	"resumption-delay":                  number(func(s *settings) *int { return &s.delay }),
	"no-key-shares":                     yes(func(s *settings) *bool { return &s.noKeyShares }),
	"key-update":                        yes(func(s *settings) *bool { return &s.keyUpdate }),
	"key-shares":                        numbers(func(s *settings) *[]tlsmsg.NamedGroup { return &s.keyShares }),

	"install-cert-compression-algs": {set: func(s *settings, _ string) error {
		s.compressions = runnersCompressions
		return nil
	}},
	"install-one-cert-compression-alg": numbers(func(s *settings) *[]tlsmsg.CertificateCompressionAlgorithm { return &s.compressions }),

	"partial-write":                        moot,
	"implicit-handshake":                   moot,
	"peek-then-read":                       moot,
	"use-early-callback":                   moot,
	"install-ddos-callback":                moot,
	"use-old-client-cert-callback":         moot,
	"use-custom-verify-callback":           yes(func(s *settings) *bool { return &s.customVerify }),
	"use-ocsp-callback":                    moot,
	"decline-ocsp-callback":                yes(func(s *settings) *bool { return &s.noStaple }),
	"expect-ticket-age-skew":               {true, moot.set}, // whether early data is taken for it is what tells
	"no-legacy-server-connect":             moot,             // of TLS 1.3; that of TLS 1.2 is not run
	"jdk11-workaround":                     moot,             // where TLS 1.3 is not spoken
	"set-ocsp-in-callback":                 moot,
	"no-op-extra-handshake":                moot,
	"handshake-twice":                      moot,
	"forbid-renegotiation-after-handshake": moot,
	"retain-only-sha256-client-cert":       moot,
	"permute-extensions":                   moot,
	"renegotiate-freely":                   yes(func(s *settings) *bool { return &s.renegotiate }),
	"renegotiate-ignore":                   yes(func(s *settings) *bool { return &s.renegotiateIgnore }),
}

func follow(p *policy) flag {
	return flag{set: func(s *settings, _ string) error { s.policy = p; return nil }}
}

func without(v tlsmsg.Version) flag {
	return flag{set: func(s *settings, _ string) error { s.without = append(s.without, v); return nil }}
}

func credentialFlag(set func(*credentialFiles, string) error) flag {
	return flag{true, func(s *settings, v string) error { return set(&s.credentials[len(s.credentials)-1], v) }}
}

func unbase64(v string) ([]byte, error) { return base64.StdEncoding.DecodeString(v) }

// parseFlags reads the runner's flags for the first connection, for those that
// resume it, and for the rest of one whose early data is refused. A prefix says
// that a flag is only for one of the three.
func parseFlags(args []string) (initial, resumed, retried *settings, err error) {
	initial, resumed, retried = newSettings(), newSettings(), newSettings()
	for len(args) > 0 {
		name := strings.TrimPrefix(args[0], "-")
		args = args[1:]
		to := []*settings{initial, resumed, retried}
		if rest, ok := strings.CutPrefix(name, "on-initial-"); ok {
			name, to = rest, to[:1]
		} else if rest, ok := strings.CutPrefix(name, "on-resume-"); ok {
			name, to = rest, to[1:2]
		} else if rest, ok := strings.CutPrefix(name, "on-retry-"); ok {
			name, to = rest, to[2:]
		} else if rest, ok := strings.CutPrefix(name, "on-shim-"); ok {
			name = rest
		}
		f, ok := flags[name]
		if !ok {
			f, ok = echFlags[name]
		}
		if !ok {
			return nil, nil, nil, fmt.Errorf("%w: flag -%s", errUnimplemented, name)
		}
		value := ""
		if f.hasValue {
			if len(args) == 0 {
				return nil, nil, nil, fmt.Errorf("flag -%s without a value", name)
			}
			value, args = args[0], args[1:]
		}
		for _, s := range to {
			if err := f.set(s, value); err != nil {
				return nil, nil, nil, fmt.Errorf("flag -%s %s: %w", name, value, err)
			}
		}
	}
	return initial, resumed, retried, nil
}
