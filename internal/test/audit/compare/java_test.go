// Java's JSSE, by a small program of ours.

package compare

import (
	_ "embed"
	"testing"
)

//go:embed testdata/Server.java
var javaSource []byte

// java starts it with properties for the whole machine, and options of Server.java.
func java(kinds string, security string, options ...string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		source := s.write(t, "Server.java", "%s", javaSource)
		properties := s.write(t, "java.security", "%s", security)
		args := []string{"-XX:TieredStopAtLevel=1", "-Djava.security.properties=" + properties, source, s.host.Addr.String(), "443"}
		for _, o := range options {
			args = append(args, s.fill(o))
		}
		for _, p := range s.papers.of(kinds) {
			args = append(args, "cert="+p.both)
		}
		s.start(t, program(t, "java"), args...)
	}
}

var javaServers = []server{
	{"Java", "as it comes", true, java("RSA", "")},
	{"Java", "RSA and ECDSA, everything, its own order", true, java("both", "jdk.tls.disabledAlgorithms=\njdk.tls.legacyAlgorithms=\njdk.certpath.disabledAlgorithms=\n", "every", "order")},
	{"Java", "client certificates", true, java("ECDSA", "", "auth=$ROOT")},
}
