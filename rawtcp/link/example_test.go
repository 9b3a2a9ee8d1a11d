package link_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// The order of things: a route gives the source address, a guard holds a port
// of it, and then the link may open.
func Example() {
	remote := netip.MustParseAddrPort("127.0.0.1:443")
	r, err := route.Find(remote.Addr(), route.Via{})
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := guard.Open(guard.Options{Local: netip.AddrPortFrom(r.Source, 0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()
	l, err := link.Open(context.Background(), link.Options{
		Flow:  link.Flow{Local: g.Local(), Remote: remote},
		Route: r,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	fmt.Println("a", l.Kind(), "link from", g.Local().Addr(), "to", remote) // what is this machine's never leaves it
	// Output: a raw link from 127.0.0.1 to 127.0.0.1:443
}

func ExamplePipe() {
	a, b := link.Pipe()
	defer a.Close()
	defer b.Close()

	a.Send([]byte("an IP packet"))
	b.SetReadDeadline(time.Now().Add(time.Second))
	p, err := b.Receive(make([]byte, link.MaxPacket))
	fmt.Printf("%s %v\n", p.Data, err)
	// Output: an IP packet <nil>
}
