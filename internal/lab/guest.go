// What a command in a lab finds: names for the nodes, and the lab's CA in the
// place of the world's.

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// Environment is what commands in the lab get beside their own: the CA for
// whoever reads SSL_CERT_FILE (this program, Go, OpenSSL, Python, curl) or has a
// variable of its own, and the client's certificate and key. Java has none: its
// trust store is a file in a form of its own.
func (l *Lab) Environment() ([]string, error) {
	p, err := l.Papers()
	if err != nil {
		return nil, err
	}
	return []string{
		"SSL_CERT_FILE=" + lasting(p.CAFile()),
		"RAWSHAKE_LAB_CA=" + lasting(p.CAFile()),
		"CURL_CA_BUNDLE=" + lasting(p.CAFile()),      // which curl prefers
		"REQUESTS_CA_BUNDLE=" + lasting(p.CAFile()),  // Python's requests
		"NODE_EXTRA_CA_CERTS=" + lasting(p.CAFile()), // Node, beside its own
		"GIT_SSL_CAINFO=" + lasting(p.CAFile()),
		"RAWSHAKE_LAB=" + l.topology.Name,
		"RAWSHAKE_LAB_CERT=" + lasting(p.ClientCertFile()),
		"RAWSHAKE_LAB_KEY=" + lasting(p.ClientKeyFile()),
	}, nil
}

// lasting is the path by which every process of the lab finds one of our
// files, whether or not its parents have passed the descriptor on: as a file
// of the init, which we are if /proc says so.
func lasting(path string) string {
	if self, err := os.Readlink("/proc/self"); err == nil && self == "1" && os.Getpid() == 1 {
		return strings.Replace(path, "/proc/self/", "/proc/1/", 1)
	}
	return path
}

// hosts is an /etc/hosts with the lab's names.
func (l *Lab) hosts() string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	for _, n := range l.nodes {
		extra := ""
		if n == l.Far() {
			extra = " " + pki.ServerName
		}
		for _, a := range n.Addresses() {
			fmt.Fprintf(&b, "%v %s %s.lab.test%s\n", a, n.name, n.name, extra)
		}
	}
	return b.String()
}

// NameNodes lays the lab's names over /etc/hosts, in a process that has a mount
// namespace of its own: [netns.Inside]. Elsewhere, and where there is no such file,
// it does nothing.
func (l *Lab) NameNodes() error {
	const over = "/etc/hosts"
	if _, err := os.Stat(over); err != nil || !netns.Inside() {
		return nil
	}
	dir, remove, err := standingPlace()
	if err != nil {
		return fmt.Errorf("lab: name the nodes: %w", err)
	}
	defer remove()
	if err := unix.Mount("lab", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0755"); err != nil {
		return netns.Refusal(fmt.Errorf("lab: mount a folder for names: %w", err))
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	file := filepath.Join(dir, "hosts")
	if err := os.WriteFile(file, []byte(l.hosts()), 0o644); err != nil {
		return err
	}
	if err := unix.Mount(file, over, "", unix.MS_BIND, ""); err != nil {
		return netns.Refusal(fmt.Errorf("lab: lay the lab's names over %s: %w", over, err))
	}
	return nil
}

// standingPlace is a folder for a tmpfs to stand on until its file stands
// somewhere else: a new one, or, where nothing can be made, one that is there
// and that nobody looks into meanwhile. What is mounted, only the lab sees.
func standingPlace() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "rawshake-lab-")
	if err == nil {
		return dir, func() { _ = os.Remove(dir) }, nil
	}
	for _, there := range []string{"/mnt", "/srv", "/media", "/sys"} {
		if info, err := os.Lstat(there); err == nil && info.IsDir() {
			return there, func() {}, nil
		}
	}
	return "", nil, err
}
