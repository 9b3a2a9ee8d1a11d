package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// nginx is OpenSSL's library under another server's hands. It has no group for
// DHE of its own.
var nginxServer = &peer{
	name: "nginx",
	version: func(t *testing.T) string {
		return versionOf(t, `nginx/([0-9.]+)`, program(t, "nginx"), "-v")
	},
	suites: opensslSuites,
	lacks:  func(cell) string { return "" },
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell) error {
		group := filepath.Join(t.TempDir(), "dh.pem")
		_, err := run(t, "", program(t, "openssl"), "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", group)
		must(t, err)
		addr := startNginx(t, a, kind, auth, fmt.Sprintf("ssl_protocols TLSv1.2; ssl_ciphers %s; ssl_dhparam %s;", everySuite, group))
		return func(_ *testing.T, c cell) error { return a.visit(addr, c) }
	},
}

// startNginx runs nginx with directives about its TLS, and returns its address.
func startNginx(t *testing.T, a *authority, kind string, auth bool, directives string) string {
	path := program(t, "nginx")
	addr, _ := freeAddr(t)
	dir := t.TempDir()
	verify := "off"
	if auth {
		verify = "on"
	}
	config := filepath.Join(dir, "nginx.conf")
	must(t, os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, addr, a.byKind[kind].certPath, a.byKind[kind].keyPath, directives, verify, a.rootPath), 0o600))
	startServer(t, addr, path, "-e", "stderr", "-p", dir, "-c", config)
	return addr
}

const nginxConfig = `daemon off;
master_process off;
pid %s/pid;
error_log stderr warn;
events {}
http {
	access_log off;
	server {
		listen %s ssl;
		ssl_certificate %s;
		ssl_certificate_key %s;
		%s
		ssl_session_cache shared:matrix:1m;
		ssl_session_tickets on;
		ssl_verify_client %s;
		ssl_client_certificate %s;
		location / { return 200 "hello\n"; }
	}
}
`
