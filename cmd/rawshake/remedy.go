//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// remedied turns an error into what a person reads: what happened, then what
// to do about it. Text from the network is escaped.
func (f *connectFlags) remedied(err error) error {
	text := view.EscapeError(err)
	if remedy := f.remedy(err); remedy != "" {
		text += "\n  " + remedy
	}
	return errors.New(text)
}

// onlyRemedy is remedied for a person who has just read what happened; nil
// where there is no way out.
func (f *connectFlags) onlyRemedy(err error) error {
	if remedy := f.remedy(err); remedy != "" {
		return errors.New(remedy)
	}
	return nil
}

// remedy is the way out of an error, or nothing where there is none.
func (f *connectFlags) remedy(err error) string {
	var alert *handshake.AlertError
	var wanted *goal.CredentialWantedError
	var timeout *goal.TimeoutError
	var unverified *goal.UnverifiedError
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, guard.ErrPermission):
		return grant("cap_net_raw,cap_net_admin")
	case errors.Is(err, link.ErrPermission):
		return grant("cap_net_raw") + "\n  " +
			"Or leave TCP to the kernel and see the TLS alone, without any privilege: --link kernel\n  " +
			"Or see a handshake without any privilege, in a private network: rawshake lab demo. What this machine allows: rawshake doctor"
	case errors.Is(err, guard.ErrPortInUse):
		return fmt.Sprintf("Choose another port than %d with --source-port, or leave the flag out.", f.sourcePort)
	case errors.As(err, &unverified):
		return unverifiedRemedy(unverified)
	case errors.As(err, &wanted):
		return "Give one that the server takes with --cert and --key."
	case errors.As(err, &alert):
		return f.tls.alertRemedy(alert)
	case errors.Is(err, handshake.ErrNotTLS):
		return "Something else speaks on this port: give the one where TLS is spoken, HOST:PORT (443 if none is given)."
	case errors.Is(err, rawtcp.ErrRefused):
		return "Nothing listens on this port, or a firewall says so in its name: check the port, HOST:PORT (443 if none is given)."
	case errors.Is(err, rawtcp.ErrReset):
		return f.resetRemedy()
	case errors.As(err, &timeout) && timeout.Connected:
		return "The peer took the connection, and is slow or waits for something else: try a longer --timeout, and see that TLS is spoken on this port from the first byte."
	case errors.Is(err, rawtcp.ErrTimeout):
		return "The host may be down, or a firewall on the way may drop what it does not like: try another port, or a longer --timeout."
	}
	return f.tls.remedy(err)
}

// grant is the command that gives this very program capabilities.
func grant(capabilities string) string {
	program, err := os.Executable()
	if err != nil {
		program = "rawshake"
	}
	return fmt.Sprintf("Grant it with: sudo setcap %s+ep %s", capabilities, program)
}

func (f *connectFlags) resetRemedy() string {
	if f.guard == guard.KindNone {
		return "Without a guard the local kernel answers the SYN-ACK with a RST of its own: leave out --guard none, or use --guard auto."
	}
	return "If the view shows a RST that this machine's kernel sent, the guard let it pass: rawshake doctor says which guards work here."
}

func unverifiedRemedy(e *goal.UnverifiedError) string {
	const asItIs = ", or accept it as it is with --insecure."
	var v *worker.Verdict
	if !errors.As(e, &v) {
		return "Name its CA with --ca FILE" + asItIs
	}
	switch v.Reason {
	case worker.WrongName:
		return "Give the name that it is for with --servername" + asItIs
	case worker.Expired, worker.NotYetValid:
		return "Check this machine's clock and the server's certificate" + asItIs
	case worker.UnknownAuthority, worker.SelfSigned:
		return "Name its CA with --ca FILE" + asItIs
	case worker.WeakKey:
		return "The server needs a chain with larger keys: take it with --legacy" + asItIs
	case worker.Revoked:
		return "The server needs another certificate: its CA has revoked this one."
	}
	return "The server needs another certificate, since no other root would help" + asItIs
}

func (f *tlsFlags) alertRemedy(e *handshake.AlertError) string {
	switch e.Alert.Description {
	case tlsmsg.AlertProtocolVersion:
		return "The server takes none of the versions offered: at most TLS 1.2 is spoken here, and many servers want 1.3."
	case tlsmsg.AlertHandshakeFailure:
		how := "The two sides share no cipher suite, group or signature scheme: offer others with --ciphers and --groups"
		if !f.legacy {
			how += ", or, to look at an old host, 3DES, RC4 and SHA-1 with --legacy"
		}
		return how + "."
	case tlsmsg.AlertNoApplicationProtocol:
		return "The server speaks none of the protocols offered: choose others with --alpn."
	case tlsmsg.AlertUnrecognizedName:
		return "The server does not know the name: give another with --servername."
	}
	return ""
}
