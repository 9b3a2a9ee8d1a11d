package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "../../.."

func accounted(t *testing.T) []*requirement {
	t.Helper()
	rows, err := account(module)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTheLedgerIsCurrentAndWhole(t *testing.T) {
	rows := accounted(t)
	n, complaints := judge(rows)
	for _, c := range complaints {
		t.Error(c)
	}
	if n != total {
		t.Errorf("%d of %d accounted for", n, total)
	}
	if err := checkLedger(module, rows); err != nil {
		t.Error(err)
	}
}

// sources is a module with one source and one test in it.
func sources(t *testing.T, code, tests string) string {
	t.Helper()
	root := t.TempDir()
	for _, room := range rooms {
		if err := os.MkdirAll(filepath.Join(root, room), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"a.go": code, "a_test.go": tests} {
		if err := os.WriteFile(filepath.Join(root, rooms[0], name), []byte("package a\n"+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestUnknownRequirementsAreRefused(t *testing.T) {
	for _, tc := range []struct{ code, tests string }{
		{"// MUST-70\nvar a int", ""},
		{"", "// Requirements: MUST-1, SHLD-99\nfunc TestA() {}"},
	} {
		if _, err := account(sources(t, tc.code, tc.tests)); err == nil || !strings.Contains(err.Error(), "RFC 9293 does not have") {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	if _, err := readRequirements(requirementsTSV, "MUST-70\tit is not there"); err == nil {
		t.Error("an excuse for MUST-70")
	}
	if _, err := chosen(accounted(t), nil, []string{"MUST-70"}); err == nil {
		t.Error("mutations of MUST-70")
	}
}

func TestGapsAreComplainedOf(t *testing.T) {
	rows, err := account(sources(t, "// MUST-1, MUST-2\nvar a int", "// Requirements: MUST-2, MUST-3, MAY-14\nfunc TestA() {}"))
	if err != nil {
		t.Fatal(err)
	}
	n, complaints := judge(rows)
	if n+len(complaints) != total {
		t.Errorf("%d accounted for and %d complaints", n, len(complaints))
	}
	said := strings.Join(complaints, "\n") + "\n"
	for text, want := range map[string]bool{
		"MUST-1 has no test": true, "MUST-2 ": false, "MUST-3 is named by no code": true,
		"MAY-14 is said not to apply, and TestA tests it": true, "MUST-51 ": false,
	} {
		if strings.Contains(said, text) != want {
			t.Errorf("%q among the complaints: %v, want %v", text, !want, want)
		}
	}
}

func TestTooManyExcusesAreRefused(t *testing.T) {
	var excuses strings.Builder
	for _, f := range fields(requirementsTSV, 4)[:maxExcused+1] {
		excuses.WriteString(f[0] + "\tinconvenient\n")
	}
	if _, err := readRequirements(requirementsTSV, excuses.String()); err == nil {
		t.Error("all were taken")
	}
}
