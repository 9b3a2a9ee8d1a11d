#!/bin/sh
# dist.sh FOLDER: static programs for Linux, packed with the manual pages and
# completions, as .tar.gz, .deb and .rpm, with their SBOMs and checksums. The same commit makes the same bytes: paths
# are trimmed, times are the commit's, owners are nobody in particular.
#
# Needs bin/rawshake (make build) and GNU tar. `make dist` calls it.
set -eu

[ $# -eq 1 ] || { echo "usage: dist.sh FOLDER" >&2; exit 2; }
cd "$(dirname "$0")/.."
mkdir -p "$1"
out=$(cd "$1" && pwd)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
TAGGED=$(git describe --tags --always)
export SOURCE_DATE_EPOCH TAGGED

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
for arch in amd64 arm64; do
	name=rawshake-linux-$arch
	mkdir -p "$stage/$name/completions"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch "${GO:-go}" build -trimpath -ldflags "-s -w -buildid= -X main.tagged=$TAGGED" -o "$stage/$name/rawshake" ./cmd/rawshake
	bin/rawshake man "$stage/$name/man"
	for shell in bash zsh fish; do bin/rawshake completion $shell >"$stage/$name/completions/rawshake.$shell"; done
	cp LICENSE README.md "$stage/$name/"
	tar -C "$stage" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
	scripts/packages.sh "$stage/$name" $arch "$out"
done
(cd "$out" && sha256sum rawshake-linux-* >SHA256SUMS && cat SHA256SUMS)
