package interop

import (
	"crypto"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/peers"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// What connect gives as the reasons of a failure, the results of probe have as
// codes: one place finds them.
func TestProbeGivesTheReasonsThatConnectGives(t *testing.T) {
	l := newLab(t)
	// each is a server that does its part of TLS as the test says
	each := func(f func(*net.TCPConn)) netip.AddrPort { return netip.MustParseAddrPort(serve(t, l, f)) }
	answers := func(b ...byte) netip.AddrPort {
		return each(func(c *net.TCPConn) {
			header := make([]byte, tlsmsg.RecordHeaderLen)
			io.ReadFull(c, header) // the ClientHello, which may come in parts
			io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint16(header[3:])))
			c.Write(b)
			_, _ = io.Copy(io.Discard, c) // or the kernel would send a RST
		})
	}
	pki, err := pki.New(pki.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := func(cfg *tls.Config) netip.AddrPort {
		cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{pki.Server.Cert.Raw}, PrivateKey: pki.Server.Key}}
		return each(func(c *net.TCPConn) { tls.Server(c, cfg).Handshake() })
	}
	// faulty is a server of TLS 1.3 that does something wrong at a message of its own
	faulty := func(at tlsmsg.HandshakeType, kind handshake.FaultKind) netip.AddrPort {
		credential, err := worker.NewServerCredential([][]byte{pki.Server.Cert.Raw}, pki.Server.Key)
		if err != nil {
			t.Fatal(err)
		}
		return each(func(c *net.TCPConn) {
			f := handshake.Fault{At: handshake.Sending(at), Kind: kind, Byte: -1, Alert: tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: tlsmsg.AlertInternalError}}
			cfg := handshake.ServerConfig{Random: [32]byte{1}, MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13, Credentials: []handshake.ServerCredential{credential}}
			cfg.Tamper, _ = f.Tamper()
			tlsconn.New(c, handshake.NewServer(cfg), &worker.Worker{Signers: []crypto.Signer{pki.Server.Key}}).Read(make([]byte, 1))
		})
	}
	until13 := []string{"--until", "finished", "--max-version", "1.3"}
	var mu sync.Mutex
	codes := map[string]int{}
	t.Run("of", func(t *testing.T) {
		for name, tc := range map[string]struct {
			to   netip.AddrPort
			args []string
		}{
			"closed":                           {peers.Start(t, l, service.Closed), nil},
			"silent":                           {peers.Start(t, l, service.Silent), nil},
			"mute":                             {peers.Start(t, l, service.Mute), nil},
			"hangs up":                         {peers.Start(t, l, service.Hangup), nil},
			"tarpit":                           {peers.Start(t, l, service.Tarpit), nil},
			"HTTP":                             {peers.Start(t, l, service.HTTP), nil},
			"nobody there":                     {netip.AddrPortFrom(beyond(l), 443), nil},
			"no way":                           {netip.MustParseAddrPort("203.0.113.1:443"), nil},
			"alert handshake_failure":          {answers(21, 3, 3, 0, 2, 2, 40), nil},
			"alert protocol_version":           {answers(21, 3, 3, 0, 2, 2, 70), nil},
			"alert unrecognized_name":          {answers(21, 3, 3, 0, 2, 2, 112), nil},
			"alert internal_error":             {answers(21, 3, 3, 0, 2, 2, 80), nil},
			"an empty message":                 {answers(22, 3, 3, 0, 4, 2, 0, 0, 0), nil},
			"half a record":                    {answers(22, 3, 3, 1, 0, 2), nil},
			"TLS 1.3 alone":                    {server(&tls.Config{MinVersion: tls.VersionTLS13}), []string{"--max-version", "1.2"}},
			"no suite in common":               {server(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}), nil},
			"client certificate":               {server(&tls.Config{MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert}), []string{"--until", "finished"}},
			"1.3: client certificate":          {server(&tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert}), []string{"--until", "data", "--max-version", "1.3"}},
			"1.3: client certificate, no data": {server(&tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert}), until13},
			"1.3: not offered":                 {server(&tls.Config{MaxVersion: tls.VersionTLS12}), []string{"--min-version", "1.3"}},
			"1.3: nothing shared":              {server(&tls.Config{MinVersion: tls.VersionTLS13}), []string{"--max-version", "1.3", "--groups", "ffdhe2048"}},
			"1.3: alert after ServerHello":     {faulty(tlsmsg.TypeEncryptedExtensions, handshake.SendAlert), until13},
			"1.3: silent in the flight":        {faulty(tlsmsg.TypeCertificateVerify, handshake.Stop), until13},
			"1.3: no Certificate":              {faulty(tlsmsg.TypeCertificate, handshake.Omit), until13},
			"1.3: another signature":           {faulty(tlsmsg.TypeCertificateVerify, handshake.Corrupt), until13},
			"1.3: another Finished":            {faulty(tlsmsg.TypeFinished, handshake.Corrupt), until13},
			"1.3: a record changed":            {faulty(tlsmsg.TypeCertificate, handshake.CorruptRecord), until13},
			"reset after the ClientHello":      {each(func(c *net.TCPConn) { c.Read(make([]byte, 4096)); c.SetLinger(0); c.Close() }), nil},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel() // most of them wait
				args := append([]string{"--timeout", "5s"}, tc.args...)
				r := rawshake(t, l.Near(), append([]string{"connect", "--json", "--insecure", tc.to.String()}, args...)...)
				p := runProbe(t, l, tc.to.String(), append([]string{"-q", "--retries", "0", "--allow-special"}, args...)...)
				var want, got []string
				for _, reason := range last(t, r).Reasons {
					want = append(want, reason.Code)
				}
				for _, record := range p.records(t) {
					list, _ := record["reasons"].([]any)
					for _, reason := range list {
						got = append(got, reason.(map[string]any)["code"].(string))
					}
				}
				if len(want) == 0 || !slices.Equal(got, want) {
					t.Errorf("probe says %v, connect %v\n%s", got, want, p.out)
				}
				mu.Lock()
				defer mu.Unlock()
				codes[fmt.Sprint(want)]++
			})
		}
	})
	if len(codes) < 10 {
		t.Errorf("only %d kinds of failure: %v", len(codes), codes)
	}
}

// beyond is an address on the lab's link that nobody has.
func beyond(l *lab.Lab) netip.Addr {
	a := l.Far().Addr()
	for range 3 {
		a = a.Next()
	}
	return a
}
