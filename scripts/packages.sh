#!/bin/sh
# packages.sh STAGE ARCH OUT: a .deb and a .rpm out of what dist.sh has staged,
# and the SBOM of the program. dist.sh calls it.
set -eu

# Of a later nfpm not all modules are served by the module proxy.
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

STAGE=$1 ARCH=$2 out=$3
VERSION=$(echo "$TAGGED" | sed 's/^v//; s/-/~/g')
case $VERSION in [0-9]*) ;; *) VERSION=0~$VERSION ;; esac # packages' versions begin with a digit
MTIME=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
export STAGE ARCH VERSION MTIME

config=$(mktemp)
trap 'rm -f "$config"' EXIT
sed "s|\${STAGE}|$STAGE|g; s|\${ARCH}|$ARCH|g; s|\${VERSION}|$VERSION|g; s|\${MTIME}|$MTIME|g" scripts/package/nfpm.yaml >"$config"
for kind in deb rpm; do
	"${GO:-go}" run "$nfpm" package --config "$config" --packager $kind --target "$out/rawshake-linux-$ARCH.$kind"
done
"${GO:-go}" run "$cyclonedx" bin -json -noserial -version "$TAGGED" -output "$out/rawshake-linux-$ARCH.sbom.json" "$STAGE/rawshake"
# The time is the commit's: the same commit makes the same bytes.
sed -i "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$MTIME\"/" "$out/rawshake-linux-$ARCH.sbom.json"
