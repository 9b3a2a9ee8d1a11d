package main

import (
	"os"
	"testing"
)

func TestTheEnvironmentSaysHowWideAFileIs(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/view")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for columns, width := range map[string]int{"": 0, "70": 70, "200": 200, "0": 0, "-5": 0, "wide": 0, "99999999": 0} {
		t.Setenv("COLUMNS", columns)
		o := new(viewFlags).viewOptions(file)
		if o.Width != width || !o.Whole || o.Columns != nil || o.Color {
			t.Errorf("COLUMNS=%q: width %d, whole %v", columns, o.Width, o.Whole)
		}
	}
}
