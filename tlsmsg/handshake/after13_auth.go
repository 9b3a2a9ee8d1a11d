// Client authentication after the handshake (RFC 9846, section 4.7.2): each
// request, and its answer, goes on from the transcript of the handshake.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

func offerPostHandshakeAuth(c *Client, b []byte) ([]byte, error) {
	if !c.cfg.PostHandshakeAuth || !c.offers13() {
		return nil, nil
	}
	return b, nil
}

// certificateRequestLater answers a CertificateRequest at once.
func (c *Client) certificateRequestLater(raw []byte) error {
	t := c.tls13
	if t.whole == nil {
		return c.outOfTurn(kind(tlsmsg.TypeCertificateRequest))
	}
	m := new(tlsmsg.CertificateRequest)
	if err := c.decode(m, raw); err != nil {
		return err
	}
	if len(m.RequestContext) == 0 {
		return refuse(tlsmsg.AlertIllegalParameter, "CertificateRequest.certificate_request_context", "empty, expected some bytes after the handshake")
	}
	if t.tickets++; t.tickets > maxTickets {
		return refuse(tlsmsg.AlertUnexpectedMessage, "CertificateRequest", "%d without application data between them, expected at most %d", t.tickets, maxTickets)
	}
	if err := c.requested13(m); err != nil {
		return err
	}
	c.last = lastMessage{any: true, dir: In, typ: tlsmsg.TypeCertificateRequest}
	c.transcript = *t.whole.Fork()
	c.transcript.Add(raw)
	c.phase, c.state.Credential = phaseFlight, -1
	return c.sendCredential13()
}

// authenticated goes on after an answer to a CertificateRequest.
func (c *Client) authenticated() error {
	c.forget13()
	c.exchange = exchange{}
	return nil
}

// forget13 goes back to application data.
func (c *conn[S]) forget13() {
	c.transcript.Reset()
	c.phase = phaseConnected
	c.out.flush()
}

// RequestCertificate asks the client for a certificate, once the handshake is done,
// and reports whether it can be asked: in TLS 1.3, where it has said so, and no other
// request is open. The context tells the answer from others: it is some bytes that
// nobody can foresee, from the driver's randomness. What came of it stands in State
// once it is Judged.
func (s *Server) RequestCertificate(context []byte) bool {
	t := s.tls13
	if t == nil || t.whole == nil || s.phase != phaseConnected || s.exchange.request != nil || !s.CanWrite() || len(context) == 0 || len(context) > 255 {
		return false
	}
	s.transcript = *t.whole.Fork()
	s.end(s.send(s.certificateRequest13(context)))
	s.out.flush()
	return s.fault == nil
}

// clientCertificateLater takes the first message of the answer.
func (s *Server) clientCertificateLater(raw []byte) error {
	typ, take := tlsmsg.HandshakeType(raw[0]), (*Server).clientCertificate13
	if typ == tlsmsg.TypeCompressedCertificate {
		take = (*Server).compressedCertificate13
	}
	if s.exchange.request == nil {
		return s.outOfTurn(kind(typ))
	}
	if err := take(s, raw); err != nil {
		return err
	}
	s.transcript.Add(raw)
	s.last = lastMessage{any: true, dir: In, typ: typ}
	return nil
}
