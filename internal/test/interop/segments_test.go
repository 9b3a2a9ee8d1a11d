package interop

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// TestTheWireShowsOurSegments looks from the server's side, with other
// people's eyes: our SYN, its options, our ACK, and no RST that the transcript
// does not know of.
func TestTheWireShowsOurSegments(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	for _, link := range []string{"packet", "raw"} {
		t.Run(link, func(t *testing.T) {
			s := sniff(t, l.Far(), l.Far().Interface())
			r := rawshake(t, l.Near(), "connect", "--link", link, "--json", "--get", "/", "--ca", f.ca, hostPort(l.Far(), peerPort)).want(t, 0)
			ours := from(s.end(t), l.Near().Addr().String())
			checkOpening(t, ours)
			checkResets(t, ours, entries(t, r.stderr))
		})
	}
}

func checkOpening(t *testing.T, ours []seen) {
	t.Helper()
	if len(ours) < 3 {
		t.Fatalf("only %d segments of ours on the wire", len(ours))
	}
	syn, ack := ours[0].tcp, ours[1].tcp
	var kinds []layers.TCPOptionKind
	for _, o := range syn.Options {
		kinds = append(kinds, o.OptionType)
	}
	want := []layers.TCPOptionKind{layers.TCPOptionKindMSS, layers.TCPOptionKindSACKPermitted,
		layers.TCPOptionKindTimestamps, layers.TCPOptionKindNop, layers.TCPOptionKindWindowScale}
	if !syn.SYN || syn.ACK || !slices.Equal(kinds, want) {
		t.Errorf("the first segment is not our SYN with its options: %+v", syn)
	}
	if ack.SYN || !ack.ACK || ack.Seq != syn.Seq+1 || len(ack.Payload) != 0 {
		t.Errorf("the second segment is not our bare ACK: %+v", ack)
	}
}

// checkResets checks that the transcript knows every RST on the wire.
func checkResets(t *testing.T, ours []seen, list []entry) {
	t.Helper()
	known := 0
	for _, e := range list {
		if e.Type == "segment" && e.Dir == "out" && slices.Contains(e.Flags, "RST") {
			known++
		}
	}
	if on := len(resets(ours)); on != known {
		t.Errorf("%d RSTs on the wire, %d in the transcript", on, known)
	}
}

// TestNoKernelSocket checks, while a connection lives, that the kernel has no
// TCP socket for it.
func TestNoKernelSocket(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	ss := needProgram(t, "ss")

	cmd := l.Near().Command(program, "connect", "--ca", f.ca, "--json", hostPort(l.Far(), peerPort))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	view, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var reply bytes.Buffer
	cmd.Stdout = &reply
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(view)
	for lines.Scan() && !strings.Contains(lines.Text(), `"finished"`) { // ours
	}
	for lines.Scan() && !strings.Contains(lines.Text(), `"finished"`) { // the server's
	}
	sockets, err := l.Near().Command(ss, "-Htan").CombinedOutput()
	if err != nil {
		t.Fatalf("ss: %v\n%s", err, sockets)
	}
	if strings.Contains(string(sockets), fmt.Sprintf(":%d", peerPort)) {
		t.Errorf("the kernel has a socket for our connection:\n%s", sockets)
	}
	far, err := l.Far().Command(ss, "-Htan", "state", "established").CombinedOutput()
	if err != nil || !strings.Contains(string(far), l.Near().Addr().String()) {
		t.Errorf("the connection is not alive at its other end, so this shows nothing: %v\n%s", err, far)
	}
	fmt.Fprint(stdin, "GET / HTTP/1.0\r\n\r\n")
	stdin.Close()
	io.Copy(io.Discard, view)
	if err := cmd.Wait(); err != nil || !strings.HasPrefix(reply.String(), "HTTP/1.0 200") {
		t.Errorf("%v\n%s", err, reply.String())
	}
}

// TestBesideAStatefulFirewall connects where INPUT drops whatever conntrack
// does not know as established, on either link.
func TestBesideAStatefulFirewall(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	rules := `table ip fw {
  chain in { type filter hook input priority filter; policy drop; ct state established,related accept; iif lo accept; }
}`
	nft := l.Near().Command(needProgram(t, "nft"), "-f", "-")
	nft.Stdin = strings.NewReader(rules)
	if out, err := nft.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
	for _, link := range []string{"auto", "packet", "raw"} {
		r := rawshake(t, l.Near(), "connect", "--link", link, "--get", "/", "--ca", f.ca, hostPort(l.Far(), peerPort)).want(t, 0)
		if !strings.HasPrefix(r.stdout, "HTTP/1.0 200") {
			t.Errorf("link %s: no page:\n%s", link, r.stdout)
		}
	}
}
