// What the flags ask for, as configuration for our machines.

package main

import (
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// settings is what the runner's flags ask for on one connection.
type settings struct {
	port        int
	shimID      uint64
	ipv6        bool
	server      bool
	resumeCount int

	minVersion, maxVersion tlsmsg.Version
	without                []tlsmsg.Version
	fallback               bool

	hostName         string
	groups           []tlsmsg.NamedGroup
	verifyPrefs      []tlsmsg.SignatureScheme
	ciphers          string
	serverPreference bool
	advertiseALPN    string
	selectALPN       string
	rejectALPN       bool
	noTicket         bool
	ocsp, scts       bool
	grease           bool

	verifyPeer, requireCertificate, verifyFail bool
	customVerify, reverify                     bool
	noServerNameAck                            bool
	clientCAs                                  string
	credentials                                []credentialFiles // the first is the default one

	writesFirst       bool
	initialWrite      string
	initialWrites     int
	shutsDown         bool
	differentSizes    bool
	readSize          int
	sendAlert         bool
	exportLen         int
	exportLabel       string
	exportContext     string
	useExportContext  bool
	tlsUnique         bool
	byteByByte        bool
	renegotiateIgnore bool
	renegotiate       bool

	keyUpdate    bool
	compressions []tlsmsg.CertificateCompressionAlgorithm
	noStaple     bool
	numbers      []int // that the runner knows the machine's credentials by; -1: the default one
	psks         []handshake.PSK
	policy       *policy
	keyShares    []tlsmsg.NamedGroup
	noKeyShares  bool
	early        bool
	delay        int // seconds by which the clock is moved before

	ech    echSettings
	expect expectations
}

func newSettings() *settings {
	return &settings{initialWrite: "hello", initialWrites: 1, readSize: 512, credentials: make([]credentialFiles, 1),
		expect: expectations{credential: anyCredential}}
}

// credentialFiles is a credential as the runner gives it.
type credentialFiles struct {
	cert, key  string
	ocsp, scts []byte
	schemes    []tlsmsg.SignatureScheme

	isPSK                  bool
	psk, identity, context []byte
	hash                   suite.Hash
}

// What BoringSSL offers by default, on which tests rely.
var (
	defaultGroups  = []tlsmsg.NamedGroup{tlsmsg.GroupX25519MLKEM768, tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1, tlsmsg.GroupSecp384r1}
	defaultSchemes = []tlsmsg.SignatureScheme{
		tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeRSAPSSRSAESHA256, tlsmsg.SchemeRSAPKCS1SHA256,
		tlsmsg.SchemeECDSASecp384r1SHA384, tlsmsg.SchemeRSAPSSRSAESHA384, tlsmsg.SchemeRSAPKCS1SHA384,
		tlsmsg.SchemeRSAPSSRSAESHA512, tlsmsg.SchemeRSAPKCS1SHA512, tlsmsg.SchemeRSAPKCS1SHA1,
	}
)

// versions returns the lowest and the highest version to speak, of those that
// are asked for and that we have.
func (s *settings) versions() (lowest, highest tlsmsg.Version, err error) {
	if s.policy != nil {
		s.minVersion = max(s.minVersion, s.policy.minVersion)
	}
	for v := tlsmsg.VersionTLS10; v <= tlsmsg.VersionTLS13; v++ {
		if v < s.minVersion || s.maxVersion != 0 && v > s.maxVersion || slices.Contains(s.without, v) {
			continue
		}
		if lowest == 0 {
			lowest = v
		} else if v != highest+1 {
			return 0, 0, fmt.Errorf("%w: versions with a gap between them", errUnimplemented)
		}
		highest = v
	}
	if lowest == 0 {
		return 0, 0, fmt.Errorf("%w: no version from TLS 1.0 to 1.3 asked for", errUnimplemented)
	}
	return lowest, highest, nil
}

// negotiable returns the groups and schemes to offer or accept.
func (s *settings) negotiable() (groups []tlsmsg.NamedGroup, schemes []tlsmsg.SignatureScheme, err error) {
	groups, schemes = defaultGroups, defaultSchemes
	if s.policy != nil {
		groups, schemes = s.policy.groups, s.policy.schemes
	}
	if len(s.groups) > 0 {
		groups = common(s.groups, append(suite.HybridGroups(), append(suite.Groups(), tlsmsg.GroupMLKEM1024)...))
	}
	if len(s.verifyPrefs) > 0 {
		schemes = common(s.verifyPrefs, append(suite.Schemes(), suite.LegacySchemes()...))
	}
	if len(groups) == 0 || len(schemes) == 0 {
		err = fmt.Errorf("%w: groups %v, schemes %v", errUnimplemented, s.groups, s.verifyPrefs)
	}
	return groups, schemes, err
}

func common[T comparable](asked, known []T) (both []T) {
	for _, x := range asked {
		if slices.Contains(known, x) {
			both = append(both, x)
		}
	}
	return both
}

// protocols splits a list of ALPN protocols as on the wire.
func protocols(wire string) (list []string) {
	for len(wire) > 0 && len(wire) > int(wire[0]) {
		n := 1 + int(wire[0])
		list, wire = append(list, wire[1:n]), wire[n:]
	}
	return list
}

// load reads the credentials' files. Those without a certificate are left out.
func (s *settings) load() (creds []handshake.ServerCredential, signers []crypto.Signer, err error) {
	s.psks, s.numbers = nil, nil
	for i := range s.credentials {
		number := (i + 1) % len(s.credentials) // the default one stands last
		f := &s.credentials[number]
		if f.isPSK {
			s.psks = append(s.psks, handshake.ImportPSK(handshake.PSK{Identity: f.identity, Key: f.psk, Hash: f.hash}, f.context)...)
			continue
		}
		if number == 0 && f.cert == "" {
			continue
		}
		s.numbers = append(s.numbers, number-1)
		chain, err := readPEM(f.cert)
		if err != nil {
			return nil, nil, err
		}
		key, err := readKey(f.key)
		if err != nil {
			return nil, nil, err
		}
		cred, err := worker.NewServerCredential(chain, key)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %v", errUnimplemented, err)
		}
		for _, legacy := range suite.LegacySchemes() { // BoringSSL signs with them too, if it must
			if suite.Fits(legacy, key.Public()) == nil {
				cred.Schemes = append(cred.Schemes, legacy)
			}
		}
		if len(f.schemes) > 0 {
			cred.Schemes = common(f.schemes, cred.Schemes)
		}
		if s.policy != nil {
			cred.Schemes = common(cred.Schemes, s.policy.schemes)
		}
		if cred.SCTs, err = splitSCTs(f.scts); err != nil {
			return nil, nil, err
		}
		if !s.noStaple {
			cred.OCSPResponse = f.ocsp
		}
		creds = append(creds, cred)
		signers = append(signers, key)
	}
	return creds, signers, nil
}

