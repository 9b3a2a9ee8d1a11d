package docs

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

const auditPage = "../../../docs/audit.md"

func pki24(addr string) netip.Prefix { return netip.PrefixFrom(netip.MustParseAddr(addr), 24) }

// What docs/audit.md says is done as it says it, command by command.
func TestTheCommandsOfTheAuditPage(t *testing.T) {
	page, err := os.ReadFile(auditPage)
	try(t, err)
	s := newSite(t)
	for _, b := range blocks(string(page)) {
		switch b.language {
		case "console":
			b.run(t, s.kept, s.shell)
		case "meanwhile":
			s.meanwhile(t, b.text[0])
		}
	}
}

// meanwhile does what the page says that somebody does between two commands.
func (s *site) meanwhile(t *testing.T, what string) {
	lines, ok := strings.CutPrefix(what, "nginx gets ")
	if !ok {
		t.Fatalf("nobody knows how to do this: %s", what)
	}
	s.serveWeb(t, lines)
}
