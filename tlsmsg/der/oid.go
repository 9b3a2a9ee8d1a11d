// Object identifiers and their names.

package der

import (
	"strconv"
	"strings"
)

// maxArc bounds one arc (number) of an identifier.
const maxArc = 1 << 56

// dotted returns an object identifier in dotted form (X.690, section 8.19), or
// "" if the octets are not one.
func dotted(b []byte) string {
	var s strings.Builder
	arc, first := uint64(0), true
	for i, x := range b {
		if arc >= maxArc || i == len(b)-1 && x >= 0x80 {
			return ""
		}
		arc = arc<<7 | uint64(x&0x7f)
		if x >= 0x80 {
			continue
		}
		if first {
			top := min(arc/40, 2)
			s.WriteString(strconv.FormatUint(top, 10) + "." + strconv.FormatUint(arc-40*top, 10))
			first = false
		} else {
			s.WriteString("." + strconv.FormatUint(arc, 10))
		}
		arc = 0
	}
	return s.String()
}

// nameOf returns the name of an identifier in dotted form, or itself if it is
// not known here.
func nameOf(id string) string {
	if name := oidNames[id]; name != "" {
		return name
	}
	return id
}

// OIDName returns the name of an object identifier in dotted form, or "" if it
// is not known here.
func OIDName(id string) string { return oidNames[id] }

func oidText(b []byte) string {
	id := dotted(b)
	if name := oidNames[id]; name != "" {
		return name + ", " + id
	}
	return id
}

