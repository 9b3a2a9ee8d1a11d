package interop

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/rawshake/rawshake/internal/lab/service"
)

// A firewall of this machine whose rules cannot be read answers what comes in with
// RSTs. What the peer does then is not taken for its will, and the way out is told,
// by connect and probe alike.
func TestAResetThatAnswersOneOfThisMachinesIsNotThePeers(t *testing.T) {
	for _, link := range []string{"packet", "raw"} {
		t.Run(link, func(t *testing.T) {
			l := newLab(t)
			s, err := l.StartTLSServer(service.Options{})
			if err != nil {
				t.Fatal(err)
			}
			nearRules(t, l, nftables.ChainHookInput, nftables.ChainPolicyAccept, tcpOnly(&expr.Reject{Type: 1})) // NFT_REJECT_TCP_RST
			at := s.Addr().String()
			const raw = "-all,+net_raw"
			capable(t, l.Near(), raw, "connect", "--link", link, "--timeout", "3s", "--ca", s.CAFile(), at).says(t, "this machine's kernel sent a RST", "cap_net_admin")

			p := capable(t, l.Near(), raw, "probe", "--link", link, "--allow-special", "--timeout", "3s", "--retries", "0", "--until", "finished", "-p", strings.Split(at, ":")[1], l.Far().Addr().String()+"/32")
			if !strings.Contains(p.stderr, "cap_net_admin") {
				t.Errorf("probe names no way out:\n%s", p.stderr)
			}
			list := parseRecords(t, []byte(p.stdout))
			if len(list) != 1 {
				t.Fatalf("%d results: %s%s", len(list), p.stdout, p.stderr)
			}
			r := list[0]
			if codes := codesOf(r); !slices.Contains(codes, "kernel_reset") {
				t.Errorf("the reasons are %q: %s", codes, p.stdout)
			}
			reset, _ := r["reset"].(map[string]any)
			if fits, told := reset["fits_host"]; told {
				t.Errorf("fits_host is %v: %s", fits, p.stdout)
			}
			if link == "packet" && reset["after_own"] != true {
				t.Errorf("not told from the peer's: %s", p.stdout)
			}
		})
	}
}

// codesOf are the codes of a result's reasons.
func codesOf(r map[string]any) (codes []string) {
	list, _ := r["reasons"].([]any)
	for _, x := range list {
		reason, _ := x.(map[string]any)
		code, _ := reason["code"].(string)
		codes = append(codes, code)
	}
	return codes
}
