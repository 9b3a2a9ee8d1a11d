package page_test

import (
	"bytes"
	"flag"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/rawshake/rawshake/internal/test/browser"
	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/page"
)

var update = flag.Bool("update", false, "write the screenshot in docs/img anew")

// A visit is the page of a transcript, open in a browser.
type visit struct{ *browser.Visit }

func open(t *testing.T, tr *transcript.Transcript, title string, width, height int64) *visit {
	t.Helper()
	var html bytes.Buffer
	if err := page.Write(&html, tr, page.Options{Title: title}); err != nil {
		t.Fatal(err)
	}
	return &visit{browser.Open(t, html.Bytes(), width, height)}
}

// ordinary is a handshake with everything in it. All tests look at the same.
func ordinary(t *testing.T) *transcript.Transcript {
	t.Helper()
	once.Do(func() { once.transcript = live.Run(t, live.Cases[0]) })
	if once.transcript == nil {
		t.Skip("there is no lab here")
	}
	return once.transcript
}

var once struct {
	sync.Once
	transcript *transcript.Transcript
}

// walk goes from step to step and from field to field by the keys alone, and
// returns what is wrong: a field that the focus does not reach, or of which
// nothing is said.
const walk = `(() => {
	const wrong = [];
	const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
	const steps = document.querySelectorAll(".step").length;
	let fields = 0;
	document.querySelector(".step[aria-selected=true]").focus();
	press("Home");
	for (let i = 0; i < steps; i++) {
		const step = document.activeElement;
		if (step.id !== "step" + i) wrong.push("step " + i + " is not reached: " + step.id);
		press("Enter");
		for (const side of ["sent", "decrypted"]) {
			const count = document.querySelectorAll("#fields .field").length;
			if (count) press("Home");
			for (let j = 0; j < count; j++) {
				const at = document.activeElement;
				const words = document.querySelector("#explain .words").textContent;
				const source = document.querySelector("#explain .source").textContent;
				if (at.id !== "field" + j) wrong.push("step " + i + ": field " + j + " is not reached: " + at.id);
				else if (words.length < 4 || !source) wrong.push("step " + i + ": nothing is said of " + at.textContent);
				fields++;
				press("ArrowDown");
			}
			if (side === "sent") { if (document.getElementById("toggle").hidden) break; press("d"); document.querySelector("#fields .field[tabindex='0']").focus(); }
			else press("d");
		}
		press("Escape");
		press("ArrowDown");
	}
	if (fields < 300) wrong.push("only " + fields + " fields");
	return wrong.slice(0, 20);
})()`

func TestEachFieldIsReachedByKeyboardAndExplained(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	for _, s := range browser.Eval[[]string](v.Visit, walk) {
		t.Error(s)
	}
	// The same with the keys of a real keyboard, a few steps.
	browser.Eval[bool](v.Visit, `document.activeElement.blur(), document.querySelector(".step[aria-selected=true]").focus(), true`)
	v.Do(chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.ArrowDown))
	if id := browser.Eval[string](v.Visit, `document.activeElement.id`); !strings.HasPrefix(id, "step") && id != "field1" {
		t.Errorf("the focus is at %q", id)
	}
}

// The tab key alone leads from the ladder to the tabs, the fields and the answers.
func TestTabLeadsEverywhere(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	seen := map[string]bool{}
	browser.Eval[bool](v.Visit, `document.getElementById("tab-bytes").click(), true`)
	for range 12 {
		v.Do(chromedp.KeyEvent(kb.Tab))
		seen[browser.Eval[string](v.Visit, `(document.activeElement.closest("#steps, .tabs, #toggle, #fields") || {id: "", className: ""}).id || document.activeElement.closest(".tabs")?.className || ""`)] = true
	}
	for _, want := range []string{"steps", "tabs", "fields"} {
		if !seen[want] {
			t.Errorf("the tab key does not lead to %s: %v", want, seen)
		}
	}
}

// Each question leads to the field where its answer stands.
func TestQuestionsAreAnsweredAtTheRightBytes(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	answers := browser.Eval[[]string](v.Visit, `[...document.querySelectorAll("[data-question]")].map((b) => {
		b.click();
		return b.parentElement.querySelector("p").textContent + " | " + document.getElementById("detail-title").textContent + " | " +
			document.querySelector("#explain .path").textContent + " | " + document.querySelector("#explain .words").textContent;
	})`)
	for i, want := range [][]string{
		{"Which packet proves", "Frame 3: ACK", "TCP.acknowledgment_number", "proof that the client received the SYN-ACK"},
		{"Where does the server prove", "ServerKeyExchange", "ServerKeyExchange.signature", "the server proves that it owns the certificate's key"},
		{"From which byte", "ChangeCipherSpec", "ChangeCipherSpec.type", "in this direction everything after it is encrypted"},
		{"altered the Finished", "Finished", "Finished.verify_data", "fatal alert"},
	} {
		for _, s := range want {
			if i >= len(answers) || !strings.Contains(answers[i], s) {
				t.Errorf("answer %d is not about %q: %q", i+1, s, answers)
			}
		}
	}
}

