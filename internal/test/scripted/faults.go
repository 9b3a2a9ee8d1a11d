// What a server may fail at, and how it does.

package scripted

import (
	"io"
	"net"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A Fault is a ClientHello that a server cannot bear, and what it does then.
type Fault struct {
	When func(*Hello) bool
	How  func(net.Conn)
}

// Any is every ClientHello.
func Any(*Hello) bool { return true }

// GREASE is one with reserved values (RFC 8701).
func GREASE(h *Hello) bool {
	return slices.ContainsFunc(h.CipherSuites, func(id tlsmsg.CipherSuite) bool { return id&0x0f0f == 0x0a0a && id>>8 == id&0xff })
}

// Split is one in several records.
func Split(h *Hello) bool { return h.Records > 1 }

// Between is one of a length, header included.
func Between(least, most int) func(*Hello) bool {
	return func(h *Hello) bool { return least <= h.Len && h.Len <= most }
}

// HighRecord is one in a record of a version above TLS 1.0.
func HighRecord(h *Hello) bool { return h.RecordVersion > tlsmsg.VersionTLS10 }

// HighVersion is one whose client_version is above TLS 1.2.
func HighVersion(h *Hello) bool { return h.Version > tlsmsg.VersionTLS12 }

// Alert answers with a fatal alert.
func Alert(d tlsmsg.AlertDescription) func(net.Conn) {
	return func(conn net.Conn) { _, _ = conn.Write(alert(tlsmsg.LevelFatal, d)) }
}

func alert(level tlsmsg.AlertLevel, d tlsmsg.AlertDescription) []byte {
	return tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentAlert, Version: tlsmsg.VersionTLS10, Fragment: []byte{byte(level), byte(d)}})
}

// Close says nothing.
func Close(net.Conn) {}

// Reset sends a RST.
func Reset(conn net.Conn) { reset(conn) }

// Silence says nothing, and stays.
func Silence(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func reset(conn net.Conn) {
	switch c := conn.(type) {
	case *Conn:
		c.Reset()
	case *net.TCPConn:
		_ = c.SetLinger(0)
		c.Close()
	}
}
