//go:build linux

// The flags of `connect` about what TLS 1.3 alone has.

package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

type tls13Flags struct {
	keyShares            []string
	psks                 []string
	pskAlone             bool
	earlyData, keyUpdate bool
	compressions         []string
	ech                  string
}

func (f *tls13Flags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringSliceVar(&f.keyShares, "key-shares", nil, "groups of TLS 1.3 to send a key in at once, or none: for another the server has to ask (default: a hybrid with ML-KEM, and a curve)")
	fl.StringArrayVar(&f.psks, "psk", nil, "NAME:HEX, offer this pre-shared key to a server of TLS 1.3 (16 bytes or more, no password)")
	fl.BoolVar(&f.pskAlone, "psk-alone", false, "take a pre-shared key or a session without a key exchange too: whoever learns the key later can read it all")
	fl.BoolVar(&f.earlyData, "early-data", false, "of --get, send the request with the ClientHello, where the session allows: whoever records it can send it to the server once more (RFC 9846, 2.3)")
	fl.BoolVar(&f.keyUpdate, "key-update", false, "before the request, change our keys and ask the server to change its own (RFC 9846, 4.7.3)")
	fl.StringVar(&f.ech, "ech-config", "", "BASE64 or FILE, encrypt the ClientHello to this ECHConfigList (RFC 9849): the name that is asked for is then read by the server alone")
	fl.StringSliceVar(&f.compressions, "compress-certificate", nil, "take certificates that are compressed so: zlib, brotli, zstd (RFC 8879)")
}

// plan turns the flags into a part of the options, whose versions, groups and
// request stand already.
func (f *tls13Flags) plan(o *connect.Options) error {
	c := &o.TLS
	for _, x := range []struct {
		flag  string
		given bool
	}{
		{"--psk", f.psks != nil}, {"--psk-alone", f.pskAlone},
		{"--ech-config", f.ech != ""}, {"--early-data", f.earlyData}, {"--key-update", f.keyUpdate}, {"--compress-certificate", f.compressions != nil},
	} {
		if x.given && c.MaxVersion < tlsmsg.VersionTLS13 {
			return notOffered13(x.flag)
		}
	}
	c.PSKAlone, o.KeyUpdate = f.pskAlone, f.keyUpdate
	if f.keyUpdate && o.Goal != goal.Data {
		return usageError("--key-update goes before a request, and there is none: name one with --get, or give standard input")
	}
	if err := planShares(c, f.keyShares); err != nil {
		return err
	}
	if err := f.planECH(c); err != nil {
		return err
	}
	for _, s := range f.psks {
		k, err := parsePSK(s)
		if err != nil {
			return err
		}
		c.PSKs = append(c.PSKs, k)
	}
	if err := parseNames("--compress-certificate", f.compressions, parseCompression, &c.CompressCertificates); err != nil {
		return err
	}
	return f.planEarly(o)
}

func (f *tls13Flags) planECH(c *handshake.Config) (err error) {
	if f.ech == "" {
		return nil
	}
	own := tlsmsg.FindExtension(c.Extensions, tlsmsg.ExtensionEncryptedClientHello) >= 0 || slices.Contains(c.Omit, tlsmsg.ExtensionEncryptedClientHello)
	switch {
	case c.GREASEECH:
		return usageError("--ech-config and --grease-ech contradict each other")
	case own:
		return usageError("--ech-config makes %v itself: leave it out of --extension and --omit-extension", tlsmsg.ExtensionEncryptedClientHello)
	}
	c.ECHConfigs, err = parseECHConfig(f.ech)
	return err
}

func notOffered13(flag string) error {
	return usageError("%s is of TLS 1.3, which the other flags do not offer", flag)
}

// planShares reads --key-shares.
func planShares(c *handshake.Config, names []string) error {
	if names != nil && c.MaxVersion < tlsmsg.VersionTLS13 {
		return notOffered13("--key-shares")
	}
	if slices.Equal(names, []string{"none"}) {
		c.KeyShares = []tlsmsg.NamedGroup{}
		return nil
	}
	if err := parseNames("--key-shares", names, tlsmsg.ParseNamedGroup, &c.KeyShares); err != nil {
		return err
	}
	for _, g := range c.KeyShares {
		switch {
		case !suite.Shares(g):
			return usageError("--key-shares %v: no keys are made here in this group", g)
		case len(c.Groups) > 0 && !slices.Contains(c.Groups, g):
			return usageError("--key-shares %v: the group is none of --groups", g)
		}
	}
	return nil
}

// planEarly has the request go with the ClientHello too.
func (f *tls13Flags) planEarly(o *connect.Options) (err error) {
	if !f.earlyData {
		return nil
	}
	if !o.HTTP {
		return usageError("--early-data goes with --get: what else is sent may not be one that can safely come twice")
	}
	o.TLS.EarlyData, err = io.ReadAll(o.Request)
	return err
}

// parsePSK reads NAME:HEX. The name may have colons, the key has none.
func parsePSK(s string) (k handshake.PSK, err error) {
	i := strings.LastIndexByte(s, ':')
	if i <= 0 {
		return k, usageError("--psk: NAME:HEX is expected, with a name before the last colon")
	}
	k.Identity = []byte(s[:i])
	if k.Key, err = hex.DecodeString(s[i+1:]); err != nil {
		return k, usageError("--psk: after the last colon stand pairs of hexadecimal digits")
	}
	if len(k.Key) < minPSK {
		return k, usageError("--psk: the key has %d bytes, expected at least %d: a shorter one can be guessed", len(k.Key), minPSK)
	}
	return k, nil
}

const minPSK = 16 // bytes

func parseCompression(name string) (tlsmsg.CertificateCompressionAlgorithm, error) {
	for _, a := range []tlsmsg.CertificateCompressionAlgorithm{tlsmsg.CompressionZlib, tlsmsg.CompressionBrotli, tlsmsg.CompressionZstd} {
		if a.String() == name {
			return a, nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", name, strings.Join(compressions, ", "))
}
