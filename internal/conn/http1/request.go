// Tells whether what is sent is exactly one HTTP/1 request.

package http1

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// A Request follows the bytes that are sent, to tell whether they are one HTTP
// request, whose reply says where it ends. The zero value is ready. It keeps no
// more than maxLine bytes.
type Request struct {
	step   requestStep
	line   []byte
	method string
	left   int64 // of the body
	open   bool  // the body has a transfer coding, and is not measured
}

type requestStep uint8

const (
	atRequestLine requestStep = iota
	atField
	atBody
	atOther // not a request of HTTP/1, or more than one
)

var requestLine = regexp.MustCompile(`^([A-Z]+) \S+ HTTP/1\.[01]\r?$`)

// Write takes the next bytes. It never fails.
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

// Method is the method of the only request so far. It is empty if that is not
// HTTP/1, is not whole, or is followed by more.
func (r *Request) Method() string {
	if r.step != atBody || r.method == "CONNECT" { // what follows CONNECT is no body
		return ""
	}
	return r.method
}
