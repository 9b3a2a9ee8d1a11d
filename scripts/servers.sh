#!/bin/sh
# Unpack Debian's servers that have STARTTLS, for internal/test/servers. They are not
# installed: some exclude each other, and each would make users, keys and databases
# and be started. Does nothing where they are there already.
set -eu

# Not below /usr or /etc, which the tests lay over with what is here.
dir=/var/cache/rawshake-servers
# Each line is asked for by itself, since its packages exclude some of the others.
lists="postfix dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-managesieved vsftpd prosody lua-sec slapd mariadb-server-core postgresql inn2 inspircd xrdp
exim4-daemon-light courier-imap courier-pop"

if [ "$(cat "$dir/unpacked" 2>/dev/null)" = "$lists" ]; then
	exit 0
fi
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
	echo "servers: unpacking Debian's servers into $dir needs Debian, and root: sudo scripts/servers.sh" >&2
	exit 1
fi
rm -rf "$dir"
mkdir -p "$dir/debs/partial" "$dir/root"
apt-get update -q
echo "$lists" | while read -r packages; do
	# shellcheck disable=SC2086 # a list of packages, one word each
	apt-get install -y -q --no-install-recommends --download-only -o Dir::Cache::archives="$dir/debs" $packages
done
for deb in "$dir"/debs/*.deb; do
	dpkg -x "$deb" "$dir/root"
done
# Some packages still name the folders that are links into /usr by now.
for old in bin sbin lib lib64; do
	if [ -d "$dir/root/$old" ]; then
		mkdir -p "$dir/root/usr/$old"
		cp -a "$dir/root/$old/." "$dir/root/usr/$old/"
	fi
done
rm -rf "$dir/debs" "$dir/root/usr/share/doc" "$dir/root/usr/share/man"
echo "$lists" >"$dir/unpacked"
