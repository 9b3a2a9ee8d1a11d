// What an alert means, by who sent it and when.

package goal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// alert finds the reason of an alert: what it means depends on when it came.
func (d *diagnosis) alert() {
	a := d.fatal()
	if a == nil {
		d.add(transcript.Reason{Code: "alert", Layer: transcript.TLS, What: d.said()})
		return
	}
	r := transcript.Reason{Code: "alert_" + a.Description.String(), Layer: transcript.TLS, Sure: transcript.Likely,
		What: fmt.Sprintf("the %s sent the alert %v (%d) after %s", side(a.dir), a.Description, uint8(a.Description), a.after), Frames: frames(a.mark)}
	if a.plaintext {
		r.What = fmt.Sprintf("the %s sent the alert %v (%d) in plaintext after its ChangeCipherSpec", side(a.dir), a.Description, uint8(a.Description))
	}
	if a.dir == transcript.Out {
		d.clientAlert(a, &r)
	} else {
		d.serverAlert(a, &r)
	}
	if r.Code != "" {
		d.add(r)
	}
}

// serverAlert says what an alert from the server means.
func (d *diagnosis) serverAlert(a *alert, r *transcript.Reason) {
	switch {
	case a.when == connected && d.renegotiationRefused(r):
	case a.when == connected:
		afterHandshake(a, r)
	case a.when == afterClientFlight && d.unfulfilled() && a.Description != tlsmsg.AlertBadRecordMAC && a.Description != tlsmsg.AlertDecryptError:
		d.certificateWanted(r, a.Description == tlsmsg.AlertCertificateRequired)
	case a.when == afterClientFlight && d.credential > 0:
		d.credentialRefused(a.Description, r)
	case a.when == afterClientFlight:
		afterTheKeys(a, r)
	case a.when == inServerFlight || a.when == afterServerFlight:
		r.Means = "the server gave up in the middle of its own flight, before the client answered: what failed is on its side"
		r.Remedy = "Look into the server's log."
	case a.when == afterHello && d.again:
		anotherRefused(r)
	case a.when == afterHello:
		d.helloRefused(a, r)
	default:
		r.Means, r.Sure = "the server ended the connection before the client said anything in TLS: its reason is not in this conversation", transcript.Likely
		r.Remedy = "Try again later: the server may be overloaded, or refuse this address."
	}
}

// helloRefused says what an alert in answer to the ClientHello means.
func (d *diagnosis) helloRefused(a *alert, r *transcript.Reason) {
	r.Frames = frames(d.helloAt, a.mark)
	switch a.Description {
	case tlsmsg.AlertProtocolVersion:
		d.versionRefused(r)
	case tlsmsg.AlertHandshakeFailure, tlsmsg.AlertInsufficientSecurity:
		d.nothingShared(r)
	case tlsmsg.AlertUnrecognizedName:
		d.nameUnknown(r)
	case tlsmsg.AlertNoApplicationProtocol:
		r.Means, r.Sure = "the server speaks none of the application protocols that the ClientHello offers"+inBrackets(d.offeredALPN()), transcript.Certain
		r.Remedy = "Offer others (--alpn), or none."
	case tlsmsg.AlertInappropriateFallback:
		r.Means, r.Sure = "the ClientHello says that it is a second try with a lower version (TLS_FALLBACK_SCSV), and the server speaks a higher one (RFC 7507)", transcript.Certain
		r.Remedy = "Offer the highest version that the client speaks, without --fallback-scsv."
	case tlsmsg.AlertUnexpectedMessage, tlsmsg.AlertDecodeError, tlsmsg.AlertIllegalParameter, tlsmsg.AlertUnsupportedExtension, tlsmsg.AlertMissingExtension, tlsmsg.AlertRecordOverflow:
		r.Means, r.Sure = "the server does not take the ClientHello as it stands: an extension or a value in it is wrong to it, or missing", transcript.Guess
		r.Remedy = "Try with less: without --extension, --grease and --pad-to, or leave extensions out one by one (--omit-extension)."
	case tlsmsg.AlertInternalError:
		r.Means, r.Sure = "the server failed while it answered the ClientHello; often it has no certificate or no configuration for the name that was asked for"+inBrackets(d.asked()), transcript.Guess
		r.Remedy = "Look into the server's log, or ask for another name (--servername)."
	case tlsmsg.AlertAccessDenied, tlsmsg.AlertCertificateUnknown, tlsmsg.AlertBadCertificate, tlsmsg.AlertUnsupportedCertificate, tlsmsg.AlertCertificateRequired:
		r.Means, r.Sure = "the server refuses this client by a rule of its own, before it has shown anything of itself", transcript.Guess
		r.Remedy = "Look into the server's log; try from another address, or ask for another name (--servername)."
	default:
		r.Remedy = "Look into the server's log: the alert alone does not say what to change in the ClientHello."
	}
}

