#!/bin/sh
# netns-up.sh: two hosts on one link, by hand: the plain `ip` commands behind
# `rawshake lab`, for reading and for scripts of your own.
#
#   sudo scripts/netns-up.sh [NAME]      make NAME-client and NAME-server
#   sudo ip netns exec NAME-client rawshake connect --insecure 198.18.0.2
#   sudo scripts/netns-down.sh [NAME]    take them away again
#
#   NAME-client 198.18.0.1/24 ──────── 198.18.0.2/24 NAME-server
#             2001:db8::1/64           2001:db8::2/64
#
# NAME is "rawshake" if not given. The addresses are of the networks for
# benchmarks (RFC 2544) and documentation (RFC 3849), and no route leads out.
# Doing it twice is harmless, also after a half-done first time.
#
# Exit status: 0 done, 1 failed, 2 wrong arguments, 3 not permitted.
set -eu

fail() { printf 'netns-up.sh: %s\n' "$2" >&2; exit "$1"; }

[ $# -le 1 ] || fail 2 "usage: netns-up.sh [NAME]"
name=${1:-rawshake}
case $name in
*[!a-z0-9]* | ?????????*) fail 2 "'$name' is not a name: up to eight small letters and digits" ;;
esac
command -v ip >/dev/null 2>&1 || fail 1 "the program ip is not installed (package iproute2)"
[ "$(id -u)" -eq 0 ] || fail 3 "network namespaces with names are root's: try sudo, or rawshake lab, which needs no privilege"

client=$name-client server=$name-server
here=${name}0 there=${name}1 # interface names have at most 15 characters

# in_ns NAMESPACE ARGUMENT…: ip, in there.
in_ns() { ns=$1; shift; ip -n "$ns" "$@"; }

# A namespace is a name under /run/netns; its loopback interface is down at first.
for ns in "$client" "$server"; do
	[ -e "/run/netns/$ns" ] || ip netns add "$ns"
	in_ns "$ns" link set lo up
done

# A veth pair is a cable: what goes in at one end comes out at the other. If one
# end is there, so is the other: they live and die together.
in_ns "$client" link show "$here" >/dev/null 2>&1 ||
	ip link add "$here" netns "$client" type veth peer name "$there" netns "$server"

# configure NAMESPACE INTERFACE IPV4 IPV6: "replace" is content with an address
# that is there. nodad: usable at once, nobody else can have it.
configure() {
	in_ns "$1" address replace "$3" dev "$2"
	if [ -e /proc/net/if_inet6 ]; then in_ns "$1" address replace "$4" dev "$2" nodad; fi
	in_ns "$1" link set "$2" up
}
configure "$client" "$here" 198.18.0.1/24 2001:db8::1/64
configure "$server" "$there" 198.18.0.2/24 2001:db8::2/64
