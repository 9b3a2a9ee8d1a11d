package output

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/test/browser"
	"github.com/rawshake/rawshake/internal/test/golden"
	"github.com/rawshake/rawshake/internal/test/reports"
)

func TestMain(m *testing.M) {
	code := m.Run()
	browser.End()
	os.Exit(code)
}

func pageOf(t *testing.T, title, policy string) []byte {
	t.Helper()
	list, _ := allJudged(t, policy)
	var b bytes.Buffer
	if err := HTML(&b, title, list); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The page is as it was read and found right, says all that the table does, and
// has no place for a script.
func TestHTML(t *testing.T) {
	page := string(pageOf(t, "Servers of the lab", "rfc9325"))
	golden.Is(t, "page.html", page)
	for _, text := range []string{"old.example.org", "TLS 1.0 is accepted", "ssl_protocols TLSv1.2 TLSv1.3;", "SWEET32", "TLS_RSA_EXPORT_WITH_RC4_40_MD5", "could not be judged", "the connection was refused", "default-src &#39;none&#39;"} {
		if !strings.Contains(page, text) && !strings.Contains(page, strings.ReplaceAll(text, "&#39;", "'")) {
			t.Errorf("the page has no %q", text)
		}
	}
	if strings.Contains(page, "<script") || harmful(page) || strings.Contains(page, "http://") || strings.Contains(page, "url(") {
		t.Error("the page loads something, or has a script")
	}
}

// In a browser the page fits its window, in light and in the dark, on a phone,
// and on paper; nothing of what a server said runs.
func TestThePageIsReadable(t *testing.T) {
	page := pageOf(t, reports.Attack, "intermediate")
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
		for _, scheme := range []string{"light", "dark"} {
			v := browser.Open(t, page, size.width, size.height)
			v.In(scheme, "")
			if wide := browser.Eval[int](v, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
				t.Errorf("%s, %s: %d pixels stand out", size.name, scheme, wide)
			}
			if n := browser.Eval[int](v, `document.querySelectorAll("script, img, iframe, a[href^=javascript]").length`); n != 0 {
				t.Errorf("%s: %d elements of a server's", size.name, n)
			}
		}
	}
	v := browser.Open(t, page, 794, 1123)
	v.In("dark", "print")
	if got := browser.Eval[string](v, `[getComputedStyle(document.body).backgroundColor, document.documentElement.scrollWidth <= innerWidth].join()`); got != "rgb(255, 255, 255),true" {
		t.Errorf("on paper: %s", got)
	}
}
