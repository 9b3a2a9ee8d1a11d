//go:build linux

// Results that a worker keeps in files of its own.

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	f, err := os.Open(job.Kept)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	line, err := json.Marshal(&keptFile{Scan: job.Spec.Name, Shard: job.Shard, Shards: job.Spec.Shards, Take: job.Take, File: filepath.Base(job.Kept),
		Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil)), Ended: time.Now().UTC()})
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
