package page_test

import (
	"fmt"
	"html"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/test/browser"
	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// modern is a handshake of TLS 1.3, with a question to the client.
var modern = struct {
	sync.Once
	transcript *transcript.Transcript
}{}

func ordinary13(t *testing.T) *transcript.Transcript {
	t.Helper()
	modern.Do(func() {
		modern.transcript = live.Run(t, live.Case{Adjust: func(o *connect.Options) {
			o.TLS.MaxVersion, o.TLS.Groups = tlsmsg.VersionTLS13, []tlsmsg.NamedGroup{tlsmsg.GroupX25519}
		}})
	})
	if modern.transcript == nil {
		t.Skip("there is no lab here")
	}
	return modern.transcript
}

// both runs a test with a handshake of either version.
func both(t *testing.T, test func(*testing.T, *transcript.Transcript)) {
	t.Run("TLS 1.2", func(t *testing.T) { test(t, ordinary(t)) })
	t.Run("TLS 1.3", func(t *testing.T) { test(t, ordinary13(t)) })
}

// titles are those of the screens, in their order.
const titles = `[...document.querySelectorAll(".screen h2")].map((e) => e.textContent)`

// shownScreen is the title of the one screen that is seen.
const shownScreen = `[...document.querySelectorAll(".screen")].filter((e) => e.checkVisibility()).map((e) => e.querySelector("h2").textContent).join(" AND ")`

// The story is what the page opens with, tells each message in its place, and has what
// is computed where both sides can compute it.
func TestTheStoryTellsAHandshakeInItsOrder(t *testing.T) {
	v := open(t, ordinary(t), "server.lab.test", 1280, 800)
	checkOrder(t, browser.Eval[[]string](v.Visit, titles), "SYN:", "SYN-ACK", "ACK", "ClientHello", "ServerHello:", "Certificate: who the server", "ServerKeyExchange", "CertificateRequest",
		"ServerHelloDone", "Certificate: who the client", "ClientKeyExchange", "The pre-master secret", "The master secret", "The key block", "CertificateVerify",
		"ChangeCipherSpec", "Finished", "ChangeCipherSpec", "Finished", "The first data", "side by side")
	if got := browser.Eval[string](v.Visit, shownScreen); got != "The story of this handshake" {
		t.Errorf("the page opens with %q", got)
	}
	v = open(t, ordinary13(t), "server.lab.test", 1280, 800)
	checkOrder(t, browser.Eval[[]string](v.Visit, titles), "SYN:", "SYN-ACK", "ACK", "ClientHello", "ServerHello:", "The early secret", "The shared secret", "The handshake secret", "The client's handshake",
		"EncryptedExtensions", "CertificateRequest", "Certificate: who the server", "CertificateVerify: the server", "Finished", "The main secret",
		"Certificate: who the client", "CertificateVerify: the client", "Finished", "The first data", "side by side")
}

// checkOrder checks that texts begin or end so, in this order, whatever stands between.
func checkOrder(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, text := range got {
		if len(want) > 0 && (strings.HasPrefix(text, want[0]) || strings.HasSuffix(text, want[0])) {
			want = want[1:]
		}
	}
	if len(want) > 0 {
		t.Errorf("no %q in its place: %q", want[0], got)
	}
}

// One goes on, back to the screen before, and back to where one came from: by keys, by
// buttons and by swipes.
func TestTheStoryIsTurnedByKeysButtonsAndSwipes(t *testing.T) {
	both(t, func(t *testing.T, tr *transcript.Transcript) {
		v := open(t, tr, "server.lab.test", 390, 844)
		names := browser.Eval[[]string](v.Visit, titles)
		at := func(how string, want int) {
			t.Helper()
			if got := browser.Eval[string](v.Visit, shownScreen); got != names[want] {
				t.Errorf("%s: %q, expected %q", how, got, names[want])
			}
		}
		button := func(by string) {
			browser.Eval[bool](v.Visit, `document.querySelector('#turn [data-by="`+by+`"]').click(), true`)
		}
		swipe := func(from, to int) {
			browser.Eval[bool](v.Visit, fmt.Sprintf(`(() => {
				const e = document.querySelector(".screen:not([hidden]) h2"), touch = (x) => new Touch({identifier: 1, target: e, clientX: x, clientY: 300});
				e.dispatchEvent(new TouchEvent("touchstart", {bubbles: true, touches: [touch(%d)], changedTouches: [touch(%d)]}));
				e.dispatchEvent(new TouchEvent("touchend", {bubbles: true, touches: [], changedTouches: [touch(%d)]}));
				return true;
			})()`, from, from, to))
		}
		button("1")
		at("the button", 1)
		v.Do(chromedp.KeyEvent(kb.ArrowRight))
		at("the key", 2)
		swipe(300, 100)
		at("a swipe", 3)
		swipe(300, 290)
		at("a touch that is no swipe", 3)
		swipe(100, 300)
		at("a swipe back", 2)
		v.Do(chromedp.KeyEvent(kb.ArrowLeft))
		at("the key back", 1)
		button("-1")
		at("the button back", 0)
		browser.Eval[bool](v.Visit, `document.querySelector('[data-turn="9"]').click(), true`)
		at("a link of the contents", 10)
		button("back")
		at("back to the contents", 0)
		for range names {
			button("1")
		}
		at("the end", len(names)-1)
		v.Do(chromedp.KeyEvent("c"))
		at("back by key", len(names)-2)
	})
}

// Each screen says what it is about; what came over the wire is shown by the ladder
// beside it, and its bytes are one step away.
func TestEveryScreenSaysSomething(t *testing.T) {
	both(t, func(t *testing.T, tr *transcript.Transcript) {
		v := open(t, tr, "server.lab.test", 1280, 800)
		for _, s := range browser.Eval[[]string](v.Visit, `[...document.querySelectorAll(".screen")].filter((e) => e.querySelectorAll("p").length < 2 && !e.querySelector("table, ol")).map((e) => e.textContent)`) {
			t.Errorf("says nothing: %s", s)
		}
		for i := range browser.Eval[int](v.Visit, `document.querySelectorAll(".screen").length`) {
			said := browser.Eval[string](v.Visit, fmt.Sprintf(`(() => {
				document.querySelectorAll("[data-turn]")[Math.max(0, %d - 1)].click();
				const e = document.querySelector(".screen:not([hidden])"), step = e.dataset.step;
				if (step < 0) return "";
				const chosen = document.querySelector(".step[aria-selected=true]").dataset.step;
				if (chosen !== step) return "the ladder shows " + chosen + ", the story " + step;
				const bytes = e.querySelector("[data-bytes]");
				if (!bytes) return e.querySelector(".keys") ? "" : "there is no way to its bytes";
				bytes.click();
				if (!document.getElementById("panel-bytes").checkVisibility() || !document.querySelector("#hex b")) return "there are no bytes of " + step;
				document.getElementById("tab-story").click();
				return "";
			})()`, i))
			if said != "" {
				t.Errorf("screen %d: %s", i, said)
			}
		}
		if n := browser.Eval[int](v.Visit, `[...document.querySelectorAll(".screen.asks")].filter((e) => e.querySelector(".ask").textContent && !e.querySelector(".answer").textContent).length`); n != 0 {
			t.Errorf("%d questions have no answer", n)
		}
	})
}

// What the page says to run gives what stands above it.
func TestTheCommandsOnThePageGiveItsValues(t *testing.T) {
	both(t, func(t *testing.T, tr *transcript.Transcript) {
		page := string(render(t, tr))
		_, page, _ = strings.Cut(page, `id="panel-story"`)
		page, _, _ = strings.Cut(page, `id="panel-bytes"`)
		run := 0
		for part := range strings.SplitSeq(page, "<dt>") {
			_, value, hasValue := strings.Cut(part, "</dt><dd>")
			value, rest, _ := strings.Cut(value, "</dd>")
			_, command, hasCommand := strings.Cut(rest, "<code>")
			command, _, _ = strings.Cut(command, "</code>")
			if !hasValue || !hasCommand {
				continue
			}
			run++
			out, err := exec.Command("bash", "-c", html.UnescapeString(command)).Output()
			if got := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(string(out), ":", "")), "")); err != nil || got != value {
				t.Errorf("%.300s\ngives %s, %v, and the page says %s", command, got, err, value)
			}
		}
		if run < 12 {
			t.Errorf("%d commands", run)
		}
	})
}

