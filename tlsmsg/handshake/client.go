package handshake

// A Client is the client's side of one TLS 1.2 connection (RFC 5246) over any
// byte stream. It does no I/O: the driver hands it what the stream brought
// (Receive, TransportEOF), sends what it made (Next), and does its slow or
// outside work (Work, Resume). After each of these calls, and after those that
// carry application data, the driver asks for output and for work again.
//
//	c.Start()
//	for {
//		for w, ok := c.Work(); ok; w, ok = c.Work() {
//			c.Resume(worker.Do(w))
//		}
//		stream.Write(c.Next())
//		…
//		c.Receive(bytes)
//	}
//
// A Client is not safe for concurrent use.
type Client struct {
	conn[*Client]
	cfg      Config
	offered  extensionSet
	exchange exchange
}

// NewClient returns a client that has not begun. Where cfg leaves suites,
// groups or signature schemes empty, [Defaults] are offered.
func NewClient(cfg Config) *Client {
	c := &Client{cfg: cfg}
	c.init(c, true, cfg.Events)
	c.cfg.setDefaults()
	return c
}

// Start makes the ClientHello. It does nothing the second time.
func (c *Client) Start() {
	if c.phase != phaseStart || c.fault != nil {
		return
	}
	c.table = &client12
	c.end(c.sendClientHello())
}
