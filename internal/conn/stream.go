// The application data of a connection, with TLS or without.

package conn

// Peek returns the application data that has arrived and was not discarded
// yet. It is valid until the next call of another method.
func (s *Conn) Peek() []byte {
	if s.tls == nil {
		return s.tcp.Peek()
	}
	return s.tls.Peek()
}

// Discard drops the first n bytes of what Peek returned.
func (s *Conn) Discard(n int) {
	if s.tls == nil {
		s.tcp.Discard(n)
		return
	}
	s.tls.Discard(n)
	s.pump()
}

// EOF reports whether the peer ended its stream and all of it was discarded.
// With TLS, close_notify ends it; without, FIN.
func (s *Conn) EOF() bool {
	if s.tls == nil {
		return s.tcp.EOF()
	}
	return s.tls.EOF()
}

// Write takes as much application data to send as there is room for, and
// returns how much that was. Before Finished it takes none.
func (s *Conn) Write(p []byte) int {
	if s.tls == nil {
		s.spoke = true
		return s.tcp.Write(p)
	}
	if len(s.tls.Output()) > 0 { // TCP has no room
		return 0
	}
	n := s.tls.Write(p)
	s.flush()
	return n
}

// CloseWrite ends our direction: close_notify, then FIN.
func (s *Conn) CloseWrite() {
	if s.tls == nil {
		s.tcp.CloseWrite()
		return
	}
	if s.pre != nil && !s.begun() { // nobody would read an alert
		s.tcp.CloseWrite()
		return
	}
	s.tls.CloseWrite()
	s.closing = true
	s.flush()
}

// Closing reports whether CloseWrite has ended our direction of TLS.
func (s *Conn) Closing() bool { return s.closing }

// Abort ends the connection with a RST.
func (s *Conn) Abort() { s.tcp.Abort() }

// Close ends the connection for a caller who will not read any more.
func (s *Conn) Close() {
	if s.tls == nil {
		s.tcp.Close()
		return
	}
	s.CloseWrite()
}
