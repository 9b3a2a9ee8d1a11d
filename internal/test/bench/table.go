// The tables that are printed.

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// The numbers to reach (the project's design), ours over theirs.
const (
	targetFull       = 0.60
	targetAboveFloor = 0.35
	targetCert       = 0.12

	targetMemory, targetAllocations = 0.60, 0.50 // in memory
)

// A series is one figure over the turns.
type series []float64

func (s series) String() string {
	return fmt.Sprintf("%s (%s–%s)", figure(median(s)), figure(slices.Min(s)), figure(slices.Max(s)))
}

// figure keeps three digits.
func figure(v float64) string {
	if math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// pairwise combines two series turn by turn, since what slowed down a turn
// slowed down both.
func pairwise(a, b series, f func(a, b float64) float64) series {
	s := make(series, len(a))
	for i := range a {
		s[i] = f(a[i], b[i])
	}
	return s
}

func over(a, b series) series {
	return pairwise(a, b, func(a, b float64) float64 { return a / b })
}

func above(a, floor series) series {
	return pairwise(a, floor, func(a, b float64) float64 { return a - b })
}

// of reads one figure of every turn, in microseconds if it is a time.
func (r *results) of(e entrant, read func(*report) float64) series {
	var s series
	for _, one := range r.turns[e] {
		s = append(s, read(one))
	}
	return s
}

const micro = float64(time.Microsecond)

func cpuOf(r *report) float64  { return r.CPU / micro }
func wallOf(r *report) float64 { return r.Wall / micro }

func part(name string, unit float64) func(*report) float64 {
	return func(r *report) float64 { return r.Parts[name] / unit }
}

// A table aligns its columns.
type table struct{ *tabwriter.Writer }

func newTable(out io.Writer, title string, columns ...string) table {
	fmt.Fprintf(out, "\n%s\n\n", title)
	t := table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	t.row(columns...)
	return t
}

func (t table) row(cells ...string) {
	fmt.Fprintln(t, "  "+strings.Join(cells, "\t"))
}

func target(v float64) string { return fmt.Sprintf("≤ %.2f", v) }

// printHead says what was done, and how often.
func (r *results) printHead(out io.Writer, p plan) {
	one := r.turns[entrant{roleTheirs, crowd}]
	version := "TLS 1.2"
	if p.tls13 {
		version = "TLS 1.3"
	}
	fmt.Fprintf(out, version+", %s, ECDSA P-256 certificate; %d turns of %d handshakes; median (least–most)\n",
		one[0].Negotiated, len(one), p.handshakes)
}

func (r *results) print(out io.Writer) {
	r.printFull(out, "one at a time", 1, roleDialer, roleShared, roleLoop)
	r.printFull(out, fmt.Sprintf("%d at a time", crowd), crowd, roleShared, roleLoop, roleProbe, roleKnown)
	r.printCertificate(out)
	r.printFloor(out)
	r.printLatency(out)
	r.printMemory(out)
}

// printScanner is the table of probe alone.
func (r *results) printScanner(out io.Writer) {
	r.printFull(out, fmt.Sprintf("%d at a time", crowd), crowd, roleProbe, roleKnown)
	r.printCertificateRows(out, entrant{roleProbeCert, crowd})
	r.printFloor(out)
	r.printMemory(out)
	perSecond := func(role string) float64 { return 1e6 / median(r.of(entrant{role, crowd}, cpuOf)) }
	fmt.Fprintf(out, "\nRecords per second of client CPU: %.0f to the certificate, %.0f to Finished, %.0f where chains were met before\n",
		perSecond(roleProbeCert), perSecond(roleProbe), perSecond(roleKnown))
}

func (r *results) printFull(out io.Writer, how string, atATime int, roles ...string) {
	their := entrant{roleTheirs, atATime}
	theirs := r.of(their, cpuOf)
	t := newTable(out, "Full handshake, client CPU, SYN to Finished and an orderly close: "+how,
		"", "µs", "ours/theirs", "reach", "(ours−floor)/(theirs−floor)", "reach", "packets out, in")
	t.row(roleTheirs, theirs.String(), "", "", "", "", r.packets(their))
	for _, role := range roles {
		our := entrant{role, atATime}
		ours := r.of(our, cpuOf)
		floor := r.floorOf(role)
		t.row(role, ours.String(), over(ours, theirs).String(), target(targetFull),
			over(above(ours, floor), above(theirs, floor)).String(), target(targetAboveFloor), r.packets(our))
	}
	t.Flush()
}

// floorOf is what a contender and theirs cannot avoid. The check of the chain
// is part of it if both do it.
func (r *results) floorOf(role string) series {
	floor := r.of(entrant{roleFloor, 1}, cpuOf)
	if role == roleKnown {
		floor = above(floor, r.of(entrant{roleFloor, 1}, part(partChain, micro)))
	}
	return floor
}

// packets is how many packets a connection took, in each direction.
func (r *results) packets(e entrant) string {
	sent := r.of(e, func(one *report) float64 { return one.Sent })
	received := r.of(e, func(one *report) float64 { return one.Received })
	return fmt.Sprintf("%.1f, %.1f", median(sent), median(received))
}

func (r *results) printCertificate(out io.Writer) {
	r.printCertificateRows(out, entrant{roleCert, 1}, entrant{roleJudged, 1}, entrant{roleCert, crowd}, entrant{roleProbeCert, crowd})
}

func (r *results) printCertificateRows(out io.Writer, rows ...entrant) {
	t := newTable(out, "SYN to certificate (in TLS 1.2 without a key exchange), client CPU, against their full handshake",
		"", "at a time", "µs", "ours/theirs", "reach", "packets out, in")
	for _, e := range rows {
		ours, theirs := r.of(e, cpuOf), r.of(entrant{roleTheirs, e.AtATime}, cpuOf)
		reach := target(targetCert)
		if e.Role == roleJudged {
			reach = ""
		}
		t.row(e.Role, strconv.Itoa(e.AtATime), ours.String(), over(ours, theirs).String(), reach, r.packets(e))
	}
	t.Flush()
}

func (r *results) printFloor(out io.Writer) {
	all := entrant{roleFloor, 1}
	t := newTable(out, "Floor: what a verified handshake cannot avoid, alone", "", "µs")
	for _, name := range floorParts {
		t.row(name, r.of(all, part(name, micro)).String())
	}
	t.row(roleFloor, r.of(all, cpuOf).String())
	t.row(partParse, r.of(all, part(partParse, micro)).String())
	t.Flush()
}

func (r *results) printLatency(out io.Writer) {
	theirs := r.of(entrant{roleTheirs, 1}, wallOf)
	t := newTable(out, fmt.Sprintf("Latency, SYN to Finished, one at a time; and over a wire of %v there and back", 2*wireDelay),
		"", "µs", "ours/theirs", "slow wire, ms", "round trips", "reach")
	for _, role := range []string{roleTheirs, roleDialer, roleLoop} {
		wall, slow := r.of(entrant{role, 1}, wallOf), r.slow[role].Wall
		ratio, reach := "", ""
		if role != roleTheirs {
			ratio, reach = over(wall, theirs).String(), "≤ "+roundTrips(r.slow[roleTheirs].Wall)
		}
		t.row(role, wall.String(), ratio, figure(slow/float64(time.Millisecond)), roundTrips(slow), reach)
	}
	t.Flush()
}

// roundTrips is how many round trips over the slow wire a latency contains:
// whole ones, since the rest is work.
func roundTrips(latency float64) string {
	return strconv.Itoa(int(latency / float64(2*wireDelay)))
}

func (r *results) printMemory(out io.Writer) {
	r.printInMemory(out, roleMemory, "The TLS client alone, in memory, no TCP: lower quartiles of single handshakes, in turns", ourClient, againClient)
	r.printInMemory(out, roleServing, "The TLS server alone, in memory, to crypto/tls's client", ourClient)
}

func (r *results) printInMemory(out io.Writer, role, title string, names ...string) {
	at := func(name string, unit float64) series { return r.of(entrant{role, 1}, part(name, unit)) }
	t := newTable(out, title,
		"", "µs", "ours/theirs", "(ours−floor)/(theirs−floor)", "reach", "allocations", "ours/theirs", "reach", "bytes")
	floor, theirs := at(floorTime, 1), at(timeOf(theirClient), 1)
	theirAllocs := at(allocsOf(theirClient), 1)
	t.row(roleFloor, at(floorTime, micro).String())
	t.row(theirClient, at(timeOf(theirClient), micro).String(), "", "", "", figure(median(theirAllocs)), "", "",
		figure(median(at(bytesOf(theirClient), 1))))
	for _, name := range names {
		ours, allocs := at(timeOf(name), 1), at(allocsOf(name), 1)
		t.row(name, at(timeOf(name), micro).String(), over(ours, theirs).String(),
			over(above(ours, floor), above(theirs, floor)).String(), target(targetMemory),
			figure(median(allocs)), figure(median(over(allocs, theirAllocs))), target(targetAllocations),
			figure(median(at(bytesOf(name), 1))))
	}
	t.Flush()
}
