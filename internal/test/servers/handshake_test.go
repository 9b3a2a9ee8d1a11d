package servers

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

// TestConnectStartsTLSWithEachServer finishes a handshake of ours over our own packets,
// and believes the certificate.
func TestConnectStartsTLSWithEachServer(t *testing.T) {
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		r, status := connect(t, l, s, p)
		if status != 0 || !r.OK || !r.PeerVerified || r.Outcome != "finished" {
			t.Errorf("exit status %d, %+v", status, r)
		}
	})
}

// TestProbeStartsTLSWithEachServer is the same by the event loop.
func TestProbeStartsTLSWithEachServer(t *testing.T) {
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		if r := probe(t, l, s, p); !r.PeerVerified || r.Outcome != "finished" {
			t.Errorf("%+v", r)
		}
	})
}

// TestTheProtocolGoesOnUnderTLS says goodbye in each protocol of lines, and hears the
// server say it too: what stands behind the handshake is the protocol again.
func TestTheProtocolGoesOnUnderTLS(t *testing.T) {
	words := map[string][2]string{"smtp": {"QUIT", "221 "}, "lmtp": {"QUIT", "221 "}, "imap": {"a3 LOGOUT", "* BYE"}, "pop3": {"QUIT", "+OK"},
		"ftp": {"QUIT", "221 "}, "nntp": {"QUIT", "205 "}, "sieve": {"LOGOUT", "OK"}, "irc": {"QUIT", "ERROR "}}
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		w, ok := words[p.Protocol]
		if !ok {
			t.Skip("this is no protocol of lines")
		}
		reply, status := say(t, l, w[0]+"\r\n", connectArgs(s, p, "--view", "none")...)
		want := 0
		if s.Server.Name == "vsftpd" {
			want = 6 // it ends the connection without close_notify, which could be anybody's doing
		}
		if status != want || !strings.Contains(reply, w[1]) {
			t.Errorf("exit status %d, the server answers %q with %q", status, w[0], reply)
		}
	})
}
