// Servers of files, directories, databases and desktops: vsftpd, slapd, PostgreSQL,
// MariaDB, xrdp.

package servers

import "path/filepath"

func startVsftpd(s *site) {
	s.folder("empty", "root")
	s.write("vsftpd.conf", `listen=YES
background=NO
seccomp_sandbox=NO
anonymous_enable=YES
anon_root={dir}/empty
secure_chroot_dir={dir}/empty
nopriv_user=nobody
xferlog_enable=YES
log_ftp_protocol=YES
vsftpd_log_file={dir}/vsftpd.log
`+s.onlyTLS(`ssl_enable=YES
rsa_cert_file={cert}
rsa_private_key_file={key}
ssl_ciphers=HIGH
require_ssl_reuse=NO
`))
	s.serves(command{args: []string{"vsftpd", "{dir}/vsftpd.conf"}})
}

func startSlapd(s *site) {
	s.write("slapd.conf", `include /etc/ldap/schema/core.schema
pidfile {dir}/pid
`+s.onlyTLS(`TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
`)+`database config
`)
	s.serves(command{args: []string{"slapd", "-f", "{dir}/slapd.conf", "-h", "ldap://0.0.0.0:389", "-d", "stats"}})
}

func startPostgres(s *site) {
	bin := filepath.Dir(find(s, "/usr/lib/postgresql/*/bin/initdb")) + "/"
	s.folder("data", "postgres")
	s.folder("socket", "postgres")
	s.prepares(command{user: "postgres", args: []string{bin + "initdb", "-D", "{dir}/data", "-A", "trust", "--no-sync", "--no-instructions"}})
	args := []string{bin + "postgres", "-D", "{dir}/data", "-p", "5432", "-c", "listen_addresses=0.0.0.0",
		"-c", "unix_socket_directories={dir}/socket", "-c", "fsync=off"}
	if s.tls {
		s.secret("postgres.pem", s.key, "postgres")
		args = append(args, "-c", "ssl=on", "-c", "ssl_cert_file={cert}", "-c", "ssl_key_file={dir}/postgres.pem")
	}
	s.serves(command{user: "postgres", args: args})
}

func startMariaDB(s *site) {
	s.folder("data", "mysql")
	args := []string{"mariadbd", "--no-defaults", "--datadir={dir}/data", "--socket={dir}/data/socket", "--pid-file={dir}/data/pid",
		"--skip-grant-tables", "--skip-networking=0", "--skip-name-resolve", "--innodb=OFF", "--default-storage-engine=Aria",
		"--bind-address=0.0.0.0", "--port=3306"}
	if s.tls {
		args = append(args, "--ssl-cert={cert}", "--ssl-key={key}")
	}
	s.serves(command{user: "mysql", args: args})
}

func startXrdp(s *site) {
	security := "rdp"
	if s.tls {
		security = "tls"
	}
	s.write("xrdp.ini", `[Globals]
ini_version=1
fork=true
port=tcp://:3389
security_layer=`+security+`
crypt_level=high
certificate={cert}
key_file={key}
ssl_protocols=TLSv1.2, TLSv1.3
[Logging]
LogFile={dir}/xrdp.log
LogLevel=INFO
[Xorg]
name=Xorg
lib=libxup.so
ip=127.0.0.1
port=-1
code=20
`)
	s.prepares(command{args: []string{"xrdp-keygen", "xrdp", "/etc/xrdp/rsakeys.ini"}}) // it knows no other place
	s.serves(command{args: []string{"xrdp", "--nodaemon", "--config", "{dir}/xrdp.ini"}})
}
