//go:build linux

// Where the reports of `audit` go.

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/audit/compare"
	shown "github.com/rawshake/rawshake/internal/audit/output"
	"github.com/rawshake/rawshake/internal/audit/policy"
	"github.com/rawshake/rawshake/internal/outfile"
)

// An auditOutput writes reports as they come, and those that hold all of them at the
// end.
type auditOutput struct {
	json  bool
	table shown.Options
	main  io.Writer
	files []io.Closer
	page  *lateFile // nil: none, as the next two
	junit *lateFile
	sarif *lateFile
	all   []*audit.Report
}

func (f *auditFlags) newOutput() (*auditOutput, error) {
	o := &auditOutput{json: f.json, main: os.Stdout}
	o.table.Width = environmentColumns()
	for _, x := range []struct {
		flag, path string
		to         **lateFile
	}{{"--html", f.page, &o.page}, {"--junit", f.junit, &o.junit}, {"--sarif", f.sarif, &o.sarif}} {
		if x.path == "" {
			continue
		}
		file, err := newLateFile(x.path, outfile.Private)
		if err != nil {
			return nil, fileError(x.flag, err)
		}
		*x.to, o.files = file, append(o.files, file)
	}
	if f.output != "" {
		file, err := newLateFile(f.output, outfile.Private)
		if err != nil {
			return nil, fileError("-o", err)
		}
		o.main, o.files = file, append(o.files, file)
		return o, nil
	}
	if isTerminal(os.Stdout) {
		o.table.Width = columnsOf(os.Stdout)
		o.table.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return o, nil
}

// report writes one.
func (o *auditOutput) report(r *audit.Report) error {
	o.all = append(o.all, r)
	if o.json {
		return shown.JSON(o.main, r)
	}
	if len(o.all) > 1 {
		fmt.Fprintln(o.main)
	}
	return shown.Table(o.main, r, o.table)
}

// changes writes what is not as it was.
func (o *auditOutput) changes(old, r *audit.Report) error {
	o.all = append(o.all, r)
	if !r.TLS { // of which nothing is known now
		return nil
	}
	list := compare.Diff(old, r)
	if o.json {
		if list == nil {
			list = []compare.Change{}
		}
		return json.NewEncoder(o.main).Encode(struct {
			Host    string           `json:"host"`
			Port    uint16           `json:"port"`
			Changes []compare.Change `json:"changes"`
		}{r.Host, r.Port, list})
	}
	if len(list) == 0 {
		_, err := fmt.Fprintf(o.main, "%s is as it was\n", serverOf(r))
		return err
	}
	for _, c := range list {
		if _, err := fmt.Fprintf(o.main, "%s: %s\n", serverOf(r), c.Text); err != nil {
			return err
		}
	}
	return nil
}

// end writes the files that hold all reports.
func (o *auditOutput) end(p *policy.Policy) error {
	write := func(f *lateFile, what func(io.Writer) error) error {
		if f == nil {
			return nil
		}
		w := bufio.NewWriter(f)
		if err := what(w); err != nil {
			return err
		}
		return w.Flush()
	}
	title := "TLS audit"
	if len(o.all) == 1 {
		title += " of " + o.all[0].Host
	}
	return errors.Join(
		write(o.page, func(w io.Writer) error { return shown.HTML(w, title, o.all) }),
		write(o.junit, func(w io.Writer) error { return shown.JUnit(w, o.all, p) }),
		write(o.sarif, func(w io.Writer) error { return shown.SARIF(w, o.all, p, version()) }))
}

func (o *auditOutput) close() error {
	var errs []error
	for _, f := range o.files {
		errs = append(errs, f.Close())
	}
	o.files = nil
	return errors.Join(errs...)
}

// maxReports bounds a file of reports, in bytes.
const maxReports = 64 << 20

// readReports reads what --json wrote.
func readReports(path string) (list []*audit.Report, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError("--diff: %v", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxReports+1))
	switch {
	case err != nil:
		return nil, usageError("--diff: %v", err)
	case len(text) > maxReports:
		return nil, usageError("--diff: %s is longer than %d bytes", path, maxReports)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		r := new(audit.Report)
		switch err := d.Decode(r); {
		case err == io.EOF && len(list) > 0:
			return list, nil
		case err != nil:
			return nil, usageError("--diff: %s is no report of audit --json: %v", path, err)
		case r.Versions == nil:
			return nil, usageError("--diff: %s is no report of audit --json: it has no versions", path)
		}
		list = append(list, r)
	}
}

// writePolicies names the policies that are built in.
func writePolicies(w io.Writer) error {
	for _, name := range policy.List() {
		p, err := policy.Load(name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%-14s %s\n", name, p.Title); err != nil {
			return err
		}
	}
	return nil
}
