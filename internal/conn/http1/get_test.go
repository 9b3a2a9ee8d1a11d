package http1_test

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"

	"github.com/rawshake/rawshake/internal/conn/http1"
)

// A server reads what was asked for.
func TestARequestSaysWhatIsAskedFor(t *testing.T) {
	for _, tc := range []struct {
		host string
		port uint16
		want string
	}{
		{"host.test", 443, "host.test"}, {"host.test", 8443, "host.test:8443"}, {"198.18.0.1", 443, "198.18.0.1"},
		{"2001:db8::1", 443, "[2001:db8::1]"}, {"2001:db8::1", 80, "[2001:db8::1]:80"}, {"fe80::1%eth0", 443, "[fe80::1]"},
	} {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(http1.Get("/a?b=c", http1.Host(tc.host, tc.port)))))
		if err != nil {
			t.Fatal(err)
		}
		if r.Host != tc.want || r.RequestURI != "/a?b=c" || r.Method != "GET" || !r.Close {
			t.Errorf("%s %d: %+v", tc.host, tc.port, r)
		}
	}
}
