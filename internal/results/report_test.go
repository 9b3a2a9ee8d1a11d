package results_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/results"
	"github.com/rawshake/rawshake/internal/test/browser"
)

var update = flag.Bool("update", false, "write the screenshots in docs/img anew")

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	browser.End()
	os.Exit(code)
}

func pageOf(t *testing.T, b []byte, title string) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := tallyOf(t, b).Report(&page, title, []string{"scan of monday.jsonl.zst"}); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// The page fits its window, each bar opens to its targets, and looks right in
// light, in the dark, on a phone and on paper.
func TestTheReportIsReadable(t *testing.T) {
	page := pageOf(t, scan(2000), "A scan of the lab")
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
		for _, scheme := range []string{"light", "dark"} {
			v := browser.Open(t, page, size.width, size.height)
			v.In(scheme, "")
			if wide := browser.Eval[int](v, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
				t.Errorf("%s: %d pixels stand out", size.name, wide)
			}
			got := browser.Eval[string](v, `(() => {
				const bars = [...document.querySelectorAll("details")];
				const dumb = bars.filter((d) => { d.querySelector("summary").click(); return !d.open || d.querySelector("pre").textContent.trim().length < 8; });
				const all = bars.length, bad = dumb.length;
				bars.forEach((d, i) => { d.open = i === 1; });
				return all + "," + bad; })()`)
			var all, bad int
			if _, err := fmt.Sscanf(got, "%d,%d", &all, &bad); err != nil || all < 50 || bad > 0 {
				t.Errorf("%s: %d bars, %d of them lead nowhere", size.name, all, bad)
			}
			v.Screenshot("../../docs/img/report-"+size.name+"-"+scheme+".png", *update)
		}
	}
	v := browser.Open(t, page, 794, 1123)
	v.In("dark", "print")
	if got := browser.Eval[string](v, `[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector("nav")).display, document.documentElement.scrollWidth <= innerWidth].join()`); got != "rgb(255, 255, 255),none,true" {
		t.Errorf("on paper: %s", got)
	}
}

// Nothing of what a peer said runs, and the page loads nothing: the browser would
// complain.
func TestNothingInAReportRuns(t *testing.T) {
	const attack = `</pre><script>document.title="pwned"</script><img src=x onerror=alert(1)>'";{{.}}`
	line := fmt.Sprintf(`{"type":"target","addr":"198.18.0.1","port":443,"name":%[1]q,"outcome":%[1]q,"alpn":%[1]q,"chain":[{"sha256":"aa","issuer":%[1]q,"not_after":%[1]q,"public_key":%[1]q}]}`+"\n", attack)
	v := browser.Open(t, pageOf(t, []byte(strings.Repeat(line, 200)), attack), 1280, 800)
	if got := browser.Eval[string](v, `document.title + document.querySelectorAll("script, img").length`); got != attack+" · rawshake0" {
		t.Errorf("%q", got)
	}
}

// However many values there are, page and memory have bounds.
func TestAReportOfManyValuesIsBounded(t *testing.T) {
	tally := results.NewTally(now)
	name := strings.Repeat("x", 200)
	for i := range 100_000 {
		unique := fmt.Sprintf("%s %d", name[:150], i)
		tally.Add(&results.Line{Type: "target", Addr: fmt.Sprintf("2001:db8::%x:%x", i>>16, i&0xffff), Port: 443, Name: name, Outcome: "certificate", OK: true,
			JA3S: unique, ALPN: unique, Chain: []results.Certificate{{SHA256: "aa", Issuer: unique, NotAfter: fmt.Sprintf("%04d-01-01T00:00:00Z", 1000+i%9000), Signature: unique}}})
	}
	for _, s := range tally.Sections {
		kept := 0
		for _, b := range s.Sorted() {
			kept += len(b.Examples)
		}
		if len(s.Bars) > 20_000 || kept > 40_000 {
			t.Errorf("%s: %d values, %d targets", s.Key, len(s.Bars), kept)
		}
	}
	var page bytes.Buffer
	if err := tally.Report(&page, "many", []string{"a.jsonl"}); err != nil {
		t.Fatal(err)
	}
	if page.Len() > 5<<20 {
		t.Errorf("the page takes %d bytes", page.Len())
	}
}
