package matrix

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

var goServer = &peer{
	name: "crypto/tls server", version: goVersion, suites: goSuites, lacks: goLacks,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell) error {
		cfg := &tls.Config{Certificates: []tls.Certificate{a.byKind[kind].tls}, MaxVersion: tls.VersionTLS12, ClientCAs: a.roots, CipherSuites: allGo()}
		if auth {
			cfg.ClientAuth = tls.RequireAndVerifyClientCert
		}
		addr := listen(t, echoGo(cfg)).String()
		return func(_ *testing.T, c cell) error { return a.visit(addr, c) }
	},
}

var goClient = &peer{
	name: "crypto/tls client", version: goVersion, suites: goSuites, lacks: goLacks,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell) error {
		h := newHost(t, a)
		return func(t *testing.T, c cell) error {
			cfg := &tls.Config{RootCAs: a.roots, ServerName: serverName, MaxVersion: tls.VersionTLS12,
				CipherSuites: []uint16{uint16(c.suite.ID)}, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			if auth {
				cfg.Certificates = []tls.Certificate{a.byKind[kind].tls}
			}
			h.receive(c)
			for _, resumed := range []bool{false, true} {
				if err := dialGo(h, cfg, resumed); err != nil {
					return err
				}
			}
			return h.judge()
		}
	},
}

// echoGo says back what it hears; the client judges.
func echoGo(cfg *tls.Config) func(net.Conn) {
	return func(stream net.Conn) {
		conn := tls.Server(stream, cfg)
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		io.Copy(conn, conn)
	}
}

// dialGo shakes hands, has a request answered, and closes.
func dialGo(addr net.Addr, cfg *tls.Config, resumed bool) error {
	conn, err := tls.Dial("tcp4", addr.String(), cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if got := conn.ConnectionState().DidResume; got != resumed {
		return fmt.Errorf("resumed=%v, expected %v", got, resumed)
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		return err
	}
	got := make([]byte, len(request))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if string(got) != request {
		return errors.New("the echo is not what was sent")
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	_, err = io.ReadAll(conn) // until our server's close_notify
	return err
}

func goLacks(c cell) string {
	switch {
	case c.kind == "RSA-PSS":
		return "crypto/x509 does not know keys that are tied to RSA-PSS"
	case !c.ticket:
		return "crypto/tls does not resume by ID"
	}
	return ""
}

func goVersion(*testing.T) string { return strings.TrimPrefix(runtime.Version(), "go") }

func allGo() (ids []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if slices.Contains(s.SupportedVersions, tls.VersionTLS12) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func goSuites(*testing.T) func(tlsmsg.CipherSuite) bool {
	all := allGo()
	return func(id tlsmsg.CipherSuite) bool { return slices.Contains(all, uint16(id)) }
}
