// Lines of servers' configurations that follow from what a policy asks.

package policy

import (
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// derived are the lines that mend what violates a rule, as far as they follow
// from the policy as a whole.
func (p *Policy) derived(rule Rule) map[string]string {
	switch c := rule.check.(type) {
	case *versionCheck:
		return versionLines(p.versions())
	case *suiteCheck:
		if slices.Equal(c.versions, []string{tls13}) {
			return suite13Lines(p.suites(tls13, suites13))
		}
		if slices.Contains(p.versions(), "TLS 1.2") {
			return suiteLines(p.suites("TLS 1.2", suites12))
		}
	case *preferenceCheck:
		return preferenceLines[c.by]
	case *groupCheck:
		return groupLines(p.groups())
	case *schemeCheck:
		return schemeLines(p.schemes())
	case *keyCheck:
		if c.dh > 0 && c.rsa == 0 && c.ec == 0 {
			return dhLines
		}
	case *ticketCheck:
		return ticketLines(c)
	case *featureCheck:
		if len(c.want) == 1 {
			for name, on := range c.want {
				return featureLines[switched{name, on}]
			}
		}
	}
	return nil
}

// versions are those that no rule refuses, oldest first.
func (p *Policy) versions() []string {
	return slices.DeleteFunc(slices.Clone(allVersions), func(name string) bool {
		return slices.ContainsFunc(p.Rules, func(r Rule) bool {
			c, ok := r.check.(*versionCheck)
			return ok && c.refuses(name)
		})
	})
}

// Suites, groups and schemes that are recommended today, of which a policy's
// lines are made: those that none of its rules refuses.
var (
	suites12 = []string{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	}
	suites13 = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
	groups   = []string{"X25519MLKEM768", "x25519", "secp256r1", "secp384r1"}
	schemes  = []string{
		"ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ed25519", "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512",
		"rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512",
	}
)

func (p *Policy) suites(version string, of []string) []string {
	return slices.DeleteFunc(slices.Clone(of), func(name string) bool {
		return slices.ContainsFunc(p.Rules, func(r Rule) bool {
			c, ok := r.check.(*suiteCheck)
			return ok && c.refuses(name, version)
		})
	})
}

// groups: old OpenSSL refuses a line with a hybrid, so it is there only where a
// rule speaks of one.
func (p *Policy) groups() []string {
	spoken := false
	list := slices.DeleteFunc(slices.Clone(groups), func(name string) bool {
		return slices.ContainsFunc(p.Rules, func(r Rule) bool {
			c, ok := r.check.(*groupCheck)
			if !ok {
				return false
			}
			spoken = spoken || slices.Contains(c.requireKind, "hybrid") || slices.ContainsFunc(slices.Concat(c.require, c.requireOne, c.allow), isHybrid)
			_, refused := c.refuses(name)
			return refused
		})
	})
	if !spoken {
		list = slices.DeleteFunc(list, isHybrid)
	}
	return list
}

func (p *Policy) schemes() []string {
	return slices.DeleteFunc(slices.Clone(schemes), func(name string) bool {
		return slices.ContainsFunc(p.Rules, func(r Rule) bool {
			c, ok := r.check.(*schemeCheck)
			if !ok {
				return false
			}
			_, refused := c.refuses(name)
			return refused
		})
	})
}

func versionLines(versions []string) map[string]string {
	versions = slices.DeleteFunc(versions, func(s string) bool { return s == "SSL 2.0" })
	if len(versions) == 0 {
		return nil
	}
	openssl := strings.NewReplacer("SSL 3.0", "SSLv3", "TLS 1.0", "TLSv1", "TLS 1.", "TLSv1.")
	short := strings.NewReplacer("SSL ", "SSLv", "TLS ", "TLSv")
	names := strings.Split(openssl.Replace(strings.Join(versions, ",")), ",")
	lines := map[string]string{
		"nginx":   "ssl_protocols " + strings.Join(names, " ") + ";",
		"apache":  "SSLProtocol -all +" + strings.Join(names, " +"),
		"haproxy": "ssl-default-bind-options ssl-min-ver " + short.Replace(versions[0]),
	}
	if modern := slices.DeleteFunc(slices.Clone(versions), func(s string) bool { return s < "TLS 1.2" }); len(modern) == len(versions) {
		lower := strings.NewReplacer("TLS ", "tls")
		lines["caddy"] = "tls { protocols " + lower.Replace(modern[0]) + " " + lower.Replace(modern[len(modern)-1]) + " }"
	}
	return lines
}

func suiteLines(names []string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = opensslSuite(name)
	}
	list := strings.Join(short, ":")
	return map[string]string{
		"nginx":   "ssl_ciphers " + list + ";",
		"apache":  "SSLCipherSuite " + list,
		"haproxy": "ssl-default-bind-ciphers " + list,
		"caddy":   "tls { ciphers " + strings.Join(names, " ") + " }",
	}
}

