// One connection with the runner, from the handshake to the data.

package main

import (
	"bytes"
	"errors"

	"fmt"
	"slices"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// memory is what one connection leaves to the next.
type memory struct {
	session  *handshake.Session // of a client
	at       time.Time          // when it came
	clock    time.Time          // that passes only as the runner says
	sessions worker.Sessions    // of a server
}

func (m *memory) now() time.Time { return m.clock }

// exchange makes one connection as s says, or as retried says from the moment
// that early data is refused.
func exchange(s, retried *settings, known *memory, resuming bool) error {
	p := &peer{set: s, retried: retried}
	if err := p.prepare(known); err != nil {
		return err
	}
	if err := p.dial(); err != nil {
		return err
	}
	defer p.hangUp()
	if err := p.converse(resuming); err != nil {
		return p.set.ech.rejected(err)
	}
	if err := p.checkTicket(); err != nil {
		return err
	}
	known.session, known.at = p.State().Session, p.work.Now()
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
	p.work = worker.Worker{Signers: signers, Now: known.now}
	if p.set.server {
		return p.prepareServer(creds, known)
	}
	return p.prepareClient(creds, known)
}

func (p *peer) prepareClient(creds []handshake.ServerCredential, known *memory) (err error) {
	s := p.set
	cfg := handshake.Config{Random: random32(), ServerName: s.hostName, ALPN: protocols(s.advertiseALPN),
		SessionTicket: !s.noTicket, AllowUnverified: true, AnyAuthority: true, Renegotiation: s.renegotiate, Events: p.event}
	if cfg.Groups, cfg.SignatureSchemes, err = s.negotiable(); err != nil {
		return err
	}
	if cfg.MinVersion, cfg.MaxVersion, err = s.versions(); err != nil {
		return err
	}
	if cfg.CipherSuites, err = s.suites(); err != nil {
		return err
	}
	cfg.CipherSuites = s.policy.restrict(spoken(cfg.CipherSuites, cfg.MinVersion, cfg.MaxVersion), cfg.MaxVersion)
	cfg.PSKs, cfg.CompressCertificates = s.psks, s.compressions
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
		session := *known.session
		session.Age = uint32(p.work.Now().Sub(known.at) / time.Millisecond)
		cfg.Session = &session
		if s.early && session.MaxEarly > 0 {
			cfg.EarlyData = s.earlyWrites()
		}
	}
	cfg.KeyShares = s.keyShares
	if s.noKeyShares {
		cfg.KeyShares = []tlsmsg.NamedGroup{}
	}
	if cfg.MaxVersion < tlsmsg.VersionTLS13 {
		cfg.Groups = slices.DeleteFunc(slices.Clone(cfg.Groups), suite.IsHybrid)
	}
	cfg.MinRSABits = 1024
	if err := s.ech.client(&cfg); err != nil {
		return err
	}
	c := handshake.NewClient(cfg)
	p.machine = c
	return nil
}

func (p *peer) prepareServer(creds []handshake.ServerCredential, known *memory) (err error) {
	s := p.set
	cfg := handshake.ServerConfig{Random: random32(), Credentials: creds, ClientPreference: !s.serverPreference && !(s.policy != nil && s.policy.ours),
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
	cfg.CipherSuites = s.policy.restrict(spoken(cfg.CipherSuites, cfg.MinVersion, cfg.MaxVersion), cfg.MaxVersion)
	cfg.PSKs, cfg.CompressCertificates = s.psks, s.compressions
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
	if s.early {
		cfg.EarlyData = maxEarlyData
	}
	id := random32()
	cfg.Tickets, cfg.SessionID, p.work.Sessions = !s.noTicket, id[:], &known.sessions
	if p.work.ECHKeys, err = s.ech.server(&cfg); err != nil {
		return err
	}
	p.machine = handshake.NewServer(cfg)
	return nil
}

// maxEarlyData is how many bytes BoringSSL's server takes early.
const maxEarlyData = 14336

// earlyWrites is what a client writes before the server answers.
func (s *settings) earlyWrites() []byte {
	if !s.writesFirst {
		return []byte{}
	}
	return bytes.Repeat([]byte(s.initialWrite), s.initialWrites)
}

// converse performs the handshake, checks the result, and exchanges data.
func (p *peer) converse(resuming bool) error {
	if c, ok := p.machine.(*handshake.Client); ok {
		c.Start()
	}
	if err := p.until(func() bool { return p.Stage() == handshake.StageFinished || p.CanWrite() }); err != nil {
		return err
	}
	if p.Stage() < handshake.StageFinished { // the client's flight comes after its early data
		p.seen.first = p.State()
	}
	if err := p.checkEarly(); err != nil {
		return fmt.Errorf("expectation: %w", err)
	}
	if p.seen.first.EarlyData == handshake.EarlyDataRefused && !p.set.server {
		p.set = p.retried
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

// say sends what the runner expects before it sends anything.
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
		if !s.writesFirst || !s.server && p.seen.first.EarlyData == handshake.EarlyDataAccepted {
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
		if p.Discard(n); p.set.keyUpdate {
			p.UpdateKeys(false)
		}
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
