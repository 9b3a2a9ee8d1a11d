// A relay stands between a client and a server and does to the server's bytes
// what a fault says, whoever the server is: a bit flips in a message, or the
// connection ends in the middle of one.

package peers

import (
	"errors"
	"io"
	"net"
	"time"
)

// A Fault is what a relay does to the bytes of the server it stands before.
// The zero Fault does nothing.
type Fault struct {
	edit  func() editor
	reset bool
}

// An editor looks at each byte of the server's stream, in order. It returns the
// byte to send instead, and whether the stream ends here.
type editor func(at place, b byte) (out byte, end cut)

type cut int

const (
	goOn cut = iota
	cutBefore
	cutAfter
)

// FlipMessage flips the lowest bit of one byte in the body of the first
// handshake message of a type (RFC 5246 7.4: 2 is server_hello, 11
// certificate, 12 server_key_exchange, …) among the server's plaintext
// messages. A negative offset counts from the end of the body: -1 is the last
// byte, which in a ServerKeyExchange belongs to the signature.
func FlipMessage(messageType byte, offset int) Fault {
	return Fault{edit: func() editor {
		done := false
		return func(at place, b byte) (byte, cut) {
			want := offset
			if want < 0 {
				want += at.length
			}
			if done || at.kind != inBody || at.messageType != messageType || at.offset != want {
				return b, goOn
			}
			done = true
			return b ^ 1, goOn
		}
	}}
}

// FlipFinished flips a bit in the last byte of the server's first protected
// record: with an AEAD that is its tag, and the record is the Finished.
func FlipFinished() Fault {
	return Fault{edit: func() editor {
		done := false
		return func(at place, b byte) (byte, cut) {
			if done || at.kind != inSealed || at.offset != at.length-1 {
				return b, goOn
			}
			done = true
			return b ^ 1, goOn
		}
	}}
}

// CutAfterBytes ends the connection after n bytes of the server. With 0 it ends
// when the server's first byte would come, so after the ClientHello was read.
func CutAfterBytes(n int) Fault {
	return Fault{edit: func() editor {
		sent := 0
		return func(_ place, b byte) (byte, cut) {
			sent++
			return b, cutAt(n, sent)
		}
	}}
}

// CutAfterMessages ends the connection after n messages of the server, counting
// each handshake message, each ChangeCipherSpec, each alert and each protected
// record for one. With 0 it is [CutAfterBytes] with 0.
func CutAfterMessages(n int) Fault {
	return Fault{edit: func() editor {
		return func(at place, b byte) (byte, cut) { return b, cutAt(n, at.complete) }
	}}
}

// cutAt says where to cut for n things, when so many are complete with this
// byte.
func cutAt(n, complete int) cut {
	switch {
	case n <= 0:
		return cutBefore
	case complete >= n:
		return cutAfter
	default:
		return goOn
	}
}

// ByReset makes a cut a RST instead of a FIN.
func (f Fault) ByReset() Fault {
	f.reset = true
	return f
}

var errCut = errors.New("cut")

// carry carries both directions until both have ended, or the fault has, or the
// deadline is past, and closes both connections.
func carry(client, server *net.TCPConn, f Fault, deadline time.Time) {
	_ = client.SetDeadline(deadline)
	_ = server.SetDeadline(deadline)
	up := make(chan struct{})
	go func() {
		defer close(up)
		_, _ = io.Copy(server, client)
		_ = server.CloseWrite()
	}()
	// Close ends the copy in the other goroutine too.
	defer func() {
		_ = server.Close()
		_ = client.Close()
		<-up
	}()
	err := pump(client, server, f)
	if errors.Is(err, errCut) && f.reset {
		_ = client.SetLinger(0)
		return
	}
	// A FIN, and then whatever the client still has to say.
	_ = client.CloseWrite()
	<-up
}

// pump carries the server's bytes to the client through the fault.
func pump(client io.Writer, server io.Reader, f Fault) error {
	edit := editor(func(_ place, b byte) (byte, cut) { return b, goOn })
	if f.edit != nil {
		edit = f.edit()
	}
	var walk walker
	buf := make([]byte, 32<<10)
	for {
		n, err := server.Read(buf)
		for i := range n {
			at := walk.step(buf[i])
			out, end := edit(at, buf[i])
			buf[i] = out
			switch end {
			case cutBefore:
				_, _ = client.Write(buf[:i])
				return errCut
			case cutAfter:
				_, _ = client.Write(buf[:i+1])
				return errCut
			}
		}
		if _, werr := client.Write(buf[:n]); werr != nil {
			return werr
		}
		if err != nil {
			return err
		}
	}
}
