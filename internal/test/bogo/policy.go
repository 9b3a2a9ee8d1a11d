// What the runner's named policies leave of suites, groups and schemes.

package main

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A policy is a set of rules that the runner names, with the suites, groups and
// schemes that it allows.
type policy struct {
	suites     []tlsmsg.CipherSuite // of TLS 1.2; those of TLS 1.3 that share a cipher and hash follow
	suites13   []tlsmsg.CipherSuite
	groups     []tlsmsg.NamedGroup
	schemes    []tlsmsg.SignatureScheme
	minVersion tlsmsg.Version
	ours       bool // the server's preference counts
}

var (
	aes256 = []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tlsmsg.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}
	strong = []tlsmsg.CipherSuite{tlsmsg.TLS_AES_256_GCM_SHA384}
	sha384 = []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp384r1SHA384, tlsmsg.SchemeRSAPSSRSAESHA384, tlsmsg.SchemeRSAPKCS1SHA384}

	fips202205 = &policy{ // NIST SP 800-52r2
		suites:   append([]tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, aes256...),
		suites13: []tlsmsg.CipherSuite{tlsmsg.TLS_AES_128_GCM_SHA256, tlsmsg.TLS_AES_256_GCM_SHA384},
		groups:   []tlsmsg.NamedGroup{tlsmsg.GroupSecp256r1, tlsmsg.GroupSecp384r1},
		schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeRSAPKCS1SHA256, tlsmsg.SchemeRSAPKCS1SHA384, tlsmsg.SchemeRSAPKCS1SHA512,
			tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeECDSASecp384r1SHA384,
			tlsmsg.SchemeRSAPSSRSAESHA256, tlsmsg.SchemeRSAPSSRSAESHA384, tlsmsg.SchemeRSAPSSRSAESHA512},
		minVersion: tlsmsg.VersionTLS12}
	wpa202304 = &policy{ // WPA 3.1, section 3.5
		suites: aes256, suites13: strong, groups: []tlsmsg.NamedGroup{tlsmsg.GroupSecp384r1},
		schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeRSAPKCS1SHA384, tlsmsg.SchemeRSAPKCS1SHA512, tlsmsg.SchemeECDSASecp384r1SHA384,
			tlsmsg.SchemeRSAPSSRSAESHA384, tlsmsg.SchemeRSAPSSRSAESHA512},
		minVersion: tlsmsg.VersionTLS12}
	cnsa1202603 = &policy{ // RFC 9151
		suites: append(slices.Clip(aes256), tlsmsg.TLS_RSA_WITH_AES_256_GCM_SHA384), suites13: strong,
		groups: []tlsmsg.NamedGroup{tlsmsg.GroupMLKEM1024, tlsmsg.GroupSecp384r1}, schemes: sha384, minVersion: tlsmsg.VersionTLS12, ours: true}
	cnsa2202603 = &policy{ // draft-becker-cnsa2-tls-profile
		suites13: strong, groups: []tlsmsg.NamedGroup{tlsmsg.GroupMLKEM1024}, schemes: sha384, minVersion: tlsmsg.VersionTLS13}
)

// restrict leaves what the policy allows.
func (p *policy) restrict(suites []tlsmsg.CipherSuite, highest tlsmsg.Version) (list []tlsmsg.CipherSuite) {
	if p == nil {
		return suites
	}
	for _, id := range append(slices.Clip(p.suites13), p.suites...) {
		if suite.Lookup13(id) != nil && highest >= tlsmsg.VersionTLS13 || slices.Contains(p.suites, id) && p.minVersion < tlsmsg.VersionTLS13 {
			list = append(list, id)
		}
	}
	return list
}
