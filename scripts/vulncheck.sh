#!/bin/sh
# Look for known faults in the code that ours reaches, with the vulnerability
# database as the Go module that it also is: a gate that asks a live service
# changes its mind without a commit.
# usage: scripts/vulncheck.sh [PACKAGES]   (GO and VULNDB from the environment)
set -eu

go=${GO:-go}
db=golang.org/x/vulndb@${VULNDB:-v0.0.0-20261105234957-e22db6528018}
cd "$(dirname "$0")/.."

# In the database's own module another toolchain might be chosen, and built for.
GOTOOLCHAIN=$("$go" env GOVERSION)
export GOTOOLCHAIN
info=$("$go" mod download -json "$db") # from anywhere: it is none of our dependencies
field() { printf '%s\n' "$info" | sed -n "s/^\t\"$1\": \"\(.*\)\",\{0,1\}\$/\1/p"; }

index=out/vulndb/$(field Version)
if ! [ -d "$index" ]; then
	mkdir -p out/vulndb
	new=$(mktemp -d out/vulndb/new.XXXXXX)
	trap 'rm -rf "$new"' EXIT
	"$go" run "golang.org/x/vulndb/cmd/indexdb@$(field Version)" -vulns "$(field Dir)/data/osv" -out "$new/index"
	mv "$new/index" "$index"
fi
[ $# -gt 0 ] || set -- ./...
exec "$go" tool govulncheck -db "file://$PWD/$index" "$@"
