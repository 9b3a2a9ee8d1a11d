#!/bin/sh
# rst-guard.sh: keep this machine's kernel from resetting connections that it
# knows nothing of.
#
#   rst-guard.sh up     PORT[-PORT] [ADDRESS]   drop the kernel's RSTs from there
#   rst-guard.sh down   PORT[-PORT] [ADDRESS]   take exactly that away again
#   rst-guard.sh status [PORT[-PORT] [ADDRESS]] say whether it stands (0 yes, 1 no)
#
# Why: a TCP in userspace sends a SYN with its own hands. The SYN-ACK that comes
# back belongs to no socket of the kernel, so the kernel answers it with a RST
# (RFC 9293, section 3.5.2, group 1), and the peer hangs up. rawshake's built-in
# guard prevents that by itself and needs none of this. This is the classic way,
# for other tools and for reading: a firewall rule that drops outgoing RSTs from
# the source ports that the userspace TCP uses.
#
# The rule stands in the *raw* table. There it comes before connection tracking;
# in the filter table, tracking would already have seen the RST and forgotten
# the connection, and a stateful firewall would then drop the peer's segments.
# It spares what carries rawshake's mark: the RSTs that the userspace TCP itself
# sends through a raw IP socket.
#
# Unlike the built-in guard the rule outlives the program. It is marked with the
# comment "rawshake-rst-guard"; `status` without arguments lists what stands.
# Doing anything twice is harmless, also after a half-done first time.
#
# ADDRESS limits the rule to one local address, IPv4 or IPv6; without one it is
# for both families. iptables and ip6tables are used, or nft where there is no
# iptables, and beside firewalld, whose reload takes all iptables rules away.
#
# Exit status: 0 done, 1 failed (status: does not stand), 2 wrong arguments,
# 3 not permitted, or no tool for it.

set -u

MARKER=rawshake-rst-guard
MARK=0x53              # what rawshake's raw sockets carry (SO_MARK)
TABLE=rawshake_rst_guard # of our own, with nft

say()  { printf '%s\n' "$*"; }
fail() { printf 'rst-guard.sh: %s\n' "$2" >&2; exit "$1"; }
have() { command -v "$1" >/dev/null 2>&1; }

usage() {
	printf 'usage: rst-guard.sh up|down PORT[-PORT] [ADDRESS]\n       rst-guard.sh status [PORT[-PORT] [ADDRESS]]\n' >&2
	fail 2 "$1"
}

# --- arguments ---------------------------------------------------------------

# port NUMBER: whether it is a TCP port, written plainly.
port() {
	case $1 in
	'' | *[!0-9]* | 0* | ??????*) return 1 ;;
	esac
	[ "$1" -le 65535 ]
}

parse_ports() {
	first=${1%%-*}
	last=${1#*-}
	if ! port "$first" || ! port "$last"; then
		usage "'$1' is not a port or a range of ports (1 to 65535)"
	fi
	[ "$first" -le "$last" ] || usage "'$1' is not a range: its first port is above its last"
	# One spelling for each range, so that `down 5-5` finds what `up 5` made.
	if [ "$first" -eq "$last" ]; then last=; fi
}

# parse_address decides the families. Without an address both are meant, or
# IPv4 alone where the kernel has no IPv6.
parse_address() {
	address=$(printf %s "$1" | tr A-F a-f)
	families=4
	case $address in
	'') if [ -e /proc/net/if_inet6 ]; then families='4 6'; fi ;;
	*:*)
		families=6
		ipv6 "$address" || usage "'$1' is not an IPv6 address"
		;;
	*) ipv4 "$address" || usage "'$1' is not an IP address" ;;
	esac
}

# ipv4 ADDRESS: four numbers, so that no option, name or list gets through.
ipv4() {
	case $1 in '' | *[!0-9.]* | .* | *. | *..*) return 1 ;; esac
	(
		IFS=.
		# shellcheck disable=SC2086 # to be split at the dots
		set -- $1
		[ $# -eq 4 ] || exit 1
		for n; do
			case $n in ????* | 0?*) exit 1 ;; esac
			[ "$n" -le 255 ] || exit 1
		done
	)
}

# ipv6 ADDRESS: eight groups of up to four digits, or fewer around one "::".
ipv6() {
	case $1 in *[!0-9a-f:]* | *:::* | *::*::* | :[!:]* | *[!:]:) return 1 ;; esac
	(
		IFS=:
		# shellcheck disable=SC2086 # to be split at the colons
		set -- $1
		for n; do
			case $n in ?????*) exit 1 ;; esac
		done
		[ $# -le 8 ] || exit 1
	) || return 1
	case $1 in
	*::* | *:*:*:*:*:*:*:*) return 0 ;;
	*) return 1 ;;
	esac
}

# --- iptables ----------------------------------------------------------------

iptables_of() { case $1 in 4) echo iptables ;; 6) echo ip6tables ;; esac; }

# rule TOOL ACTION: add (-I), look for (-C) or delete (-D) the one rule. -w
# waits for another iptables to finish.
rule() {
	tool=$1 action=$2
	set -- -p tcp --sport "$first${last:+:$last}" --tcp-flags RST RST \
		-m mark ! --mark $MARK -m comment --comment $MARKER -j DROP
	if [ -n "$address" ]; then set -- -s "$address" "$@"; fi
	"$tool" -w -t raw "$action" OUTPUT "$@"
}

iptables_stands() { rule "$1" -C >/dev/null 2>&1; }

iptables_up() { iptables_stands "$1" || rule "$1" -I; }

iptables_down() {
	# More than one can stand only if somebody added them by hand.
	while iptables_stands "$1"; do
		rule "$1" -D || return 1
	done
	iptables_tidy "$1"
}

