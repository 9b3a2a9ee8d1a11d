// BoringSSL's cipher lists, as our suites.

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// suites returns the suites to offer or accept: BoringSSL's defaults, or those
// of a flag. It knows only a part of BoringSSL's language for lists.
func (s *settings) suites() (ids []tlsmsg.CipherSuite, err error) {
	switch {
	case s.ciphers == "":
		return defaultSuites(), nil
	case s.ciphers == "3DES":
		return []tlsmsg.CipherSuite{tlsmsg.TLS_RSA_WITH_3DES_EDE_CBC_SHA}, nil
	case s.ciphers == "DEFAULT:!AES":
		return []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tlsmsg.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}, nil
	}
	for _, name := range strings.Split(s.ciphers, ":") {
		id, err := tlsmsg.ParseCipherSuite(name)
		if err != nil {
			return nil, fmt.Errorf("%w: -cipher %s", errUnimplemented, s.ciphers)
		}
		if suite.Lookup(id) != nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		err = fmt.Errorf("%w: -cipher %s", errUnimplemented, s.ciphers)
	}
	return ids, err
}

// defaultSuites is all but DHE, CBC with SHA-384, and RSA with CBC and SHA-256,
// which BoringSSL does not speak.
func defaultSuites() []tlsmsg.CipherSuite {
	return slices.DeleteFunc(suite.IDs(), func(id tlsmsg.CipherSuite) bool {
		name := id.String()
		return strings.HasPrefix(name, "TLS_DHE") || strings.HasSuffix(name, "CBC_SHA384") ||
			strings.HasPrefix(name, "TLS_RSA") && strings.HasSuffix(name, "CBC_SHA256")
	})
}

// spoken returns the suites of a list in versions from lowest to highest, and those
// of TLS 1.3, which no list is about.
func spoken(ids []tlsmsg.CipherSuite, lowest, highest tlsmsg.Version) (list []tlsmsg.CipherSuite) {
	if highest >= tlsmsg.VersionTLS13 {
		list = suite.IDs13()
	}
	for _, id := range ids {
		if lowest < tlsmsg.VersionTLS13 && suite.Lookup(id).For(min(highest, tlsmsg.VersionTLS12)) != nil {
			list = append(list, id)
		}
	}
	return list
}
