//go:build linux

// The flags about TLS, as a handshake.Config.

package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/sessionfile"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// tlsFlags are the flags about what the ClientHello offers, and what is taken.
type tlsFlags struct {
	minVersion, maxVersion string
	legacy                 bool
	minDHBits              int
	sessionFile            string
	unsaved                bool // whether the session could not be written to it
	extensions             []string
	grease, greaseECH      bool
	fallback               bool
	renegotiation          bool
	recordSizeLimit        uint16
	padTo                  int
	omit                   []string
}

func (f *tlsFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.minVersion, "min-version", "", "the least TLS version to take: 1.0, 1.1, 1.2, 1.3 (default 1.2)")
	fl.StringVar(&f.maxVersion, "max-version", "", "the highest TLS version to offer: 1.0, 1.1, 1.2, 1.3 (default 1.3; 1.2 with --legacy, --fallback-scsv, or --ciphers of 1.2 alone)")
	fl.BoolVar(&f.legacy, "legacy", false, "for looking at old hosts: offer 3DES, RC4, NULL and SHA-1 too, take small keys")
	fl.IntVar(&f.minDHBits, "min-dh-bits", 0, "the smallest Diffie-Hellman prime to take, in bits (default 2048, with --legacy 1024)")
	fl.StringVar(&f.sessionFile, "session-file", "", "resume a session kept in this file, and keep the new one there (it holds secrets)")
	fl.StringArrayVar(&f.extensions, "extension", nil, "NUM:HEX, send this extension with these bytes, in place of ours of that number")
	fl.BoolVar(&f.grease, "grease", false, "add values that stand for nothing (RFC 8701), which a server must not mind")
	fl.BoolVar(&f.greaseECH, "grease-ech", false, "send an encrypted ClientHello that nobody can open (RFC 9849, 6.2): a server that could open one says to which keys")
	fl.Uint16Var(&f.recordSizeLimit, "record-size-limit", 0, "ask for records of at most so many bytes, 64 to 16384 (RFC 8449)")
	fl.IntVar(&f.padTo, "pad-to", 0, "bring the ClientHello up to so many bytes by the padding extension (RFC 7685)")
	fl.BoolVar(&f.fallback, "fallback-scsv", false, "say that a higher version was tried before (RFC 7507), to see the server refuse it")
	fl.BoolVar(&f.renegotiation, "renegotiation", false, "with --get or standard input, go along where the server asks for a client certificate inside the connection, as some do for some paths alone: in TLS 1.2 by another handshake (RFC 5746), in 1.3 by a request (RFC 9846, 4.7.2)")
	fl.StringSliceVar(&f.omit, "omit-extension", nil, "leave out these extensions, by name or number: extended_master_secret")
}

// planOffer reads --alpn, --ciphers and --groups.
func planOffer(cfg *handshake.Config, alpn, ciphers, groups []string) error {
	if cfg.ALPN = alpn; len(alpn) > 0 {
		if _, err := tlsmsg.NewALPN(alpn...); err != nil {
			return usageError("--alpn: %v", err)
		}
	}
	if err := parseNames("--ciphers", ciphers, tlsmsg.ParseCipherSuite, &cfg.CipherSuites); err != nil {
		return err
	}
	return parseNames("--groups", groups, tlsmsg.ParseNamedGroup, &cfg.Groups)
}

// plan turns the flags into a part of the options.
func (f *tlsFlags) plan(o *connect.Options) error {
	var err error
	if o.TLS.MinVersion, err = parseVersion("--min-version", f.minVersion); err != nil {
		return err
	}
	if o.TLS.MaxVersion, err = parseVersion("--max-version", f.maxVersion); err != nil {
		return err
	}
	if low, high := o.TLS.MinVersion, o.TLS.MaxVersion; high != 0 && low > high {
		return usageError("--min-version %s is more than --max-version %s", f.minVersion, f.maxVersion)
	}
	if f.minDHBits < 0 {
		return usageError("--min-dh-bits %d: must be more than 0", f.minDHBits)
	}
	o.TLS.Legacy, o.TLS.MinDHBits, o.TLS.GREASE = f.legacy, f.minDHBits, f.grease
	if n := f.recordSizeLimit; n != 0 && (n < 64 || n > tlsmsg.MaxPlaintext) {
		return usageError("--record-size-limit %d: must be 64 to %d bytes", n, tlsmsg.MaxPlaintext)
	}
	if f.padTo < 0 || f.padTo > 1<<16 {
		return usageError("--pad-to %d: must be 1 to %d bytes", f.padTo, 1<<16)
	}
	o.TLS.Renegotiation, o.TLS.PostHandshakeAuth = f.renegotiation, f.renegotiation
	o.TLS.RecordSizeLimit, o.TLS.PadTo, o.TLS.FallbackSCSV = f.recordSizeLimit, f.padTo, f.fallback
	for _, name := range f.omit {
		typ, err := tlsmsg.ParseExtensionType(name)
		if err != nil {
			return usageError("--omit-extension: %v", err)
		}
		o.TLS.Omit = append(o.TLS.Omit, typ)
	}
	for _, s := range f.extensions {
		e, err := parseExtension(s)
		if err != nil {
			return err
		}
		if tlsmsg.FindExtension(o.TLS.Extensions, e.Type) >= 0 {
			return usageError("--extension %q: number %d a second time", s, uint16(e.Type))
		}
		o.TLS.Extensions = append(o.TLS.Extensions, e)
	}
	return nil
}

