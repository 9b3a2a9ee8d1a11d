// What testssl.sh finds, by its JSON.

package compare

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// Its checks are as few as say what is compared: protocols, ciphers of each,
// their order, groups, and certificates.
var testssl = &tool{
	name: "testssl.sh", file: "testssl", version: []string{"--version"}, pattern: `testssl +([0-9.]+)`,
	args: func(addr, file string) []string {
		host, port, _ := strings.Cut(addr, ":")
		return []string{"--jsonfile", file, "--nodns", "none", "--ip", host, "--warnings", "batch", "--color", "0", "--quiet",
			"-p", "-E", "-P", "-f", "-S", serverName + ":" + port}
	},
	toFile: true,
	parse:  parseTestSSL,
}

var (
	testsslVersions = map[string]string{"SSLv2": "SSL 2.0", "SSLv3": "SSL 3.0", "TLS1": "TLS 1.0", "TLS1_1": "TLS 1.1", "TLS1_2": "TLS 1.2", "TLS1_3": "TLS 1.3"}
	testsslCipher   = regexp.MustCompile(`^cipher-(ssl|tls)([0-9_]+)_x([0-9a-f]+)$`)
)

func parseTestSSL(out []byte) (*findings, error) {
	var list []struct{ ID, Finding string }
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, err
	}
	f := &findings{suites: map[string][]string{}, curves: []string{}, allLeaf: true}
	for _, e := range list {
		if v := testsslVersions[e.ID]; v != "" {
			f.asked = append(f.asked, v)
			if !strings.HasPrefix(e.Finding, "not offered") {
				f.speaks = append(f.speaks, v)
			}
			continue
		}
		if m := testsslCipher.FindStringSubmatch(e.ID); m != nil {
			n, err := strconv.ParseUint(m[3], 16, 32)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.ID, err)
			}
			v := testsslVersions[strings.Replace(strings.ToUpper(m[1])+m[2], "SSL", "SSLv", 1)]
			f.suites[v] = append(f.suites[v], tlsmsg.CipherSuite(n).String())
			continue
		}
		f.testssl(e.ID, e.Finding)
	}
	return f, nil
}

// testssl takes a finding about the server as a whole.
func (f *findings) testssl(id, finding string) {
	switch {
	case id == "PFS_ECDHE_curves":
		for name := range strings.FieldsSeq(finding) {
			if g, err := tlsmsg.ParseNamedGroup(name); err == nil {
				f.curves = append(f.curves, g.String())
			} else {
				f.curves = append(f.curves, name)
			}
		}
	case id == "cipher_order":
		f.anyOrder = "server"
		if strings.HasPrefix(strings.ToLower(finding), "not a cipher order") {
			f.anyOrder = "client"
		}
	case strings.HasPrefix(id, "cert_fingerprintSHA256"):
		f.leaves = append(f.leaves, strings.ToLower(finding))
	}
}
