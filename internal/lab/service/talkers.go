// What a service says to who connects, by its kind.

package service

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// A talker serves connections.
type talker interface {
	talk(net.Conn)
	Close() error
}

// simple is a talker that keeps nothing.
type simple func(net.Conn)

func (s simple) talk(c net.Conn) { s(c) }
func (simple) Close() error      { return nil }

// newTalker makes what answers; certificates is asked where there is TLS.
func newTalker(s Service, certificates Certificates) (talker, error) {
	switch s.Kind {
	case TLS, CryptoTLS:
		o, err := s.options()
		if err != nil {
			return nil, err
		}
		if o.PKI, err = certificates(s); err != nil {
			return nil, err
		}
		if s.Kind == TLS {
			return newOurServer(o)
		}
		return newTLSServer(o)
	case HTTP:
		return simple(sayAfterAByte(PlainReply)), nil
	case Banner:
		return simple(sayAfterAByte(s.Text)), nil
	case Echo:
		return simple(func(c net.Conn) { _, _ = io.Copy(c, c) }), nil
	case Mute:
		return simple(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), nil
	case Tarpit:
		return simple(tarpit), nil
	case Hangup, Silent: // to Silent nobody gets through
		return simple(hangup), nil
	}
	return nil, fmt.Errorf("kind %s is the network's or another program's: it cannot be served alone", s.Kind)
}

// Certificates makes those that a service with TLS shows.
type Certificates func(Service) (*pki.PKI, error)

func hangup(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(patience))
	finish(c.(*net.TCPConn))
}

// tarpit keeps a client for as long as it will stay: a handshake record that
// promises much and comes a byte a second.
func tarpit(c net.Conn) {
	record := []byte{22, 3, 3, 0x40, 0}
	for i := 0; ; i++ {
		b := byte(0)
		if i < len(record) {
			b = record[i]
		}
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		// What the client says is read, so that it hears no complaint; its end
		// is the end.
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := io.Copy(io.Discard, c); err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

// PlainReply is what [HTTP] answers to anything, as a web server without TLS
// does.
const PlainReply = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks plain HTTP.\n"

func sayAfterAByte(text string) func(net.Conn) {
	return func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			_, _ = io.WriteString(c, text)
		}
		finish(c.(*net.TCPConn))
	}
}
