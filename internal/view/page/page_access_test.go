package page_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/rawshake/rawshake/internal/test/browser"
)

// heard is a node of the accessibility tree: what a screen reader is told.
type heard struct {
	role, name string
	properties map[string]string
}

// listen returns what a screen reader is told of the page as it stands.
func (v *visit) listen() (nodes []heard) {
	v.T.Helper()
	tree, err := chromedp.Call(v.Ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		v.T.Fatal(err)
	}
	plain := func(value *accessibility.Value) string {
		if value == nil {
			return ""
		}
		return strings.Trim(string(value.Value), `"`)
	}
	for _, n := range tree.Nodes {
		if n.Ignored {
			continue
		}
		h := heard{role: plain(n.Role), properties: map[string]string{}}
		if n.Name != nil {
			json.Unmarshal(n.Name.Value, &h.name)
		}
		for _, p := range n.Properties {
			h.properties[string(p.Name)] = plain(p.Value)
		}
		nodes = append(nodes, h)
	}
	return nodes
}

func ofRole(nodes []heard, role string) (list []heard) {
	for _, n := range nodes {
		if n.role == role {
			list = append(list, n)
		}
	}
	return list
}

// A screen reader says what everything is and what it is called: each step,
// each field with its depth, each control.
func TestEverythingHasARoleAndAName(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	browser.Eval[bool](v.Visit, `document.querySelector("[data-question='1']").click(), true`)
	for _, tab := range []string{"story", "bytes", "keys", "questions", "print"} {
		browser.Eval[bool](v.Visit, `document.getElementById("tab-`+tab+`").click(), true`)
		nodes := v.listen()
		for _, n := range nodes {
			switch n.role {
			case "button", "tab", "tabpanel", "option", "treeitem", "radio", "checkbox", "tree", "listbox", "tablist", "heading", "complementary", "DisclosureTriangle":
				if strings.TrimSpace(n.name) == "" {
					t.Errorf("%s: a %s has no name", tab, n.role)
				}
			}
		}
		for _, role := range []string{"banner", "main", "contentinfo", "listbox", "tablist", "tabpanel"} {
			if len(ofRole(nodes, role)) != 1 {
				t.Errorf("%s: %d nodes are a %s, want 1", tab, len(ofRole(nodes, role)), role)
			}
		}
		if n := len(ofRole(nodes, "tab")); n != 5 {
			t.Errorf("%s: %d tabs", tab, n)
		}
		if got, want := len(ofRole(nodes, "option")), browser.Eval[int](v.Visit, `document.querySelectorAll(".step").length`); got != want {
			t.Errorf("%s: %d of %d steps can be heard", tab, got, want)
		}
	}
}

// The tree of fields is heard as it is seen: as many items, each at its depth,
// the selected one only once.
func TestFieldsAreHeardAtTheirDepth(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	browser.Eval[bool](v.Visit, `document.querySelector("[data-question='1']").click(), true`)
	items := ofRole(v.listen(), "treeitem")
	type shown struct{ Name, Level, Selected string }
	want := browser.Eval[[]shown](v.Visit, `[...document.querySelectorAll("#fields .field")].map((e) => ({
		Name: e.querySelector(".body").textContent, Level: String(1 + (+e.className.match(/\bd(\d)/)[1])), Selected: e.getAttribute("aria-selected")}))`)
	if len(items) != len(want) || len(items) < 8 {
		t.Fatalf("%d items are heard, %d seen", len(items), len(want))
	}
	for i, item := range items {
		bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if bare(item.name) != bare(want[i].Name) || item.properties["level"] != want[i].Level || item.properties["selected"] != want[i].Selected {
			t.Errorf("item %d is heard as %v, seen as %v", i, item, want[i])
		}
	}
}

// What is chosen is told at once: the explanation is a live region, and its words
// change with the field.
func TestAChosenFieldIsAnnounced(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	browser.Eval[bool](v.Visit, `document.getElementById("tab-bytes").click(), document.activeElement.blur(), true`)
	region := ofRole(v.listen(), "complementary")
	if len(region) != 1 || region[0].properties["live"] != "polite" || region[0].properties["atomic"] != "true" {
		t.Fatalf("the explanation is %v", region)
	}
	v.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	before := browser.Eval[string](v.Visit, `document.getElementById("explain").textContent`)
	v.Do(chromedp.KeyEvent(kb.ArrowDown))
	if after := browser.Eval[string](v.Visit, `document.getElementById("explain").textContent`); after == before {
		t.Error("another field is told by the same words")
	}
	if got := browser.Eval[string](v.Visit, `document.querySelector(".step[aria-selected=true]").id + document.querySelectorAll(".step[aria-selected=true]").length`); !strings.HasSuffix(got, "1") {
		t.Errorf("steps that are selected: %s", got)
	}
}