func (d *diagnosis) versionRefused(r *transcript.Reason) {
	r.Code, r.Sure = "version_refused", transcript.Certain
	offered := d.offeredVersions()
	r.Means = "the server takes none of the versions that the ClientHello offers" + inBrackets(offered)
	r.Remedy = "Offer others"
	if d.hello != nil && highest(d.hello) <= tlsmsg.VersionTLS12 {
		r.Remedy += ": many servers want TLS 1.3 (--max-version 1.3), and old ones TLS 1.0 or 1.1 (--min-version 1.0)"
	} else {
		r.Remedy += ": allow the client TLS 1.2 and lower, which old servers want (rawshake connect, curl --tls-max 1.2, or rawshake connect --min-version 1.0)"
	}
	r.Remedy += "."
}

func (d *diagnosis) nothingShared(r *transcript.Reason) {
	r.Code, r.Sure = "nothing_shared", transcript.Likely
	r.Means = "the two sides share no cipher suite, group, signature scheme or, where it came as handshake_failure, version; some servers say the same of a name that they do not know"
	r.Remedy = "Offer others with --ciphers and --groups"
	if d.hello != nil && !offersLegacy(d.hello) {
		r.Remedy += ", or, to look at an old host, 3DES, RC4 and SHA-1 with --legacy"
	}
	if d.hello != nil && highest(d.hello) <= tlsmsg.VersionTLS12 {
		r.Remedy += "; a server that speaks TLS 1.3 alone may answer like this, too (--max-version 1.3)"
	}
	r.Remedy += "."
}

func (d *diagnosis) nameUnknown(r *transcript.Reason) {
	r.Code, r.Sure = "name_unknown", transcript.Certain
	if name := d.asked(); name != "" {
		r.Means = "the server has no site of the name that the ClientHello asks for, " + name
		r.Remedy = "Ask for a name that it has (--servername)."
		return
	}
	r.Means = "the server wants to be asked for a name, and the ClientHello has no server_name"
	r.Remedy = "Ask for one (--servername)."
}

// afterTheKeys says what an alert in answer to the client's key exchange or
// Finished means, if no client certificate is involved.
func afterTheKeys(a *alert, r *transcript.Reason) {
	switch a.Description {
	case tlsmsg.AlertDecryptError, tlsmsg.AlertBadRecordMAC, tlsmsg.AlertHandshakeFailure:
		r.Means = "the server could not verify or decrypt what the client sent last: the two sides have come to different keys, or have seen different messages; a suite they had agreed on before"
		r.Remedy = "Try it without anything between the two that may change what passes (a proxy, a balancer that sends each connection to a host with another key or ticket key); try other suites or groups (--ciphers, --groups)."
		r.Sure = transcript.Guess
	case tlsmsg.AlertDecodeError, tlsmsg.AlertIllegalParameter, tlsmsg.AlertUnexpectedMessage:
		r.Means = "the server does not take the client's key exchange as it stands"
		r.Remedy = "Try other suites or groups (--ciphers, --groups)."
		r.Sure = transcript.Guess
	default:
		r.Means = "the server gave up after the client's last flight: a suite and a version they had agreed on before"
		r.Remedy = "Look into the server's log."
	}
}

