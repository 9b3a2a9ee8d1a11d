package interop

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/schema"
)

// newWide makes the network of 65,536 addresses on one server.
func newWide(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context(), lab.With(lab.Wide()))
	if err != nil {
		if errors.Is(err, netns.ErrForbidden) {
			missing(t, "this test makes network namespaces: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A probed is what one run of `rawshake probe` came to.
type probed struct {
	out, err []byte
	status   int
}

func (p *probed) records(t *testing.T) (list []map[string]any) {
	t.Helper()
	return parseRecords(t, p.out)
}

func parseRecords(t *testing.T, b []byte) (list []map[string]any) {
	t.Helper()
	schema.Check(t, b)
	for line := range bytes.Lines(b) {
		var r map[string]any
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if r["type"] == "target" {
			list = append(list, r)
		}
	}
	return list
}

// runProbe runs the program in the near namespace.
func runProbe(t *testing.T, l *lab.Lab, stdin string, args ...string) *probed {
	t.Helper()
	cmd := l.Near().Command(program, append([]string{"probe"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	p := &probed{out.Bytes(), errs.Bytes(), 0}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		p.status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return p
}

// outcomes counts what records say, and refuses a target that has two.
func outcomes(t *testing.T, list []map[string]any) map[string]int {
	t.Helper()
	count, seen := make(map[string]int), make(map[string]bool)
	for _, r := range list {
		key := fmt.Sprint(r["addr"], r["port"], r["name"])
		if seen[key] {
			t.Errorf("%s has two records", key)
		}
		seen[key] = true
		count[r["outcome"].(string)]++
	}
	return count
}

func TestProbeOfANetworkDoesWhatAZMapUserExpects(t *testing.T) {
	l := newWide(t)
	p := runProbe(t, l, "", "-p", "443", "198.18.0.0/25")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["certificate"] != 128 || len(n) != 1 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
	if !strings.Contains(string(p.err), "128 certificate") {
		t.Errorf("no summary: %s", p.err)
	}
	p = runProbe(t, l, "", "-q", "--until", "tcp", "-p", "443,444", "198.18.7.0/28", "198.18.9.1-198.18.9.4:443")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["open"] != 20 || n["closed"] != 16 || len(p.err) != 0 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
}

func TestProbeOfAListDoesWhatAZGrabUserExpects(t *testing.T) {
	l := newWide(t)
	list := "198.18.0.1\n# not this one\n\n198.18.0.2:444\n198.18.0.3,443\n198.18.0.4,one.test,tagged\n198.18.0.4,two.test,other,443\n198.18.1.0/30\nno such thing\n224.0.0.1\n"
	p := runProbe(t, l, list, "--until", "finished", "--allow-special")
	records := p.records(t)
	if n := outcomes(t, records); p.status != 0 || n["finished"] != 8 || n["closed"] != 1 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
	tags := make(map[any]any)
	for _, r := range records {
		tags[r["name"]] = r["tag"]
		if r["outcome"] == "finished" && (r["certificate_verified"] != false || r["handshake_ms"] == nil) {
			t.Errorf("a bad certificate is a field: %v", r)
		}
	}
	if tags["one.test"] != "tagged" || tags["two.test"] != "other" {
		t.Errorf("tags %v", tags)
	}
	for _, want := range []string{"standard input, line 9", "1 left out: 224.0.0.0/4 (Multicast)", "1 lines could not be read"} {
		if !strings.Contains(string(p.err), want) {
			t.Errorf("not told: %s\n%s", want, p.err)
		}
	}
	p = runProbe(t, l, list, "--strict", "--allow-special")
	if p.status != 1 || !strings.Contains(string(p.err), "line 9") {
		t.Errorf("--strict: status %d\n%s", p.status, p.err)
	}
	p = runProbe(t, l, "198.18.0.1\n", "--until", "tcp")
	if p.status != 0 || len(p.out) != 0 || !strings.Contains(string(p.err), "198.18.0.0/15 (Benchmarking)") || !strings.Contains(string(p.err), "nothing was probed") {
		t.Errorf("a special-purpose address in a list: status %d, %s\n%s", p.status, p.out, p.err)
	}
}

func TestProbeGetsTheFirstOfAReply(t *testing.T) {
	l := newWide(t)
	p := runProbe(t, l, "", "--get", "/", "198.18.3.0/30")
	for _, r := range p.records(t) {
		if data, _ := r["data"].(string); r["outcome"] != "data" || !strings.HasPrefix(data, "HTTP/1.1 200") {
			t.Errorf("%v", r)
		}
	}
	if len(p.records(t)) != 4 {
		t.Errorf("%s", p.err)
	}
}

func TestShardsShareNoTargetAndLoseNone(t *testing.T) {
	l := newWide(t)
	for _, n := range []int{1, 3, 16} {
		seen := make(map[string]int)
		for i := range n {
			p := runProbe(t, l, "", "--dry-run", "--seed", "5", "--shard", fmt.Sprintf("%d/%d", i, n), "-p", "443,8443", "198.18.0.0/22", "2001:db8::/120")
			for line := range strings.Lines(string(p.out)) {
				seen[line]++
			}
		}
		if len(seen) != 2*(1024+256) {
			t.Errorf("%d shards have %d targets", n, len(seen))
		}
		for target, times := range seen {
			if times != 1 {
				t.Errorf("%d of %d shards have %s", times, n, target)
			}
		}
	}
}

func TestKilledScansGoOnAndLoseNothing(t *testing.T) {
	l := newWide(t)
	for _, name := range []string{"out.jsonl", "out.jsonl.gz", "out.jsonl.zst"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			state, out := filepath.Join(dir, "state"), filepath.Join(dir, name)
			args := []string{"probe", "-q", "--until", "tcp", "--rate", "3000", "--checkpoint", state, "-o", out, "198.18.0.0/19"}
			kills := 0
			for ; kills < 20; kills++ {
				cmd := l.Near().Command(program, args...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				done := make(chan error, 1)
				go func() { done <- cmd.Wait() }()
				select {
				case err := <-done:
					if err != nil {
						t.Fatal(err)
					}
				case <-killTime(state, kills):
					cmd.Process.Kill()
					<-done
					continue
				}
				break
			}
			if kills == 0 {
				t.Error("it was over before it could be killed")
			}
			list := parseRecords(t, unpack(t, out))
			repeats := 0
			for _, r := range list {
				if r["repeat"] == true {
					repeats++
				}
			}
			if n := outcomes(t, list); n["open"] != 8192 {
				t.Errorf("after %d kills: %v", kills, n)
			}
			if repeats == 0 || repeats == len(list) {
				t.Errorf("%d of %d records are marked as repeats", repeats, len(list))
			}
			t.Logf("%d kills, %d repeats", kills, repeats)
			p := runProbe(t, l, "", args[1:]...)
			if p.status != 0 || !strings.Contains(string(p.err), "finished") {
				t.Errorf("a finished scan: status %d, %s", p.status, p.err)
			}
			args[len(args)-1] = "198.18.0.0/18"
			if p := runProbe(t, l, "", args[1:]...); p.status != 2 || !strings.Contains(string(p.err), "another scan") {
				t.Errorf("another scan's checkpoint: status %d, %s", p.status, p.err)
			}
		})
	}
}

// killTime is when to kill a scan: for the first time once its checkpoint
// speaks of records, and then at any moment.
func killTime(state string, kills int) <-chan time.Time {
	if kills > 0 {
		return time.After(time.Duration(200+kills*397) * time.Millisecond)
	}
	ripe := make(chan time.Time, 1)
	go func() {
		for range 1000 {
			var c struct{ Records uint64 }
			if b, err := os.ReadFile(state); err == nil && json.Unmarshal(b, &c) == nil && c.Records > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		ripe <- time.Now()
	}()
	return ripe
}

// unpack reads a file of records, by its name.
func unpack(t *testing.T, path string) []byte {
	t.Helper()
	if strings.HasSuffix(path, ".zst") {
		b, err := exec.Command(needProgram(t, "zstd"), "-dc", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnInterruptDrainsAndSaysHowToGoOn(t *testing.T) {
	l := newWide(t)
	state := filepath.Join(t.TempDir(), "state")
	args := []string{"probe", "--until", "tcp", "--rate", "2000", "--checkpoint", state, "198.18.0.0/20"}
	cmd := l.Near().Command(program, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGINT)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("status %v", err)
	}
	if !strings.Contains(errs.String(), "the same command goes on from "+state) {
		t.Errorf("not told how to go on: %s", errs.String())
	}
	first := parseRecords(t, out.Bytes())
	if len(first) == 0 || len(first) == 4096 {
		t.Fatalf("%d records before the interrupt", len(first))
	}
	p := runProbe(t, l, "", args[1:]...)
	if n := outcomes(t, append(first, p.records(t)...)); p.status != 0 || n["open"] != 4096 {
		t.Errorf("together: status %d, %v\n%s", p.status, n, p.err)
	}
}

func TestAnOutputThatFailsStopsTheSending(t *testing.T) {
	l := newWide(t)
	state := filepath.Join(t.TempDir(), "state")
	args := []string{"--until", "tcp", "--rate", "4000", "--checkpoint", state, "-o", "/dev/full", "198.18.0.0/18"}
	start := time.Now()
	p := runProbe(t, l, "", args...)
	if p.status != 1 || strings.Count(string(p.err), "no space left") != 1 || strings.Contains(string(p.err), `\x0a`) {
		t.Errorf("a full disk: status %d, %s", p.status, p.err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it went on for %v", took)
	}
	b, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Records uint64 }
	if json.Unmarshal(b, &c) != nil || c.Records != 0 {
		t.Errorf("the checkpoint speaks of records that are nowhere: %s", b)
	}

	cmd := l.Near().Command(program, "probe", "--until", "tcp", "--rate", "4000", "198.18.0.0/18")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pipe.Read(make([]byte, 100))
	pipe.Close()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(errs.String(), "broken pipe") {
		t.Errorf("a closed pipe: %v, %s", err, errs.String())
	}
}

// throughNobody routes 192.0.2.0/24 through a gateway that is not there.
func throughNobody(t *testing.T, l *lab.Lab, gateway netip.Addr) {
	t.Helper()
	if err := l.Near().Do(func() error {
		dev, err := netlink.LinkByName(l.Near().Interface())
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Gw: gateway.AsSlice(),
			Dst: &net.IPNet{IP: net.IPv4(192, 0, 2, 0), Mask: net.CIDRMask(24, 32)}})
	}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAProbeCannotDoIsSaidBeforeTheFirstPacket(t *testing.T) {
	l := newWide(t)
	throughNobody(t, l, netip.AddrFrom4([4]byte{198, 19, 0, 77}))
	before := received(t, l)
	for _, tc := range []struct {
		args   string
		status int
		says   string
	}{
		{"198.18.0.0/33", 2, "CIDR"},
		{"-p 0 198.18.0.1", 2, "port"},
		{"-p 9-1 198.18.0.1", 2, "upwards"},
		{"--until never 198.18.0.1", 2, "certificate"},
		{"--rate -1 198.18.0.1", 2, "rate"},
		{"--shard 3/3 --seed 1 198.18.0.1", 2, "from 0"},
		{"--shard 0/3 198.18.0.1", 2, "--seed"},
		{"--fields nothing 198.18.0.1", 2, "there are"},
		{"--exclude elsewhere 198.18.0.1", 2, "--exclude"},
		{"--exclude-file /no/such/file 198.18.0.1", 2, "no such file"},
		{"-f /no/such/file", 2, "no such file"},
		{"-o /no/such/folder/out 198.18.0.1", 2, "no such file"},
		{"--checkpoint /no/such/folder/state 198.18.0.1", 1, "checkpoint cannot be written"},
		{"--max-memory lots 198.18.0.1", 2, "not a size"},
		{"--max-memory 1K 198.18.0.1", 2, "before the first target"},
		{"--rate NaN 198.18.0.1", 2, "a rate is a number"},
		{"--rate Inf 198.18.0.1", 2, "a rate is a number"},
		{"--per-network NaN 198.18.0.1", 2, "a rate is a number"},
		{"--until tcp --get / 198.18.0.1", 2, "--until data"},
		{"-i nowhere 198.18.0.1", 2, "no interface"},
		{"--exclude 198.18.0.0/16 198.18.0.1", 2, "nothing is left"},
		{"224.0.0.1", 2, "Multicast"},
		{"-p 1-500 203.0.113.1", 4, "no route"},
		{"-p 1-500 192.0.2.1", 4, "does not answer ARP"}, // behind a gateway that is not there
		{"-4 2001:db8::1", 2, "IP version"},
	} {
		p := runProbe(t, l, "", strings.Fields(tc.args)...)
		if p.status != tc.status || !strings.Contains(string(p.err), tc.says) || len(p.out) > 0 {
			t.Errorf("%s: status %d, want %d; want %q in: %s", tc.args, p.status, tc.status, tc.says, p.err)
		}
	}
	if n := received(t, l) - before; n > 6 {
		t.Errorf("%d TCP segments were sent all the same", n)
	}
}

// received counts the TCP segments that the far host has seen.
func received(t *testing.T, l *lab.Lab) int {
	t.Helper()
	n := 0
	if err := l.Node("far").Do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 10 && f[0] == "Tcp:" {
				n, _ = strconv.Atoi(f[10])
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// On the link itself each host has a hardware address of its own.
func TestProbeOfNeighboursOnTheLink(t *testing.T) {
	l := newLab(t)
	server, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := runProbe(t, l, "", "--timeout", "2s", "-p", strconv.Itoa(int(server.Addr().Port())), "198.18.0.0-198.18.0.9")
	n := outcomes(t, p.records(t))
	if p.status != 0 || n["certificate"] != 1 || n["unreachable"] != 8 || n["closed"] != 1 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
	far := l.Far().Addr6()
	p = runProbe(t, l, "", "--link", "packet", "--until", "tcp", "-p", "9", far.String()+"-"+far.Next().Next().String())
	if n := outcomes(t, p.records(t)); p.status != 0 || n["closed"] != 1 || n["unreachable"] != 2 {
		t.Errorf("by neighbour discovery: status %d, %v\n%s", p.status, n, p.err)
	}
	p = runProbe(t, l, "", "--link", "packet", l.Near().Addr().String())
	if p.status != 4 || !strings.Contains(string(p.err), "--link raw") {
		t.Errorf("the packet link: status %d, %s", p.status, p.err)
	}
}

func TestProbeOfThisMachine(t *testing.T) {
	l := newLab(t)
	ln, err := l.Near().Listen("tcp", "127.0.0.1:4433")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := runProbe(t, l, "", "--until", "tcp", "-p", "4433,4434", "127.0.0.1")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["open"] != 1 || n["closed"] != 1 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
	for _, a := range []netip.Addr{l.Near().Addr(), l.Near().Addr6()} { // of another interface than lo
		p := runProbe(t, l, "", "--until", "tcp", "-p", "4433", a.String())
		if n := outcomes(t, p.records(t)); p.status != 0 || n["closed"] != 1 {
			t.Errorf("%v: status %d, %v\n%s", a, p.status, n, p.err)
		}
	}
}

// A few targets without a route have a result each, named alone or in a list,
// and each names its own address.
func TestATargetWithoutAWayIsAResultHoweverItIsNamed(t *testing.T) {
	l := newLab(t)
	for _, named := range []struct{ stdin, args string }{
		{"", "203.0.113.1 203.0.113.7"},
		{"203.0.113.1\n203.0.113.7\n", ""},
	} {
		p := runProbe(t, l, named.stdin, strings.Fields("-q --allow-special "+named.args)...)
		list := p.records(t)
		if p.status != 0 || len(list) != 2 {
			t.Errorf("%q: status %d, %d results\n%s", named, p.status, len(list), p.err)
		}
		for _, r := range list {
			addr, _ := r["addr"].(string)
			if text, _ := r["error"].(string); r["class"] != "route" || !strings.Contains(text, "no route to "+addr+":") || strings.Count(text, "203.0.113.") != strings.Count(text, addr) {
				t.Errorf("%q: of %s it is said: %s", named, addr, text)
			}
		}
	}
	throughNobody(t, l, beyond(l))
	p := runProbe(t, l, "", "-q", "192.0.2.1")
	if list := p.records(t); p.status != 0 || len(list) != 1 || list[0]["class"] != "neighbour" {
		t.Errorf("status %d: %s%s", p.status, p.out, p.err)
	}
}
