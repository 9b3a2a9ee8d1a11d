// Package tlsconn runs TLS over any net.Conn: a [Conn] is itself a net.Conn, of
// a client or a server, made of the machines of package handshake.
//
//	stream, err := rawtcp.Dial(ctx, "tcp", "www.example.com:443") // or net.Dial
//	c := tlsconn.Client(stream, handshake.Config{ServerName: "www.example.com"}, nil)
//	defer c.Close()
//	err = c.Handshake(ctx)
//
// It draws the randomness that the machines need, does the work that they
// yield, and refuses a peer whose certificate does not verify. To see each
// message set the Config's Events. To stop in between, to use a machine of your
// own, or to do the work elsewhere, use [New] and [Conn.Until].
package tlsconn