// splitSCTs splits a SignedCertificateTimestampList (RFC 6962, section 3.3).
func splitSCTs(wire []byte) ([][]byte, error) {
	if len(wire) == 0 {
		return nil, nil
	}
	var v tlsmsg.SignedCertificateTimestamps
	err := tlsmsg.Extension{Type: tlsmsg.ExtensionSCT, Data: wire}.Decode(&v, tlsmsg.TypeServerHello)
	return v.List, err
}

// names reads DER names: in hexadecimal, with commas.
func names(list string) (ders [][]byte, err error) {
	if list == "" || list[0] == '<' { // <EMPTY>, <NULL>
		return nil, nil
	}
	for _, x := range strings.Split(list, ",") {
		der, err := hex.DecodeString(x)
		if err != nil {
			return nil, err
		}
		ders = append(ders, der)
	}
	return ders, nil
}

func readPEM(name string) (ders [][]byte, err error) {
	rest, err := os.ReadFile(name)
	for err == nil {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return ders, nil
		}
		if block.Type == "CERTIFICATE" {
			ders = append(ders, block.Bytes)
		}
	}
	return nil, err
}

func readKey(name string) (crypto.Signer, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM block", name)
	}
	key, err := worker.ParsePKCS8(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %v", errUnimplemented, name, err)
	}
	return key, nil
}

func random32() (b [32]byte) {
	rand.Read(b[:])
	return b
}
