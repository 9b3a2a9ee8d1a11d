// The flags that say how a connection is shown, and what the terminal allows.

package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
)

// viewFlags say how a connection is shown.
type viewFlags struct {
	view           string
	selector       string
	dictionary     string
	words          *dictionary.Dictionary // from the folder dictionary; nil: only the program's own
	json           bool
	quiet, verbose bool
	showData       bool // the demo quotes the reply in the view
}

// viewOptions say how a view should look on its output.
func (f *viewFlags) viewOptions(out io.Writer) view.Options {
	o := view.Options{Verbose: f.verbose, Data: f.showData, ASCII: !utf8Locale()}
	o.Dictionary = f.words
	o.Select, _ = dissect.ParseSelector(f.selector) // judged in complete
	o.Width, o.Whole = environmentColumns(), true
	if file, ok := out.(*os.File); ok && isTerminal(file) {
		o.Whole = false
		if o.Width == 0 { // else it is as the person says
			o.Columns = func() int { return terminalColumns(file) }
			o.Width = o.Columns()
		}
		o.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return o
}

// checkSelector checks --select against the view that it is for.
func checkSelector(selector, view string) error {
	if _, ok := dissect.ParseSelector(selector); !ok {
		return usageError("--select %q: names with dots between them, such as ClientHello.extensions[2].server_name", selector)
	}
	if selector != "" && view != "fields" && view != "hex" {
		return usageError("--select goes with --view fields or --view hex, not with --view %s", view)
	}
	return nil
}

// environmentColumns is the line width that $COLUMNS asks for, or 0 if it is no
// sensible width.
func environmentColumns() int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || n < minColumns || n > maxColumns {
		return 0
	}
	return n
}

// The widths that $COLUMNS may ask for.
const (
	minColumns = 20
	maxColumns = 10000
)

// columnsOf is the line width for a file: that of $COLUMNS, or of its terminal;
// 0: no limit.
func columnsOf(file *os.File) int { return cmp.Or(environmentColumns(), terminalColumns(file)) }

// terminalColumns is the width of a terminal, or 0 for a file that is none.
func terminalColumns(file *os.File) int {
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

func isTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// utf8Locale reports whether the environment's character set is UTF-8. An
// environment that says nothing counts as UTF-8, as terminals are today.
func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}

// count is a number with what it counts.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// loadDictionary reads explanations from a folder, before the program's own.
func (f *viewFlags) loadDictionary() error {
	if f.dictionary == "" {
		return nil
	}
	words, err := dictionary.Load(os.DirFS(f.dictionary))
	if err != nil {
		return usageError("--dictionary %s: %v", f.dictionary, err)
	}
	f.words = words.Over(dictionary.English())
	return nil
}
