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
		path := program(t, "nginx")
		addr, _ := freeAddr(t)
		dir := t.TempDir()
		group := filepath.Join(dir, "dh.pem")
		_, err := run(t, "", program(t, "openssl"), "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", group)
		must(t, err)
		verify := "off"
		if auth {
			verify = "on"
		}
		config := filepath.Join(dir, "nginx.conf")
		must(t, os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, addr, a.byKind[kind].certPath, a.byKind[kind].keyPath, everySuite, group, verify, a.rootPath), 0o600))
		startServer(t, addr, path, "-e", "stderr", "-p", dir, "-c", config)
		return func(_ *testing.T, c cell) error { return a.visit(addr, c) }
	},
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
		ssl_protocols TLSv1.2;
		ssl_ciphers %s;
		ssl_dhparam %s;
		ssl_session_cache shared:matrix:1m;
		ssl_session_tickets on;
		ssl_verify_client %s;
		ssl_client_certificate %s;
		location / { return 200 "hello\n"; }
	}
}
`
