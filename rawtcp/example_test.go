package rawtcp_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// TestMain leaves the examples out where this process may not open a raw socket.
func TestMain(m *testing.M) {
	flag.Parse()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	switch {
	case err == nil:
		unix.Close(fd)
	case os.Getenv("CI") != "true":
		fmt.Fprintf(os.Stderr, "the examples are skipped, which need CAP_NET_RAW: %v\n", err)
		_ = flag.Set("test.skip", "^Example")
	}
	os.Exit(m.Run())
}

// echo is a server of the kernel's TCP that says everything again.
func echo() net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return ln
}

func ExampleDial() {
	ln := echo()
	defer ln.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	c, err := rawtcp.Dial(ctx, "tcp", ln.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "hello")
	c.CloseWrite()
	said, err := io.ReadAll(c)
	fmt.Printf("%q %v\n", said, err)
	fmt.Println(c.Close()) // nil: everything was delivered
	// Output:
	// "hello" <nil>
	// <nil>
}

// A tap is told of each packet.
func ExampleDialer() {
	ln := echo()
	defer ln.Close()
	d := rawtcp.Dialer{Stack: rawtcp.StackConfig{Tap: func(f rawtcp.Frame) {
		var ip wire.IP
		var s wire.Segment
		c := field.New(wire.Root(f.Packet), f.Packet)
		if ip.Decode(&c) == nil && s.Decode(&c) == nil && s.Flags.Has(wire.SYN) {
			fmt.Println(s.Flags, "sent by us:", f.Out)
		}
	}}}
	c, err := d.Dial(context.Background(), "tcp", ln.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Close()
	// Output:
	// SYN sent by us: true
	// SYN-ACK sent by us: false
}

// The kernel knows nothing of the port: who connects to it meets our TCP.
func ExampleListen() {
	ln, err := rawtcp.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ln.Close()
	go func() {
		c, err := net.Dial("tcp", ln.Addr().String()) // the kernel's TCP
		if err == nil {
			fmt.Fprint(c, "hello")
			c.Close()
		}
	}()
	c, err := ln.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	said, err := io.ReadAll(c)
	fmt.Printf("%q %v\n", said, err)
	c.Close()
	// Output: "hello" <nil>
}

// Connections of one Network share a guard, a link and a stack.
func ExampleNetwork() {
	ln := echo()
	defer ln.Close()
	var network rawtcp.Network
	defer network.Close()
	d := rawtcp.Dialer{Network: &network}
	for range 3 {
		c, err := d.Dial(context.Background(), "tcp", ln.Addr().String())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Fprint(c, "hello")
		c.CloseWrite()
		said, _ := io.ReadAll(c)
		fmt.Printf("%s ", said)
		c.Close()
	}
	// Output: hello hello hello
}

// A loop of one's own over one port, for any number of connections.
func ExampleDialer_OpenPort() {
	ln := echo()
	defer ln.Close()
	open := netip.MustParseAddrPort(ln.Addr().String())
	port, err := new(rawtcp.Dialer).OpenPort(context.Background(), open.Addr())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer port.Close()
	e := endpoint.New(endpoint.Config{MTU: port.MTU()})
	f, err := e.Open(port.Now(), port.Local, open, nil)
	for err == nil && f.Machine.State() == tcb.SynSent {
		err = port.Turn(e, time.Second)
	}
	fmt.Println(f.Machine.State(), err)
	// Output: ESTABLISHED <nil>
}
