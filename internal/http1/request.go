// Tells whether what is sent is exactly one HTTP/1 request.

package http1

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// A Request follows bytes that somebody sends, to tell whether they are one HTTP
// request, whose reply says where it ends. The zero value is ready. What is kept
// of it is bounded by maxLine.
type Request struct {
	step   requestStep
	line   []byte
	method string
	left   int64 // of the body
	open   bool  // the body is coded: nobody counts it
}

type requestStep uint8

const (
	atRequestLine requestStep = iota
	atField
	atBody
	atOther // no request of HTTP/1, or more than one
)

var requestLine = regexp.MustCompile(`^([A-Z]+) \S+ HTTP/1\.[01]\r?$`)

// Write takes the next bytes.
func (r *Request) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && r.step < atBody {
		end := bytes.IndexByte(p, '\n')
		take := end + 1
		if end < 0 {
			take = len(p)
		}
		if r.line = append(r.line, p[:take]...); len(r.line) > maxLine {
			r.step = atOther
		} else if end >= 0 {
			r.whole(strings.TrimSuffix(string(r.line), "\n"))
			r.line = r.line[:0]
		}
		p = p[take:]
	}
	if r.step == atBody && !r.open {
		if r.left -= int64(len(p)); r.left < 0 {
			r.step = atOther
		}
	}
	return n, nil
}

func (r *Request) whole(line string) {
	if r.step == atRequestLine {
		m := requestLine.FindStringSubmatch(line)
		if r.step = atOther; m != nil {
			r.method, r.step = m[1], atField
		}
		return
	}
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		r.step = atBody
		return
	}
	name, value, _ := strings.Cut(line, ":")
	switch strings.ToLower(name) {
	case "content-length":
		r.left, _ = strconv.ParseInt(strings.TrimSpace(value), 10, 63)
	case "transfer-encoding":
		r.open = true
	}
}

// Method is that of the one request that was sent so far, or nothing where it is
// none of HTTP/1, is not whole, or more was sent after it.
func (r *Request) Method() string {
	if r.step != atBody || r.method == "CONNECT" { // what follows that is no body
		return ""
	}
	return r.method
}