// afterHandshake says what an alert after the handshake means.
func afterHandshake(a *alert, r *transcript.Reason) {
	switch a.Description {
	case tlsmsg.AlertBadRecordMAC, tlsmsg.AlertDecodeError, tlsmsg.AlertRecordOverflow, tlsmsg.AlertUnexpectedMessage:
		r.Means = "the handshake was complete: the server objects to a record that the client sent after it, which may have been changed on the way"
		r.Sure = transcript.Guess
	default:
		r.Means = "the handshake was complete: the server's reason lies in what it was asked for, or in a rule of its own"
	}
	r.Remedy = "Look into the server's log: the handshake has nothing to do with it."
}

// renegotiationRefused explains a server that wanted another handshake (RFC
// 5246, section 7.4.1.1) and closed when it did not get one.
func (d *diagnosis) renegotiationRefused(r *transcript.Reason) bool {
	if !d.helloRequest.set {
		return false
	}
	r.Code, r.Sure = "renegotiation_wanted", transcript.Certain
	r.Frames = append(frames(d.helloRequest), r.Frames...)
	r.Means = "the server asked for another handshake once the first was complete (HelloRequest), the client refused, and the server insists; often it wants a client certificate for this path alone"
	r.Remedy = "Allow it with --renegotiation (and --cert, if it is for a certificate), ask for a path that needs none, or have the server ask in the first handshake."
	if h := d.serverHello; h != nil && tlsmsg.FindExtension(h.Extensions, tlsmsg.ExtensionRenegotiationInfo) < 0 {
		r.Means += "; the server does not know RFC 5746, without which a renegotiation can be abused and --renegotiation does none"
		r.Remedy = "Have the server updated, or have it ask in the first handshake; ask for a path that needs none."
	}
	return true
}

// anotherRefused explains a server that closed when another handshake had begun
// inside the connection.
func anotherRefused(r *transcript.Reason) {
	r.Code, r.Sure = "renegotiation_failed", transcript.Likely
	r.Means = "the first handshake was complete, and the server does not take the client's ClientHello for another inside the connection: it wants something else now (other suites for this path), or takes no renegotiation after all"
	r.Remedy = "Look into the server's log; try other suites (--ciphers), or a path that needs no other handshake."
}

