package http1_test

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/conn/http1"
)

// Each reply says where it ends, however its bytes are cut, and what is missing
// before that.
func TestAReplyKnowsWhereItEnds(t *testing.T) {
	const (
		whole = iota
		byClose
		cut
	)
	for _, tc := range []struct {
		name, reply string
		want        int
		missing     string
	}{
		{"Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", whole, ""},
		{"cut", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", cut, "2 of the 5 bytes of its body are missing"},
		{"one byte", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", cut, "1 of the 5 bytes of its body is missing"},
		{"nothing of the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", cut, "5 of the 5 bytes"},
		{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", whole, ""},
		{"said twice", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Length: 5, 5\r\n\r\nhello", whole, ""},
		{"said differently", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", cut, "nobody can tell"},
		{"no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", cut, "nobody can tell"},
		{"too large a number", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", cut, "nobody can tell"},
		{"neither", "HTTP/1.1 200 OK\r\n\r\nhello", byClose, ""},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", whole, ""},
		{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\nZ: z\r\n\r\n", whole, ""},
		{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", cut, "the last chunk is missing, after 5 bytes"},
		{"inside a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", cut, "the last chunk is missing, after 3 bytes"},
		{"no end of the trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n", cut, "trailers"},
		{"a chunk that is too long", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n", cut, "nobody can tell"},
		{"chunks win", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", whole, ""},
		{"a coding without chunks", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\nhello", byClose, ""},
		{"204", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", whole, ""},
		{"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", whole, ""},
		{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", whole, ""},
		{"interim alone", "HTTP/1.1 103 Early Hints\r\n\r\n", cut, "after the interim one of status 103"},
		{"upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\nanything", byClose, ""},
		{"header cut", "HTTP/1.1 200 OK\r\nContent-Le", cut, "the end of its header"},
		{"status cut", "HTTP/1.", cut, "status line"},
		{"LF alone", "HTTP/1.0 200 OK\nContent-Length: 2\n\nok", whole, ""},
		{"no HTTP", "SSH-2.0-x\r\n", byClose, ""},
		{"no status", "HTTP/1.1 what\r\n\r\n", cut, "nobody can tell"},
		{"header without end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<16), cut, "nobody can tell"},
		{"line without end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 1<<16), cut, "nobody can tell"},
	} {
		for _, step := range []int{1, 7, len(tc.reply)} {
			var r http1.Reply
			for rest := tc.reply; rest != ""; {
				n := min(step, len(rest))
				if took, err := r.Write([]byte(rest[:n])); took != n || err != nil {
					t.Fatal(took, err)
				}
				rest = rest[n:]
			}
			if r.Complete() != (tc.want == whole) || r.ByClose() != (tc.want == byClose) || (r.Missing() != "") != (tc.want == cut) ||
				!strings.Contains(r.Missing(), tc.missing) {
				t.Errorf("%s, %d bytes at a time: complete %v, by close %v, missing %q", tc.name, step, r.Complete(), r.ByClose(), r.Missing())
			}
			before := r
			if _, _ = r.Write([]byte("more")); tc.want == whole && (!r.Complete() || r.Extra() != before.Extra()+4) {
				t.Errorf("%s: what follows it changes it", tc.name)
			}
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var whole, parts http1.Reply
		whole.Write(b)
		cut = max(0, min(cut, len(b)))
		parts.Write(b[:cut])
		parts.Write(b[cut:])
		if whole.Complete() != parts.Complete() || whole.ByClose() != parts.ByClose() || whole.Missing() != parts.Missing() {
			t.Errorf("%q cut at %d: %q, whole %q", b, cut, parts.Missing(), whole.Missing())
		}
	})
}
