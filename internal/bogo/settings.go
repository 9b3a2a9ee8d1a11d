package main

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"

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

	expect expectations
}

func newSettings() *settings {
	return &settings{initialWrite: "hello", initialWrites: 1, readSize: 512, credentials: make([]credentialFiles, 1),
		expect: expectations{credential: anyCredential}}
}

// credentialFiles is a certificate as the runner gives it.
type credentialFiles struct {
	cert, key  string
	ocsp, scts []byte
	schemes    []tlsmsg.SignatureScheme
}

// What BoringSSL offers where no flag says otherwise: tests count on it.
var (
	defaultGroups  = []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1, tlsmsg.GroupSecp384r1}
	defaultSchemes = []tlsmsg.SignatureScheme{
		tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeRSAPSSRSAESHA256, tlsmsg.SchemeRSAPKCS1SHA256,
		tlsmsg.SchemeECDSASecp384r1SHA384, tlsmsg.SchemeRSAPSSRSAESHA384, tlsmsg.SchemeRSAPKCS1SHA384,
		tlsmsg.SchemeRSAPSSRSAESHA512, tlsmsg.SchemeRSAPKCS1SHA512,
	}
)

// checkVersions fails if no version that is asked for is spoken.
func (s *settings) checkVersions() error {
	const ours = tlsmsg.VersionTLS12
	if s.minVersion > ours || s.maxVersion != 0 && s.maxVersion < ours || slices.Contains(s.without, ours) {
		return fmt.Errorf("%w: versions other than %v", errUnimplemented, ours)
	}
	return nil
}

// negotiable returns the groups and schemes to offer or accept.
func (s *settings) negotiable() (groups []tlsmsg.NamedGroup, schemes []tlsmsg.SignatureScheme, err error) {
	groups, schemes = defaultGroups, defaultSchemes
	if len(s.groups) > 0 {
		groups = common(s.groups, suite.Groups())
	}
	if len(s.verifyPrefs) > 0 {
		schemes = common(s.verifyPrefs, suite.Schemes())
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
	files := s.credentials[1:]
	if s.credentials[0].cert != "" {
		files = append(slices.Clone(files), s.credentials[0])
	}
	for _, f := range files {
		chain, err := readPEM(f.cert)
		if err != nil {
			return nil, nil, err
		}
		key, err := readKey(f.key)
		if err != nil {
			return nil, nil, err
		}
		cred, err := worker.NewCredential(chain, key)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %v", errUnimplemented, err)
		}
		if len(f.schemes) > 0 {
			cred.Schemes = common(f.schemes, cred.Schemes)
		}
		creds = append(creds, handshake.ServerCredential{Credential: cred, OCSPResponse: f.ocsp, SCTs: splitSCTs(f.scts)})
		signers = append(signers, key)
	}
	return creds, signers, nil
}

// splitSCTs takes a SignedCertificateTimestampList apart (RFC 6962, section 3.3).
func splitSCTs(wire []byte) [][]byte {
	if len(wire) == 0 {
		return nil
	}
	v := tlsmsg.SignedCertificateTimestamps{}
	if err := (tlsmsg.Extension{Type: tlsmsg.ExtensionSCT, Data: wire}).Decode(&v, tlsmsg.TypeServerHello); err != nil {
		return nil
	}
	return v.List
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
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %v", errUnimplemented, name, err)
	}
	return key.(crypto.Signer), nil
}

func random32() (b [32]byte) {
	rand.Read(b[:])
	return b
}
