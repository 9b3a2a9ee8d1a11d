package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// preamble gives the scripts a network and a /run of their own, and tools that
// kill the script in the middle of its work, at the call that $die_at counts.
const preamble = `
set -u
mount -t tmpfs tmpfs /run
work=$1 scripts=$2 die_at=0
export work die_at XTABLES_LOCKFILE=$work/lock
for tool in ip iptables ip6tables nft; do
	cat >"$work/$tool" <<SHIM
#!/bin/sh
n=\$(cat "$work/count"); n=\$((n + 1)); echo \$n >"$work/count"
if [ "\$n" -eq "\$die_at" ]; then kill -9 \$(cat "$work/pid"); exit 1; fi
exec $(command -v $tool) "\$@"
SHIM
	chmod +x "$work/$tool"
done
script() { # NAME ARGUMENT…, with die_at set or not
	name=$1; shift
	echo 0 >"$work/count"
	PATH=$work:$PATH sh -c 'echo $$ >"$work/pid"; exec "$0" "$@"' "$scripts/$name" "$@" >/dev/null 2>&1
}
state() {
	for ns in $(ls /run/netns 2>/dev/null); do
		ip -n "$ns" -o addr | grep -v fe80 | awk -v ns="$ns" '{print ns, $2, $4}'
		ip -n "$ns" -o link | sed "s/^[0-9]*: \([^:@]*\).*<\(.*\)>.*/$ns \1 \2/; s/,NO-CARRIER//; s/NO-CARRIER,//; s/,LOWER_UP//"
	done
	ip -br link | sed 's/@if[0-9]*//' | cut -d' ' -f1
	nft -s list ruleset 2>/dev/null | sort
}
`

// halves compares what stands after each half of `up` and then `up` again with
// what stands after one whole, and so for `down`.
const halves = `
up() { script %[1]s; }
down() { script %[2]s; }
empty=$(state)
up || { echo "up fails"; exit 1; }
calls=$(cat "$work/count") whole=$(state)
[ "$whole" != "$empty" ] || echo "up makes nothing"
up; [ "$(state)" = "$whole" ] || echo "up twice: $(state)"
down; down_calls=$(cat "$work/count"); [ "$(state)" = "$empty" ] || echo "down leaves: $(state)"
down; [ "$(state)" = "$empty" ] || echo "down twice leaves: $(state)"
n=1
while [ "$n" -le "$calls" ]; do
	die_at=$n; up; die_at=0
	up; [ "$(state)" = "$whole" ] || echo "up killed at call $n, then up: $(state)"
	down; [ "$(state)" = "$empty" ] || echo "and down leaves: $(state)"
	die_at=$n; up; die_at=0
	down; [ "$(state)" = "$empty" ] || echo "up killed at call $n, then down leaves: $(state)"
	n=$((n + 1))
done
n=1
while [ "$n" -le "$down_calls" ]; do
	up; die_at=$n; down; die_at=0
	down; [ "$(state)" = "$empty" ] || echo "down killed at call $n, then down leaves: $(state)"
	up; die_at=$n; down; die_at=0
	up; [ "$(state)" = "$whole" ] || echo "down killed at call $n, then up: $(state)"
	down
	n=$((n + 1))
done
echo "$calls and $down_calls calls"
`

// TestScriptsEndInOneStateFromAnywhere kills each script at each of its calls.
func TestScriptsEndInOneStateFromAnywhere(t *testing.T) {
	for _, tool := range []string{"ip", "nft", "iptables", "ip6tables", "unshare"} {
		needProgram(t, tool)
	}
	scripts, err := filepath.Abs("../../../scripts")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range [][2]string{
		{"netns-up.sh", "netns-down.sh"},
		{"rst-guard.sh up 4000-4010", "rst-guard.sh down 4000-4010"},
	} {
		t.Run(tc[0], func(t *testing.T) {
			t.Parallel()
			args := []string{"-m", "-n", "sh", "-c", preamble + fmt.Sprintf(halves, tc[0], tc[1]), "sh", t.TempDir(), scripts}
			if os.Geteuid() != 0 {
				args = append([]string{"-r"}, args...)
			}
			cmd := exec.Command("unshare", args...)
			cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
			out, err := cmd.CombinedOutput()
			said := strings.TrimSpace(string(out))
			if err != nil && strings.Contains(said, "unshare") {
				missing(t, "this test makes namespaces: %v: %s", err, said)
			}
			if err != nil || strings.Count(said, "\n") > 0 || !strings.HasSuffix(said, "calls") || strings.HasPrefix(said, "0 ") {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}
