package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A lab that stands says in its log what its links do, is changed while it
// stands, and tells how it is: with and without root.
func TestAStandingLabIsImpairedAndSaysWhatItDoes(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		log := filepath.Join(u.run, "links.log")
		u.lab("up", "--seed", "4", "--log", log).want(t, 0)
		defer u.lab("down")
		u.lab("up", "--seed", "4", "--log", log).want(t, 0)
		u.lab("up", "--seed", "4").want(t, 0)
		u.lab("up", "--seed", "4", "--log", log+"2").want(t, 1).says(t, "stands already", "the log")
		page := func() { t.Helper(); u.lab("exec", "--", program, "connect", "-q", "far").want(t, 0) }
		netem := func(want string, args ...string) {
			t.Helper()
			if r := u.lab("netem", args...).want(t, 0); strings.TrimSpace(r.stdout) != want {
				t.Errorf("netem %q says %q, expected %q", args, r.stdout, want)
			}
		}
		netem("near-far        clear")
		page()
		if text := u.read(log); text != "" {
			t.Errorf("the log of a clear link says %q", text)
		}
		routes := u.lab("exec", "far", "--", "ip", "route").want(t, 0).stdout
		netem("near-far        latency 2ms, jitter 1ms, duplicate 100%", "near-far", "--duplicate", "100%", "--delay", "2ms", "--jitter", "1ms")
		if now := u.lab("exec", "far", "--", "ip", "route").want(t, 0).stdout; now != routes {
			t.Errorf("far had the routes\n%sand has\n%s", routes, now)
		}
		page()
		if text := u.read(log); !strings.Contains(text, "doubled    tcp 198.18.0.1 > 198.18.0.2:443 ") {
			t.Errorf("the log says %q", text)
		}
		netem("near-far        latency 3ms, jitter 1ms, duplicate 100%", "far-near", "--latency", "3ms")
		netem(`{"name":"near-far","nodes":["near","far"],"impairment":{"duplicate":"100%","jitter":"1ms","latency":"3ms"}}`, "--json")
		if r := u.lab("status").want(t, 0); !strings.Contains(r.stdout, "near-far        latency 3ms") || !strings.Contains(r.stdout, log) {
			t.Errorf("status says %q", r.stdout)
		}
		u.lab("up", "--seed", "4").want(t, 1).says(t, "differs", "link near-far")
		netem("near-far        loss 1%", "--clear", "--loss", "1%")
		netem("near-far        clear", "--clear")
		page()
		u.lab("up", "--seed", "4").want(t, 0)
		u.lab("netem", "near-nowhere").want(t, 2).says(t, "near-far")
		u.lab("netem", "--jitter", "2h").want(t, 2).says(t, "jitter", "1m")
	})
}

// Where the log cannot be written is said by up, or by status once it shows.
func TestALogThatCannotBeWrittenIsSaid(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		u.lab("up", "--log", filepath.Join(u.run, "no", "such")).want(t, 2).says(t, "--log", "no such file")
		if r := u.lab("status").want(t, 0); r.stdout != "no lab stands\n" {
			t.Errorf("status says %q", r.stdout)
		}
		u.lab("up", "--duplicate", "100%", "--log", "/dev/full").want(t, 0)
		defer u.lab("down")
		u.lab("exec", "--", program, "connect", "-q", "far").want(t, 0)
		if r := u.lab("status").want(t, 0); !strings.Contains(r.stdout, "/dev/full: not written") || !strings.Contains(r.stdout, "no space left") {
			t.Errorf("status says %q", r.stdout)
		}
	})
}

func (u *someone) read(path string) string {
	u.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		u.t.Fatal(err)
	}
	return string(b)
}