// opensslSuite is OpenSSL's name of one of suites12.
func opensslSuite(name string) string {
	s := strings.NewReplacer("TLS_", "", "_WITH", "", "AES_", "AES", "CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305").Replace(name)
	return strings.ReplaceAll(s, "_", "-")
}

func suite13Lines(names []string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	list := strings.Join(names, ":")
	return map[string]string{
		"nginx":   "ssl_conf_command Ciphersuites " + list + ";",
		"apache":  "SSLCipherSuite TLSv1.3 " + list,
		"haproxy": "ssl-default-bind-ciphersuites " + list,
	}
}

func groupLines(names []string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	list := strings.NewReplacer("x25519", "X25519", "secp256r1", "P-256", "secp384r1", "P-384").Replace(strings.Join(names, ":"))
	return map[string]string{
		"nginx":   "ssl_ecdh_curve " + list + ";",
		"apache":  "SSLOpenSSLConfCmd Groups " + list,
		"haproxy": "ssl-default-bind-curves " + list,
		"caddy":   "tls { curves " + strings.ToLower(strings.Join(names, " ")) + " }",
	}
}

func schemeLines(names []string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	short := make([]string, len(names))
	for i, name := range names {
		v, _ := tlsmsg.ParseSignatureScheme(name)
		short[i] = opensslScheme(v.String())
	}
	list := strings.Join(short, ":")
	return map[string]string{
		"nginx":   "ssl_conf_command SignatureAlgorithms " + list + ";",
		"apache":  "SSLOpenSSLConfCmd SignatureAlgorithms " + list,
		"haproxy": "ssl-default-bind-sigalgs " + list,
	}
}

// opensslScheme is OpenSSL's name of one of schemes.
func opensslScheme(name string) string {
	kind, hash, ok := strings.Cut(name, "_sha")
	if !ok {
		return name
	}
	switch {
	case strings.HasPrefix(kind, "ecdsa"):
		return "ECDSA+SHA" + hash
	case strings.HasPrefix(kind, "rsa_pss"):
		return "RSA-PSS+SHA" + hash
	}
	return "RSA+SHA" + hash
}

var preferenceLines = map[string]map[string]string{
	"server": {"nginx": "ssl_prefer_server_ciphers on;", "apache": "SSLHonorCipherOrder on"},
	"client": {"nginx": "ssl_prefer_server_ciphers off;", "apache": "SSLHonorCipherOrder off", "haproxy": "ssl-default-bind-options prefer-client-ciphers"},
}

var dhLines = map[string]string{
	"nginx": "ssl_dhparam /etc/ssl/ffdhe2048.pem;", "apache": "SSLOpenSSLConfCmd DHParameters /etc/ssl/ffdhe2048.pem", "haproxy": "tune.ssl.default-dh-param 2048",
}

func ticketLines(c *ticketCheck) map[string]string {
	switch {
	case c.none:
		return map[string]string{"nginx": "ssl_session_tickets off;", "apache": "SSLSessionTickets off", "haproxy": "ssl-default-bind-options no-tls-tickets"}
	case c.maxLifetime >= 3600:
		return map[string]string{"nginx": "ssl_session_timeout 1h;", "apache": "SSLSessionCacheTimeout 3600", "haproxy": "tune.ssl.lifetime 3600"}
	}
	return nil
}

// A switched feature is one that is to be on or off.
type switched struct {
	name string
	on   bool
}

var featureLines = map[switched]map[string]string{
	{"compression", false}:         {"apache": "SSLCompression off"},
	{"secure_renegotiation", true}: {"apache": "SSLInsecureRenegotiation off"},
	{"ocsp_stapling", true}: {
		"nginx": "ssl_stapling on; ssl_stapling_verify on;", "apache": "SSLUseStapling on", "haproxy": "ocsp-update.mode on",
	},
	{"early_data", false}:        {"nginx": "ssl_early_data off;", "haproxy": "bind :443 ssl crt … (without allow-0rtt)"},
	{"session_ids", false}:       {"nginx": "ssl_session_cache off;", "apache": "SSLSessionCache none"},
	{"client_certificate", true}: {"nginx": "ssl_verify_client on;", "apache": "SSLVerifyClient require", "haproxy": "bind :443 ssl crt … verify required ca-file /etc/ssl/clients.pem"},
	{"client_certificate", false}: {
		"nginx": "ssl_verify_client off;", "apache": "SSLVerifyClient none", "haproxy": "bind :443 ssl crt … verify none",
	},
	{"alpn", true}: {"nginx": "http2 on;", "apache": "Protocols h2 http/1.1", "haproxy": "bind :443 ssl crt … alpn h2,http/1.1"},
}
