//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/fleet"
	"github.com/rawshake/rawshake/internal/probe"
)

// parses reports whether words are a command line of ours, up to what it would do.
func parses(t *testing.T, words []string) {
	t.Helper()
	cmd, rest, err := newRoot().Find(words)
	if err == nil && !cmd.HasParent() {
		t.Errorf("%q is no command", words)
		return
	}
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil && cmd.Args != nil {
		err = cmd.Args(cmd, cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("%q: %v", words, err)
	}
}

// The units, the Job and the page call the program as it is.
func TestWhatFleetsAreMadeOfCallsTheProgramAsItIs(t *testing.T) {
	units, err := filepath.Glob("../../scripts/fleet/*.service")
	if err != nil || len(units) != 2 {
		t.Fatalf("%v, %q", err, units)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/rawshake (.+)$`).FindSubmatch(text)
		if start == nil {
			t.Fatalf("%s starts something else", unit)
		}
		parses(t, strings.Fields(string(start[1])))
	}
	var job struct {
		Spec struct {
			Template struct {
				Spec struct{ Containers []struct{ Args []string } }
			}
		}
	}
	text, err := os.ReadFile("../../scripts/fleet/kubernetes-job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &job); err != nil {
		t.Fatal(err)
	}
	args := job.Spec.Template.Spec.Containers[0].Args
	parses(t, args)
	for _, a := range args {
		if s, ok := strings.CutPrefix(a, "--shard="); ok {
			if _, n, err := parseShard(strings.Replace(s, "$(INDEX)", "7", 1)); err != nil || n != 8 {
				t.Errorf("%s: %v", a, err)
			}
		}
	}
	page, err := os.ReadFile("../../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range regexp.MustCompile(`(?m)^\w+\$ +rawshake ([^#\n]+)`).FindAllSubmatch(page, -1) {
		parses(t, strings.Fields(string(line[1])))
	}
}

// What a scan of a fleet is started with comes out of its description as it went in.
func TestAFleetsScanIsWhatWasTyped(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("198.18.5.1,one.test,a tag,443\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var f probeFlags
	cmd := &cobra.Command{Use: "start"}
	f.register(cmd)
	cmd.Flags().Uint64("shards", 3, "")
	if err := cmd.Flags().Parse([]string{"--shards", "3", "-p", "443,8443", "--until", "hello", "--exclude", "198.18.0.9", "--exclude", "198.18.0.10-198.18.0.12",
		"--alpn", `"a,b",c`, "--allow-special", "--seed", "7", "--rate", "50", "-f", list, "198.18.0.0/28"}); err != nil {
		t.Fatal(err)
	}
	spec := fleet.NewSpec("typed")
	spec.Shards = 3
	files, err := f.forFleet(cmd, &spec, cmd.Flags().Args())
	if err != nil {
		t.Fatal(err)
	}
	if spec.Seed != 7 || spec.Rate != 50 || spec.Targets != 2*(16-4)+1 || len(files) != 1 || slices.ContainsFunc(spec.Args, func(a string) bool { return strings.Contains(a, list) || strings.Contains(a, "shards") }) {
		t.Fatalf("%+v, %d files", spec, len(files))
	}
	var held heldFiles
	defer held.close()
	for name, b := range files {
		if err := held.hold(name, name, b); err != nil {
			t.Fatal(err)
		}
	}
	p, err := planForFleet(&spec, &held, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if got := fleetScan(&spec, &p.options); got != spec.Scan {
		t.Errorf("the scan is another: %s, %s", got, spec.Scan)
	}
	if o := &p.options; o.Goal != probe.GoalHello || !slices.Equal(o.TLS.ALPN, []string{"a,b", "c"}) || o.Shards != 3 || o.Space.Len() != 24 {
		t.Errorf("%v, %q, %d shards, %d targets", o.Goal, o.TLS.ALPN, o.Shards, o.Space.Len())
	}
}

// A fleet audits, too, and says of flags that contradict that what probe says.
func TestAFleetAudits(t *testing.T) {
	plan := func(words ...string) (*probePlan, error) {
		var f probeFlags
		cmd := &cobra.Command{Use: "start"}
		f.register(cmd)
		if err := cmd.Flags().Parse(append(words, "--allow-special", "198.18.0.0/28")); err != nil {
			t.Fatal(err)
		}
		spec := fleet.NewSpec("audits")
		spec.Shards = 3
		if _, err := f.forFleet(cmd, &spec, cmd.Flags().Args()); err != nil {
			return nil, err
		}
		return planForFleet(&spec, new(heldFiles), nil)
	}
	p, err := plan("--audit", "--max-connections", "33")
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if o := &p.options; o.AuditConnections != 33 || o.Goal != probe.GoalFinished || o.MaxConns != auditsAtOnce {
		t.Errorf("%d connections, %v, %d at once", o.AuditConnections, o.Goal, o.MaxConns)
	}
	for _, words := range [][]string{{"--audit", "--until", "hello"}, {"--max-connections", "9"}, {"--audit", "--max-connections", "0"}} {
		if _, err := plan(words...); err == nil {
			t.Errorf("%q is taken", words)
		}
	}
}

// Credentials reach the server, and what is wrong with them is said with its flag.
func TestTheServerKnowsUsByAnNKey(t *testing.T) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := pair.PublicKey()
	seed, _ := pair.Seed()
	other, _ := nkeys.CreateUser()
	otherSeed, _ := other.Seed()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, Nkeys: []*server.NkeyUser{{Nkey: public}}})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not come up")
	}
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hub, err := (&hubFlags{url: s.ClientURL(), nkey: file("ours", seed)}).connect()
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	if names, err := hub.Scans(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("%q, %v", names, err)
	}
	for want, f := range map[string]*hubFlags{
		"--nats-nkey names others":         {nkey: file("other", otherSeed)},
		"--nats-token-file, --nats-creds":  {token: file("token", []byte("x\n"))},
		"--nats-nkey: ":                    {nkey: file("junk", []byte("junk"))},
		"--nats-token-file: ":              {token: file("two", []byte("a\nb\n"))},
		"--nats-ca: open":                  {ca: filepath.Join(dir, "none")},
		"go together":                      {cert: file("cert", nil)},
		"one of them is enough":            {nkey: file("a", seed), token: file("b", []byte("x"))},
		"Is it a NATS server, and reached": {url: "nats://127.0.0.1:1"},
		"--nats-creds: open":               {creds: filepath.Join(dir, "none")},
	} {
		if f.url == "" {
			f.url = s.ClientURL()
		}
		if _, err := f.connect(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
}

// --fields has what collecting needs, whatever is asked for.
func TestAFleetsFieldsHaveWhatCollectingNeeds(t *testing.T) {
	for asked, want := range map[string]string{"": "", "-steps": "-steps", "-addr,-steps,-repeat": "-steps", "-addr": ""} {
		if got := fleetFields(asked); got != want {
			t.Errorf("%q: %q, want %q", asked, got, want)
		}
	}
	got := strings.Split(fleetFields("version,outcome"), ",")
	for _, name := range append([]string{"version", "outcome"}, fleet.Fields...) {
		if !slices.Contains(got, name) {
			t.Errorf("%q has no %s", got, name)
		}
	}
}
