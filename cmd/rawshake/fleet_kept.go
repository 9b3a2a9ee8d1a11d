//go:build linux

// Results that a worker keeps in files of its own.

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/fleet"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/probe/store"
)

// A keptFile is a line of the manifest, which lies beside the files: what a worker wrote
// of a shard until it was done, or given back. Of a worker that was killed there is the
// file alone, whose whole lines count.
type keptFile struct {
	Scan   string    `json:"scan"`
	Shard  uint64    `json:"shard"`
	Shards uint64    `json:"shards"`
	Take   string    `json:"take"`
	File   string    `json:"file"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"`
	Ended  time.Time `json:"ended"`
}

const manifest = "manifest.jsonl"

// keepIn has the results of a job written to a file in a directory.
func keepIn(dir string, p *probePlan, job *fleet.Job) (err error) {
	job.Kept = filepath.Join(dir, fmt.Sprintf("%s-%05d-%s.jsonl.zst", job.Spec.Name, job.Shard, job.Take))
	p.output, err = store.CreateOutput(job.Kept)
	// The checkpoint is not that file's alone: another take goes on in another.
	p.options.Keep = func(c *store.Checkpoint) error {
		c.Output = ""
		return job.Keep(c)
	}
	return err
}

// noteKept adds a job's file, which is closed, to the manifest.
func noteKept(job *fleet.Job) error {
	n, sum, err := measure(job.Kept)
	if err != nil {
		return err
	}
	line, err := json.Marshal(&keptFile{Scan: job.Spec.Name, Shard: job.Shard, Shards: job.Spec.Shards, Take: job.Take, File: filepath.Base(job.Kept),
		Bytes: n, SHA256: sum, Ended: time.Now().UTC()})
	if err != nil {
		return err
	}
	m, _, err := outfile.Append(filepath.Join(filepath.Dir(job.Kept), manifest), outfile.Private, 0)
	if err != nil {
		return err
	}
	_, err = m.Write(append(line, '\n'))
	return errors.Join(err, m.Sync(), m.Close())
}

// checkKept finds out whether files are those that workers kept of a scan, each once and
// as the manifest beside it has it, and which are not among them.
func checkKept(st *fleet.Status, files []string) (missing []string, err error) {
	seen := make(map[string]bool)
	for _, path := range files {
		name := filepath.Base(path)
		kept := slices.ContainsFunc(st.Kept, func(k string) bool { return filepath.Base(k) == name })
		switch {
		case name == manifest:
			return nil, usageError("%s lists files, and is none of them: name kept/%s-*.jsonl.zst", path, st.Spec.Name)
		case !kept:
			return nil, usageError("%s is not a file that a worker kept of the scan %s; rawshake fleet status --json %s lists those", path, st.Spec.Name, st.Spec.Name)
		case seen[name]:
			return nil, usageError("%s is named twice", name)
		}
		seen[name] = true
		if err := checkManifest(path); err != nil {
			return nil, failure(err)
		}
	}
	for _, k := range st.Kept {
		if !seen[filepath.Base(k)] {
			missing = append(missing, k)
		}
	}
	return missing, nil
}

// checkManifest compares a file with what the manifest beside it says, if it says
// anything.
func checkManifest(path string) error {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(path), manifest))
	if err != nil {
		return nil // there is none: the file was brought here alone
	}
	for line := range bytes.Lines(b) {
		var k keptFile
		if json.Unmarshal(line, &k) != nil || k.File != filepath.Base(path) {
			continue
		}
		n, sum, err := measure(path)
		if err == nil && (n != k.Bytes || sum != k.SHA256) {
			err = fmt.Errorf("%s is not whole: it has %d bytes, and %s says %d with another SHA-256. Bring it here again", path, n, manifest, k.Bytes)
		}
		return err
	}
	return nil
}

// measure is a file's size and SHA-256.
func measure(path string) (n int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err = io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}