// oidNames are the names of the identifiers that certificates contain.
var oidNames = map[string]string{
	// Attributes of names (X.520; RFC 4519; RFC 5280, appendix A)
	"2.5.4.3": "commonName", "2.5.4.4": "surname", "2.5.4.5": "serialNumber", "2.5.4.6": "countryName",
	"2.5.4.7": "localityName", "2.5.4.8": "stateOrProvinceName", "2.5.4.9": "streetAddress",
	"2.5.4.10": "organizationName", "2.5.4.11": "organizationalUnitName", "2.5.4.12": "title",
	"2.5.4.15": "businessCategory", "2.5.4.17": "postalCode", "2.5.4.42": "givenName", "2.5.4.46": "dnQualifier",
	"2.5.4.97": "organizationIdentifier", "0.9.2342.19200300.100.1.1": "userId",
	"0.9.2342.19200300.100.1.25": "domainComponent", "1.2.840.113549.1.9.1": "emailAddress",
	"1.3.6.1.4.1.311.60.2.1.1": "jurisdictionLocality", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionState",
	"1.3.6.1.4.1.311.60.2.1.3": "jurisdictionCountry",

	// Keys and curves (RFC 3279, RFC 5480, RFC 8410)
	"1.2.840.113549.1.1.1": "rsaEncryption", "1.2.840.10045.2.1": "id-ecPublicKey", "1.2.840.10040.4.1": "id-dsa",
	"1.2.840.10045.3.1.7": "secp256r1", "1.3.132.0.34": "secp384r1", "1.3.132.0.35": "secp521r1",
	"1.3.132.0.33": "secp224r1", "1.3.132.0.10": "secp256k1", "1.2.840.10045.3.1.1": "secp192r1",
	"1.3.132.0.6": "secp112r1", "1.3.132.0.7": "secp112r2", "1.3.132.0.28": "secp128r1", "1.3.132.0.29": "secp128r2",
	"1.3.132.0.8": "secp160r1", "1.3.132.0.9": "secp160k1", "1.3.132.0.30": "secp160r2", "1.3.132.0.31": "secp192k1",
	"1.3.132.0.32": "secp224k1", "1.3.132.0.1": "sect163k1", "1.3.132.0.2": "sect163r1", "1.3.132.0.15": "sect163r2",
	"1.3.132.0.26": "sect233k1", "1.3.132.0.27": "sect233r1", "1.3.132.0.3": "sect239k1", "1.3.132.0.16": "sect283k1",
	"1.3.132.0.17": "sect283r1", "1.3.132.0.36": "sect409k1", "1.3.132.0.37": "sect409r1", "1.3.132.0.38": "sect571k1",
	"1.3.132.0.39": "sect571r1", "1.2.156.10197.1.301": "sm2p256v1",
	"1.3.36.3.3.2.8.1.1.1": "brainpoolP160r1", "1.3.36.3.3.2.8.1.1.2": "brainpoolP160t1",
	"1.3.36.3.3.2.8.1.1.3": "brainpoolP192r1", "1.3.36.3.3.2.8.1.1.4": "brainpoolP192t1",
	"1.3.36.3.3.2.8.1.1.5": "brainpoolP224r1", "1.3.36.3.3.2.8.1.1.6": "brainpoolP224t1",
	"1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1", "1.3.36.3.3.2.8.1.1.8": "brainpoolP256t1",
	"1.3.36.3.3.2.8.1.1.9": "brainpoolP320r1", "1.3.36.3.3.2.8.1.1.10": "brainpoolP320t1",
	"1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1", "1.3.36.3.3.2.8.1.1.12": "brainpoolP384t1",
	"1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1", "1.3.36.3.3.2.8.1.1.14": "brainpoolP512t1",
	"1.3.101.110": "X25519", "1.3.101.111": "X448", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448",

	// Signatures (RFC 3279, RFC 4055, RFC 5758)
	"1.2.840.113549.1.1.2": "md2WithRSAEncryption", "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
	"1.2.840.113549.1.1.5": "sha1WithRSAEncryption", "1.2.840.113549.1.1.8": "id-mgf1",
	"1.2.840.113549.1.1.10": "rsassaPss", "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
	"1.2.840.113549.1.1.12": "sha384WithRSAEncryption", "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
	"1.2.840.113549.1.1.14": "sha224WithRSAEncryption", "1.2.840.10045.4.1": "ecdsa-with-SHA1",
	"1.2.840.10045.4.3.1": "ecdsa-with-SHA224", "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
	"1.2.840.10045.4.3.3": "ecdsa-with-SHA384", "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
	"1.2.840.10040.4.3": "dsa-with-sha1", "2.16.840.1.101.3.4.3.2": "dsa-with-sha256",
	"2.16.840.1.101.3.4.3.1": "dsa-with-sha224", "1.2.156.10197.1.501": "sm2-with-sm3",
	"1.2.643.2.2.3": "gostR3411-94-with-gostR3410-2001", "1.2.643.7.1.1.3.2": "gostR3410-2012-with-gostR3411-2012-256",
	"1.2.643.7.1.1.3.3":       "gostR3410-2012-with-gostR3411-2012-512",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65", "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
	"2.16.840.1.101.3.4.3.13": "ecdsa-with-SHA3-256", "2.16.840.1.101.3.4.3.14": "ecdsa-with-SHA3-384",
	"1.3.14.3.2.29": "sha1WithRSASignature", "1.3.14.3.2.27": "dsaWithSHA1",

	// Hashes (RFC 4055)
	"1.3.14.3.2.26": "sha1", "2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384",
	"2.16.840.1.101.3.4.2.3": "sha512", "2.16.840.1.101.3.4.2.4": "sha224", "1.2.840.113549.2.5": "md5",
	"2.16.840.1.101.3.4.2.8": "sha3-256", "2.16.840.1.101.3.4.2.9": "sha3-384", "2.16.840.1.101.3.4.2.10": "sha3-512",

	// Extensions (RFC 5280, section 4.2, and others)
	"2.5.29.9": "subjectDirectoryAttributes", "2.5.29.14": "subjectKeyIdentifier", "2.5.29.15": "keyUsage",
	"2.5.29.16": "privateKeyUsagePeriod", "2.5.29.17": "subjectAltName", "2.5.29.18": "issuerAltName",
	"2.5.29.19": "basicConstraints", "2.5.29.30": "nameConstraints", "2.5.29.31": "cRLDistributionPoints",
	"2.5.29.32": "certificatePolicies", "2.5.29.33": "policyMappings", "2.5.29.35": "authorityKeyIdentifier",
	"2.5.29.36": "policyConstraints", "2.5.29.37": "extKeyUsage", "2.5.29.46": "freshestCRL",
	"2.5.29.54": "inhibitAnyPolicy", "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
	"1.3.6.1.5.5.7.1.11": "subjectInfoAccess", "1.3.6.1.5.5.7.1.24": "tlsFeature",
	"1.3.6.1.4.1.11129.2.4.2": "signedCertificateTimestamps", "1.3.6.1.4.1.11129.2.4.3": "precertificatePoison",
	"2.16.840.1.113730.1.1": "netscapeCertType", "2.16.840.1.113730.1.13": "netscapeComment",

	// Purposes (RFC 5280, section 4.2.1.12)
	"2.5.29.37.0": "anyExtendedKeyUsage", "1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth",
	"1.3.6.1.5.5.7.3.3": "codeSigning", "1.3.6.1.5.5.7.3.4": "emailProtection", "1.3.6.1.5.5.7.3.8": "timeStamping",
	"1.3.6.1.5.5.7.3.9": "OCSPSigning",

	// Access methods and policies (RFC 5280; CA/Browser Forum)
	"1.3.6.1.5.5.7.48.1": "ocsp", "1.3.6.1.5.5.7.48.2": "caIssuers", "1.3.6.1.5.5.7.48.1.1": "ocspBasic",
	"1.3.6.1.5.5.7.2.1": "cps", "1.3.6.1.5.5.7.2.2": "userNotice", "2.5.29.32.0": "anyPolicy",
	"2.23.140.1.1": "extendedValidation", "2.23.140.1.2.1": "domainValidated",
	"2.23.140.1.2.2": "organizationValidated", "2.23.140.1.2.3": "individualValidated",
}
