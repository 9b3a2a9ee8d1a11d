// What a server of TLS 1.3 checks of a ClientHello, the first and the second
// (RFC 9846, sections 4.2.2 and 9.2).

package handshake

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// checkOffer13 checks what a ClientHello needs (RFC 9846, section 9.2), and what a
// second one must not change (section 4.2.2).
func (s *Server) checkOffer13() error {
	o := &s.offer
	has := func(t tlsmsg.ExtensionType) bool { return tlsmsg.FindExtension(o.hello.Extensions, t) >= 0 }
	missing := func(t tlsmsg.ExtensionType) error {
		return refuse(tlsmsg.AlertMissingExtension, "ClientHello.extensions", "no %v", t)
	}
	switch {
	case !has(tlsmsg.ExtensionPreSharedKey) && !has(tlsmsg.ExtensionSignatureAlgorithms):
		return missing(tlsmsg.ExtensionSignatureAlgorithms)
	case !has(tlsmsg.ExtensionPreSharedKey) && !has(tlsmsg.ExtensionSupportedGroups),
		has(tlsmsg.ExtensionKeyShare) && !has(tlsmsg.ExtensionSupportedGroups):
		return missing(tlsmsg.ExtensionSupportedGroups)
	case has(tlsmsg.ExtensionSupportedGroups) && !has(tlsmsg.ExtensionKeyShare):
		return missing(tlsmsg.ExtensionKeyShare)
	case has(tlsmsg.ExtensionPreSharedKey) && !has(tlsmsg.ExtensionPSKKeyExchangeModes):
		return missing(tlsmsg.ExtensionPSKKeyExchangeModes)
	}
	if err := checkShares(o); err != nil {
		return err
	}
	if !s.retried() {
		s.exchange13.first = unchanging(&o.hello)
		if o.cookie != nil {
			return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.cookie", "one, though there was no HelloRetryRequest")
		}
		return nil
	}
	return s.checkSecond()
}

// checkShares checks that no group has two shares, and that each is one of
// supported_groups (RFC 9846, section 4.3.8).
func checkShares(o *offer) error {
	for i, share := range o.shares {
		switch {
		case slices.ContainsFunc(o.shares[:i], func(other tlsmsg.KeyShareEntry) bool { return other.Group == share.Group }):
			return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.key_share", "two keys in %v", share.Group)
		case !slices.Contains(o.groups, share.Group):
			return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.key_share", "a key in %v, which is not among supported_groups", share.Group)
		}
	}
	return nil
}

// checkSecond checks a ClientHello after a HelloRetryRequest.
func (s *Server) checkSecond() error {
	o, x := &s.offer, s.exchange13
	switch {
	case unchanging(&o.hello) != x.first:
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello", "the second differs from the first in more than a HelloRetryRequest asks for (RFC 9846, section 4.2.2)")
	case !bytes.Equal(o.cookie, s.tls13.cookie):
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.cookie", "%d bytes, expected the %d of the HelloRetryRequest", len(o.cookie), len(s.tls13.cookie))
	case o.early:
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.early_data", "after a HelloRetryRequest")
	case x.asked != 0 && (len(o.shares) != 1 || o.shares[0].Group != x.asked):
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.key_share", "expected one key, in %v, as the HelloRetryRequest asks", x.asked)
	}
	return nil
}

// unchanging is a digest of what a second ClientHello repeats of the first (RFC
// 9846, section 4.2.2).
func unchanging(hello *tlsmsg.ClientHello) (sum [sha256.Size]byte) {
	h := sha256.New()
	head := *hello
	head.Extensions, head.HasExtensions = nil, false
	h.Write(head.AppendBody(nil, tlsmsg.Context{}))
	var header [4]byte
	for _, e := range hello.Extensions {
		switch e.Type {
		case tlsmsg.ExtensionKeyShare, tlsmsg.ExtensionEarlyData, tlsmsg.ExtensionCookie, tlsmsg.ExtensionPreSharedKey, tlsmsg.ExtensionPadding,
			tlsmsg.ExtensionEncryptedClientHello:
			continue
		}
		binary.BigEndian.PutUint16(header[:], uint16(e.Type))
		binary.BigEndian.PutUint16(header[2:], uint16(len(e.Data)))
		h.Write(header[:])
		h.Write(e.Data)
	}
	h.Sum(sum[:0])
	return sum
}
