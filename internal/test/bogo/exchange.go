package main

import (
	"bytes"
	"errors"

	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// memory is what one connection leaves to the next.
type memory struct {
	session  *handshake.Session // of a client
	sessions worker.Sessions    // of a server
}

// exchange makes one connection.
func exchange(s *settings, known *memory, resuming bool) error {
	p := &peer{set: s}
	if err := p.prepare(known); err != nil {
		return err
	}
	if err := p.dial(); err != nil {
		return err
	}
	defer p.hangUp()
	if err := p.converse(resuming); err != nil {
		return err
	}
	if err := p.checkTicket(); err != nil {
		return err
	}
	known.session = p.State().Session
	if want, got := s.expect.renegotiations, p.seen.handshakes-1; want != 0 && want != got {
		return fmt.Errorf("%d renegotiations, not %d", got, want)
	}
	if p.seen.ignored > 0 && !s.renegotiateIgnore {
		return fmt.Errorf("renegotiation was refused by no_renegotiation")
	}
	return nil
}

// prepare makes the machine.
func (p *peer) prepare(known *memory) error {
	creds, signers, err := p.set.load()
	if err != nil {
		return err
	}
	p.work = worker.Worker{Signers: signers}
	if p.set.server {
		return p.prepareServer(creds, known)
	}
	return p.prepareClient(creds, known)
}

func (p *peer) prepareClient(creds []handshake.ServerCredential, known *memory) (err error) {
	s := p.set
	cfg := handshake.Config{Random: random32(), ServerName: s.hostName, ALPN: protocols(s.advertiseALPN),
		SessionTicket: !s.noTicket, AllowUnverified: true, Renegotiation: s.renegotiate, Events: p.event}
	if cfg.Groups, cfg.SignatureSchemes, err = s.negotiable(); err != nil {
		return err
	}
	if cfg.MinVersion, cfg.MaxVersion, err = s.versions(); err != nil {
		return err
	}
	if cfg.CipherSuites, err = s.suites(); err != nil {
		return err
	}
	cfg.CipherSuites = spoken(cfg.CipherSuites, cfg.MinVersion, cfg.MaxVersion)
	for _, c := range creds {
		cfg.Credentials = append(cfg.Credentials, c.Credential)
	}
	if !s.ocsp {
		cfg.Omit = append(cfg.Omit, tlsmsg.ExtensionStatusRequest)
	}
	if !s.scts {
		cfg.Omit = append(cfg.Omit, tlsmsg.ExtensionSCT)
	}
	if s.noTicket {
		cfg.Omit = append(cfg.Omit, tlsmsg.ExtensionSessionTicket)
	}
	cfg.GREASE, cfg.FallbackSCSV = s.grease, s.fallback
	if known.session != nil && (!s.noTicket || len(known.session.Ticket) == 0) {
		cfg.Session = known.session
	}
	cfg.MinRSABits = 1024
	c := handshake.NewClient(cfg)
	p.machine = c
	return nil
}

func (p *peer) prepareServer(creds []handshake.ServerCredential, known *memory) (err error) {
	s := p.set
	cfg := handshake.ServerConfig{Random: random32(), Credentials: creds, ClientPreference: !s.serverPreference,
		Events: p.event, AllowUnverified: true}
	if cfg.Groups, cfg.SignatureSchemes, err = s.negotiable(); err != nil {
		return err
	}
	if cfg.MinVersion, cfg.MaxVersion, err = s.versions(); err != nil {
		return err
	}
	if cfg.CipherSuites, err = s.suites(); err != nil {
		return err
	}
	cfg.CipherSuites = spoken(cfg.CipherSuites, cfg.MinVersion, cfg.MaxVersion)
	switch {
	case s.rejectALPN:
		cfg.ALPN = []string{"\x00 a protocol that nobody speaks"}
	case s.selectALPN != "":
		cfg.ALPN = []string{s.selectALPN}
	}
	switch {
	case s.requireCertificate:
		cfg.ClientAuth = handshake.ClientAuthRequire
	case s.verifyPeer:
		cfg.ClientAuth = handshake.ClientAuthRequest
	}
	if s.noServerNameAck {
		cfg.Omit = append(cfg.Omit, tlsmsg.ExtensionServerName)
	}
	if cfg.Authorities, err = names(s.clientCAs); err != nil {
		return err
	}
	if known.sessions.Key == nil {
		key := random32()
		known.sessions.Key = key[:]
	}
	id := random32()
	cfg.Tickets, cfg.SessionID, p.work.Sessions = !s.noTicket, id[:], &known.sessions
	p.machine = handshake.NewServer(cfg)
	return nil
}

// converse shakes hands, checks what came of it, and exchanges data.
func (p *peer) converse(resuming bool) error {
	if c, ok := p.machine.(*handshake.Client); ok {
		c.Start()
	}
	if err := p.until(func() bool { return p.Stage() == handshake.StageFinished }); err != nil {
		return err
	}
	if err := p.check(resuming); err != nil {
		return fmt.Errorf("expectation: %w", err)
	}
	if err := p.say(); err != nil {
		return err
	}
	if p.set.sendAlert {
		p.Abort(alertDecompressionFailure)
		return p.flush()
	}
	if !p.set.shutsDown {
		if err := p.echo(); err != nil {
			return err
		}
	}
	p.CloseWrite()
	if err := p.flush(); err != nil {
		return err
	}
	err := p.until(func() bool { return len(p.Peek()) > 0 || p.EOF() })
	if err == nil && len(p.Peek()) > 0 {
		return errors.New("application data after this side closed")
	}
	return err
}

// alertDecompressionFailure is what the runner wants to see sent.
const alertDecompressionFailure tlsmsg.AlertDescription = 30

// say sends what the runner wants to hear before it speaks.
func (p *peer) say() error {
	s := p.set
	if s.exportLen > 0 {
		if err := p.write(p.export()); err != nil {
			return err
		}
	}
	if s.tlsUnique && p.State().Resumed && !p.State().ExtendedMasterSecret {
		return errors.New("tls-unique identifies no connection that is resumed without extended master secret")
	}
	if s.tlsUnique {
		if err := p.write(p.seen.finished); err != nil {
			return err
		}
	}
	if s.differentSizes {
		for _, n := range []int{0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769} {
			if err := p.write(bytes.Repeat([]byte{0x42}, n)); err != nil {
				return err
			}
		}
		return nil
	}
	for range s.initialWrites {
		if !s.writesFirst {
			break
		}
		if err := p.write([]byte(s.initialWrite)); err != nil {
			return err
		}
	}
	return nil
}

// echo answers all data with its complement until the runner closes.
func (p *peer) echo() error {
	for {
		err := p.until(func() bool { return len(p.Peek()) > 0 || p.EOF() })
		if err != nil || p.EOF() {
			return err
		}
		n := min(len(p.Peek()), p.set.readSize)
		reply := bytes.Clone(p.Peek()[:n])
		for i := range reply {
			reply[i] ^= 0xFF
		}
		p.Discard(n)
		if err := p.write(reply); err != nil {
			return err
		}
	}
}

// export makes keying material (RFC 5705, section 4).
func (p *peer) export() []byte {
	st := p.State()
	if st.Version >= tlsmsg.VersionTLS13 {
		return p.Export(p.set.exportLabel, []byte(p.set.exportContext), p.set.exportLen)
	}
	seed := append(bytes.Clone(st.ClientRandom[:]), st.ServerRandom[:]...)
	if p.set.useExportContext {
		n := len(p.set.exportContext)
		seed = append(append(seed, byte(n>>8), byte(n)), p.set.exportContext...)
	}
	out := make([]byte, p.set.exportLen)
	suite.PRF(suite.Lookup(st.CipherSuite).For(st.Version).Hash, out, p.seen.master, p.set.exportLabel, seed)
	return out
}