# iptables_tidy takes away the raw table that an iptables on top of nftables
# makes for its first rule, if it holds nothing now but the empty OUTPUT.
iptables_tidy() {
	case $("$1" --version) in *nf_tables*) ;; *) return 0 ;; esac
	have nft || return 0
	case $1 in iptables) table='ip raw' ;; ip6tables) table='ip6 raw' ;; esac
	# shellcheck disable=SC2086 # family and name
	listing=$(nft list table $table 2>/dev/null | sed '/^#/d' | tr -s '[:space:]' ' ')
	case $listing in
	"table $table { chain OUTPUT { type filter hook output priority raw; policy accept; } } ")
		# shellcheck disable=SC2086
		nft delete table $table
		;;
	esac
}

# --- nft ---------------------------------------------------------------------

# Each rule carries what it is for in its comment, by which it is found again.
nft_comment() { say "$MARKER $first${last:+-$last}${address:+ $address} ipv$1"; }

nft_handles() {
	nft -a list chain inet $TABLE output 2>/dev/null |
		sed -n "s/.*comment \"$(nft_comment "$1")\" # handle \([0-9][0-9]*\)\$/\1/p"
}

nft_stands() { [ -n "$(nft_handles "$1")" ]; }

nft_up() {
	nft_stands "$1" && return 0
	case $1 in 4) proto=ip nfproto=ipv4 ;; 6) proto=ip6 nfproto=ipv6 ;; esac
	# "add" is content with a table and a chain that are there already.
	nft -f - <<-RULES
		add table inet $TABLE
		add chain inet $TABLE output { type filter hook output priority raw; policy accept; }
		add rule inet $TABLE output meta nfproto $nfproto ${address:+$proto saddr $address }tcp sport $first${last:+-$last} tcp flags & rst == rst meta mark != $MARK counter drop comment "$(nft_comment "$1")"
	RULES
}

nft_down() {
	for handle in $(nft_handles "$1"); do
		nft delete rule inet $TABLE output handle "$handle" || return 1
	done
}

# nft_tidy takes the table away with its last rule.
nft_tidy() {
	listing=$(nft list table inet $TABLE 2>/dev/null) || return 0
	case $listing in
	*"$MARKER"*) ;;
	*) nft delete table inet $TABLE ;;
	esac
}

# --- the commands ------------------------------------------------------------

# backend FAMILY: the tool for it.
backend() {
	if nft list table inet firewalld >/dev/null 2>&1; then
		echo nft
	elif have "$(iptables_of "$1")"; then
		iptables_of "$1"
	elif have nft; then
		echo nft
	else
		fail 3 "for IPv$1 neither $(iptables_of "$1") nor nft is installed"
	fi
}

# permitted ends the script where root alone is not enough, as in a container
# without CAP_NET_ADMIN.
permitted() {
	if [ "$(id -u)" -ne 0 ]; then
		fail 3 "the firewall is root's: try sudo, or use rawshake's built-in guard, which needs no privilege"
	fi
	if have nft; then why=$(LC_ALL=C nft list tables 2>&1); else why=$(LC_ALL=C iptables -w -t raw -S OUTPUT 2>&1); fi && return
	case $why in
	*[Pp]ermi*) fail 3 "the firewall may not be changed here: it needs the capability CAP_NET_ADMIN" ;;
	esac
}

up() {
	for f in $families; do
		tool=$(backend "$f") || exit
		case $tool in
		nft) nft_up "$f" ;;
		*) iptables_up "$tool" ;;
		esac || fail 1 "$tool refused the rule (see above); take away what may stand with: rst-guard.sh down $spec"
	done
}

# down looks in both places: iptables may have been installed since.
down() {
	failed=
	for f in $families; do
		if have "$(iptables_of "$f")"; then iptables_down "$(iptables_of "$f")" || failed=1; fi
		if have nft; then nft_down "$f" || failed=1; fi
	done
	if have nft; then nft_tidy || failed=1; fi
	[ -z "$failed" ] || fail 1 "some of it still stands (see above)"
}

stands() {
	if have "$(iptables_of "$1")" && iptables_stands "$(iptables_of "$1")"; then return 0; fi
	have nft && nft_stands "$1"
}

status() {
	missing=
	for f in $families; do
		if stands "$f"; then say "IPv$f: up"; else say "IPv$f: down"; missing=1; fi
	done
	[ -z "$missing" ]
}

# status_all lists every rule of ours.
status_all() {
	rules=$(
		for f in 4 6; do
			tool=$(iptables_of "$f")
			if have "$tool"; then "$tool" -w -t raw -S OUTPUT 2>/dev/null | grep -e "--comment \"*$MARKER" | sed "s/^/$tool: /"; fi
		done
		if have nft; then nft list table inet $TABLE 2>/dev/null | sed -n "/$MARKER/s/^[[:space:]]*/nft: /p"; fi
	)
	if [ -z "$rules" ]; then
		say "no rule of ours stands"
		return 1
	fi
	say "$rules"
}

[ $# -ge 1 ] || usage "what is to be done?"
command=$1
shift
spec=$*
least=1
case $command in
up | down) ;;
status) least=0 ;;
*) usage "'$command' is not a command" ;;
esac
if [ $# -lt $least ] || [ $# -gt 2 ]; then
	usage "$command takes a port or a range, and at most one address"
fi
if [ $# -ge 1 ]; then
	parse_ports "$1"
	parse_address "${2-}"
fi

have iptables || have nft || fail 3 "neither iptables nor nft is installed"
permitted
case $command$# in
status0) status_all ;;
*) $command ;;
esac