// On a phone the story comes before the ladder, is as wide as the screen, and breaks no
// word; its buttons are large enough for a thumb.
func TestTheStoryFitsAPhone(t *testing.T) {
	both(t, func(t *testing.T, tr *transcript.Transcript) {
		for _, width := range []int64{320, 360, 412} {
			v := open(t, tr, "server.lab.test", width, 740)
			if got := browser.Eval[string](v.Visit, `[document.getElementById("detail").getBoundingClientRect().top < document.getElementById("ladder").getBoundingClientRect().top,
				...[...document.querySelectorAll("#turn button")].map((b) => b.getBoundingClientRect().height >= 44)].join()`); got != "true,true,true,true" {
				t.Errorf("%d wide: story first, buttons large enough: %s", width, got)
			}
			for i := range browser.Eval[int](v.Visit, `document.querySelectorAll(".screen").length`) {
				browser.Eval[bool](v.Visit, `for (const e of document.querySelectorAll(".screen:not([hidden]) details")) e.open = true; true`)
				if got := browser.Eval[string](v.Visit, brokenWords); got != "" {
					t.Errorf("%d wide, screen %d: %s", width, i, got)
				}
				if w := browser.Eval[int64](v.Visit, `document.documentElement.scrollWidth`); w > width {
					t.Errorf("%d wide, screen %d is %d wide", width, i, w)
				}
				browser.Eval[bool](v.Visit, `document.querySelector('#turn [data-by="1"]').click(), true`)
			}
		}
	})
}

