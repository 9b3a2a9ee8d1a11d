// What a manual page has beside the help: EXIT STATUS and ENVIRONMENT.

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// A variable is an environment variable that the program reads.
type variable struct {
	name, does string
	commands   []string // that read it; none: all
}

var environment = []variable{
	{"NO_COLOR", "no colours, whatever it says", nil},
	{"TERM", "\"dumb\": no colours, and no line that is written over", nil},
	{"COLUMNS", "how wide the views are, on a terminal (default: as wide as that) and in files (default: 100, and no line is cut)", []string{"connect", "explain", "demo", "doctor"}},
	{"LC_ALL, LC_CTYPE, LANG", "the first that is set says whether the character set is UTF-8; where it is not, the views are in ASCII", []string{"connect", "explain", "demo"}},
	{"SSLKEYLOGFILE", "the key log, where --keylog names none", []string{"connect", "demo"}},
	{"SSL_CERT_FILE, SSL_CERT_DIR", "the CA certificates to trust, a PEM file and folders, where --ca names none", []string{"connect", "probe"}},
	{"XDG_RUNTIME_DIR", "where the labs that stand are found", []string{"up", "down", "exec", "lab status", "netem"}},
	{"RAWSHAKE_PORTS, RAWSHAKE_FIRST_PORT, RAWSHAKE_LAST_PORT", "set for the command: the ports that are guarded", []string{"guard run"}},
	{"RAWSHAKE_LAB_CA", "set for the command: the lab's CA, a PEM file. SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE and NODE_EXTRA_CA_CERTS name it too", []string{"exec", "lab run"}},
	{"RAWSHAKE_NATS, RAWSHAKE_NATS_TOKEN_FILE, RAWSHAKE_NATS_CA", "what --nats, --nats-token-file and --nats-ca say, where they are not given", []string{"fleet start", "fleet work", "fleet status", "fleet pause", "fleet resume", "fleet stop", "fleet exclude", "fleet collect", "fleet remove"}},
	{"SUDO_USER", "whose guard it is, in what guard status says", []string{"guard up"}},
}

func (v *variable) concerns(cmd *cobra.Command) bool {
	return len(v.commands) == 0 || !cmd.HasParent() || slices.ContainsFunc(v.commands, func(c string) bool {
		return strings.HasSuffix(cmd.CommandPath(), " "+c)
	})
}

// manSections are the sections of a command, in the language of manual pages.
func manSections(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString(".SH EXIT STATUS\n")
	for n, what := range statuses {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", n, roff(what))
	}
	for _, path := range []string{"guard run", "lab run", "lab exec"} {
		if strings.HasSuffix(cmd.CommandPath(), path) {
			b.WriteString(".PP\nIt is the command's own once that has begun: 126 where it cannot be run, 127 where it is not there, 128 and the signal's number where one ended it.\n")
		}
	}
	b.WriteString(".SH ENVIRONMENT\n")
	for _, v := range environment {
		if v.concerns(cmd) {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(v.name), roff(v.does))
		}
	}
	return b.String()
}

// roff is plain text for a manual page.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
