#!/bin/sh
# Install what `make test` needs beyond Go: the peers that we are judged
# against, and the tools that look at packets. Does nothing where all is there.
set -eu

# program:package, as Debian names them
needed="gcc:gcc openssl:openssl gnutls-serv:gnutls-bin nginx:nginx-light apache2:apache2-bin tshark:tshark
ip:iproute2 ss:iproute2 nft:nftables iptables:iptables shellcheck:shellcheck chromium:chromium pdftotext:poppler-utils setpriv:util-linux
unshare:util-linux setcap:libcap2-bin sysctl:procps curl:curl zstd:zstd"
# Firewalls to stand beside, more servers, and the tools that an audit is compared
# with. They are not put on a person's machine unasked.
[ -z "${CI:-}" ] || needed="$needed ufw:ufw firewalld:firewalld dbus-daemon:dbus-daemon
haproxy:haproxy stunnel4:stunnel4 javac:default-jdk-headless sslscan:sslscan nmap:nmap testssl:testssl.sh"

# Nor are servers, of which the tests take what is unpacked and not installed.
[ -z "${CI:-}" ] || "$(dirname "$0")/servers.sh"

PATH="$PATH:/usr/sbin:/sbin"
missing=""
for pair in $needed; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: not found:$missing. This is not a Debian system: install them by its own means." >&2
elif [ "$(id -u)" -ne 0 ]; then
	echo "setup: not found:$missing. Tests that need them are skipped. To install: sudo scripts/setup.sh" >&2
else
	# The tests run firewalld in a network of their own: it is not to become
	# this machine's firewall.
	case $missing in *firewalld*) [ ! -d /run/systemd/system ] || systemctl mask firewalld.service ;; esac
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	# shellcheck disable=SC2086 # a list of packages, one word each
	apt-get install -y -q --no-install-recommends $missing
	exit 0
fi
# Without the tools a gate must fail, and a person's own run may go on.
[ -z "${CI:-}" ]
