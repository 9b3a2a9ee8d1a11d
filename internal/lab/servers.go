// Servers that a caller starts on the far node, beside those of the topology.

package lab

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// StartTLSServer starts a server of crypto/tls on the far node.
func (l *Lab) StartTLSServer(o service.Options) (*service.TLSServer, error) {
	return startServer(l, o, service.NewTLSServer)
}

// StartOurServer starts a server of this project's own TLS on the far node.
func (l *Lab) StartOurServer(o service.Options) (*service.OurServer, error) {
	return startServer(l, o, service.NewOurServer)
}

func startServer[S any](l *Lab, o service.Options, serve func(net.Listener, service.Options, ...netip.Addr) (*service.Server[S], error)) (*service.Server[S], error) {
	far := l.Far()
	ln, err := far.space.Listen(service.ListenConfig(o.ReceiveBuffer), "tcp", cmp.Or(o.Listen, netip.AddrPortFrom(far.addr4, 443).String()))
	if err != nil {
		return nil, netns.Refusal(fmt.Errorf("lab: %w", err))
	}
	s, err := serve(ln, o, far.addr4, far.addr6)
	if err != nil {
		return nil, err
	}
	return s, l.owns(s)
}
