// Where the servers are: laid over the machine's own files, in this process alone.

package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	lab "github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/test/netns"
)

// unpacked is where scripts/servers.sh unpacks the servers.
const unpacked = "/var/cache/rawshake-servers/root"

// Main runs a package's tests in namespaces of their own, where the servers stand beside
// the machine's programs. It returns the status for [os.Exit]. What the servers write
// where they always do goes into memory, and is gone with the tests.
func Main(m *testing.M) int {
	if lab.Inside() {
		errAbsent = lay()
	}
	return netns.RunTests(m)
}

// errAbsent says why there are no servers.
var errAbsent = errors.New("servers.Main has not run")

// need skips the test without servers, or fails it where CI is set.
func need(t testing.TB) {
	t.Helper()
	if errAbsent != nil {
		netns.Missing(t, "Debian's servers, unpacked by scripts/servers.sh", errAbsent)
	}
}

// lay lays the servers over /usr and /etc, and empties where they keep their data. The
// mounts are in the tests' own namespace: nobody else sees them.
func lay() error {
	if !manyUsers() {
		return errors.New("servers change their user, which only root allows them")
	}
	if _, err := os.Stat(unpacked); err != nil {
		return err
	}
	for _, dir := range []string{"/run", "/var/lib", "/var/spool", "/var/log"} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("empty %s: %w", dir, err)
		}
	}
	// An overlay's upper folder and its work folder are on one file system.
	const upper, work = "/run/etc", "/run/etc-work"
	if err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755)); err != nil {
		return err
	}
	if err := overlay("/etc", ",upperdir="+upper+",workdir="+work); err != nil {
		return err
	}
	if err := overlay("/usr", ""); err != nil {
		return err
	}
	return errors.Join(addUsers(), os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"))
}

func overlay(dir, more string) error {
	options := "lowerdir=" + unpacked + dir + ":" + dir + more
	if err := unix.Mount("overlay", dir, "overlay", 0, options); err != nil {
		return fmt.Errorf("lay servers over %s: %w", dir, err)
	}
	return nil
}

// manyUsers reports whether this process has more users than itself, as it has not in a
// user namespace of its own.
func manyUsers() bool {
	uids, err := os.ReadFile("/proc/self/uid_map")
	fields := strings.Fields(string(uids))
	return err == nil && os.Geteuid() == 0 && len(fields) == 3 && fields[2] != "1"
}

// users are those that the packages would make, where the machine lacks them.
var users = []string{"postfix", "postdrop", "Debian-exim", "dovecot", "dovenull", "courier",
	"ftp", "prosody", "postgres", "mysql", "news", "irc", "xrdp"}

// addUsers makes users and groups. The machine's own files are below and stay as they are.
func addUsers() error {
	const first = 61500 // Debian's adduser and useradd give none from here on
	return errors.Join(
		addLines("/etc/passwd", func(i int, name string) string {
			return fmt.Sprintf("%s:x:%d:%[2]d::/nonexistent:/usr/sbin/nologin\n", name, first+i)
		}),
		addLines("/etc/group", func(i int, name string) string {
			return fmt.Sprintf("%s:x:%d:\n", name, first+i)
		}))
}

func addLines(path string, line func(i int, name string) string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(old)
	for i, name := range users {
		if !strings.HasPrefix(text, name+":") && !strings.Contains(text, "\n"+name+":") {
			text += line(i, name)
		}
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// find is the path of the first file that a pattern matches: versions are part of some.
func find(t testing.TB, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("there is no %s: scripts/servers.sh unpacks it (%v)", pattern, err)
	}
	return found[len(found)-1]
}
