//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
)

func everyCommand(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		everyCommand(c, visit)
	}
}

// output is what a command line writes to the writer of its command.
func output(t *testing.T, args ...string) string {
	t.Helper()
	var b bytes.Buffer
	root := newRoot()
	root.SetOut(&b)
	root.SetErr(io.Discard)
	root.SetArgs(args)
	if err := root.Execute(); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return b.String()
}

func TestTheVersionIsToldByFlagAndByCommand(t *testing.T) {
	byFlag, byCommand := output(t, "--version"), output(t, "version")
	if byFlag != byCommand || !strings.HasPrefix(byFlag, "rawshake ") {
		t.Errorf("--version says %q, version %q", byFlag, byCommand)
	}
}

// Every flag whose value is a word completes: to words if there is a set of
// them, to files if it names one, and otherwise to nothing misleading.
func TestFlagValuesComplete(t *testing.T) {
	for command, wants := range map[string][]string{
		"connect --view": {"ladder", "json"}, "connect --until": {"tcp", "data"}, "connect --link": {"kernel"}, "connect --guard": {"tcx", "none"},
		"connect --min-version": {"1.0"}, "connect --max-version": {"1.2"}, "connect --ciphers": {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		"connect --groups": {"x25519", "ffdhe2048"}, "connect --key-shares": {"x25519", "X25519MLKEM768", "none"}, "probe --key-shares": {"x25519", "none"}, "connect --compress-certificate": {"zstd"}, "connect --omit-extension": {"extended_master_secret"}, "connect --alpn": {"http/1.1"}, "connect -i": {"lo"},
		"probe --until": {"certificate"}, "probe --link": {"packet"}, "probe --fields": {"addr", "outcome"}, "explain --view": {"keys"}, "explain -i": {"lo"},
		"guard run --guard": {"nftables"}, "lab up --topology": {"router"}, "lab run --topology": {"mixed"}, "lab demo": {"resumption"}, "lab demo --view": {"hex"},
		"lab serve": {"tls", "tarpit"}, "lab serve --fault": {"expired"}, "lab serve --key-type": {"ed25519"}, "lab serve --client-auth": {"require"}, "lab serve --misbehave": {"skip"},
		"lab serve --ciphers": {"TLS_RSA_WITH_AES_128_CBC_SHA"}, "lab capture -i": {"lo"},
	} {
		got := strings.Split(output(t, append(append([]string{"__complete"}, strings.Fields(command)...), "")...), "\n")
		for i := range got {
			got[i], _, _ = strings.Cut(got[i], "\t")
		}
		for _, want := range wants {
			if !slices.Contains(got, want) {
				t.Errorf("rawshake %s <TAB> has no %s: %.300q", command, want, got)
			}
		}
	}
	if got := output(t, "__complete", "connect", "--groups", "x25519,secp"); !strings.Contains(got, "x25519,secp256r1") {
		t.Errorf("the second of a list completes to %.200q", got)
	}
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if complete, ok := cmd.GetFlagCompletionFunc(f.Name); !takesFile(f) && f.Name != "help" && f.Name != "version" && (!ok || complete == nil) {
				t.Errorf("%s --%s completes to the files of the folder, and takes none", cmd.CommandPath(), f.Name)
			}
		})
	})
}

// A command of commands that has none of that name says so, and which there are.
func TestACommandThatIsNotThereIsRefused(t *testing.T) {
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		if !cmd.HasSubCommands() || cmd.Name() == "completion" || cmd.Name() == "help" {
			return
		}
		words := strings.Fields(cmd.CommandPath())[1:]
		for _, more := range [][]string{{"frobnicate"}, nil} {
			if len(words)+len(more) == 0 {
				continue // the program alone shows its help
			}
			if code := run(t.Context(), append(slices.Clone(words), more...)); code != exitUsage {
				t.Errorf("%s %q: status %d, want %d", cmd.CommandPath(), more, code, exitUsage)
			}
		}
	})
}

