// The servers in memory, without any network.

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"runtime"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// serverFloor is what such a server's handshake cannot avoid.
var serverFloor = []string{partKey, partECDH, partSign}

// memoryServer measures the servers alone, as memory does the clients: crypto/tls's
// client, of which the meter knows nothing, meets each in turn. Neither gives tickets.
func memoryServer(t *task) (*report, error) {
	config, err := theirConfig(t)
	if err != nil {
		return nil, err
	}
	theirs, err := serverConfig(t)
	if err != nil {
		return nil, err
	}
	theirs.SessionTicketsDisabled = true
	ours, w, err := ourServerConfig(t)
	if err != nil {
		return nil, err
	}
	ops, err := floorOperations(t)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	client := func(c net.Conn) error { return tls.Client(c, config).Handshake() }
	sides := []*side{
		{name: theirClient, client: func(c net.Conn) error { return tls.Server(c, theirs).Handshake() }},
		{name: ourClient, client: func(c net.Conn) error { return serveInMemory(c, ours, buf, w) }},
	}
	var floor []time.Duration
	for i := range t.Warmup + moreInMemory*t.Handshakes {
		if i == t.Warmup {
			runtime.GC()
			floor = nil
			for _, s := range sides {
				s.clock.each = nil
			}
		}
		for _, s := range sides {
			if err := metered(&s.clock, client, s.client); err != nil {
				return nil, err
			}
		}
		took, err := timed(ops, serverFloor)
		if err != nil {
			return nil, err
		}
		floor = append(floor, took)
	}
	return figures(t, sides, floor, client)
}

// ourServerConfig is a server that takes what theirs takes.
func ourServerConfig(t *task) (handshake.ServerConfig, *worker.Worker, error) {
	key, err := x509.ParsePKCS8PrivateKey(t.Key)
	if err != nil {
		return handshake.ServerConfig{}, nil, err
	}
	signer := key.(crypto.Signer)
	credential, err := worker.NewServerCredential([][]byte{t.Cert}, signer)
	cfg := handshake.ServerConfig{Credentials: []handshake.ServerCredential{credential}, Groups: []tlsmsg.NamedGroup{tlsmsg.GroupSecp256r1},
		CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
	if t.TLS13 {
		cfg.MaxVersion, cfg.CipherSuites = tlsmsg.VersionTLS13, []tlsmsg.CipherSuite{tlsmsg.TLS_AES_128_GCM_SHA256}
	}
	return cfg, &worker.Worker{Signers: []crypto.Signer{signer}}, err
}

// serveInMemory drives our server over a stream.
func serveInMemory(stream io.ReadWriter, cfg handshake.ServerConfig, buf []byte, w *worker.Worker) error {
	rand.Read(cfg.Random[:])
	s := handshake.NewServer(cfg)
	for {
		w.Finish(s)
		if out := s.Next(); out != nil {
			if _, err := stream.Write(out); err != nil {
				return err
			}
		}
		if s.Err() != nil || s.Stage() >= handshake.StageFinished {
			return s.Err()
		}
		n, err := stream.Read(buf)
		if errors.Is(err, io.EOF) {
			s.TransportEOF()
		} else if err != nil {
			return err
		}
		s.Receive(buf[:n])
	}
}
