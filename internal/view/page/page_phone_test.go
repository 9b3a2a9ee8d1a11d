package page_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/test/browser"
)

// brokenWords lists the words that lie on two lines, of what is seen. A word ends
// at a space, and may end behind an underscore or a point: there a name of many
// parts is divided. Bytes and what is longer than a line are no words.
const brokenWords = `(() => {
	const found = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		const e = n.parentElement;
		if (!e.checkVisibility({ visibilityProperty: true }) || e.closest("script,style,noscript,#hex,.hex,.keys dd,.mono,pre,.sr,.quiet")) continue;
		for (const m of n.data.matchAll(/[^\s_.,:;\/()\u200b-]+/g)) {
			if (m[0].length < 2 || m[0].length > 20) continue;
			if (/^[0-9a-f]{20,}$/.test(m[0])) continue;
			const r = document.createRange();
			r.setStart(n, m.index); r.setEnd(n, m.index + m[0].length);
			const lines = new Set([...r.getClientRects()].filter((c) => c.width > 0).map((c) => Math.round(c.top)));
			if (lines.size > 1) found.add(m[0] + " in ." + e.className + " of " + (e.parentElement.id || e.parentElement.className));
		}
	}
	return [...found].slice(0, 20).join("; ");
})()`

// On a phone no table breaks inside a word: names are divided at their underscores.
func TestNoWordIsBrokenOnAPhone(t *testing.T) {
	for _, width := range []int64{320, 360, 412} {
		v := open(t, ordinary(t), "server.lab.test", width, 740)
		said := func(where string) {
			t.Helper()
			if got := browser.Eval[string](v.Visit, brokenWords); got != "" {
				t.Errorf("%d wide, %s: %s", width, where, got)
			}
			if w := browser.Eval[int64](v.Visit, `document.documentElement.scrollWidth`); w > width {
				t.Errorf("%d wide, %s is %d wide", width, where, w)
			}
		}
		said("the ladder")
		for i := range browser.Eval[int](v.Visit, `document.querySelectorAll(".step").length`) {
			browser.Eval[bool](v.Visit, `[...document.querySelectorAll(".step")][`+itoa(i)+`].click(), true`)
			said("step " + itoa(i))
		}
		for _, tab := range []string{"keys", "questions", "print"} {
			browser.Eval[bool](v.Visit, `document.getElementById("tab-`+tab+`").click(), true`)
			said(tab)
		}
	}
}

// A phone has buttons in the place of keys: to the next step, the one before, and
// back to the ladder at the place that was left.
func TestAPhoneHasButtonsForNextPreviousAndBack(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 360, 740)
	const at = `[...document.querySelectorAll(".step")].findIndex((e) => e.getAttribute("aria-selected") === "true")`
	press := func(which string) {
		browser.Eval[bool](v.Visit, `document.querySelector('#walk [data-walk="`+which+`"]').click(), true`)
	}
	if got := browser.Eval[string](v.Visit, `[...document.querySelectorAll("#walk button")].map((b) => b.getBoundingClientRect().height >= 44).join()`); got != "true,true,true" {
		browser.Eval[bool](v.Visit, `document.querySelectorAll(".step")[2].click(), true`)
		if got = browser.Eval[string](v.Visit, `[...document.querySelectorAll("#walk button")].map((b) => b.checkVisibility() && b.getBoundingClientRect().height >= 44).join()`); got != "true,true,true" {
			t.Errorf("the buttons are seen and large enough: %s", got)
		}
	}
	browser.Eval[bool](v.Visit, `document.querySelectorAll(".step")[2].click(), true`)
	for _, s := range []struct {
		button string
		want   int
	}{{"1", 3}, {"1", 4}, {"-1", 3}, {"-1", 2}} {
		press(s.button)
		if got := browser.Eval[int](v.Visit, at); got != s.want {
			t.Fatalf("button %s leads to step %d, expected %d", s.button, got, s.want)
		}
	}
	press("0")
	seen := browser.Eval[bool](v.Visit, `(() => { const r = document.querySelectorAll(".step")[2].getBoundingClientRect(); return r.bottom > 0 && r.top < innerHeight; })()`)
	if !seen {
		t.Error("back leads to another place than the step that was open")
	}
	last := browser.Eval[int](v.Visit, `document.querySelectorAll(".step").length`) - 1
	browser.Eval[bool](v.Visit, `[...document.querySelectorAll(".step")].at(-1).click(), true`)
	press("1")
	if got := browser.Eval[int](v.Visit, at); got != last {
		t.Errorf("next after the last leads to %d", got)
	}
	browser.Eval[bool](v.Visit, `document.querySelectorAll(".step")[0].click(), true`)
	press("-1")
	if got := browser.Eval[int](v.Visit, at); got != 0 {
		t.Errorf("previous before the first leads to %d", got)
	}
	large := open(t, ordinary(t), "server.lab.test", 1400, 900)
	if browser.Eval[bool](large.Visit, `document.getElementById("walk").checkVisibility()`) {
		t.Error("a large screen, where both stand side by side, has the buttons")
	}
}

// No answer stands under a printed question unless the reader asks for it.
func TestAnswersArePrintedOnlyWhenAsked(t *testing.T) {
	for prepare, want := range map[string]bool{
		``: false,
		`document.getElementById("paper-answers").checked = true`: true,
	} {
		v := onPaper(t, prepare)
		text := browser.Eval[string](v.Visit, `document.getElementById("paper").innerText`)
		if !strings.Contains(text, "Can you find it?") || strings.Contains(text, "The answer stands at") != want {
			t.Errorf("prepared by %q: answers %v, expected %v", prepare, !want, want)
		}
	}
}
func itoa(n int) string { return strconv.Itoa(n) }
