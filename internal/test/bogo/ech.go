// What the runner asks for and expects about encrypted ClientHellos (RFC 9849).

package main

import (
	"bytes"
	"crypto/hpke"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// echSettings are about encrypted ClientHellos.
type echSettings struct {
	list           []byte // an ECHConfigList; nil: none
	rejectUnusable bool
	grease         bool
	configs, keys  [][]byte // a server's, in one order
	retries        []bool   // which of them are offered to clients that could not use any

	expectAccepted bool
	expectName     string // in place of the one that is wanted; empty: any
	expectNoName   bool
	expectRetry    []byte
	expectNoRetry  bool
}

// more is a flag that is given once for each of a server's keys.
func more(to func(*echSettings) *[][]byte) flag {
	return flag{true, func(s *settings, v string) error {
		b, err := base64.StdEncoding.DecodeString(v)
		*to(&s.ech) = append(*to(&s.ech), b)
		return err
	}}
}

var echFlags = map[string]flag{
	"ech-config-list":            octets(func(s *settings) *[]byte { return &s.ech.list }),
	"reject-unusable-ech-config": yes(func(s *settings) *bool { return &s.ech.rejectUnusable }),
	"enable-ech-grease":          yes(func(s *settings) *bool { return &s.ech.grease }),
	"ech-server-config":          more(func(e *echSettings) *[][]byte { return &e.configs }),
	"ech-server-key":             more(func(e *echSettings) *[][]byte { return &e.keys }),
	"ech-is-retry-config": {true, func(s *settings, v string) error {
		s.ech.retries = append(s.ech.retries, v == "1")
		return nil
	}},
	"expect-ech-accept":           yes(func(s *settings) *bool { return &s.ech.expectAccepted }),
	"expect-ech-name-override":    text(func(s *settings) *string { return &s.ech.expectName }),
	"expect-no-ech-name-override": yes(func(s *settings) *bool { return &s.ech.expectNoName }),
	"expect-ech-retry-configs":    octets(func(s *settings) *[]byte { return &s.ech.expectRetry }),
	"expect-no-ech-retry-configs": yes(func(s *settings) *bool { return &s.ech.expectNoRetry }),
}

// client has a client encrypt its ClientHello. Like BoringSSL it does without where it
// cannot, if it is not told otherwise.
func (e *echSettings) client(cfg *handshake.Config) error {
	cfg.GREASEECH = e.grease && cfg.MaxVersion >= tlsmsg.VersionTLS13
	if e.list == nil && e.rejectUnusable {
		return errors.New("no ECHConfig can be used: there is none")
	} else if e.list == nil {
		return nil
	}
	list, err := tlsmsg.ParseECHConfigList(e.list)
	if err != nil {
		return fmt.Errorf("an ECHConfigList that does not decode: %w", err)
	}
	_, err = handshake.UsableECH(list)
	if err == nil && cfg.MaxVersion < tlsmsg.VersionTLS13 {
		err = errors.New("no TLS 1.3 is offered")
	}
	if err == nil {
		cfg.ECHConfigs = list
	} else if e.rejectUnusable {
		return fmt.Errorf("no ECHConfig can be used: %w", err)
	}
	return nil
}

// server gives a server its keys.
func (e *echSettings) server(cfg *handshake.ServerConfig) (private []hpke.PrivateKey, err error) {
	for i, raw := range e.configs {
		list, err := tlsmsg.ParseECHConfigList(append([]byte{byte(len(raw) >> 8), byte(len(raw))}, raw...))
		if err != nil {
			return nil, err
		}
		kem, err := hpke.NewKEM(uint16(list[0].KEM))
		if err != nil {
			return nil, fmt.Errorf("%w: %v", errUnimplemented, err)
		}
		key, err := kem.NewPrivateKey(e.keys[i])
		if err != nil {
			return nil, err
		}
		cfg.ECHKeys, private = append(cfg.ECHKeys, handshake.ECHKey{Config: list[0], Retry: e.retries[i]}), append(private, key)
	}
	return private, nil
}

// checkName compares the name that a certificate is checked for.
func (p *peer) checkName(w handshake.VerifyChainWork) error {
	e := &p.now().ech
	if over := w.ServerName != p.set.hostName; e.expectNoName && over || e.expectName != "" && w.ServerName != e.expectName {
		return fmt.Errorf("expectation: the certificate is checked for the name %q, not %q", w.ServerName, e.expectName)
	}
	return nil
}

// checkECH compares what became of the encrypted ClientHello.
func (p *peer) checkECH() error {
	got := p.machine.ECH()
	ours := !p.set.server || len(p.set.ech.configs) > 0 // else somebody before us has read it, which BoringSSL does not call so
	if p.set.ech.expectAccepted != (got == handshake.ECHAccepted && ours) {
		return fmt.Errorf("encrypted ClientHello %v", got)
	}
	return nil
}

// rejected compares what the server offers in place of what it could not use, where
// that is expected, and returns the error if it fits.
func (e *echSettings) rejected(err error) error {
	if e.expectRetry == nil && !e.expectNoRetry {
		return err
	}
	var rejected *handshake.ECHRejectedError
	if !errors.As(err, &rejected) {
		return fmt.Errorf("expectation: a rejected ClientHello, and not: %v", err)
	}
	if !bytes.Equal(rejected.RetryConfigs, e.expectRetry) {
		return fmt.Errorf("expectation: retry configurations %x, not %x", rejected.RetryConfigs, e.expectRetry)
	}
	return err
}
