// `rawshake results`: what probe wrote, made easy to look at.

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/results"
)

func newResults() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "results",
		Short: "Look at what probe wrote",
		Long: `results reads files of rawshake probe, also in gzip or zstd, or standard input (-):
counts in the terminal, a page to keep, the targets behind a count, and what
changed between two scans.`,
		Example: `  rawshake results summary scan.jsonl.zst
  rawshake results report --html scan.html scan.jsonl.zst
  rawshake results list --where version="TLS 1.0" scan.jsonl.zst | rawshake probe --until finished
  rawshake results diff monday.jsonl tuesday.jsonl
  rawshake results convert -o scan.parquet scan.jsonl.zst`,
	}
	cmd.Args, cmd.RunE = cobra.ArbitraryArgs, onlySubcommands
	cmd.AddCommand(newResultsSummary(), newResultsReport(), newResultsList(), newResultsDiff(), newResultsConvert())
	return cmd
}

// nowFlag is the moment from which expiry is counted.
func nowFlag(cmd *cobra.Command) func() (time.Time, error) {
	s := cmd.Flags().String("now", "", "count expiry from this moment, as in 2026-11-30 or 2026-11-30T12:00:00Z (default now)")
	return func() (time.Time, error) {
		if *s == "" {
			return time.Now(), nil
		}
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if at, err := time.Parse(layout, *s); err == nil {
				return at, nil
			}
		}
		return time.Time{}, usageError("--now %q: give a day, 2026-11-30, or a moment, 2026-11-30T12:00:00Z", *s)
	}
}

// tally counts the results of files.
func tally(files []string, at time.Time) (*results.Tally, error) {
	t := results.NewTally(at)
	cut, err := results.Read(files, func(l *results.Line) error { t.Add(l); return nil })
	warnOfCut(cut)
	if err != nil {
		return nil, failure(err)
	}
	return t, nil
}

func warnOfCut(cut int) {
	if cut > 0 {
		fmt.Fprintf(os.Stderr, "rawshake: warning: %s in the middle of a result, as after a crash: that one is left out\n", plain.Plural(cut, "file")+" ends")
	}
}

func newResultsSummary() *cobra.Command {
	var most int
	cmd := &cobra.Command{
		Use: "summary FILE…", Short: "Counts of outcomes, versions, suites, certificates, …, in the terminal",
		Args: takes("FILE…"),
	}
	cmd.Flags().IntVarP(&most, "most", "n", 10, "values of each kind, at most; 0: all")
	now := nowFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if most < 0 {
			return usageError("--most %d: 0 or more", most)
		}
		at, err := now()
		if err != nil {
			return err
		}
		t, err := tally(args, at)
		if err != nil {
			return err
		}
		return failure(t.Summary(os.Stdout, most))
	}
	return cmd
}

func newResultsReport() *cobra.Command {
	var path, title string
	var force bool
	cmd := &cobra.Command{
		Use: "report --html PAGE FILE…", Short: "The same as one HTML page, in which each bar leads to its targets",
		Args: takes("FILE…"),
	}
	cmd.Flags().StringVar(&path, "html", "", "write the page to this file (- is standard output)")
	cmd.Flags().StringVar(&title, "title", "", "of the page (default the files' names)")
	cmd.Flags().BoolVar(&force, "force", false, "write over the page, if it is there")
	now := nowFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if path == "" {
			return usageError("--html says where the page goes: rawshake results report --html scan.html %s", strings.Join(args, " "))
		}
		at, err := now()
		if err != nil {
			return err
		}
		if err := mayWrite(path, force); err != nil {
			return err
		}
		t, err := tally(args, at)
		if err != nil {
			return err
		}
		if title == "" {
			title = strings.Join(args, ", ")
		}
		return writePage(path, func(w io.Writer) error { return t.Report(w, title, args) })
	}
	return cmd
}

// mayWrite refuses to take the place of a file that holds something.
func mayWrite(path string, force bool) error {
	if path == "-" || force {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return usageError("%s is there already: name another file, or give --force to write over it", path)
	}
	return nil
}

// writePage writes a file, or to standard output.
func writePage(path string, write func(io.Writer) error) error {
	if path == "-" {
		return failure(write(os.Stdout))
	}
	f, _, err := outfile.Create(path, outfile.Private)
	if err != nil {
		return failure(err)
	}
	b := bufio.NewWriter(f)
	err = write(b)
	if err == nil {
		err = b.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return failure(err)
}

func newResultsList() *cobra.Command {
	var where []string
	cmd := &cobra.Command{
		Use: "list [--where KEY=VALUE]… FILE…", Short: "The targets of some results, as a list that probe reads",
		Long: `list writes the targets whose results have each of the values, one a line, as
rawshake probe reads them. The keys are those of the page's sections and the
values are as the page shows them: outcome=alert, version="TLS 1.0",
key="RSA 1024", expiry=expired, anomaly=negative_serial, …`,
		Args: takes("FILE…"),
	}
	cmd.Flags().StringArrayVar(&where, "where", nil, "only results with this value")
	now := nowFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		at, err := now()
		if err != nil {
			return err
		}
		var conditions []*results.Condition
		for _, s := range where {
			c, err := results.ParseCondition(s, at)
			if err != nil {
				return usageError("--where: %v", err)
			}
			conditions = append(conditions, c)
		}
		w := bufio.NewWriter(os.Stdout)
		cut, err := results.Read(args, func(l *results.Line) error {
			for _, c := range conditions {
				if !c.Holds(l) {
					return nil
				}
			}
			_, err := fmt.Fprintln(w, plain.Escape(l.Target()))
			return err
		})
		warnOfCut(cut)
		if err == nil {
			err = w.Flush()
		}
		return failure(err)
	}
	return cmd
}

