package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A someone is a user with a folder for labs, and a name for them that no
// other test uses: it stands in the arguments of all processes.
type someone struct {
	t    *testing.T
	who  *syscall.Credential
	run  string // XDG_RUNTIME_DIR
	name string
	// spaces are the network namespaces of the labs, held open: the number of
	// one that has ended is soon another's.
	spaces map[string]*os.File
	host   string
}

// everybody makes the promises to root, and to one who is not.
func everybody(t *testing.T, each func(t *testing.T, u *someone)) {
	t.Helper()
	newLab(t) // whether this machine allows it
	if os.Geteuid() == 0 {
		t.Run("root", func(t *testing.T) {
			t.Parallel()
			each(t, newSomeone(t, nil))
		})
	}
	t.Run("ordinary", func(t *testing.T) {
		t.Parallel()
		var nobody *syscall.Credential
		if os.Geteuid() == 0 {
			nobody = &syscall.Credential{Uid: 65534, Gid: 65534}
		}
		probe := exec.Command("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "true")
		probe.SysProcAttr = &syscall.SysProcAttr{Credential: nobody}
		if out, err := probe.CombinedOutput(); err != nil {
			missing(t, "an ordinary user cannot make namespaces here: %v: %s", err, out)
		}
		each(t, newSomeone(t, nobody))
	})
}

func newSomeone(t *testing.T, who *syscall.Credential) *someone {
	t.Helper()
	run, err := os.MkdirTemp("", "rawshake-run-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	if who != nil {
		if err := os.Chown(run, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	host, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	u := &someone{t, who, run, fmt.Sprintf("test-%x", rand.Uint64()), map[string]*os.File{}, host}
	t.Cleanup(func() {
		for _, pid := range u.processes() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	})
	return u
}

func (u *someone) command(args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+u.run)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: u.who}
	c.Dir = "/"
	return c
}

// lab runs `lab WORD --name NAME …`, at most a minute.
func (u *someone) lab(word string, args ...string) run {
	u.t.Helper()
	c := u.command(append([]string{"lab", word, "--name", u.name}, args...)...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Start(); err != nil {
		u.t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	_ = c.Wait()
	if !timer.Stop() {
		u.t.Fatalf("lab %s hangs\n%s%s", word, &stdout, &stderr)
	}
	return run{stdout.String(), stderr.String(), c.ProcessState.ExitCode()}
}

// processes are those with the name in their arguments.
func (u *someone) processes() (pids []int) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(u.name)) {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

// look takes note of the namespaces in which the processes stand now.
func (u *someone) look() {
	for _, pid := range u.processes() {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/ns/net", pid))
		for _, link := range links {
			f, err := os.Open(link)
			if err != nil {
				continue
			}
			ns, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
			if ns == u.host || u.spaces[ns] != nil {
				_ = f.Close()
				continue
			}
			u.spaces[ns] = f
		}
	}
}

// forget lets the namespaces go.
func (u *someone) forget() {
	for _, f := range u.spaces {
		_ = f.Close()
	}
	clear(u.spaces)
}

// nothingLeft checks that within five seconds there is no process, nobody in a
// namespace, and nothing on the host.
func (u *someone) nothingLeft() {
	u.t.Helper()
	defer u.forget()
	var left string
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if left = u.remains(); left == "" {
			break
		}
		if time.Now().After(end) {
			u.t.Fatalf("after 5 s there is still %s", left)
		}
	}
	for _, look := range [][]string{{"ip", "netns"}, {"ip", "-o", "link"}, {"nft", "list", "ruleset"}, {"iptables-save"}} {
		path := needProgram(u.t, look[0])
		out, err := exec.Command(path, look[1:]...).CombinedOutput()
		if err != nil {
			continue // not for this user to see
		}
		for _, ours := range []string{" near@", " far@", " near:", " far:", "rawshake lab", u.name} {
			if strings.Contains(string(out), ours) {
				u.t.Errorf("%q shows %q:\n%s", look, ours, out)
			}
		}
	}
}

func (u *someone) remains() string {
	if pids := u.processes(); len(pids) > 0 {
		return fmt.Sprintf("process %v", pids)
	}
	self := fmt.Sprintf("/proc/%d/", os.Getpid())
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/[0-9]*/fd/*"} {
		links, _ := filepath.Glob(pattern)
		for _, link := range links {
			if strings.HasPrefix(link, self) {
				continue
			}
			if to, err := os.Readlink(link); err == nil && u.spaces[to] != nil {
				return link + " -> " + to
			}
		}
	}
	return ""
}

// Issue 5, item 1.
func TestALabGoesUpServesAndGoesDownWithoutATrace(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		u.lab("up").want(t, 0)
		u.look()
		if len(u.spaces) < 2 {
			t.Fatalf("the lab's namespaces are %v", u.spaces)
		}
		list := entries(t, u.lab("exec", "--", program, "connect", "server.lab.test", "--json").want(t, 0).stdout)
		if last := list[len(list)-1]; !last.OK || !last.PeerVerified {
			t.Errorf("%+v", last)
		}
		list = entries(t, u.lab("exec", "--", program, "connect", "-6", "far", "--json").want(t, 0).stdout)
		if last := list[len(list)-1]; !last.OK {
			t.Errorf("%+v", last)
		}
		curl := u.lab("exec", "--", needProgram(t, "curl"), "-sS", "https://server.lab.test/").want(t, 0)
		if !strings.HasPrefix(curl.stdout, "Hello") {
			t.Errorf("curl fetches %q", curl.stdout)
		}
		u.lab("down").want(t, 0)
		u.nothingLeft()
		if left, _ := filepath.Glob(u.run + "/*"); len(left) > 0 {
			t.Errorf("files are left: %q", left)
		}
	})
}

func TestUpAndDownAreHarmlessTwiceAndAfterACrash(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		u.lab("down").want(t, 0)
		u.lab("up").want(t, 0)
		if r := u.lab("up").want(t, 0); !strings.Contains(r.stdout, "was up already") {
			t.Errorf("up again says %q", r.stdout)
		}
		u.lab("up", "--topology", "router").want(t, 1).says(t, "stands already", `not "router"`, "lab down")
		u.lab("up", "--latency", "1ms").want(t, 1).says(t, "stands already", "link near-far", "lab down")
		if r := u.lab("status").want(t, 0); !strings.HasPrefix(r.stdout, u.name+": two-hosts") {
			t.Errorf("status says %q", r.stdout)
		}
		u.look()
		pids := u.processes()
		if len(pids) != 1 {
			t.Fatalf("after up there are processes %v, want the holder", pids)
		}
		_ = unix.Kill(pids[0], unix.SIGKILL)
		u.nothingLeft()
		u.lab("exec", "--", "true").want(t, 1).says(t, "no lab", "lab up")
		if r := u.lab("status").want(t, 0); r.stdout != "no lab stands\n" {
			t.Errorf("status says %q", r.stdout)
		}
		u.lab("down").want(t, 0)
		u.lab("down").want(t, 0)
		u.lab("up").want(t, 0)
		// A holder that is stopped cannot answer; it goes all the same.
		u.look()
		_ = unix.Kill(u.processes()[0], unix.SIGSTOP)
		u.lab("down").want(t, 0)
		u.nothingLeft()
	})
}

// Any program can be a service: nginx, as docs/lab.md has it.
func TestNginxIsAServiceOfATopology(t *testing.T) {
	needProgram(t, "nginx")
	page, err := os.ReadFile("../../../docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\nname: nginx\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/lab.md has no topology with nginx")
	}
	everybody(t, func(t *testing.T, u *someone) {
		folder := filepath.Join(u.run, "nginx")
		file := filepath.Join(u.run, "net.yaml")
		mine := strings.ReplaceAll("name: nginx\n"+text, "/tmp/lab-nginx", folder)
		if err := os.WriteFile(file, []byte(mine), 0o644); err != nil {
			t.Fatal(err)
		}
		u.lab("up", "--topology", file).want(t, 0)
		u.look()
		r := u.lab("exec", "--", program, "connect", "-q", "--get", "/", "server.lab.test").want(t, 0)
		if !strings.Contains(r.stdout, "Server: nginx") || !strings.HasSuffix(r.stdout, "hello from nginx\n") {
			t.Errorf("nginx says %q", r.stdout)
		}
		u.lab("down").want(t, 0)
		u.nothingLeft()
	})
}

func TestLabsStandSideBySide(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		u.lab("up").want(t, 0)
		other := *u
		other.name, other.spaces = "other-"+u.name, map[string]*os.File{}
		other.lab("up", "--topology", "router", "--latency", "1ms").want(t, 0)
		for x, node := range map[*someone]string{u: "near", &other: "client"} {
			r := x.lab("exec", "--", "cat", "/proc/net/dev").want(t, 0)
			if !strings.Contains(r.stdout, node+":") {
				t.Errorf("%s is not the first node of %s:\n%s", node, x.name, r.stdout)
			}
		}
		u.lab("down").want(t, 0)
		other.lab("exec", "router", "--", "true").want(t, 0)
		other.look()
		other.lab("down").want(t, 0)
		other.nothingLeft()
	})
}

func TestExecPassesStreamsStatusFolderAndSignals(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		u.lab("up").want(t, 0)
		defer u.lab("down")
		u.lab("exec", "--", "sh", "-c", "exit 42").want(t, 42)
		u.lab("exec", "--", "sh", "-c", "kill -KILL $$").want(t, 137)
		u.lab("exec", "--", "no-such-program").want(t, 127)
		u.lab("exec", "--", "/etc/passwd").want(t, 126)
		u.lab("exec", "nowhere", "--", "true").want(t, 126).says(t, `no node "nowhere": there are near, far`)
		u.lab("exec", "far", "sh", "-c", "exit 7").want(t, 7) // no -- is needed where the first word is a node's
		u.lab("exec", "near").want(t, 2).says(t, "needs a command")
		if r := u.lab("exec", "far", "--", "sh", "-c", "pwd; echo bad >&2; echo $HOME").want(t, 0); r.stdout != "/\n"+os.Getenv("HOME")+"\n" || r.stderr != "bad\n" {
			t.Errorf("%+v", r)
		}
		c := u.command("lab", "exec", "--name", u.name, "--", "cat")
		c.Stdin = strings.NewReader("through and through")
		if out, err := c.Output(); err != nil || string(out) != "through and through" {
			t.Errorf("%q, %v", out, err)
		}
		for _, s := range []syscall.Signal{unix.SIGTERM, unix.SIGINT} {
			c := u.command("lab", "exec", "--name", u.name, "--", "sh", "-c", "trap 'exit 9' TERM INT; echo ready; while :; do sleep 0.05; done")
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			_, _ = out.Read(make([]byte, 10))
			_ = c.Process.Signal(s)
			if _ = c.Wait(); c.ProcessState.ExitCode() != 9 {
				t.Errorf("%v: status %d, want the command's own 9", s, c.ProcessState.ExitCode())
			}
		}
		// What runs for a client that is killed is ended.
		c = u.command("lab", "exec", "--name", u.name, "--", "sh", "-c", "echo ready; exec sleep 1000")
		out, _ := c.StdoutPipe()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 10))
		_ = c.Process.Kill()
		_ = c.Wait()
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if r := u.lab("status"); strings.Contains(r.stdout, " 0 commands running") {
				break
			}
			if time.Now().After(end) {
				t.Fatal("the command of a client that was killed runs on")
			}
		}
	})
}

// With a terminal, the command has one of its own, of the same size, and is
// controlled by it.
func TestExecGivesATerminal(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		u.lab("up").want(t, 0)
		defer u.lab("down")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		inner := fmt.Sprintf("stty rows 33 cols 77; exec %s lab exec --name %s -- sh -c 'stty size; tty; ps -o tpgid= -p $$'", program, u.name)
		c := exec.CommandContext(ctx, needProgram(t, "script"), "-qec", inner, "/dev/null")
		c.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+u.run)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: u.who}
		keyboard, err := c.StdinPipe() // at whose end script would type an end of file, which is echoed
		if err != nil {
			t.Fatal(err)
		}
		defer keyboard.Close()
		out, err := c.Output()
		if err != nil || !strings.Contains(string(out), "33 77\r\n/dev/pts/") {
			t.Errorf("%q, %v", out, err)
		}
	})
}

// Issue 5, item 1: at fifty random moments everything of ours is killed.
func TestNothingSurvivesAKillOfEverythingAtAnyMoment(t *testing.T) {
	turns := 25 // for each of two users
	everybody(t, func(t *testing.T, u *someone) {
		for range turns {
			story := exec.Command("sh", "-c", `"$0" lab up --name "$1" && "$0" lab exec --name "$1" -- sh -c 'sleep 1000 & sleep 0.1' && "$0" lab down --name "$1"`,
				program, u.name)
			story.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+u.run)
			story.SysProcAttr = &syscall.SysProcAttr{Credential: u.who}
			if err := story.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(rand.N(400 * time.Millisecond))
			u.look()
			for range 3 { // what was just being born
				for _, pid := range u.processes() {
					_ = unix.Kill(pid, unix.SIGKILL)
				}
			}
			_ = story.Wait()
			u.nothingLeft()
		}
		// And after all that a lab still comes and goes.
		u.lab("up").want(t, 0)
		u.lab("down").want(t, 0)
		u.nothingLeft()
	})
}

// Issue 5, item 7.
func TestASeedLosesTheSamePacketsOfTheSameTraffic(t *testing.T) {
	newLab(t)
	lost := make([][]string, 3)
	t.Run("runs", func(t *testing.T) {
		for i, seed := range []string{"42", "42", "43"} {
			t.Run(seed, func(t *testing.T) {
				t.Parallel()
				lost[i] = losses(t, seed)
			})
		}
	})
	first, again, other := lost[0], lost[1], lost[2]
	if len(first) == 0 || !slices.Equal(first, again) {
		t.Errorf("with one seed there were lost\n%s\nand then\n%s", strings.Join(first, ""), strings.Join(again, ""))
	}
	if slices.Equal(first, other) {
		t.Errorf("with another seed the same were lost:\n%s", strings.Join(first, ""))
	}
}

// losses are the packets that a few connections lose, sent for the first time.
func losses(t *testing.T, seed string) (lines []string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	command(t, program, "lab", "run", "--loss", "10%", "--seed", seed, "--log", log, "--",
		"sh", "-c", `for i in 1 2 3 4; do "$0" connect --get / far || exit; done >/dev/null 2>&1`, program).want(t, 0)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		// How many bare acknowledgments there are hangs on the kernel's timers,
		// and what follows a loss on who was quicker to mend it.
		if strings.HasSuffix(line, " 1\n") && !strings.Contains(line, " ack ") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func TestALogThatCannotBeWrittenIsToldOfOnce(t *testing.T) {
	newLab(t)
	r := command(t, program, "lab", "run", "--duplicate", "100%", "--log", "/dev/full", "--", program, "connect", "-q", "far").want(t, 0)
	if n := strings.Count(r.stderr, "warning: --log: write /dev/full: no space left on device"); n != 1 {
		t.Errorf("it is told of %d times:\n%s", n, r.stderr)
	}
}

func TestServeSaysWhatIsNoService(t *testing.T) {
	near := newLab(t).Near()
	for want, args := range map[string][]string{
		`"nosuch"`:               {"nosuch"},
		"invalid port":           {"tls", "--listen", "127.0.0.1:99999"},
		`fault "odd"`:            {"tls", "--fault", "odd"},
		"cannot be served alone": {"closed"},
	} {
		rawshake(t, near, append([]string{"lab", "serve"}, args...)...).want(t, 2).says(t, want)
	}
}

func TestRunHasTheCommandsExitStatus(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		for want, args := range map[int][]string{
			0:   {"run", "--", "true"},
			33:  {"run", "--topology", "bare", "--", "sh", "-c", "exit 33"},
			127: {"run", "--", "no-such-program"},
			2:   {"run", "--loss", "200%", "--", "true"},
		} {
			c := u.command(append([]string{"lab"}, args...)...)
			out, err := c.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if got := c.ProcessState.ExitCode(); got != want {
				t.Errorf("%q: status %d, want %d\n%s", args, got, want, out)
			}
		}
	})
}