func TestManualPagesSayStatusAndEnvironment(t *testing.T) {
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		page, err := manPage(cmd)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(page), `\-`, "-")
		if strings.Count(text, ".SH EXIT STATUS") != 1 || strings.Count(text, ".SH ENVIRONMENT") != 1 || !strings.Contains(text, "NO_COLOR") {
			t.Errorf("%s: a section is missing", cmd.CommandPath())
		}
		for n, what := range statuses {
			if !strings.Contains(text, fmt.Sprintf(".B %d\n%s\n", n, what)) {
				t.Errorf("%s does not say status %d", cmd.CommandPath(), n)
			}
		}
		if cmd.HasParent() && strings.Index(text, ".SH SEE ALSO") < strings.Index(text, ".SH ENVIRONMENT") {
			t.Errorf("%s: SEE ALSO is not the last", cmd.CommandPath())
		}
	})
	for _, v := range environment {
		for _, of := range v.commands {
			found := false
			everyCommand(newRoot(), func(cmd *cobra.Command) { found = found || strings.HasSuffix(cmd.CommandPath(), " "+of) })
			if !found {
				t.Errorf("%s is for %s, and there is no such command", v.name, of)
			}
		}
	}
}

// One kind of error has one status, whichever command meets it.
func TestOneKindHasOneStatus(t *testing.T) {
	judges := map[string]func(error) error{
		"any command": failure,
		"probe":       probeError,
		"guard":       func(err error) error { return guardError(err, "") },
		"explain":     explainError,
		"connect":     func(err error) error { return &statusError{status(goal.Outcome(goal.Finished, err), err), err} },
	}
	for _, tc := range []struct {
		err  error
		code int
	}{
		{link.ErrPermission, exitNotAllowed}, {guard.ErrPermission, exitNotAllowed}, {netns.ErrForbidden, exitNotAllowed}, {explain.ErrNotAllowed, exitNotAllowed},
		{unix.EPERM, exitNotAllowed}, {os.NewSyscallError("socket", unix.EACCES), exitNotAllowed}, {errors.New("the disk is full"), exitError},
	} {
		for name, judge := range judges {
			var status *statusError
			if err := judge(fmt.Errorf("what was done: %w", tc.err)); !errors.As(err, &status) || status.code != tc.code {
				t.Errorf("%s: %v has status %d, want %d", name, tc.err, status.code, tc.code)
			}
		}
	}
	for _, line := range []string{"connect", "probe -p x", "explain", "guard", "guard up", "guard down x", "guard run", "guard status x", "lab", "lab up x", "lab down x", "lab exec", "lab run",
		"lab serve", "lab demo x", "lab list x", "lab status x", "lab capture", "doctor x", "version x", "x", "connect --frob x", "probe --frob", "explain --frob x", "lab up --frob", "guard run --frob",
		"connect -i nowhere0 198.18.0.1", "probe -i nowhere0 198.18.0.1", "explain -i nowhere0", "lab capture -i nowhere0 x",
		"connect --ca /no/such 198.18.0.1", "probe --ca /no/such 198.18.0.1", "probe -f /no/such", "explain /no/such", "lab up --topology /no/such"} {
		if status, text := said(t, strings.Fields(line)); status != exitUsage {
			t.Errorf("rawshake %s: status %d, want %d\n%s", line, status, exitUsage, text)
		}
	}
}

func TestANodeIsToldFromTheCommandInIt(t *testing.T) {
	nodes := []string{"near", "far"}
	for _, tc := range []struct {
		words   string
		dashed  bool
		node    string
		command string
	}{
		{"ls -l", false, "", "ls -l"}, {"far ls -l", false, "far", "ls -l"}, {"far -- ls -l", false, "far", "ls -l"},
		{"far ls", true, "", "far ls"}, {"nowhere -- ls", false, "nowhere", "ls"}, {"sh -c -- x", false, "", "sh -c -- x"},
	} {
		node, command, err := splitGuest(strings.Fields(tc.words), tc.dashed, nodes)
		if err != nil || node != tc.node || strings.Join(command, " ") != tc.command {
			t.Errorf("%q is %q in %q (%v)", tc.words, command, node, err)
		}
	}
	for _, words := range []string{"", "far", "far --", "far --name slow ls"} {
		if _, _, err := splitGuest(strings.Fields(words), false, nodes); err == nil {
			t.Errorf("%q is taken", words)
		}
	}
}
