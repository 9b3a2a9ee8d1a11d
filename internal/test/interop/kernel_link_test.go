package interop

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// unprivileged runs the program with no capability at all.
func unprivileged(t *testing.T, n *lab.Node, args ...string) run {
	t.Helper()
	return capable(t, n, "-all", args...)
}

// capable runs the program with some capabilities alone: "-all,+net_raw".
func capable(t *testing.T, n *lab.Node, capabilities string, args ...string) run {
	t.Helper()
	cmd := n.Command(needProgram(t, "setpriv"), append([]string{"--inh-caps=" + capabilities, "--bounding-set=" + capabilities, program}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return run{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Without CAP_NET_RAW nothing is done silently: connect says which flag goes
// without, and what that shows is labelled as the kernel's.
func TestLinkKernelIsNamedAskedForAndLabelled(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := s.Addr().String()
	unprivileged(t, l.Near(), "connect", "--ca", s.CAFile(), at).want(t, 3).says(t, "CAP_NET_RAW", "--link kernel")

	r := unprivileged(t, l.Near(), "connect", "--link", "kernel", "--ca", s.CAFile(), at).want(t, 0)
	for _, word := range []string{"kernel link", "neither ours nor seen", "round trip", "ClientHello", "over the kernel's TCP, not ours", "no segments"} {
		if !strings.Contains(strings.Join(strings.Fields(r.stdout), " "), word) {
			t.Errorf("the ladder does not say %q:\n%s", word, r.stdout)
		}
	}

	kernel := entries(t, unprivileged(t, l.Near(), "connect", "--json", "--link", "kernel", "--ca", s.CAFile(), at).want(t, 0).stdout)
	raw := entries(t, rawshake(t, l.Near(), "connect", "--json", "--link", "packet", "--ca", s.CAFile(), at).want(t, 0).stdout)
	// What the server says after the handshake and our goodbye may pass each other.
	orderless := func(list []string) []string {
		if i := slices.Index(list, "out finished"); i >= 0 {
			slices.Sort(list[i+1:])
		}
		return list
	}
	if got, want := orderless(messages(kernel)), orderless(messages(raw)); !slices.Equal(got, want) {
		t.Errorf("messages %q, over our own TCP %q", got, want)
	}
	said := false
	for _, e := range kernel {
		if e.Type == "segment" {
			t.Errorf("a segment is claimed: %+v", e)
		}
		said = said || e.Name == "kernel_tcp_info" && strings.Contains(e.Text, "MSS")
	}
	if !said {
		t.Error("nothing of TCP_INFO")
	}
	if k, r := kernel[len(kernel)-1], raw[len(raw)-1]; k.Link != "kernel" || r.Link != "packet" || k.RTT == 0 || k.Handshake == 0 || !k.PeerVerified {
		t.Errorf("results %+v and %+v", k, r)
	}
}

func TestLinkKernelEndsLikeOurs(t *testing.T) {
	l := newLab(t)
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	s, err := l.StartTLSServer(service.Options{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	at := s.Addr().String()
	kernel := func(args ...string) run {
		return rawshake(t, l.Near(), append([]string{"connect", "--link", "kernel"}, args...)...)
	}
	if r := kernel("-q", "--get", "/", "--ca", s.CAFile(), at).want(t, 0); !strings.HasSuffix(r.stdout, string(body)) {
		t.Errorf("the reply has %d bytes, want %d and a head", len(r.stdout), len(body))
	}
	kernel("--until", "tcp", at).want(t, 0)
	kernel("--until", "certificate", "--ca", s.CAFile(), at).want(t, 0)
	kernel(at).want(t, 7)
	kernel(hostPort(l.Far(), 9)).want(t, 4).says(t, "refused")
	kernel("--timeout", "300ms", "198.18.0.77:443").want(t, 5)
	kernel("--ca", s.CAFile(), "--source-port", "4321", "--source-ip", l.Near().Addr().String(), at).want(t, 0)
	kernel("--pcap", "x.pcapng", at).want(t, 2).says(t, "--pcap")
	kernel("--guard", "listener", at).want(t, 2).says(t, "--guard")
	kernel("-i", "near", "--ca", s.CAFile(), at).want(t, 0)
}
