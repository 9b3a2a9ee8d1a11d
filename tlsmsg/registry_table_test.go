package tlsmsg

import (
	"strings"
	"testing"
)

func TestRegistriesAreSortedAndUnambiguous(t *testing.T) {
	checkRegistry(t, "cipherSuites", cipherSuites)
	checkRegistry(t, "extensionTypes", extensionTypes)
	checkRegistry(t, "namedGroups", namedGroups)
	checkRegistry(t, "signatureSchemes", signatureSchemes)
	checkRegistry(t, "versions", versions)
	checkRegistry(t, "contentTypes", contentTypes)
	checkRegistry(t, "handshakeTypes", handshakeTypes)
	checkRegistry(t, "headings", headings)
	checkRegistry(t, "compressionMethods", compressionMethods)
	checkRegistry(t, "ecPointFormats", ecPointFormats)
	checkRegistry(t, "ecCurveTypes", ecCurveTypes)
	checkRegistry(t, "clientCertificateTypes", clientCertificateTypes)
	checkRegistry(t, "alertLevels", alertLevels)
	checkRegistry(t, "alertDescriptions", alertDescriptions)
	checkRegistry(t, "hashAlgorithms", hashAlgorithms)
	checkRegistry(t, "signatureAlgorithms", signatureAlgorithms)
	checkRegistry(t, "nameTypes", nameTypes)
	checkRegistry(t, "certificateStatusTypes", certificateStatusTypes)
	checkRegistry(t, "pskKeyExchangeModes", pskKeyExchangeModes)
	checkRegistry(t, "keyUpdateRequests", keyUpdateRequests)
	checkRegistry(t, "echClientHelloTypes", echClientHelloTypes)
	checkRegistry(t, "hpkeKEMs", hpkeKEMs)
	checkRegistry(t, "hpkeKDFs", hpkeKDFs)
	checkRegistry(t, "hpkeAEADs", hpkeAEADs)
	checkRegistry(t, "certificateCompressionAlgorithms", certificateCompressionAlgorithms)
}

func checkRegistry[T ~uint8 | ~uint16](t *testing.T, title string, r registry[T]) {
	t.Helper()
	seen := map[string]T{}
	for i, e := range r {
		if i > 0 && e.number <= r[i-1].number {
			t.Errorf("%s: %d after %d", title, e.number, r[i-1].number)
		}
		for _, s := range []string{e.name, e.alias} {
			if s == "" {
				continue
			}
			if other, dup := seen[strings.ToLower(s)]; dup {
				t.Errorf("%s: %s is %d and %d", title, s, other, e.number)
			}
			seen[strings.ToLower(s)] = e.number
			if got, err := r.parse(title, s, nil); err != nil || got != e.number {
				t.Errorf("%s: %s parses as %d, %v", title, s, got, err)
			}
		}
		if e.name == "" || r.name(e.number) != e.name {
			t.Errorf("%s: %d is named %q", title, e.number, r.name(e.number))
		}
	}
}

func TestHeadingsAndHandshakeTypesHaveTheSameNumbers(t *testing.T) {
	for v := range 256 {
		heading, name := headings.name(HandshakeType(v)), handshakeTypes.name(HandshakeType(v))
		if (heading == "") != (name == "") {
			t.Errorf("%d is %q and %q", v, heading, name)
		}
	}
}

func TestOtherNamesAreLowerCaseAndNotTakenAlready(t *testing.T) {
	for name, want := range otherGroupNames {
		if name != strings.ToLower(name) {
			t.Errorf("%s can never match", name)
		}
		if got, err := namedGroups.parse("group", name, nil); err == nil && got != want {
			t.Errorf("%s is %d in the registry, %d beside it", name, got, want)
		}
	}
	for name, want := range otherSuiteNames {
		if got, err := cipherSuites.parse("suite", name, nil); err == nil && got != want {
			t.Errorf("%s is %d in the registry, %d beside it", name, got, want)
		}
	}
}
