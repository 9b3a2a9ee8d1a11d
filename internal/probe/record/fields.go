// Which fields of a result are written.

package record

import (
	"fmt"
	"slices"
	"strings"
)

// Names are the fields of a result, in their order.
var Names = []string{"type", "addr", "port", "name", "tag", "ok", "outcome", "error", "after", "class", "reasons", "odd", "repeat",
	"time", "syns", "rtt_ms", "handshake_ms", "steps", "tcp", "preamble",
	"version", "cipher_suite", "group", "dh", "key_shares", "hello_retry_request", "signature_scheme", "deprecated", "alpn", "extensions", "extension_numbers", "encrypted_extensions", "encrypted_extension_numbers", "ja3s",
	"session_id_len", "session_id", "client_random", "server_random", "session_ticket", "resumption", "tickets", "ech",
	"extended_master_secret", "secure_renegotiation", "client_certificate_requested", "ocsp_response_len", "ocsp_status", "scts", "chain",
	"certificate_verified", "peer_verified", "certificate_checks", "certificate_error", "certificate_reasons",
	"alert", "alert_sent", "reset", "icmp", "first_bytes", "data_len", "data", "data_end", "audit", "evidence"}

// Fields are those that are wanted.
type Fields struct{ set map[string]bool }

// ParseFields reads a list of names with commas between them; an empty one
// stands for all. With a - before each, they are what is left out.
func ParseFields(s string) (*Fields, error) {
	if s == "" {
		return nil, nil
	}
	f := &Fields{set: make(map[string]bool)}
	without := strings.HasPrefix(s, "-")
	if without {
		for _, n := range Names {
			f.set[n] = true
		}
	}
	for _, n := range strings.Split(s, ",") {
		n = strings.TrimSpace(n)
		bare, minus := strings.CutPrefix(n, "-")
		if minus != without {
			return nil, fmt.Errorf("%q: name the fields to write, or all of them with - before them to leave out", s)
		}
		if !slices.Contains(Names, bare) {
			return nil, fmt.Errorf("there is no field %q; there are %s", bare, strings.Join(Names, ", "))
		}
		f.set[bare] = !without
	}
	return f, nil
}

// wanted are the names, or nil for all of them.
func (f *Fields) wanted() map[string]bool {
	if f == nil {
		return nil
	}
	return f.set
}

// ParseOutcomes reads which outcomes' results are wanted, or with - before each
// which are not. None stands for all of them, and gives nil.
func ParseOutcomes(list []string) (map[string]bool, error) {
	if len(list) == 0 {
		return nil, nil
	}
	wanted := make(map[string]bool)
	without := strings.HasPrefix(strings.TrimSpace(list[0]), "-")
	for _, o := range Outcomes {
		wanted[o] = without
	}
	for _, o := range list {
		bare, minus := strings.CutPrefix(strings.TrimSpace(o), "-")
		if minus != without {
			return nil, fmt.Errorf("%q: name the outcomes to write, or all of them with - before them to leave out", strings.Join(list, ","))
		}
		if !slices.Contains(Outcomes, bare) {
			return nil, fmt.Errorf("there is no outcome %q; there are %s", bare, strings.Join(Outcomes, ", "))
		}
		wanted[bare] = !without
	}
	return wanted, nil
}
