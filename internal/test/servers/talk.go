// Servers of people's talk: Prosody, INN, InspIRCd.

package servers

func startProsody(s *site) {
	s.folder("data", "prosody")
	s.write("prosody.cfg.lua", `
data_path = "{dir}/data"
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "*" }
use_ipv6 = false
modules_enabled = { "saslauth", "tls", "dialback", "disco" }
authentication = "internal_hashed"
c2s_require_encryption = false
s2s_require_encryption = false
VirtualHost "{name}"
`+s.onlyTLS(`ssl = { certificate = "{cert}", key = "{key}" }
`)+s.withoutTLS(`modules_disabled = { "tls" }
`))
	s.serves(command{user: "prosody", args: []string{"prosody", "--config", "{dir}/prosody.cfg.lua", "-F"}})
}

// startINN starts INN's server for readers by itself: innd knows no TLS, and hands its
// readers to this one.
func startINN(s *site) {
	s.give(s.dir, "news") // its spool is the folder itself
	s.folder("overview", "news")
	s.write("inn.conf", `mta: "/usr/sbin/sendmail -oi -oem %s"
organization: "rawshake lab"
ovmethod: tradindexed
hismethod: hisv6
pathhost: {name}
domain: lab.test
pathnews: /usr/lib/news
pathdb: {dir}
pathetc: {dir}
pathrun: {dir}
pathlog: {dir}
pathspool: {dir}
nnrpdloadlimit: 0
`+s.onlyTLS(`tlscertfile: {cert}
tlskeyfile: {dir}/news.pem
tlscafile: {dir}/ca.pem
`))
	s.secret("news.pem", s.key, "news")
	s.write("active", "control 0000000000 0000000001 n\n")
	s.write("storage.conf", "method tradspool {\n  newsgroups: *\n  class: 0\n}\n")
	s.write("passwords", "reader:*\n")
	// STARTTLS is offered to readers who have yet to say who they are.
	const unknown, known = `  auth: "ckpasswd -f {dir}/passwords"`, `  default: "reader"`
	s.write("readers.conf", "auth \"all\" {\n  hosts: \"*\"\n"+s.onlyTLS(unknown)+s.withoutTLS(known)+`
}
access "all" {
  users: "*"
  newsgroups: "*"
}
`)
	env := []string{"INNCONF=" + s.dir + "/inn.conf"}
	s.prepares(command{user: "news", env: env, args: []string{"/usr/lib/news/bin/makehistory", "-O", "-x"}}) // an empty overview
	s.serves(command{env: env, args: []string{"/usr/lib/news/bin/nnrpd", "-D", "-f", "-p", "119", "-c", "{dir}/readers.conf"}})
}

func startInspIRCd(s *site) {
	s.folder("data", "irc")
	s.write("inspircd.motd", "hello\n")
	s.write("inspircd.conf", `<server name="{name}" description="rawshake lab" id="97K" network="lab">
<admin name="lab" nick="lab" email="lab@lab.test">
<bind address="*" port="6667" type="clients">
<connect allow="*" timeout="60" resolvehostnames="no" useident="no">
<options prefixquit="Quit: " nouserdns="yes">
<pid file="{dir}/data/pid">
<files motd="{dir}/inspircd.motd">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="{dir}/data/inspircd.log">
`+s.onlyTLS(`<module name="ssl_gnutls">
<sslprofile name="clients" provider="gnutls" certfile="{cert}" keyfile="{key}" cafile="" hash="sha256">
<module name="starttls">
<starttls provider="clients">
`))
	s.serves(command{user: "irc", args: []string{"inspircd", "--nofork", "--config={dir}/inspircd.conf"}})
}