// clientAlert says what an alert from the client means.
func (d *diagnosis) clientAlert(a *alert, r *transcript.Reason) {
	if !d.captured {
		d.fault(r)
		return
	}
	if a.Description == tlsmsg.AlertECHRequired {
		r.Code, r.Sure = "ech_rejected", transcript.Certain
		r.Means = "the client had encrypted its ClientHello, and the server, which could not read it, went on with the one around it: the client has other configurations than the server has keys"
		r.Remedy = "Give the client what the server publishes today (the HTTPS record of its name in DNS), or what it has just offered (retry_configs)."
		return
	}
	if broke, sure := d.evident(a); broke != nil {
		what, at := r.What+": "+broke.Because(), frames(d.lastAt, a.mark)
		blame(broke, r)
		r.What, r.Frames, r.Sure = what, at, max(sure, r.Sure)
		return
	}
	switch a.Description {
	case tlsmsg.AlertBadCertificate, tlsmsg.AlertUnsupportedCertificate, tlsmsg.AlertCertificateRevoked, tlsmsg.AlertCertificateExpired,
		tlsmsg.AlertCertificateUnknown, tlsmsg.AlertUnknownCA:
		d.chainRefused(a, r)
	case tlsmsg.AlertProtocolVersion:
		r.Code, r.Sure = "version_refused", transcript.Certain
		r.Means, r.Frames = "the client does not take the version that the server chose"+inBrackets(versionText(d.version)), frames(d.serverAt, a.mark)
		r.Remedy = "Allow the client that version, or the server a higher one."
	case tlsmsg.AlertHandshakeFailure, tlsmsg.AlertInsufficientSecurity:
		r.Means, r.Frames = "the client finds what the server chose too weak, or not what it offered: a Diffie-Hellman prime or a key that is too small, a signature scheme", frames(d.serverAt, a.mark)
		r.Remedy = "See with rawshake connect which field it is: it names the one that it does not take."
	case tlsmsg.AlertBadRecordMAC, tlsmsg.AlertDecryptError:
		r.Means, r.Sure = "the client could not decrypt or verify what the server sent: the two sides have different keys, or something on the way changed the bytes", transcript.Guess
		r.Remedy = "Capture at both ends and compare the bytes."
	case tlsmsg.AlertIllegalParameter, tlsmsg.AlertDecodeError, tlsmsg.AlertUnexpectedMessage, tlsmsg.AlertUnsupportedExtension:
		r.Means = "the client finds that the server breaks the protocol"
		r.Remedy = "See with rawshake connect which field it is: it names the one that it does not take."
	case tlsmsg.AlertUserCanceled:
		r.Code, r.Means, r.Sure = "client_gave_up", "the client gave up for a reason that has nothing to do with TLS (RFC 5246, section 7.2.2)", transcript.Certain
	case tlsmsg.AlertInternalError:
		r.Means, r.Remedy = "the client failed on its own side", "Look into the client's log."
	default:
		r.Remedy = "Look into the client's log: the alert alone does not say more."
	}
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// asked is the name that the ClientHello asks for, or "".
func (d *diagnosis) asked() string {
	var name tlsmsg.ServerName
	if d.hello != nil && find(d.hello.Extensions, &name) {
		return name.HostName()
	}
	return ""
}

func (d *diagnosis) offeredALPN() string {
	var alpn tlsmsg.ALPN
	if d.hello != nil && find(d.hello.Extensions, &alpn) {
		return strings.Join(alpn.Protocols, ", ")
	}
	return ""
}

// offeredVersions lists the versions that a ClientHello offers.
func (d *diagnosis) offeredVersions() string {
	if d.hello == nil {
		return ""
	}
	var v tlsmsg.SupportedVersions
	if !find(d.hello.Extensions, &v) {
		return "at most " + d.hello.Version.String()
	}
	var names []string
	for _, version := range v.Versions {
		if version <= tlsmsg.VersionTLS13 { // not GREASE
			names = append(names, version.String())
		}
	}
	return strings.Join(names, ", ")
}

// highest is the highest version that a ClientHello offers.
func highest(h *tlsmsg.ClientHello) tlsmsg.Version {
	var v tlsmsg.SupportedVersions
	best := h.Version
	if find(h.Extensions, &v) {
		best = 0
		for _, version := range v.Versions {
			if version <= tlsmsg.VersionTLS13 {
				best = max(best, version)
			}
		}
	}
	return best
}

func versionText(v tlsmsg.Version) string {
	if v == 0 {
		return ""
	}
	return v.String()
}

// offersLegacy reports whether a ClientHello offers something that only
// --legacy offers.
func offersLegacy(h *tlsmsg.ClientHello) bool {
	return slices.Contains(h.CipherSuites, tlsmsg.TLS_RSA_WITH_3DES_EDE_CBC_SHA) || slices.Contains(h.CipherSuites, tlsmsg.TLS_RSA_WITH_RC4_128_SHA)
}

// find decodes an extension of a ClientHello into v, and reports whether that
// was possible.
func find(list []tlsmsg.Extension, v tlsmsg.ExtensionData) bool {
	i := tlsmsg.FindExtension(list, v.ExtensionType())
	return i >= 0 && list[i].Decode(v, tlsmsg.TypeClientHello) == nil
}
