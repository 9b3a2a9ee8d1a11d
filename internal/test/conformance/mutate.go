// Tries the mutations: each must make a test fail.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

// mutationTimeout is for a test that hangs without the behaviour, which counts
// as noticing.
const mutationTimeout = "20s"

// mutate tries all mutations, or those of the given requirements.
func mutate(root string, rows []*requirement, ids []string) error {
	all, err := readMutations(mutationsText)
	if err != nil {
		return err
	}
	if all, err = chosen(rows, all, ids); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutations")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	survivors := tryAll(root, dir, all)
	tried := make(map[string]bool)
	for _, m := range all {
		for _, id := range m.ids {
			tried[id] = true
		}
	}
	fmt.Printf("%d of %d mutations are noticed, of %d requirements\n", len(all)-survivors, len(all), len(tried))
	if survivors > 0 {
		return fmt.Errorf("%d mutations are not noticed", survivors)
	}
	return nil
}

// chosen resolves the mutations of the given requirements, or all.
func chosen(rows []*requirement, all []*mutation, ids []string) ([]*mutation, error) {
	var some []*mutation
	for _, id := range ids {
		if !slices.ContainsFunc(rows, func(r *requirement) bool { return r.id == id }) {
			return nil, fmt.Errorf("RFC 9293 has no %s", id)
		}
	}
	for _, m := range all {
		if err := m.resolve(rows); err != nil {
			return nil, err
		}
		if len(ids) == 0 || slices.ContainsFunc(m.ids, func(id string) bool { return slices.Contains(ids, id) }) {
			some = append(some, m)
		}
	}
	return some, nil
}

// tryAll tries the mutations, a few at a time, reports each result, and returns
// how many were not noticed.
func tryAll(root, dir string, all []*mutation) (survivors int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := make(chan int)
	for range runtime.NumCPU() {
		wg.Go(func() {
			for i := range next {
				err := all[i].try(root, filepath.Join(dir, fmt.Sprint(i)))
				mu.Lock()
				if err == nil {
					fmt.Printf("noticed\t%v\n", all[i])
				} else {
					survivors++
					fmt.Printf("SURVIVES\t%v: %v\n", all[i], err)
				}
				mu.Unlock()
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	wg.Wait()
	return survivors
}

// try builds the mutation's tests without the behaviour, and runs them. The
// changed source is in dir, and go build reads it in place of the module's,
// which stays as it is.
func (m *mutation) try(root, dir string) error {
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return err
	}
	binaries := make(map[string]string)
	for _, t := range m.tests {
		if binaries[t.pkg] == "" {
			binaries[t.pkg] = filepath.Join(dir, fmt.Sprint(len(binaries)))
			build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binaries[t.pkg], "./"+t.pkg)
			build.Dir = root
			if out, err := build.CombinedOutput(); err != nil {
				return fmt.Errorf("it does not build: %s", out)
			}
		}
		run := exec.Command(binaries[t.pkg], "-test.run", "^"+t.name+"$", "-test.timeout", mutationTimeout)
		run.Dir = filepath.Join(root, t.pkg)
		err := run.Run()
		var failed *exec.ExitError
		switch {
		case err == nil:
			return fmt.Errorf("%s passes all the same", t.name)
		case !errors.As(err, &failed):
			return err
		}
	}
	return nil
}

// overlay writes the changed source, and the overlay file for go build.
func (m *mutation) overlay(root, dir string) (string, error) {
	file, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	changed, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	instead, overlay := filepath.Join(dir, "source"), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{file: instead}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(instead, []byte(changed), 0o600),
		os.WriteFile(overlay, text, 0o600))
}
