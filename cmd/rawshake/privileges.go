// What each command may still do: the capabilities that it keeps at first, and
// those that it keeps once all is open.

package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/privilege"
)

// What opening our TCP takes: sockets, guards of each kind, a low source port.
const opening = privilege.NetRaw | privilege.NetAdmin | privilege.BPF | privilege.NetBindService

// ofXDP is what an AF_XDP link takes beside that: its program, and memory that
// does not count. CAP_SYS_ADMIN only tells the name of another's program.
const ofXDP = privilege.BPF | privilege.NetAdmin | privilege.IPCLock | privilege.Perfmon

// lookingAtGuards is what finding guards of other processes takes.
const lookingAtGuards = privilege.NetRaw | privilege.NetAdmin | privilege.BPF | privilege.SysAdmin | privilege.Perfmon | privilege.Files

// everything is for what the user's command gets.
const everything = ^privilege.Set(0)

// startsWith is what each command keeps from its first moment on, by its path.
// As root it keeps [privilege.Files] too, until its files are open.
var startsWith = map[string]privilege.Set{
	"": 0, "explain": privilege.NetRaw | privilege.NetAdmin, "results": 0, "version": 0, "man": 0, "help": 0,
	"results summary": 0, "results report": 0, "results list": 0, "results convert": 0, "results diff": 0,
	"completion": 0, "completion bash": 0, "completion zsh": 0, "completion fish": 0, "completion powershell": 0,
	"connect": opening, "audit": opening, "probe": opening | ofXDP | privilege.SysAdmin,
	"fleet": 0, "fleet start": 0, "fleet status": 0, "fleet pause": 0, "fleet resume": 0, "fleet stop": 0, "fleet exclude": 0, "fleet collect": 0, "fleet remove": 0,
	"fleet work": opening | ofXDP | privilege.SysAdmin, "fleet serve": privilege.NetBindService,
	"guard": 0, "guard run": everything, "guard up": lookingAtGuards, "guard down": lookingAtGuards, "guard status": lookingAtGuards,
	"lab": 0, "lab list": 0, "lab serve": privilege.NetBindService, "lab capture": privilege.NetRaw,
}

// keepAll are the commands that keep everything, and why.
var keepAll = map[string]string{
	"doctor": "it looks at what this process may do",
	"lab up": inNamespaces, "lab hold": inNamespaces, "lab run": inNamespaces, "lab demo": inNamespaces, "lab exec": inNamespaces,
	"lab status": inNamespaces, "lab netem": inNamespaces, "lab down": inNamespaces,
}

const inNamespaces = "namespaces are made and entered with them, and the commands there get them"

// held is what this process keeps. Its zero value keeps all: only main begins, and
// tests that run a command in their own process do not.
var held holder

type holder struct {
	may    bool         // begin may give up anything
	freely bool         // files may be changed, and programs run, to the end
	begun  bool         // it has
	err    error        // why it has not
	late   []lateAccess // files that are opened later
}

// A lateAccess is a file that is opened once privileges are given up.
type lateAccess struct {
	path   string
	needed privilege.Set // by root, if the file's mode does not let it
	beside bool          // another takes its place
}

// A keeping is capabilities, and what for.
type keeping struct {
	set privilege.Set
	why string
}

// begin gives up what a command never needs.
func (h *holder) begin(cmd *cobra.Command) {
	first, ok := firstOf(cmd)
	switch {
	case !h.may || !ok: // keepAll; or the command-line parser's own, such as __complete
		return
	case first == everything:
		h.begun, h.freely = true, true
		return
	}
	h.freely = cmd.HasParent() && cmd.Parent().Name() == "fleet" // whose server writes files of its own
	_, h.err = privilege.Keep(first)
	h.begun = h.err == nil
}

// firstOf is what a command line begins with; ok is false where it keeps all.
func firstOf(cmd *cobra.Command) (first privilege.Set, ok bool) {
	value := func(flag string) string {
		if f := cmd.Flags().Lookup(flag); f != nil {
			return f.Value.String()
		}
		return ""
	}
	if first, ok = startsWith[commandPath(cmd)]; !ok {
		return 0, false
	}
	switch link := value("link"); {
	case cmd.Name() == "explain" && value("interface") == "":
		first = 0 // it reads a file
	case link == "kernel":
		first &= privilege.NetBindService | privilege.NetRaw // which binding to an interface took before Linux 5.7
	case link != "" && link != "xdp":
		first &^= privilege.SysAdmin | privilege.Perfmon | privilege.IPCLock
	}
	if os.Geteuid() == 0 {
		first |= privilege.Files
	}
	return first, true
}

