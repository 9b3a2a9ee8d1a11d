#!/bin/sh
# Run every fuzz target of the module, one after the other.
# usage: scripts/fuzz.sh TIME   (a Go duration for each target: 3s, 10m)
set -eu

time=${1:?usage: scripts/fuzz.sh TIME, for example 30s}
cd "$(dirname "$0")/.."

go list ./... | while read -r package; do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" </dev/null
	done
done
