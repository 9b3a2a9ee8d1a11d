package main

import (
	"os"
	"path/filepath"
	"testing"
)

func mutations(t *testing.T, rows []*requirement) []*mutation {
	t.Helper()
	all, err := readMutations(mutationsText)
	if err != nil {
		t.Fatal(err)
	}
	if all, err = chosen(rows, all, nil); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryMutationStillFindsItsLines(t *testing.T) {
	for _, m := range mutations(t, accounted(t)) {
		source, err := os.ReadFile(filepath.Join(module, m.file))
		if err != nil {
			t.Fatal(err)
		}
		if changed, err := m.apply(string(source)); err != nil || changed == string(source) {
			t.Errorf("%v: %v", m, err)
		}
	}
}

func TestEveryClaimIsTriedByAMutation(t *testing.T) {
	rows := accounted(t)
	for _, claim := range unmutated(rows, mutations(t, rows)) {
		t.Errorf("%s: no mutation shows that the test can fail", claim)
	}
}

func TestASurvivorIsReported(t *testing.T) {
	m := &mutation{ids: []string{"MUST-2"}, file: "rawtcp/wire/checksum.go",
		before: []string{"return uint16(acc)"}, after: []string{"return uint16(acc) // no change"},
		tests: []test{{pkg: "rawtcp/wire", name: "TestAFlippedBitIsDetected"}}}
	if err := m.try(module, t.TempDir()); err == nil {
		t.Error("a mutation that changes nothing counts as noticed")
	}
	m.after = []string{"return 0xffff"}
	if err := m.try(module, t.TempDir()); err != nil {
		t.Error(err)
	}
	m.after = []string{"return"}
	if err := m.try(module, t.TempDir()); err == nil {
		t.Error("a mutation that does not build counts as noticed")
	}
}
