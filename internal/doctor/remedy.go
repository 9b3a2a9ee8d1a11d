// The commands that mend a finding.

package doctor

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// grant is the command that gives this program a capability.
func grant(c capability) string {
	lower := strings.ToLower(c.name)
	if v, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c.bit), 0, 0, 0); err == nil && v == 0 {
		// Neither a file capability nor sudo helps with what is outside the
		// bounding set.
		return "start the container with --cap-add " + strings.TrimPrefix(c.name, "CAP_") + " (its bounding set lacks " + c.name + ")"
	}
	if os.Geteuid() == 0 {
		return "run it as root with its capabilities left on (" + c.name + " was dropped for this process)"
	}
	remedy := "sudo setcap " + together(lower) + "+ep " + program()
	if v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && v == 1 {
		remedy += ", and run it outside this sandbox (no_new_privs makes the kernel ignore file capabilities)"
	}
	return remedy
}

// together names the capability along with those that the program has already,
// since setcap replaces them.
func together(capName string) string {
	if capName == "cap_net_admin" {
		return "cap_net_raw,cap_net_admin"
	}
	return capName
}

// withoutNetfilter is the remedy if the kernel lacks nf_tables: its module, if
// there is one, or else the guard that does not need it.
func withoutNetfilter() string {
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		found, _ := filepath.Glob("/lib/modules/" + unix.ByteSliceToString(u.Release[:]) + "/kernel/net/netfilter/nf_tables.ko*")
		if len(found) > 0 {
			return asRoot("modprobe nf_tables")
		}
	}
	return program() + " connect --guard listener HOST"
}

// asRoot is a command as this user has to type it.
func asRoot(command string) string {
	if os.Geteuid() == 0 {
		return command
	}
	return "sudo " + command
}

// program is the shell word for this program's file.
func program() string {
	path, err := os.Executable()
	if err != nil {
		return "$(command -v rawshake)"
	}
	return quote(path)
}

// quote makes one shell word of any text.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// commandIn is the command in a sentence such as "allow them: sudo sysctl …, or
// run it as root", or else the sentence.
func commandIn(sentence string) string {
	if _, command, ok := strings.Cut(sentence, ": sudo "); ok {
		command, _, _ = strings.Cut(command, ", or ")
		return asRoot(command)
	}
	return sentence
}