func newResultsDiff() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "diff BEFORE AFTER", Short: "What appeared, went and changed between two scans",
		Long: `diff compares two scans target by target: what answers and did not, what answered
and does not, and what answers otherwise (its outcome, version, suite, group,
protocol, certificate, key, verdict, or TCP stack). A host that is silent, closed
or unreachable does not answer.`,
		Args: takes("BEFORE", "AFTER"),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write each change as a JSON line")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		var d results.Diff
		first, err := results.Read(args[:1], d.Before)
		if err != nil {
			return failure(err)
		}
		w := bufio.NewWriter(os.Stdout)
		tell := writeChange(w, asJSON)
		second, err := results.Read(args[1:], func(l *results.Line) error {
			if c := d.After(l); c != nil {
				return tell(c)
			}
			return nil
		})
		warnOfCut(first + second)
		if err != nil {
			return failure(err)
		}
		for _, c := range d.Rest() {
			if err := tell(&c); err != nil {
				return failure(err)
			}
		}
		if !asJSON {
			fmt.Fprintf(w, "%d appeared, %d gone, %d changed, %d as before\n", d.Appeared, d.Gone, d.Changed, d.Same)
		}
		return failure(w.Flush())
	}
	return cmd
}

// writeChange returns what writes a change.
func writeChange(w io.Writer, asJSON bool) func(*results.Change) error {
	if asJSON {
		return func(c *results.Change) error {
			_, err := fmt.Fprintf(w, "%s\n", changeObject(c).AppendTo(nil))
			return err
		}
	}
	signs := map[string]string{results.Appeared: "+", results.Gone: "-", results.Changed: "~"}
	return func(c *results.Change) error {
		var parts []string
		for _, f := range c.Fields {
			parts = append(parts, fmt.Sprintf("%s: %s → %s", f.Field, shownValue(f.Was), shownValue(f.Is)))
		}
		if len(c.Fields) == 0 {
			parts = []string{shownValue(c.Was) + " → " + shownValue(c.Is)}
		}
		_, err := fmt.Fprintf(w, "%s %s  %s\n", signs[c.Kind], plain.Escape(c.Target), strings.Join(parts, "; "))
		return err
	}
}

func changeObject(c *results.Change) (o plain.Object) {
	o.Add("target", c.Target)
	o.Add("change", c.Kind)
	plain.AddIf(&o, "was", c.Was)
	plain.AddIf(&o, "is", c.Is)
	if len(c.Fields) > 0 {
		fields := make([]plain.Object, len(c.Fields))
		for i, f := range c.Fields {
			fields[i].Add("field", f.Field)
			fields[i].Add("was", f.Was)
			fields[i].Add("is", f.Is)
		}
		o.Add("fields", fields)
	}
	return o
}

func shownValue(s string) string {
	if s == "" {
		return "nothing"
	}
	return plain.Escape(s)
}

func newResultsConvert() *cobra.Command {
	var path, format string
	var force bool
	cmd := &cobra.Command{
		Use: "convert -o FILE FILE…", Short: "Rows and columns: Parquet, or CSV",
		Long: `convert writes a row for each result: Parquet (with zstd) for DuckDB, ClickHouse,
pandas and the like, or CSV. docs/results.md has the columns, tables for DuckDB and
ClickHouse, and queries. In CSV the elements of a list have semicolons between them,
and a text that a spreadsheet would take for a formula has ' before it.`,
		Args: takes("FILE…"),
	}
	cmd.Flags().StringVarP(&path, "output", "o", "", "write to this file (- is standard output)")
	cmd.Flags().StringVar(&format, "format", "", "parquet or csv (default as the file's name ends)")
	cmd.Flags().BoolVar(&force, "force", false, "write over the file, if it is there")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if path == "" {
			return usageError("-o says where the rows go: rawshake results convert -o scan.parquet %s", strings.Join(args, " "))
		}
		if format == "" {
			format = strings.TrimPrefix(filepath.Ext(path), ".")
		}
		if !slices.Contains(results.Formats, format) {
			return usageError("%q is no format: name the file .parquet or .csv, or give --format", format)
		}
		if err := mayWrite(path, force); err != nil {
			return err
		}
		return writePage(path, func(w io.Writer) error { return convert(w, format, args) })
	}
	return cmd
}

func convert(w io.Writer, format string, files []string) error {
	c, err := results.NewConverter(w, format)
	if err != nil {
		return err
	}
	cut, err := results.Read(files, c.Add)
	warnOfCut(cut)
	if closed := c.Close(); err == nil {
		err = closed
	}
	return err
}
