// Package http1 finds where an HTTP/1.1 reply ends (RFC 9112, section 6), to
// tell whether all of it came. It reads no more of a reply than that takes, and
// does no I/O.
package http1

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A Reply follows the bytes of the reply to one request. The zero value is
// ready for the reply to a GET. It keeps no more than maxLine bytes.
type Reply struct {
	Method string // of the request; empty: GET. A reply to HEAD has no body

	step   step
	line   []byte // the line that has begun
	head   int    // bytes of header lines, and of trailers
	fields fields
	left   int64 // of the body, or of the chunk
	got    int64 // of the body
	extra  int64 // bytes after its end
	wrong  string
}

type step uint8

const (
	atStatus step = iota
	atHeader
	atLength // a body of a known length
	atChunkSize
	atChunk
	atChunkEnd
	atTrailer
	atClose // a body that ends with the connection
	atEnd
)

// fields are the header fields that say how long a body is.
type fields struct {
	status  int
	coded   bool // whether there is a Transfer-Encoding
	chunked bool // whether its last coding is chunked
	length  int64
	sized   bool // whether there is a Content-Length
}

// Bounds on what a peer may send before the body, in bytes.
const (
	maxLine = 16 << 10
	maxHead = 256 << 10
)

// Write takes the next bytes of the stream. It never fails.
func (r *Reply) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && r.wrong == "" {
		switch r.step {
		case atEnd:
			r.extra += int64(len(p))
			return n, nil
		case atClose:
			r.got += int64(len(p))
			return n, nil
		case atLength, atChunk:
			p = r.body(p)
		default:
			p = r.text(p)
		}
	}
	return n, nil
}

// body takes the bytes that belong to a body, or to a chunk of it, and returns
// the rest.
func (r *Reply) body(p []byte) []byte {
	take := min(int64(len(p)), r.left)
	r.left -= take
	r.got += take
	if r.left == 0 && r.step == atLength {
		r.step = atEnd
	} else if r.left == 0 {
		r.step = atChunkEnd
	}
	return p[take:]
}

// text takes bytes of a line, and handles the line once it is whole. A bare LF
// ends a line too (RFC 9112, section 2.2).
func (r *Reply) text(p []byte) []byte {
	end := bytes.IndexByte(p, '\n')
	take := end + 1
	if end < 0 {
		take = len(p)
	}
	if r.step == atStatus && len(r.line) < len(version) && !strings.HasPrefix(version, string(append(r.line[:len(r.line):len(r.line)], p[:min(take, len(version)-len(r.line))]...))) {
		r.step = atClose // HTTP/0.9, or something else: it ends with the connection
		return p
	}
	r.line = append(r.line, p[:take]...)
	if r.head += take; len(r.line) > maxLine || r.head > maxHead {
		r.wrong = fmt.Sprintf("its header is longer than %d bytes, or a line of it than %d", maxHead, maxLine)
		return nil
	}
	if end >= 0 {
		line := strings.TrimRight(string(r.line), "\r\n")
		r.line = r.line[:0]
		r.whole(line)
	}
	return p[take:]
}

const version = "HTTP/1."

func (r *Reply) whole(line string) {
	switch r.step {
	case atStatus:
		r.status(line)
	case atHeader:
		if line == "" {
			r.begin()
		} else {
			r.header(line)
		}
	case atChunkSize:
		r.chunk(line)
	case atChunkEnd:
		r.step = atChunkSize
		if line != "" {
			r.wrong = "a chunk is longer than it says"
		}
	case atTrailer:
		if line == "" {
			r.step = atEnd
		}
	}
}

func (r *Reply) status(line string) {
	parts := strings.SplitN(line, " ", 3)
	code := 0
	if len(parts) > 1 {
		code, _ = strconv.Atoi(parts[1])
	}
	if code < 100 || code > 999 {
		r.wrong = "its status line has no status"
		return
	}
	r.fields = fields{status: code}
	r.step = atHeader
}

func (r *Reply) header(line string) {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return
	}
	switch strings.ToLower(name) {
	case "transfer-encoding":
		codings := strings.Split(strings.ToLower(value), ",")
		r.fields.coded = true
		r.fields.chunked = strings.TrimSpace(codings[len(codings)-1]) == "chunked"
	case "content-length":
		r.contentLength(value)
	}
}

// contentLength accepts a repeated length if it is the same (RFC 9112, section
// 6.3, rule 5).
func (r *Reply) contentLength(value string) {
	for _, v := range strings.Split(value, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 63)
		if err != nil || r.fields.sized && int64(n) != r.fields.length {
			r.wrong = "its Content-Length is none, or there are several"
			return
		}
		r.fields.length, r.fields.sized = int64(n), true
	}
}

// begin is called at the end of the header (RFC 9112, section 6.3).
func (r *Reply) begin() {
	f := &r.fields
	switch {
	case f.status == 101: // another protocol from here on
		r.step = atClose
	case f.status < 200: // interim: another follows
		r.step = atStatus
	case f.status == 204, f.status == 304, r.Method == "HEAD":
		r.step = atEnd
	case f.coded && f.chunked: // a Content-Length beside it does not count
		r.step = atChunkSize
	case f.coded:
		r.step = atClose
	case f.sized && f.length == 0:
		r.step = atEnd
	case f.sized:
		r.step, r.left = atLength, f.length
	default:
		r.step = atClose
	}
}

// chunk reads a chunk's size, and ignores its extensions (RFC 9112, section
// 7.1).
func (r *Reply) chunk(line string) {
	digits, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 63)
	switch {
	case err != nil:
		r.wrong = "a chunk of it has no size"
	case n == 0:
		r.step = atTrailer
	default:
		r.step, r.left = atChunk, int64(n)
	}
	r.head = 0 // the bound applies to each chunk's line
}

// Complete reports whether all of the reply came, by its own account.
func (r *Reply) Complete() bool { return r.step == atEnd && r.wrong == "" }

// ByClose reports whether only the end of the connection can end the reply.
func (r *Reply) ByClose() bool { return r.step == atClose && r.wrong == "" }

// Extra is how many bytes followed a complete reply.
func (r *Reply) Extra() int64 { return r.extra }

// Missing says in a clause which part of the reply has not come. It is empty if
// the reply is complete or does not say how long it is.
func (r *Reply) Missing() string {
	switch {
	case r.wrong != "":
		return "nobody can tell where it ends: " + r.wrong
	case r.step == atLength:
		if r.left == 1 {
			return fmt.Sprintf("1 of the %d bytes of its body is missing", r.fields.length)
		}
		return fmt.Sprintf("%d of the %d bytes of its body are missing", r.left, r.fields.length)
	case r.step == atChunk, r.step == atChunkEnd, r.step == atChunkSize:
		return fmt.Sprintf("the last chunk is missing, after %d bytes of its body", r.got)
	case r.step == atTrailer:
		return "the end of its trailers is missing"
	case r.step == atHeader:
		return "the end of its header is missing"
	case r.step == atStatus && r.fields.status != 0:
		return fmt.Sprintf("the reply after the interim one of status %d is missing", r.fields.status)
	case r.step == atStatus && len(r.line) > 0:
		return "the rest of its status line is missing"
	}
	return ""
}

// Contradicts reports whether the reply has both a Transfer-Encoding and a
// Content-Length, which may be an attempt at smuggling (RFC 9112, section 6.3,
// rule 3).
func (r *Reply) Contradicts() bool { return r.fields.coded && r.fields.sized }
