// The manual pages, made from what --help says.

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/rawshake/rawshake/internal/outfile"
)

// newMan writes what --help says as manual pages, for packagers.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages into a folder",
		Hidden: true,
		Args:   takes("FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := outfile.MkdirAll(args[0], 0o755); err != nil {
				return fileError("FOLDER", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			root.InitDefaultHelpCmd()
			return writeManTree(root, args[0])
		},
	}
}

// writeManTree writes a command's page and those of its subcommands.
func writeManTree(cmd *cobra.Command, dir string) error {
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := writeManTree(c, dir); err != nil {
			return err
		}
	}
	page, err := manPage(cmd)
	if err != nil {
		return failure(fmt.Errorf("write the manual pages: %w", err))
	}
	name := filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
	if _, err := outfile.Write(name, page, outfile.Public); err != nil {
		return fileError("FOLDER", err)
	}
	return nil
}

// manPage is one page.
func manPage(cmd *cobra.Command) ([]byte, error) {
	cmd.DisableAutoGenTag = true
	header := &doc.GenManHeader{Title: "RAWSHAKE", Section: "1", Source: "rawshake", Manual: "rawshake", Date: sourceDate()}
	var b bytes.Buffer
	if err := doc.GenMan(cmd, header, &b); err != nil {
		return nil, err
	}
	before, after, _ := bytes.Cut(b.Bytes(), []byte(".SH SEE ALSO\n"))
	page := slices.Concat(bytes.TrimRight(before, "\n"), []byte("\n"+manSections(cmd)))
	if after != nil {
		page = slices.Concat(page, []byte(".SH SEE ALSO\n"), after)
	}
	return page, nil
}

// sourceDate is SOURCE_DATE_EPOCH, for reproducible builds, or today.
func sourceDate() *time.Time {
	now := time.Now()
	if s, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		now = time.Unix(s, 0).UTC()
	}
	return &now
}
