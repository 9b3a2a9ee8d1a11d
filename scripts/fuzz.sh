#!/bin/sh
# Run every fuzz target of the module, one after the other.
# usage: scripts/fuzz.sh TIME   (a Go duration for each target: 3s, 10m)
set -eu

time=${1:?usage: scripts/fuzz.sh TIME, for example 30s}
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Where an input does not cover the same code each time, the search for its
# shortest form would take the whole time: it gets a few tries.
#
# go test -fuzz sometimes ends in "context deadline exceeded" when its time is
# up in the middle of an input. It has found nothing then: what it finds it
# writes down as a corpus file, and says so.
ran_out() { grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; }

go list ./... | while read -r package; do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 50x "$package" </dev/null >"$log" 2>&1; then
			tail -n 2 "$log"
		elif ran_out; then
			echo "its time was up in the middle of an input: nothing found"
		else
			cat "$log"
			exit 1
		fi
	done
done
