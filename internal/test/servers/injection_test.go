package servers

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

// lastWords end what a client says before TLS. MySQL's server is not asked: it offers.
var lastWords = map[string]string{"smtp": "STARTTLS", "lmtp": "STARTTLS", "imap": "STARTTLS", "pop3": "STLS", "ftp": "AUTH TLS",
	"xmpp": "<starttls", "xmpp-server": "<starttls", "ldap": "1.3.6.1.4.1.1466.20037", "postgres": "\x04\xd2\x16\x2f", "mysql": "",
	"nntp": "STARTTLS", "sieve": "STARTTLS", "irc": "STARTTLS", "rdp": "\x03\x00"}

// TestPlaintextBehindAnAgreementIsNamed has somebody on the way add a line to the segment
// in which each server agrees to TLS, or offers it where it is not asked.
func TestPlaintextBehindAnAgreementIsNamed(t *testing.T) {
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		at := injects(t, l, s.Address(p).String(), lastWords[p.Protocol])
		refused(t, l, s, Port{p.Protocol, at}, refusal{"injected_plaintext", `"250 injected"`, "somebody on the way put it there", 6})
	})
}

// injects starts a relay before a server, on its node, and returns its port.
func injects(t *testing.T, l *lab.Lab, server, after string) (port uint16) {
	t.Helper()
	ln, err := l.Far().Listen("tcp", net.JoinHostPort(l.Far().Addr().String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	var carried sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); carried.Wait() })
	carried.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s, err := l.Far().Dial(t.Context(), "tcp", server)
			if err != nil {
				t.Error(err)
				_ = c.Close()
				return
			}
			carried.Go(func() { inject(c, s, []byte(after)) })
		}
	})
	return uint16(ln.Addr().(*net.TCPAddr).Port)
}

// inject carries both directions until one ends, and adds a line to what the server says
// once the client has said the words.
func inject(client, server net.Conn, after []byte) {
	var asked atomic.Bool
	var both sync.WaitGroup
	carry := func(to io.Writer, from io.Reader, change func([]byte) []byte) {
		defer func() { _ = client.Close(); _ = server.Close() }()
		buf := make([]byte, 16<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				_, _ = to.Write(change(buf[:n]))
			}
			if err != nil {
				return
			}
		}
	}
	asked.Store(len(after) == 0)
	both.Go(func() {
		carry(server, client, func(b []byte) []byte {
			if bytes.Contains(b, after) {
				asked.Store(true)
			}
			return b
		})
	})
	carry(client, server, func(b []byte) []byte {
		if asked.Swap(false) {
			return append(b, "250 injected\r\n"...)
		}
		return b
	})
	both.Wait()
}