// The tab key goes from left to right and from top to bottom, stops where
// something can be done, shows where it is, and leads out again.
func TestTheFocusTakesASaneWay(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	browser.Eval[bool](v.Visit, `document.querySelector(".step.message.sealed").click(), document.activeElement.blur(), true`)
	var way []string
	for range 8 {
		v.Do(chromedp.KeyEvent(kb.Tab))
		way = append(way, browser.Eval[string](v.Visit, `(() => {
			const e = document.activeElement;
			if (e === document.body) return "out";
			if (!e.matches(":focus-visible") || getComputedStyle(e).outlineStyle === "none" || parseFloat(getComputedStyle(e).outlineWidth) < 2) return "invisible at " + e.id;
			return (e.closest(".step, .field") || {className: e.id}).className.split(" ")[0];
		})()`))
	}
	way = slices.DeleteFunc(way, func(at string) bool { return at == "out" })
	if want := []string{"tab-bytes", "as-sent", "decrypted", "field", "step", "tab-bytes"}; !slices.Equal(way[:6], want) {
		t.Errorf("the focus goes %v, want %v", way, want)
	}
}

// contrast returns text that is harder to read than WCAG 2.2 allows (section
// 1.4.3): less than 4.5 to 1 against what is behind it.
const contrast = `(() => {
	const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
	const rgba = (css) => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = css;
		canvas.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
	const light = (c) => {
		const [r, g, b] = c.map((x) => (x /= 255) <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
		return .2126 * r + .7152 * g + .0722 * b;
	};
	const behind = (e) => e ? over(rgba(getComputedStyle(e).backgroundColor), behind(e.parentElement)) : [255, 255, 255];
	const poor = new Map();
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let n = 0;
	for (let t; t = walker.nextNode();) {
		const e = t.parentElement;
		if (!t.textContent.trim() || !e.checkVisibility() || e.closest(".sr, .quiet, script, #paper")) continue;
		let opacity = 1;
		for (let p = e; p; p = p.parentElement) opacity *= getComputedStyle(p).opacity;
		const back = behind(e), ink = rgba(getComputedStyle(e).color);
		ink[3] *= opacity;
		const [a, b] = [light(over(ink, back)), light(back)].sort((x, y) => y - x);
		const ratio = (a + .05) / (b + .05);
		n++;
		if (ratio < 4.5) poor.set(e.tagName + "." + e.className + " in " + (e.parentElement.className || e.parentElement.id), ratio.toFixed(2));
	}
	if (n < 100) poor.set("texts", n);
	return [...poor].map(([k, v]) => k + ": " + v);
})()`

func (v *visit) prefer(features ...*emulation.MediaFeature) {
	v.T.Helper()
	browser.Enable(v.Visit, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

func TestTextIsReadableInBothThemes(t *testing.T) {
	for _, theme := range []string{"light", "dark"} {
		v := open(t, ordinary(t), "server.lab.test", 1280, 800)
		v.prefer(&emulation.MediaFeature{Name: "prefers-color-scheme", Value: theme})
		for q := range 4 {
			browser.Eval[bool](v.Visit, `document.querySelectorAll("[data-question]")[`+string(rune('0'+q))+`].click(), true`)
			for _, s := range browser.Eval[[]string](v.Visit, contrast) {
				t.Errorf("%s, question %d: %s", theme, q+1, s)
			}
		}
		for _, tab := range []string{"keys", "questions", "print"} {
			browser.Eval[bool](v.Visit, `document.getElementById("tab-`+tab+`").click(), true`)
			for _, s := range browser.Eval[[]string](v.Visit, contrast) {
				t.Errorf("%s, %s: %s", theme, tab, s)
			}
		}
	}
}

// Nothing moves by itself, so there is no need for reduced motion.
func TestNothingMoves(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	if n := browser.Eval[int](v.Visit, `[...document.querySelectorAll("*")].filter((e) => {
		const s = getComputedStyle(e);
		return s.animationName !== "none" || parseFloat(s.transitionDuration) > 0 || s.scrollBehavior === "smooth";
	}).length`); n != 0 {
		t.Errorf("%d elements move", n)
	}
}

// What is tapped is large enough for a finger (WCAG 2.2, section 2.5.8).
func TestTargetsOnAPhoneAreLargeEnough(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 360, 740)
	browser.Eval[bool](v.Visit, `document.querySelector(".step.message.sealed").click(), true`)
	for _, tab := range []string{"story", "bytes", "keys", "questions", "print"} {
		browser.Eval[bool](v.Visit, `document.getElementById("tab-`+tab+`").click(), true`)
		for _, s := range browser.Eval[[]string](v.Visit, `[...document.querySelectorAll(".step, .field, button, label, summary")].filter((e) => e.checkVisibility()).map((e) => [e, e.getBoundingClientRect()])
			.filter(([, r]) => r.width < 24 || r.height < 24).map(([e, r]) => (e.id || e.className || e.textContent) + ": " + r.width + " × " + r.height)`) {
			t.Errorf("%s: too small: %s", tab, s)
		}
		if w := browser.Eval[int](v.Visit, `document.documentElement.scrollWidth`); w > 360 {
			t.Errorf("%s is %d wide", tab, w)
		}
	}
}
