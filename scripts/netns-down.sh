#!/bin/sh
# netns-down.sh: take away what netns-up.sh made.
#
#   sudo scripts/netns-down.sh [NAME]
#
# With a namespace go its interfaces and, with one end of a veth pair, the
# other. Programs that still run in there keep it alive without a name until
# they end. Doing it twice is harmless, also after a half-done netns-up.sh.
#
# Exit status: 0 done, 1 failed, 2 wrong arguments, 3 not permitted.
set -eu

fail() { printf 'netns-down.sh: %s\n' "$2" >&2; exit "$1"; }

[ $# -le 1 ] || fail 2 "usage: netns-down.sh [NAME]"
name=${1:-rawshake}
case $name in
*[!a-z0-9]* | ?????????*) fail 2 "'$name' is not a name: up to eight small letters and digits" ;;
esac
command -v ip >/dev/null 2>&1 || fail 1 "the program ip is not installed (package iproute2)"
[ "$(id -u)" -eq 0 ] || fail 3 "network namespaces with names are root's: try sudo"

for ns in "$name-client" "$name-server"; do
	if [ -e "/run/netns/$ns" ]; then
		# The cable first: a program inside would keep it.
		ip -n "$ns" link delete "${name}0" 2>/dev/null || true
		ip netns delete "$ns"
	fi
done
