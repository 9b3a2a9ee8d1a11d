// Makes the request that the commands send.

package http1

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Get is a GET request for a path, after whose reply the server closes the
// connection. Host is what Host says.
func Get(path, host string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: rawshake\r\nAccept: */*\r\nConnection: close\r\n\r\n", path, host)
}

// Host is a name or an address, without brackets, and a port, as the Host header
// of HTTPS names them (RFC 9110, section 7.2): without a zone, which means nothing
// to others, and without port 443.
func Host(host string, port uint16) string {
	host, _, _ = strings.Cut(host, "%")
	switch {
	case port != 443:
		return net.JoinHostPort(host, strconv.Itoa(int(port)))
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}
