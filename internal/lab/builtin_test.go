package lab_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// greets makes a TLS connection from the first node and fetches a page.
func greets(t *testing.T, l *lab.Lab, address string) error {
	t.Helper()
	papers, err := l.Papers()
	if err != nil {
		t.Fatal(err)
	}
	reply, err := get(t.Context(), l, address, clientConfig(papers.PKI, true))
	if err == nil && !strings.HasPrefix(reply, "HTTP/1.1 200 OK") {
		t.Errorf("%s replies %q", address, reply)
	}
	return err
}

func TestEachBuiltInTopologyServesTLS(t *testing.T) {
	for _, topology := range lab.Builtin() {
		if topology.Name == "bare" {
			continue
		}
		t.Run(topology.Name, func(t *testing.T) {
			l := newLabWith(t, topology)
			far := l.Far()
			for _, a := range []netip.Addr{far.Addr(), far.Addr6()} {
				if !a.IsValid() {
					continue
				}
				if err := greets(t, l, netip.AddrPortFrom(a, 443).String()); err != nil {
					t.Errorf("%v: %v", a, err)
				}
			}
			if err := l.Near().Do(func() error {
				_, err := net.Interfaces()
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// dial tells how a connection from the first node begins.
func dial(l *lab.Lab, address string, patience time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return l.Near().Dial(ctx, "tcp", address)
}

// Of the wide topology every address answers, in either IP version, and
// answers what its network is told to.
func TestEveryAddressOfAWideLabAnswersAsItsNetworkIsTold(t *testing.T) {
	l := newLabWith(t, lab.Mixed())
	for _, address := range []string{
		"198.18.0.0:443", "198.18.0.1:443", "198.18.63.255:443", "198.18.200.7:443", "198.18.255.255:443",
		"[2001:db8:18::]:443", "[2001:db8:18::1]:443", "[2001:db8:18::ffff]:443",
	} {
		if err := greets(t, l, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, want := range map[string]error{
		"198.18.64.1:443":         os.ErrDeadlineExceeded,
		"198.18.79.255:443":       os.ErrDeadlineExceeded,
		"198.18.80.0:443":         syscall.ECONNREFUSED,
		"198.18.95.255:443":       syscall.ECONNREFUSED,
		"198.18.96.9:443":         syscall.EHOSTUNREACH,
		"198.18.0.1:444":          syscall.ECONNREFUSED,
		"[2001:db8:18::4001]:443": os.ErrDeadlineExceeded,
		"[2001:db8:18::5fff]:443": syscall.ECONNREFUSED,
		"[2001:db8:18::6001]:443": syscall.ENETUNREACH,
	} {
		patience := 5 * time.Second
		if want == os.ErrDeadlineExceeded {
			patience = 300 * time.Millisecond
		}
		c, err := dial(l, address, patience)
		if err == nil {
			c.Close()
		}
		var timeout net.Error
		silent := errors.As(err, &timeout) && timeout.Timeout()
		if !errors.Is(err, want) && !(silent && want == os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}
	for address, want := range map[string]string{
		"198.18.100.1:443": "\x16",
		"198.18.104.1:443": "HTTP/1.1 400",
		"198.18.108.1:443": "",
	} {
		c, err := dial(l, address, 5*time.Second)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		_, _ = c.Write([]byte("GET /\r\n\r\n"))
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		got, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(got), want) || want == "" && len(got) > 0 {
			t.Errorf("%s says %q, want %q", address, got, want)
		}
		c.Close()
	}
}

// docs/lab.md knows every word that a topology file may say.
func TestThePageKnowsEveryWord(t *testing.T) {
	text, err := os.ReadFile("../../docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, k := range service.Kinds {
		words = append(words, string(k))
	}
	for _, a := range service.Acts {
		words = append(words, string(a))
	}
	for _, k := range pki.KeyTypes {
		words = append(words, string(k))
	}
	for _, f := range pki.Faults {
		words = append(words, string(f))
	}
	for _, t := range lab.Builtin() {
		words = append(words, t.Name)
	}
	for _, w := range words {
		if !strings.Contains(string(text), "`"+w+"`") {
			t.Errorf("docs/lab.md does not say `%s`", w)
		}
	}
}
