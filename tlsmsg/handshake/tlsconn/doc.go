// Package tlsconn puts TLS above any net.Conn: a [Conn] is a net.Conn itself,
// of a client or a server, made of the machines of package handshake.
//
//	stream, err := rawtcp.Dial(ctx, "tcp", "www.example.com:443") // or net.Dial
//	c := tlsconn.Client(stream, handshake.Config{ServerName: "www.example.com"}, nil)
//	defer c.Close()
//	err = c.Handshake(ctx)
//
// It draws the randomness that the machines want, does the work that they yield,
// and refuses a peer whose certificate does not verify. Who wants to see each
// message sets the Config's Events; who wants to stop in between, use a machine
// of their own, or do the work elsewhere, uses [New] and [Conn.Until].
package tlsconn
