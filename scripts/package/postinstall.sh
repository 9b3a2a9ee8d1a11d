#!/bin/sh
# After the package's files are there: the group, and what it may do.
set -e
program=/usr/bin/rawshake
getent group rawshake >/dev/null || groupadd --system rawshake
chgrp rawshake "$program"
chmod 0750 "$program"
if ! setcap cap_net_raw+ep "$program" 2>/dev/null; then
	echo "rawshake: this file system takes no capabilities: the group's members need root all the same" >&2
fi
echo "rawshake: members of the group rawshake may run it: they see and send any packet. See /usr/share/doc/rawshake/README.group"
