//go:build linux

package compose

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/build"
)

const root = "../../.."

// A project is the Compose project of scripts/docker, under a name of its own.
type project struct {
	name, image string
}

// engine skips the test where there is no Docker. In the gate a Docker that is
// installed has to work: a machine that has one is meant to run this, and one
// that has none cannot be given an engine by a test.
func engine(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("docker"); err != nil {
		t.Skip("Docker is not installed")
	}
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "docker", "info", "--format", "{{.ServerVersion}}").CombinedOutput(); err != nil {
		missing("Docker is installed, and no engine answers: %v: %s", err, out)
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		missing("a Docker engine runs here, and docker-compose is not installed: apt-get install docker-compose")
	}
}

// run runs a command, at most two minutes, and returns its output and status.
func run(t *testing.T, env []string, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func must(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, errs, status := run(t, env, name, args...)
	if status != 0 {
		t.Fatalf("%s %q: status %d\n%s%s", name, args, status, out, errs)
	}
	return out
}

// prefix begins the names of all projects of this test; the process follows.
const prefix = "rawshaketest"

// alone waits until no other test has the network, whose addresses are the same
// for every project, and keeps it until the end.
func alone(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(os.TempDir(), prefix+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

// sweep takes down what a test left standing that was killed.
func sweep(t *testing.T) {
	t.Helper()
	for _, network := range strings.Fields(must(t, nil, "docker", "network", "ls", "-q", "--filter", "name=^"+prefix+"[0-9]+_lab$")) {
		name := strings.TrimSpace(must(t, nil, "docker", "network", "inspect", "-f", "{{.Name}}", network))
		p := &project{name: strings.TrimSuffix(name, "_lab")}
		p.image = p.name + ":latest"
		t.Logf("%s was left by a test that was killed", p.name)
		p.compose(t, "down", "-v", "--remove-orphans")
	}
}

// start builds the image out of the program alone, and starts the project.
func start(t *testing.T) *project {
	t.Helper()
	engine(t)
	alone(t)
	sweep(t)
	id := fmt.Sprintf("%s%d", prefix, os.Getpid())
	p := &project{name: id, image: id + ":latest"}
	context := t.TempDir()
	if err := build.Program(filepath.Join(context, "rawshake")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run(t, nil, "docker", "rmi", "-f", p.image) })
	must(t, nil, "docker", "build", "-q", "-t", p.image, "-f", root+"/scripts/docker/Dockerfile", context)
	t.Cleanup(func() { p.compose(t, "down", "-v", "--remove-orphans") })
	p.compose(t, "up", "-d")
	return p
}

func (p *project) command(args ...string) *exec.Cmd {
	c := exec.Command("docker-compose", append([]string{"-f", root + "/scripts/docker/compose.yaml", "-p", p.name}, args...)...)
	c.Env = append(os.Environ(), "RAWSHAKE_IMAGE="+p.image)
	return c
}

func (p *project) compose(t *testing.T, args ...string) string {
	t.Helper()
	c := p.command(args...)
	return must(t, c.Env, c.Args[0], c.Args[1:]...)
}

// container is a running service's, or empty: each version of Compose names them
// its way.
func (p *project) container(t *testing.T, service string) string {
	t.Helper()
	const label = "label=com.docker.compose."
	return strings.TrimSpace(must(t, nil, "docker", "ps", "-q", "--filter", label+"project="+p.name, "--filter", label+"service="+service))
}

func (p *project) network() string { return p.name + "_lab" }

// ours is a docker command line for one more container beside the servers,
// with the default capabilities.
func (p *project) ours(args ...string) []string {
	return append([]string{"run", "--rm", "--network", p.network(), "-v", p.name + "_shared:/shared", p.image}, args...)
}

// await repeats a command until it ends well: servers take a moment.
func (p *project) await(t *testing.T, args ...string) {
	t.Helper()
	var out, errs string
	for range 20 {
		var status int
		if out, errs, status = run(t, nil, "docker", p.ours(args...)...); status == 0 {
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	t.Fatalf("%q never ends well:\n%s%s", args, out, errs)
}

const (
	tls    = "198.18.64.10"
	crypto = "198.18.64.11"
)

func TestComposeProjectIsANetworkToHandshakeIn(t *testing.T) {
	p := start(t)
	p.await(t, "connect", "-q", "--ca", "/shared/tls.pem", tls)
	p.await(t, "connect", "-q", "--ca", "/shared/crypto-tls.pem", crypto)

	t.Run("DefaultCapabilitiesAreEnough", func(t *testing.T) {
		out := must(t, nil, "docker", p.ours("doctor", "--json")...)
		found := map[string]bool{}
		for line := range strings.Lines(out) {
			var f struct {
				Name string `json:"name"`
				OK   bool   `json:"ok"`
			}
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			found[f.Name] = f.OK
		}
		if !found["cap_net_raw"] || found["cap_net_admin"] {
			t.Errorf("not Docker's default capabilities: %v", found)
		}
	})
	t.Run("Connect", func(t *testing.T) {
		for _, link := range []string{"auto", "packet", "raw", "kernel"} {
			out := must(t, nil, "docker", p.ours("connect", "-q", "--link", link, "--get", "/", "--ca", "/shared/tls.pem", tls)...)
			if !strings.Contains(out, "200 OK") {
				t.Errorf("over %s: %s", link, out)
			}
		}
		must(t, nil, "docker", p.ours("connect", "-q", "-6", "--ca", "/shared/tls.pem", "[2001:db8:64::10]")...)
		must(t, nil, "docker", p.ours("guard", "run", "--", "/rawshake", "version")...)
	})
	t.Run("Scan", p.scan)
	t.Run("Fleet", p.fleet)
	t.Run("CutOff", p.cutOff)
	t.Run("Capture", p.captured)
}

// scan runs the project's own probe over the block, which tells apart what is
// there: one record for each address. Another may be run meanwhile.
func (p *project) scan(t *testing.T) {
	if probe := p.container(t, "probe"); probe != "" {
		t.Errorf("up has started the probe, as %s", probe)
	}
	var records bytes.Buffer
	scan := p.command("run", "--rm", "-T", "probe")
	scan.Stdout = &records
	if err := scan.Start(); err != nil {
		t.Fatal(err)
	}
	p.compose(t, "run", "--rm", "-T", "probe", "connect", "-q", "--ca", "/shared/tls.pem", tls)
	if err := scan.Wait(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(records.String()) {
		var r struct {
			Type    string `json:"type"`
			Addr    string `json:"addr"`
			Outcome string `json:"outcome"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("not a record: %v: %s", err, line)
		}
		if r.Type == "target" {
			got[strings.TrimPrefix(r.Addr, "198.18.64.")] = r.Outcome
		}
	}
	want := map[string]string{"8": "unreachable", "9": "unreachable", "15": "unreachable",
		"10": "certificate", "11": "certificate", "12": "certificate", "13": "not_tls", "14": "timeout"}
	if !maps.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// fleet is what the file's head and docs/fleet.md say of a scan over three workers.
func (p *project) fleet(t *testing.T) {
	p.compose(t, "--profile", "fleet", "up", "-d", "--scale", "worker=3", "hub", "worker")
	control := func(args ...string) (string, int) {
		c := p.command(append([]string{"run", "--rm", "-T", "control"}, args...)...)
		out, errs, status := run(t, c.Env, c.Args[0], c.Args[1:]...)
		if status != 0 {
			t.Logf("%q: status %d\n%s", args, status, errs)
		}
		return out, status
	}
	status := 1
	for end := time.Now().Add(time.Minute); status != 0 && time.Now().Before(end); { // until the hub is there
		_, status = control("start", "monday", "--rate", "200", "--shards", "6", "--timeout", "3s", "198.18.64.8/29")
	}
	out, status := control("collect", "--wait", "monday")
	if n := strings.Count(out, `"type":"target"`); status != 0 || n != 8 {
		t.Errorf("status %d, %d results:\n%s", status, n, out)
	}
	out, status = control("status", "--json", "monday")
	var st struct {
		Workers []struct{ Sources []string }
		Shards  struct{ Done int }
	}
	if err := json.Unmarshal([]byte(out), &st); status != 0 || err != nil || len(st.Workers) != 3 || st.Shards.Done != 6 {
		t.Errorf("%v: three workers and six shards are not what there is:\n%s", err, out)
	}
}

// cutOff freezes the server, so that the handshake stands still after our
// ClientHello, and then lets it go on: as it is, and cut off from the network.
func (p *project) cutOff(t *testing.T) {
	for _, tc := range []struct {
		name string
		want int
	}{{"thawed", 0}, {"disconnected", 5}} { // in this order: the second leaves it cut off
		want := tc.want
		t.Run(tc.name, func(t *testing.T) {
			server := p.container(t, "crypto-tls")
			must(t, nil, "docker", "pause", server)
			frozen := true
			thaw := func() {
				if frozen {
					frozen = false
					must(t, nil, "docker", "unpause", server)
				}
			}
			defer thaw()
			cmd := exec.Command("docker", p.ours("connect", "--json", "--timeout", "8s", "--ca", "/shared/crypto-tls.pem", crypto)...)
			view, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			last := ""
			for lines := bufio.NewScanner(view); lines.Scan(); {
				last = lines.Text()
				if !frozen || !strings.Contains(last, `"client_hello"`) {
					continue
				}
				if want != 0 {
					must(t, nil, "docker", "network", "disconnect", "-f", p.network(), server)
				}
				thaw()
			}
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != want || frozen {
				t.Errorf("status %d, want %d (in mid-handshake: %v): %s", got, want, !frozen, last)
			}
			if want != 0 && !strings.Contains(last, "answer to") {
				t.Errorf("the result does not say what was waited for: %s", last)
			}
		})
	}
}

// captured ends the capture, and reads it with a host's tools.
func (p *project) captured(t *testing.T) {
	capture := p.container(t, "capture")
	p.compose(t, "stop", "capture")
	file := filepath.Join(t.TempDir(), "tls.pcapng")
	must(t, nil, "docker", "cp", capture+":/shared/tls.pcapng", file)
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	out := must(t, nil, tshark, "-r", file, "-Y", "tls.handshake.type == 1 && ip.dst == "+tls, "-T", "fields", "-e", "frame.number")
	if strings.Count(out, "\n") < 4 {
		t.Errorf("the capture holds these ClientHellos: %q", out)
	}
	if out := must(t, nil, tshark, "-r", file, "-Y", "tcp.flags.reset == 1 && ip.dst == "+tls+" && tls"); out != "" {
		t.Errorf("RSTs in handshakes: %s", out)
	}
}