// commandPath is what startsWith calls a command.
func commandPath(cmd *cobra.Command) string {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	return path
}

// writesLater notes a file that is made or emptied later; beside says that it is
// replaced by another.
func (h *holder) writesLater(path string, beside bool) {
	if path != "" {
		h.late = append(h.late, lateAccess{path, privilege.DACOverride, beside})
	}
}

// readsLater notes a file that is read later.
func (h *holder) readsLater(path string) {
	if path != "" {
		h.late = append(h.late, lateAccess{path, privilege.DACReadSearch, false})
	}
}

// opened gives up all but what the command needs again, and says what that is.
func (h *holder) opened(verbose bool, again ...keeping) {
	if !h.begun {
		h.say(verbose && h.err != nil, "kept all: %v", h.err)
		return
	}
	if os.Getenv("SSL_CERT_FILE")+os.Getenv("SSL_CERT_DIR") != "" {
		_, _ = x509.SystemCertPool() // which is read once, and may lie where only root may look
	}
	again = append(again, h.files()...)
	var some privilege.Set
	for _, k := range again {
		some |= k.set
	}
	confined := !h.freely && h.confine()
	kept, err := privilege.Keep(some)
	if err != nil {
		h.say(verbose, "kept %v: %v", kept, err)
		return
	}
	text := whatIsKept(kept, again)
	if confined {
		text += "; nothing is executed, and no file changed but those that were named (Landlock)"
	}
	h.say(verbose, "%s", text)
}

// confine bounds which files can be changed: those that are written late, where they
// are to be.
func (h *holder) confine() bool {
	var paths []string
	for _, l := range h.late {
		if l.needed != privilege.DACOverride {
			continue
		}
		path := l.path
		if _, err := os.Stat(path); err == nil {
			paths = append(paths, path)
		} else if to := lastLink(path); to != path { // of a file that is not there yet
			paths = append(paths, filepath.Dir(to))
		}
		paths = append(paths, filepath.Dir(path))
	}
	return privilege.Confine(paths)
}

// maxLinks is how many symbolic links the kernel follows.
const maxLinks = 40

// lastLink follows symbolic links, and returns where the last one leads.
func lastLink(path string) string {
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}

// whatIsKept is that, as a person reads it.
func whatIsKept(kept privilege.Set, again []keeping) string {
	var parts []string
	for _, k := range again {
		if has := k.set & kept; has != 0 {
			parts = append(parts, fmt.Sprintf("%v (%s)", has, k.why))
		}
	}
	if len(parts) == 0 {
		return "none kept"
	}
	return "kept " + strings.Join(parts, ", ") + "; all others given up"
}

func (h *holder) say(verbose bool, format string, args ...any) {
	if verbose {
		fmt.Fprintf(os.Stderr, "rawshake: privileges: %s\n", plain.Escape(fmt.Sprintf(format, args...)))
	}
}

// files are what the files take that are opened later, and that neither the user
// nor root as their owner may open.
func (h *holder) files() (list []keeping) {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, l := range h.late {
		if l.allowed() {
			continue
		}
		what := "to write " + l.path
		if l.needed == privilege.DACReadSearch {
			what = "to read " + l.path
		}
		if i := slices.IndexFunc(list, func(k keeping) bool { return k.set == l.needed }); i < 0 {
			list = append(list, keeping{l.needed, what + ", which is another user's"})
		}
	}
	return list
}

// allowed reports whether a file can be opened without a capability.
func (l *lateAccess) allowed() (ok bool) {
	path, mode := l.path, os.FileMode(0o2)
	if l.needed == privilege.DACReadSearch {
		mode = 0o4
	} else if _, err := outfile.Stat(path); l.beside || errors.Is(err, os.ErrNotExist) {
		path = filepath.Dir(path)
	}
	try := func() error { return accessible(path, mode) }
	if l.needed == privilege.DACOverride && outfile.ByUser(try) {
		return true
	}
	err := privilege.Without(0, func() { ok = try() == nil })
	return ok && err == nil
}
