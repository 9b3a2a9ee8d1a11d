// Which connections are meant.

package explain

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/rawshake/rawshake/internal/observe"
)

// A Filter says which connections match. The zero Filter matches all.
type Filter struct {
	Conn       int          // the number in the capture, 1 for the first; 0: any
	Host       netip.Prefix // one of the two addresses is in it
	Port       uint16       // one of the two ports
	ServerName string       // that the client asked for; "*.example.com" for any name below
}

// A match says whether a connection matches, as far as its packets tell.
type match uint8

const (
	no match = iota
	yes
	later // it depends on a name that has not been seen yet
)

func (f *Filter) match(s *observe.Summary) match {
	client, server := s.Flow.Client, s.Flow.Server
	switch {
	case f.Conn != 0 && s.Number != f.Conn,
		f.Host.IsValid() && !f.Host.Contains(client.Addr()) && !f.Host.Contains(server.Addr()),
		f.Port != 0 && client.Port() != f.Port && server.Port() != f.Port:
		return no
	case f.ServerName == "":
		return yes
	case s.ServerName != "":
		if f.named(s.ServerName) {
			return yes
		}
		return no
	case s.NamesKnown:
		return no
	}
	return later
}

func (f *Filter) named(name string) bool {
	name, want := strings.ToLower(name), strings.ToLower(f.ServerName)
	if rest, ok := strings.CutPrefix(want, "*"); ok {
		return strings.HasSuffix(name, rest)
	}
	return name == want
}

// String is the filter in words, or "".
func (f *Filter) String() string {
	var parts []string
	if f.Conn != 0 {
		parts = append(parts, fmt.Sprintf("number %d", f.Conn))
	}
	if f.Host.IsValid() {
		host := f.Host.String()
		if f.Host.IsSingleIP() {
			host = f.Host.Addr().String()
		}
		parts = append(parts, "host "+host)
	}
	if f.Port != 0 {
		parts = append(parts, fmt.Sprintf("port %d", f.Port))
	}
	if f.ServerName != "" {
		parts = append(parts, "server name "+f.ServerName)
	}
	return strings.Join(parts, ", ")
}
