package guard_test

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/nftables"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
)

// holdKind in the environment makes this program a process that sets up a
// guard of that kind and waits to be killed.
const holdKind = "RAWSHAKE_TEST_HOLD"

func TestMain(m *testing.M) {
	if kind := os.Getenv(holdKind); kind != "" {
		hold(guard.Kind(kind), os.Args[len(os.Args)-1])
		return
	}
	netns.Main(m)
}

func hold(kind guard.Kind, address string) {
	g, err := guard.Open(guard.Options{Kind: kind, Local: netip.AddrPortFrom(netip.MustParseAddr(address), 0), Interface: clientDev})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(g.Local())
	io.Copy(io.Discard, os.Stdin)
}

// tables counts our tables in the namespace of the calling thread.
func tables(t *testing.T) (n int) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range all {
		if strings.HasPrefix(table.Name, "rawshake-") {
			n++
		}
	}
	return n
}

func TestKillingTheProcessTakesTheGuardWithIt(t *testing.T) {
	for _, kind := range append(standing, guard.KindNone) {
		t.Run(string(kind), func(t *testing.T) {
			p := netns.NewPair(t)
			cmd := exec.Command("/proc/self/exe", p.Client.Addr.String())
			cmd.Env = append(os.Environ(), holdKind+"="+string(kind))
			cmd.Stderr = os.Stderr
			if _, err := cmd.StdinPipe(); err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil { // on this thread, so in the client's namespace
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			local, err := netip.ParseAddrPort(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("the helper says %q", line)
			}
			want := 0
			if kind == guard.KindNFTables {
				want = 1
			}
			if n := tables(t); n != want {
				t.Errorf("%d tables while it stands, want %d", n, want)
			}
			if _, err := guard.Open(guard.Options{Kind: guard.KindNone, Local: local}); err == nil {
				t.Errorf("%v is not held", local)
			}

			cmd.Process.Kill() // SIGKILL
			cmd.Wait()
			if n := tables(t); n != 0 {
				t.Errorf("%d tables left behind", n)
			}
			open(t, guard.KindNone, local) // the port is free again
		})
	}
}
