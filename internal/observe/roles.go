// Which side is the TLS client. It need not be the one that opened the
// connection: an FTP server opens the data connection when the client asks for
// that by PORT or EPRT, and is the TLS server on it too (RFC 4217, section 9).
// Directions stay those of TCP.

package observe

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// clientDir is the direction of the TLS client.
func (c *Connection) clientDir() transcript.Dir {
	if c.turned {
		return transcript.In
	}
	return transcript.Out
}

// roles takes note of a ClientHello from the side that accepted the connection.
func (c *Connection) roles(dir transcript.Dir, f *transcript.Frame, typ tlsmsg.HandshakeType) {
	a := &c.shared
	if dir != transcript.In || typ != tlsmsg.TypeClientHello || c.turned || a.haveClientHello || a.haveServerHello {
		return
	}
	c.turned = true
	text := fmt.Sprintf("%v says the ClientHello, and had not opened the connection: it is the client of TLS, and %v the server", c.Flow.Server, c.Flow.Client)
	if c.Flow.Client.Port() == ftpData {
		text += ", as on a data connection of FTP in active mode (PORT, EPRT; RFC 4217, section 9)"
	}
	c.remark(f, transcript.TLS, "roles_turned", text)
}

// ftpData is the port from which FTP servers open data connections.
const ftpData = 20
