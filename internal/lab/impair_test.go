package lab_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/netem"
)

// stands is what a node's kernel knows of its network, without the numbers of
// its interfaces and what counts or grows.
func stands(t *testing.T, n *lab.Node) string {
	t.Helper()
	ip, err := exec.LookPath("ip")
	if err != nil {
		t.Skip("needs ip, of iproute2")
	}
	var all []string
	for _, args := range [][]string{{"-br", "addr"}, {"-4", "route"}, {"-6", "route"}, {"route", "show", "table", "all", "type", "local"}} {
		out, err := n.Command(ip, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if name, rest, ok := strings.Cut(line, "@if"); ok { // far@if5
				_, rest, _ = strings.Cut(rest, " ")
				line = name + " " + rest
			}
			all = append(all, strings.Join(strings.Fields(line), " "))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// A link is impaired while it stands, clear again, and impaired anew: addresses,
// routes and connections stay.
func TestALinkIsImpairedWhileItStands(t *testing.T) {
	newLab(t)
	router, err := lab.FindTopology("router")
	if err != nil {
		t.Fatal(err)
	}
	narrow := lab.Bare()
	narrow.Name, narrow.Links[0].MTU = "narrow", 600
	for i := range narrow.Links[0].Ends {
		e := &narrow.Links[0].Ends[i]
		e.Addresses = e.Addresses[:1]
	}
	bad := lab.Bare()
	bad.Name, bad.Links[0].Loss = "bad", 1
	for _, topology := range []lab.Topology{lab.Bare(), router, narrow, bad} {
		t.Run(topology.Name, func(t *testing.T) { impairWhileItStands(t, topology) })
	}
}

func impairWhileItStands(t *testing.T, topology lab.Topology) {
	var said lockedBuffer
	l, err := lab.New(t.Context(), lab.With(topology), lab.NetemLog(&said))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	impair := func(w netem.Impairment) {
		t.Helper()
		for i := range topology.Links {
			if err := l.Impair(t.Context(), i, w); err != nil {
				t.Fatal(err)
			}
			if now := l.Topology().Links[i].Impairment; now.Clear() != w.Clear() || now.Latency != w.Latency {
				t.Errorf("link %d is said to be %+v", i, now)
			}
		}
	}
	if !topology.Links[0].Impairment.Clear() {
		impair(netem.Impairment{})
	}
	var before []string
	for _, n := range l.Nodes() {
		before = append(before, stands(t, n))
	}
	echo := startEcho(t, l)
	echo(t)
	impair(netem.Impairment{Latency: 30 * time.Millisecond})
	for i, n := range l.Nodes() {
		if after := stands(t, n); after != before[i] {
			t.Errorf("%s had\n%s\nand has\n%s", n.Name(), before[i], after)
		}
	}
	if took := echo(t); took < 60*time.Millisecond {
		t.Errorf("there and back takes %v, and the latency is 30 ms", took)
	}
	impair(netem.Impairment{Duplicate: 1})
	echo(t)
	if !strings.Contains(said.String(), "doubled ") {
		t.Errorf("the log says %q", said.String())
	}
	impair(netem.Impairment{})
	was := said.String()
	echo(t)
	if now := said.String(); now != was {
		t.Errorf("a clear link does something to packets: %q", now)
	}
	if topology.Links[0].Impairment.Clear() && l.Impair(t.Context(), 0, netem.Impairment{Loss: -1}) != nil {
		echo(t)
	}
	if err := l.Impair(t.Context(), len(topology.Links), netem.Impairment{}); err == nil {
		t.Error("a link that is not there was impaired")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Impair(t.Context(), 0, netem.Impairment{}); err == nil {
		t.Error("a link of a closed lab was impaired")
	}
}

// startEcho opens one connection through the lab, and returns what sends a line
// over it and waits for it to come back.
func startEcho(t *testing.T, l *lab.Lab) func(*testing.T) time.Duration {
	t.Helper()
	ln, err := l.Far().Listen("tcp", net.JoinHostPort(l.Far().Addr().String(), "7"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	}()
	c, err := l.Near().Dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	in := bufio.NewReader(c)
	n := 0
	return func(t *testing.T) time.Duration {
		t.Helper()
		n++
		begin := time.Now()
		_ = c.SetDeadline(begin.Add(time.Minute))
		fmt.Fprintf(c, "line %d\n", n)
		if line, err := in.ReadString('\n'); err != nil || line != fmt.Sprintf("line %d\n", n) {
			t.Fatalf("%q, %v", line, err)
		}
		return time.Since(begin)
	}
}

// A link has the name of its nodes, in either order.
func TestLinksHaveNames(t *testing.T) {
	topology, err := lab.FindTopology("router")
	if err != nil {
		t.Fatal(err)
	}
	for i := range topology.Links {
		a, b := topology.Links[i].Ends[0].Node, topology.Links[i].Ends[1].Node
		for _, name := range []string{a + "-" + b, b + "-" + a} {
			if found, err := topology.FindLink(name); err != nil || found != i {
				t.Errorf("%s: %d, %v", name, found, err)
			}
		}
	}
	if _, err := topology.FindLink("nowhere"); err == nil || !strings.Contains(err.Error(), topology.Links[0].LinkName()) {
		t.Errorf("%v does not say which there are", err)
	}
}
