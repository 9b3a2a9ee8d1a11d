// Servers of mail: Postfix, Exim, Dovecot, Courier.

package servers

import (
	"os"
	"strings"
)

func startPostfix(s *site) {
	s.folder("queue", "root")
	s.folder("data", "postfix")
	s.write("main.cf", `compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
maillog_file = /dev/stdout
mail_owner = postfix
setgid_group = postdrop
myhostname = {name}
mydestination = {name}
alias_maps =
local_recipient_maps =
smtpd_peername_lookup = no
inet_interfaces = all
`+s.onlyTLS(`smtpd_tls_security_level = may
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
`))
	s.write("master.cf", `smtp inet n - n - - smtpd
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`)
	s.serves(command{args: []string{"postfix", "-c", "{dir}", "start-fg"}})
}

func startExim(s *site) {
	s.folder("spool", "Debian-exim")
	s.folder("log", "Debian-exim")
	s.write("exim.conf", `primary_hostname = {name}
spool_directory = {dir}/spool
log_file_path = {dir}/log/%slog
daemon_smtp_ports = 25
local_interfaces = 0.0.0.0
host_lookup =
rfc1413_hosts =
keep_environment =
`+s.onlyTLS(`tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {key}
`)+s.withoutTLS("tls_advertise_hosts =\n"))
	s.serves(command{args: []string{"exim4", "-bdf", "-v", "-C", "{dir}/exim.conf", "-oP", "{dir}/pid"}})
}

func startDovecot(s *site) {
	s.write("dovecot.conf", `base_dir = {dir}/run
state_dir = {dir}/state
log_path = /dev/stderr
protocols = imap pop3 lmtp sieve
hostname = {name}
listen = *
ssl = {yes}
`+s.onlyTLS(`ssl_cert = <{cert}
ssl_key = <{key}
`)+`passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=dovenull gid=dovenull home={dir}
}
service imap-login {
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3s {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = 24
  }
}
`)
	s.serves(command{args: []string{"dovecot", "-F", "-c", "{dir}/dovecot.conf"}})
}

// startCourier starts what Debian's init scripts start, with their environment.
func startCourier(s *site) {
	for _, p := range []struct{ port, protocol, login, server string }{
		{"143", "imap", "imaplogin", "/usr/bin/imapd"},
		{"110", "pop3", "courierpop3login", "/usr/lib/courier/courier/courierpop3d"},
	} {
		config := "/etc/courier/" + p.protocol + "d"
		env := append(settings(s, config), settings(s, config+"-ssl")...)
		env = append(env, strings.ToUpper(p.protocol)+"_STARTTLS="+strings.ToUpper(s.yes()),
			"TLS_CERTFILE="+s.both, "TLS_CACHEFILE=", "TLS_DHPARAMS=", "TLS_TRUSTCERTS="+s.ca)
		s.serves(command{env: env, args: []string{"couriertcpd", "-address=0", "-maxprocs=10", "-nodnslookup", "-noidentlookup",
			p.port, "/usr/lib/courier/courier/" + p.login, p.server, "Maildir"}})
	}
}

// settings are the lines of a file in the shell's language that set a variable.
func settings(s *site, path string) (list []string) {
	s.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		s.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.ContainsAny(name, "# \t") {
			list = append(list, name+"="+strings.Trim(value, `"'`))
		}
	}
	return list
}
