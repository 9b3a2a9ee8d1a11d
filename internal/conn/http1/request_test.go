package http1_test

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/conn/http1"
)

// What is sent is one request of HTTP/1, or its reply is not judged by its own
// length, however its bytes are cut.
func TestOneRequestIsToldFromOtherThings(t *testing.T) {
	for _, tc := range []struct{ sent, method string }{
		{"HEAD / HTTP/1.0\r\n\r\n", "HEAD"},
		{"GET /a?b HTTP/1.1\nHost: x\n\n", "GET"},
		{"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "POST"},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "POST"},
		{"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello!", ""},
		{"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", ""},
		{"GET / HTTP/1.1\r\nHost: x\r\n", ""},
		{"CONNECT x:443 HTTP/1.1\r\n\r\n", ""},
		{"GET /\r\n", ""},
		{"EHLO x\r\n", ""},
		{"get / HTTP/1.1\r\n\r\n", ""},
		{strings.Repeat("A", 1<<16), ""},
		{"", ""},
	} {
		for _, step := range []int{1, 7, len(tc.sent)} {
			var r http1.Request
			for rest := tc.sent; rest != ""; {
				n := min(step, len(rest))
				_, _ = r.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			if got := r.Method(); got != tc.method {
				t.Errorf("%.40q in pieces of %d: method %q, expected %q", tc.sent, step, got, tc.method)
			}
		}
	}
}

// The reply to HEAD has the length of a body that does not come (RFC 9112,
// section 6.3, rule 1).
func TestTheReplyToHeadHasNoBody(t *testing.T) {
	for _, head := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n"} {
		r := http1.Reply{Method: "HEAD"}
		_, _ = r.Write([]byte(head[:len(head)-1]))
		if r.Complete() || r.Missing() == "" {
			t.Errorf("%q: complete before its end, or nothing missing", head)
		}
		_, _ = r.Write([]byte(head[len(head)-1:] + "x"))
		if !r.Complete() || r.Extra() != 1 || r.Missing() != "" {
			t.Errorf("%q: complete %v, %d bytes extra, missing %q", head, r.Complete(), r.Extra(), r.Missing())
		}
	}
}