// planGREASEECH looks at --grease-ech once the versions stand.
func (f *tlsFlags) planGREASEECH(c *handshake.Config) error {
	c.GREASEECH = f.greaseECH
	own := tlsmsg.FindExtension(c.Extensions, tlsmsg.ExtensionEncryptedClientHello) >= 0 || slices.Contains(c.Omit, tlsmsg.ExtensionEncryptedClientHello)
	switch {
	case f.greaseECH && c.MaxVersion < tlsmsg.VersionTLS13:
		return notOffered13("--grease-ech")
	case f.greaseECH && own:
		return usageError("--grease-ech makes %v itself: leave it out of --extension and --omit-extension", tlsmsg.ExtensionEncryptedClientHello)
	}
	return nil
}

// offerBoth has one ClientHello offer TLS 1.3 and 1.2, as browsers do, where the
// flags choose nothing else.
func (f *tlsFlags) offerBoth(c *handshake.Config) {
	is13 := func(id tlsmsg.CipherSuite) bool { return suite.Lookup13(id) != nil }
	only12 := len(c.CipherSuites) > 0 && !slices.ContainsFunc(c.CipherSuites, is13)
	// Who lists no suite of 1.2 wants none: a hello that offers the version could not agree on it.
	only13 := len(c.CipherSuites) > 0 && !slices.ContainsFunc(c.CipherSuites, func(id tlsmsg.CipherSuite) bool { return !is13(id) })
	if c.MaxVersion == 0 && (c.MinVersion == tlsmsg.VersionTLS13 || !f.legacy && !f.fallback && !only12) {
		c.MaxVersion = tlsmsg.VersionTLS13
	}
	if c.MinVersion == 0 && c.MaxVersion == tlsmsg.VersionTLS13 && only13 {
		c.MinVersion = tlsmsg.VersionTLS13
	}
}

// parseVersion reads a version such as 1.2, with or without TLS before it. An
// empty string means the default.
func parseVersion(flag, s string) (tlsmsg.Version, error) {
	switch strings.TrimLeft(strings.ToLower(s), "tlsv ") {
	case "":
		if s == "" {
			return 0, nil
		}
	case "1.0", "1":
		return tlsmsg.VersionTLS10, nil
	case "1.1":
		return tlsmsg.VersionTLS11, nil
	case "1.2":
		return tlsmsg.VersionTLS12, nil
	case "1.3":
		return tlsmsg.VersionTLS13, nil
	}
	return 0, usageError("%s %q is not one of 1.0, 1.1, 1.2, 1.3", flag, s)
}

// parseExtension reads NUM:HEX. HEX may be empty.
func parseExtension(s string) (e tlsmsg.Extension, err error) {
	num, digits, ok := strings.Cut(s, ":")
	n, numErr := strconv.ParseUint(num, 0, 16)
	if !ok || numErr != nil {
		return e, usageError("--extension %q is not NUM:HEX, with a number up to 65535: 16:0003026832", s)
	}
	data, err := hex.DecodeString(digits)
	if err != nil {
		return e, usageError("--extension %q: after the colon stand pairs of hexadecimal digits, as in 16:0003026832", s)
	}
	return tlsmsg.Extension{Type: tlsmsg.ExtensionType(n), Data: data}, nil
}

// planSession opens the session file. A fault in it is only a warning, since a
// handshake needs no session.
func (f *tlsFlags) planSession(o *connect.Options, t target) {
	if f.sessionFile == "" {
		return
	}
	warn := func(err error) { fmt.Fprintf(os.Stderr, "rawshake: warning: --session-file: %v\n", err) }
	if info, err := os.Stat(f.sessionFile); err == nil && !info.Mode().IsRegular() {
		f.unsaved = true
		warn(fmt.Errorf("%s is no regular file: nothing is read from it, or written in its place; name another", plain.Escape(f.sessionFile)))
		return
	}
	store, err := sessionfile.Open(f.sessionFile)
	if err != nil {
		warn(fmt.Errorf("%w; the file is kept beside the one that will take its place", err))
	}
	sayExposed(store.Exposed())
	peer := net.JoinHostPort(strings.ToLower(t.host), strconv.Itoa(int(t.port)))
	o.TLS.SessionTicket = true
	o.TLS.Session = store.Find(peer, o.TLS.ServerName, time.Now())
	o.Session = func(s *handshake.Session) {
		store.Put(peer, s, time.Now())
		if err := store.Save(); err != nil {
			f.unsaved = true
			warn(err)
		} else if aside := store.Aside(); aside != "" {
			fmt.Fprintf(os.Stderr, "rawshake: the session file that could not be read stands in %s now\n", plain.Escape(aside))
		}
	}
}
