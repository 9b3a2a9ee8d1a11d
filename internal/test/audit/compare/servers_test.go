// All servers, each in several configurations.

package compare

import (
	"sync"
	"testing"
)

// A server is one program in one configuration: a row of the table.
type server struct {
	name string // of the program
	how  string // it is configured
	slow bool   // testssl.sh looks at it with -full only
	// start starts it on the site.
	start func(*testing.T, *site)
}

func (s *server) String() string { return s.name + ", " + s.how }

// servers are in the order of the table.
var servers = [][]server{opensslServers, nginxServers, gnutlsServers, apacheServers, haproxyServers, stunnelServers, goServers, javaServers}

// all are the servers, in one list.
var all = sync.OnceValue(func() (list []*server) {
	for _, some := range servers {
		for i := range some {
			list = append(list, &some[i])
		}
	}
	return list
})