// The worksheet asks and leaves room; with answers it answers.
func TestTheWorksheetIsPrintedWithAnswersOrWithout(t *testing.T) {
	const choose = `document.querySelector("[name=paper-what][value=worksheet]").checked = true`
	const count = `[document.querySelectorAll(".worksheet li").length >= 10, document.querySelectorAll(".worksheet .room").length === 4 * document.querySelectorAll(".worksheet li").length,
		document.querySelectorAll(".worksheet .words").length, document.getElementById("panel-keys").checkVisibility(), document.querySelectorAll("#paper section").length].join()`
	v := onPaper(t, choose)
	if got := browser.Eval[string](v.Visit, count); got != "true,true,0,false,0" {
		t.Errorf("without answers: questions, room, answers, keys, packets: %s", got)
	}
	v = onPaper(t, choose+`; document.getElementById("paper-answers").checked = true`)
	if got := browser.Eval[string](v.Visit, `[document.querySelectorAll(".worksheet .room").length, document.querySelectorAll(".worksheet .words").length === document.querySelectorAll(".worksheet li").length,
		[...document.querySelectorAll(".worksheet .words")].every((e) => e.textContent.length > 20)].join()`); got != "0,true,true" {
		t.Errorf("with answers: room, answers, each says something: %s", got)
	}
}

// The screenshots in docs/img are of this page: at three widths, light and dark, and the
// worksheet on paper.
func TestScreenshotsOfTheStory(t *testing.T) {
	for _, s := range []struct {
		name          string
		width, height int64
		screen        int
	}{{"phone", 390, 844, 4}, {"tablet", 820, 1180, 5}, {"desktop", 1280, 800, 8}} {
		for _, scheme := range []string{"light", "dark"} {
			v := open(t, ordinary13(t), "server.lab.test", s.width, s.height)
			v.In(scheme, "")
			browser.Eval[bool](v.Visit, fmt.Sprintf(`document.querySelectorAll("[data-turn]")[%d].click(), scrollTo(0, 0), true`, s.screen))
			v.Screenshot("../../../docs/img/story-"+s.name+"-"+scheme+".png", *update)
		}
	}
	v := onPaper(t, `document.querySelector("[name=paper-what][value=worksheet]").checked = true`)
	v.Screenshot("../../../docs/img/story-worksheet.png", *update)
}
