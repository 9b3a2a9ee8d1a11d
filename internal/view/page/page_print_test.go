package page_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/rawshake/rawshake/internal/test/browser"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A4, less the margins of the page, in CSS pixels.
const paperWidth = 703

// onPaper shows the page as it would be printed, to a person who has it dark.
func onPaper(t *testing.T, prepare string) *visit {
	v := open(t, ordinary(t), "server.lab.test", paperWidth, 1000)
	browser.Enable(v.Visit, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print",
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	browser.Eval[bool](v.Visit, `(() => { `+prepare+`; window.dispatchEvent(new Event("beforeprint")); return true; })()`)
	return v
}

// Each packet is printed with all of its bytes, each of them once, and with what
// was decrypted; each field is explained where it comes first.
func TestEveryByteIsPrintedOnce(t *testing.T) {
	v := onPaper(t, "")
	type printed struct{ Title, Hex string }
	got := map[string]string{}
	for _, p := range browser.Eval[[]printed](v.Visit, `[...document.querySelectorAll("#paper section")].map((s) => ({
		Title: s.querySelector("h3").firstChild.textContent, Hex: [...s.querySelectorAll(".hex")].map((h) => h.textContent).join("").replace(/\s/g, "")}))`) {
		got[p.Title] = p.Hex
	}
	frames, decrypted := 0, 0
	for _, want := range browser.Eval[[]printed](v.Visit, `JSON.parse(document.getElementById("data").textContent).specimens.map((s) => ({Title: s.t, Hex: s.x}))`) {
		switch {
		case strings.HasPrefix(want.Title, "Frame "):
			frames++
		case strings.HasSuffix(want.Title, "decrypted"):
			decrypted++
		default:
			continue
		}
		if got[want.Title] != want.Hex {
			t.Errorf("%s is printed as\n%s, and is\n%s", want.Title, got[want.Title], want.Hex)
		}
	}
	if frames < 10 || decrypted < 4 || len(got) != frames+decrypted {
		t.Errorf("%d frames and %d decrypted messages in %d sections", frames, decrypted, len(got))
	}
	words := browser.Eval[[]string](v.Visit, `[...document.querySelectorAll("#paper .words")].map((w) => w.textContent)`)
	seen := map[string]bool{}
	for _, w := range words {
		if seen[w] {
			t.Errorf("printed twice: %s", w)
		}
		seen[w] = true
	}
	if len(words) < 100 {
		t.Errorf("only %d fields are explained", len(words))
	}
}

// Nothing is cut off at the right, nothing is there that only a screen can use,
// and the paper is white.
func TestPaperIsWhiteAndWideEnough(t *testing.T) {
	v := onPaper(t, "")
	for _, s := range browser.Eval[[]string](v.Visit, `[...document.querySelectorAll("#paper .line, #paper .line > *, .step, .keys dd, .formula")].filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map((e) => e.className + ": " + e.textContent)`) {
		t.Errorf("cut off: %s", s)
	}
	if w := browser.Eval[int](v.Visit, `document.documentElement.scrollWidth`); w > paperWidth {
		t.Errorf("the page is %d wide", w)
	}
	for _, s := range browser.Eval[[]string](v.Visit, `[...document.querySelectorAll("button, input, .tabs, footer, kbd, #explain")].filter((e) => e.checkVisibility()).map((e) => e.outerHTML)`) {
		t.Errorf("on paper: %s", s)
	}
	if got := browser.Eval[string](v.Visit, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector("#ladder")).backgroundColor`); got != "rgb(255, 255, 255)rgb(255, 255, 255)" {
		t.Errorf("the paper is %s", got)
	}
	for _, s := range browser.Eval[[]string](v.Visit, strings.Replace(contrast, ", #paper", "", 1)) {
		t.Errorf("on paper: %s", s)
	}
}

// The reader says before printing what is to be on paper.
func TestTheReaderChoosesWhatIsPrinted(t *testing.T) {
	count := `[document.querySelectorAll("#paper section").length, document.querySelectorAll("#paper li").length, document.getElementById("panel-keys").checkVisibility()].join()`
	for prepare, want := range map[string]string{
		`document.querySelector("[name=paper-what][value=chosen]").checked = true`:                                                                      "1,4,true",
		`document.querySelector("[name=paper-what][value=none]").checked = true; document.getElementById("paper-questions").checked = false`:            "0,0,true",
		`document.querySelector("[name=paper-what][value=none]").checked = true; document.getElementById("paper-keys").checked = false`:                 "0,4,false",
		`document.getElementById("tab-questions").click(); document.querySelector("[name=paper-what][value=chosen]").checked = true; document.title=""`: "1,4,true",
	} {
		v := onPaper(t, prepare)
		if got := browser.Eval[string](v.Visit, count); got != want {
			t.Errorf("%s: %s, want %s", prepare, got, want)
		}
		browser.Eval[bool](v.Visit, `window.dispatchEvent(new Event("afterprint"))`)
		if n := browser.Eval[int](v.Visit, `document.querySelectorAll("#paper *").length`); n != 0 {
			t.Errorf("%d elements are left after printing", n)
		}
	}
}

// Of a long transfer only what is open is printed, unless the reader asks for all.
func TestALongTransferIsNotPrintedWhole(t *testing.T) {
	rec := transcript.NewRecorder(0, nil)
	var offsets [2]int64
	for i := range 100 {
		send(rec, time.Duration(i)*time.Millisecond, transcript.Out, tlsmsg.ContentAlert, []byte{1, 0}, &offsets)
	}
	v := open(t, rec.Transcript(), "server.lab.test", paperWidth, 1000)
	browser.Eval[bool](v.Visit, `window.dispatchEvent(new Event("beforeprint"))`)
	if n := browser.Eval[int](v.Visit, `document.querySelectorAll("#paper section").length`); n != 1 {
		t.Errorf("%d packets are printed", n)
	}
}

// A page without a packet opens and prints all the same.
func TestAnEmptyPagePrints(t *testing.T) {
	v := open(t, &transcript.Transcript{}, "nobody", paperWidth, 1000)
	browser.Eval[bool](v.Visit, `window.dispatchEvent(new Event("beforeprint"))`)
	if n := browser.Eval[int](v.Visit, `document.querySelectorAll("#paper *").length`); n != 0 {
		t.Errorf("%d elements for nothing", n)
	}
}

// What comes out of the printer, as a PDF that another program reads.
func TestPrintedPages(t *testing.T) {
	if _, err := exec.LookPath("pdftotext"); err != nil {
		browser.Missing(t, "pdftotext")
	}
	tr := ordinary(t)
	v := open(t, tr, "server.lab.test", 1280, 800)
	v.prefer(&emulation.MediaFeature{Name: "prefers-color-scheme", Value: "dark"})
	pdf, err := chromedp.Call(v.Ctx, cdppage.PrintToPDF, cdppage.PrintToPDFParams{PaperWidth: 8.27, PaperHeight: 11.69})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("pdftotext", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf.Data)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(strings.TrimSuffix(string(text), "\f"), "\f")
	if len(pages) < 8 || len(pages) > 40 {
		t.Errorf("%d pages", len(pages))
	}
	all := strings.Join(strings.Fields(string(text)), " ")
	want := []string{"Can you find it?", "Byte by byte", "From a secret to keys", "master_secret", "Here the server proves that it owns the certificate's key", "RFC 9293, section 3.1"}
	for _, e := range tr.Entries {
		if e.Type == transcript.TypeSegment {
			want = append(want, fmt.Sprintf("Frame %d:", e.Frame.Number))
		}
	}
	for _, s := range want {
		if !strings.Contains(all, s) {
			t.Errorf("%q is not on paper", s)
		}
	}
	for i, page := range pages {
		if lines := strings.Fields(page); len(lines) < 20 {
			t.Errorf("page %d is nearly empty: %q", i+1, page)
		}
	}
}
