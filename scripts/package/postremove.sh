#!/bin/sh
# After the package's files are gone. Debian says purge when nothing is to stay,
# RPM says 0 when no version is left.
set -e
case "${1:-}" in
purge | 0) ! getent group rawshake >/dev/null || groupdel rawshake ;;
esac
