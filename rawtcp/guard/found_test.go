package guard_test

import (
	"bufio"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A guard of a process in a container is found from outside, under the number
// that the process has there: for itself it is the first of all.
func TestTheGuardOfAProcessInAnotherPIDNamespaceIsFound(t *testing.T) {
	for _, kind := range standing {
		t.Run(string(kind), func(t *testing.T) {
			p := netns.NewPair(t)
			cmd := exec.Command("/proc/self/exe", p.Client.Addr.String())
			cmd.Env = append(os.Environ(), holdKind+"="+string(kind))
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
			if _, err := cmd.StdinPipe(); err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			netns.Check(t, err)
			netns.Check(t, cmd.Start()) // on this thread, so in the client's namespace
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			line, _ := bufio.NewReader(out).ReadString('\n')
			local, err := netip.ParseAddrPort(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("the helper says %q", line)
			}
			shower(t, p, local, wire.SYN|wire.ACK, 64, 3)
			found := find(t)
			if len(found) != 1 {
				t.Fatalf("found %+v", found)
			}
			f := found[0]
			if f.Kind != kind || f.PID != cmd.Process.Pid || !strings.Contains(f.Owner, p.Client.Addr.String()) || (f.Interface == clientDev) != (kind == guard.KindTCX) ||
				f.First != local.Port() || f.Last != local.Port() || !slices.Equal(f.Addrs, []netip.Addr{p.Client.Addr}) || f.Dropped != 3 || !f.Known || f.Lasting {
				t.Errorf("found %+v", f)
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if found := find(t); len(found) != 0 {
				t.Errorf("after its process, found %+v", found)
			}
		})
	}
}
