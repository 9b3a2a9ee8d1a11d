package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary is also the program under test, in all of its parts.
const partVar = "RAWSHAKE_BENCH_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(partVar) != "" {
		os.Exit(play(os.Args))
	}
	os.Exit(m.Run())
}

func bench(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), partVar+"=1")
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	return out.String(), errs.String(), err
}

func TestAQuickRunPrintsEveryRow(t *testing.T) {
	// Each row with the number of its figures, at least.
	checkRows(t, quickRun(t), map[string]int{
		roleTheirs: 2, roleDialer: 6, roleShared: 6, roleLoop: 6,
		roleProbe: 6, roleKnown: 6,
		roleCert: 5, roleJudged: 4, roleProbeCert: 5,
		partKey: 1, partECDH: 1, partCheck: 1, partParse: 1, partChain: 1, roleFloor: 1,
		"crypto/tls": 3, "rawshake: tlsmsg/handshake": 4,
	})
}

func TestTheScannersRowsAreToBeHadAlone(t *testing.T) {
	out := quickRun(t, "-scanner")
	checkRows(t, out, map[string]int{roleTheirs: 2, roleProbe: 6, roleKnown: 6, roleProbeCert: 5, roleFloor: 1})
	if rows := rowsOf(out, roleDialer); len(rows) > 0 {
		t.Errorf("a row of something else: %q", rows)
	}
}

// quickRun is what the program prints, in a few seconds.
func quickRun(t *testing.T, more ...string) string {
	t.Helper()
	out, errs, err := bench(append([]string{"-short", "-limit", "30m"}, more...)...) // however busy the machine is
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitNotAllowed && os.Getenv("CI") != "true" {
		t.Skip(errs)
	}
	if strings.Contains(errs, "need a CPU each") && os.Getenv("CI") != "true" {
		t.Skip(errs)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	t.Log("\n" + out)
	return out
}

func checkRows(t *testing.T, out string, rows map[string]int) {
	t.Helper()
	for row, cells := range rows {
		found := rowsOf(out, row)
		if len(found) == 0 {
			t.Errorf("there is no row %q", row)
		}
		for _, r := range found {
			if len(r) < min(cells, 3) {
				t.Errorf("row %q holds %q, expected %d cells", row, r, cells)
			}
		}
		if !slices.ContainsFunc(found, func(r []string) bool { return len(r) >= cells }) {
			t.Errorf("no row %q has %d cells: %q", row, cells, found)
		}
	}
	if strings.Contains(out, "NaN") || strings.Contains(out, "Inf") {
		t.Error("a figure is no number")
	}
}

// rowsOf finds the rows of the tables with this head, and cuts off the head.
func rowsOf(out, head string) (rows [][]string) {
	for line := range strings.Lines(out) {
		rest, ok := strings.CutPrefix(line, "  "+head+"  ")
		if !ok {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.TrimSpace(rest), "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells = append(cells, cell)
			}
		}
		rows = append(rows, cells)
	}
	return rows
}

func TestARunThatTakesTooLongSaysSo(t *testing.T) {
	_, errs, err := bench("-short", "-limit", "1ms")
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("no failure: %v", err)
	}
	if exit.ExitCode() == exitNotAllowed && os.Getenv("CI") != "true" {
		t.Skip(errs)
	}
	if exit.ExitCode() != exitError || !strings.Contains(errs, "not done after 1ms") {
		t.Errorf("status %d, %q", exit.ExitCode(), errs)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-turns", "0"}, {"-n", "-1"}, {"more"}, {"-what"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
	p, err := parse([]string{"-short"}, io.Discard)
	if err != nil || p.turns != 1 || p.limit > 90*time.Second {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestACPUMaskIsWhatTheKernelReads(t *testing.T) {
	for cpu, want := range map[int]string{0: "00000001", 5: "00000020", 31: "80000000", 33: "00000002,00000000", 64: "00000001,00000000,00000000"} {
		if got := cpuMask(cpu); got != want {
			t.Errorf("CPU %d: %s, expected %s", cpu, got, want)
		}
	}
}

func TestRatiosArePairedByTurn(t *testing.T) {
	// The second turn was three times slower for both: the ratio is the same.
	ours, theirs, floor := series{5, 15, 5}, series{10, 30, 10}, series{2, 6, 2}
	if got := over(ours, theirs); median(got) != 0.5 || slices.Min(got) != slices.Max(got) {
		t.Errorf("ratios %v", got)
	}
	if got := over(above(ours, floor), above(theirs, floor)); median(got) != 3.0/8 {
		t.Errorf("above the floor %v", got)
	}
}
