// The reply to a client's one request.

package service

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// replyTo reads one HTTP request and answers it: a GET with the body, a POST
// with the number of bytes that came. It returns io.EOF when the client closes
// without a request.
func replyTo(in io.Reader, out io.Writer, body []byte) error {
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(in, maxUpload)))
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if body == nil {
		body = []byte(greeting)
	}
	status := "200 OK"
	switch {
	case err != nil:
		status, body = "400 Bad Request", []byte("This is not an HTTP request.\n")
	case request.Method == http.MethodGet:
	case request.Method == http.MethodPost:
		n, err := io.Copy(io.Discard, request.Body)
		if err != nil {
			return fmt.Errorf("read the request: %w", err)
		}
		body = fmt.Appendf(nil, "%d bytes came.\n", n)
	default:
		status, body = "405 Method Not Allowed", []byte("GET and POST only\n")
	}
	_, err = fmt.Fprintf(out, "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
	return err
}

// greeting is what a GET finds where a server was given no other page.
const greeting = "Hello from the far side of the lab.\n"

// maxUpload bounds a request, in bytes.
const maxUpload = 64 << 20