func TestPointingAtAByteLightsItsField(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	browser.Eval[bool](v.Visit, `document.getElementById("tab-bytes").click(), true`)
	v.Do(chromedp.Click(chromedp.CSS(`#hex .bytes b[data-at="8"]`)))
	got := browser.Eval[string](v.Visit, `document.querySelector("#explain .path").textContent + " " + [...document.querySelectorAll("#hex .bytes b.lit")].map((b) => b.dataset.at) +
		" " + document.querySelector("#fields [aria-selected=true] .name").textContent`)
	if got != "IPv4.time_to_live 8 time_to_live" {
		t.Errorf("byte 8 lights %q", got)
	}
}

// look opens every step, and every field that holds an attack.
const look = `(() => {
	let n = 0;
	for (const step of document.querySelectorAll(".step")) {
		step.click();
		for (const e of document.querySelectorAll("#fields .field")) if (e.textContent.includes("pwned")) { e.click(); n++; }
	}
	return n;
})()`

func TestNothingOfAHostilePeerRuns(t *testing.T) {
	tr := hostile(t)
	v := open(t, tr, strings.Join(attacks, ""), 1280, 800)
	if n := browser.Eval[int](v.Visit, look); n < 10*len(attacks) {
		t.Errorf("only %d fields hold an attack", n)
	}
	if browser.Eval[bool](v.Visit, `window.pwned !== undefined`) {
		t.Error("something ran")
	}
	if n := browser.Eval[int](v.Visit, `document.querySelectorAll("script").length * 100 + document.querySelectorAll("img, svg, iframe, object, a:not([href^='#']), link:not([rel=icon]), [onerror], [onload]").length`); n != 200 {
		t.Errorf("there are elements that should be text: %d", n)
	}
	shown := browser.Eval[string](v.Visit, `document.body.textContent`)
	for _, a := range attacks[:6] {
		if !strings.Contains(shown, a) {
			t.Errorf("%q is not shown as text", a)
		}
	}
}

func TestPageWorksOnAPhone(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 360, 740)
	fits := func(where string) {
		t.Helper()
		if w := browser.Eval[int](v.Visit, `document.documentElement.scrollWidth`); w > 360 {
			t.Errorf("%s is %d wide", where, w)
		}
	}
	fits("the ladder")
	// A tap on a message leads to its bytes, a tap on a field to its explanation.
	browser.Eval[bool](v.Visit, `[...document.querySelectorAll(".step.message")][0].click(), true`)
	if top := browser.Eval[float64](v.Visit, `document.getElementById("detail").getBoundingClientRect().top`); top > 100 {
		t.Errorf("after a tap on a message its bytes begin at %v", top)
	}
	fits("the message")
	got := browser.Eval[string](v.Visit, `(() => {
		const seen = (e) => { const r = e.getBoundingClientRect(); return r.bottom > 0 && r.top < innerHeight; };
		const fields = [...document.querySelectorAll("#fields .field")];
		fields[6].click();
		return [seen(document.getElementById("detail")), seen(document.getElementById("explain")), seen(document.querySelector("#hex .lit") || document.body),
			document.querySelector("#explain .words").textContent.length > 10,
			Math.min(...fields.map((f) => f.getBoundingClientRect().height)) >= 20].join();
	})()`)
	if got != "true,true,true,true,true" {
		t.Errorf("bytes, explanation, lit bytes, words, fields large enough to tap: %s", got)
	}
	fits("the field")
	browser.Eval[bool](v.Visit, `document.getElementById("tab-keys").click(), true`)
	fits("the keys")
}

// On a large screen the ladder and the fields scroll, and the page itself has
// nothing below its end.
func TestTheLargePageDoesNotScroll(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	for _, tab := range []string{"story", "bytes", "keys", "questions", "print"} {
		browser.Eval[bool](v.Visit, `document.getElementById("tab-`+tab+`").click(), true`)
		if got := browser.Eval[[]int](v.Visit, `[document.documentElement.scrollHeight, document.documentElement.scrollWidth]`); got[0] > 800 || got[1] > 1280 {
			t.Errorf("%s: the page is %d wide and %d high", tab, got[1], got[0])
		}
	}
}

// The screenshot in the README is of this page.
func TestScreenshot(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	browser.Eval[bool](v.Visit, `document.querySelector("[data-question='1']").click(), true`)
	v.Screenshot("../../../docs/img/page.png", *update)
}
