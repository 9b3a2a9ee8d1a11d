package explain

import (
	"crypto/tls"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// ports are where each dialect is at home: by them tshark knows it.
var ports = map[string]uint16{
	"SMTP STARTTLS": 25, "IMAP STARTTLS": 143, "POP3 STLS": 110, "FTP AUTH TLS": 21, "NNTP STARTTLS": 119, "Sieve STARTTLS": 4190,
	"XMPP STARTTLS": 5222, "LDAP StartTLS": 389, "MySQL TLS": 3306, "PostgreSQL SSLRequest": 5432, "RDP X.224": 3389, "HTTP CONNECT": 3128,
	"HTTP Upgrade": 80, "SOCKS 5": 1080, "SOCKS 4": 1080, "AMQP TLS": 5672, "IRC STARTTLS": 6667,
}

// Each ClientHello that tshark finds behind what is said before, is found here, in
// the same frame.
func TestTsharkFindsNoClientHelloThatIsNotFoundHere(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tshark is not here: scripts/setup.sh installs it")
		}
		t.Skip("tshark is not here")
	}
	dialogue, _ := shake(t, tls.VersionTLS12)
	all := newMade()
	for i, p := range preambles {
		m := newMade()
		m.ends[0] = netip.AddrPortFrom(m.ends[0].Addr(), uint16(40_000+i))
		if port := ports[p.name]; port != 0 {
			m.ends[1] = netip.AddrPortFrom(m.ends[1].Addr(), port)
		}
		m.open().talk(append(append([]said{}, p.said...), dialogue...)).close()
		all.put(m.packets...)
	}
	path := all.file(t, nil)
	out, err := exec.CommandContext(t.Context(), "tshark", "-n", "-r", path, "-Y", "tls.handshake.type == 1", "-T", "fields", "-e", "frame.number").Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.Fields(string(out))
	var ours []string
	for i := range preambles {
		list, _, _ := events(t, path, Options{Filter: Filter{Conn: i + 1}})
		for _, e := range list {
			if e.Type == transcript.TypeMessage && e.Message.Content == tlsmsg.ContentHandshake && e.Message.Type == tlsmsg.TypeClientHello {
				ours = append(ours, strconv.Itoa(e.Frame.Number))
			}
		}
	}
	t.Logf("%d by tshark, %d here, of %d", len(theirs), len(ours), len(preambles))
	if len(theirs) < 10 || len(ours) != len(preambles) {
		t.Errorf("tshark finds %v, and here are %v", theirs, ours)
	}
	for _, frame := range theirs {
		if !slices.Contains(ours, frame) {
			t.Errorf("the ClientHello in frame %s is not found", frame)
		}
	}
}
