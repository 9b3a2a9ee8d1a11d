//go:build linux

package compose

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var packages = flag.Bool("packages", false, "build the packages, and install one in a container of Debian's")

// debian is an image of the distribution that this machine has packages of.
func debian(t *testing.T) (image string) {
	t.Helper()
	if _, err := exec.LookPath("debootstrap"); err != nil {
		t.Fatal("a container of Debian's needs debootstrap: apt-get install debootstrap")
	}
	dir := filepath.Join(t.TempDir(), "debian")
	image = fmt.Sprintf("rawshaketestdebian%d", os.Getpid())
	build := exec.CommandContext(t.Context(), "sh", "-ec",
		`debootstrap --variant=minbase --include=libcap2-bin,passwd stable "$1" >"$1.log" 2>&1 || { tail -20 "$1.log"; exit 1; }
		tar -C "$1" -c . | docker import - "$2" >/dev/null; rm -rf "$1"`, "sh", dir, image)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, out)
	}
	t.Cleanup(func() { run(t, nil, "docker", "rmi", "-f", image) })
	return image
}

// The package as its user meets it: installed, used by a member of its group and
// by nobody else, removed, and gone.
func TestThePackageComesAndGoes(t *testing.T) {
	if !*packages {
		t.Skip("make dist-test runs it: it builds for minutes")
	}
	engine(t)
	dist := t.TempDir()
	build := exec.CommandContext(t.Context(), "make", "-C", root, "dist", "DIST="+dist)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make dist: %v\n%s", err, out)
	}
	out := must(t, nil, "docker", "run", "--rm", "-v", dist+":/dist:ro", debian(t), "sh", "-ec", `
		dpkg -i /dist/rawshake-linux-amd64.deb
		useradd member && useradd other && usermod -aG rawshake member
		stat -c 'program %a %G' /usr/bin/rawshake
		getcap /usr/bin/rawshake
		su member -c 'rawshake version && rawshake doctor --json' | grep -E '^rawshake|raw_socket|link_raw|cap_net_raw' || true
		su member -c 'rawshake connect --view none --until tcp 127.0.0.1:1' || echo "member: status $?"
		su other -c 'rawshake version' 2>/dev/null || echo "other: status $?"
		ls /usr/share/man/man1/rawshake.1* /usr/share/bash-completion/completions/rawshake /usr/share/doc/rawshake/README.group
		dpkg -r rawshake
		ls /usr/bin/rawshake 2>/dev/null || echo removed
		dpkg -P rawshake
		getent group rawshake || echo "no group"`)
	for _, want := range []string{"program 750 rawshake", "cap_net_raw=ep", "rawshake v", "member: status 4", "other: status 12", "README.group", "removed", "no group"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
