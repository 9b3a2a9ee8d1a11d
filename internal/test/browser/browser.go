// Package browser opens a page in Chromium, for tests of the pages that the
// program writes.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Visit is a page, open in a browser. Whatever the browser complains of, and
// whatever it asks for but the file, fails the test.
type Visit struct {
	Ctx context.Context // of its tab
	T   *testing.T

	mu       sync.Mutex
	trouble  []string
	requests []string
}

// Open opens a page of ours, in a window of a size; one that is narrower than
// 500 is a phone.
func Open(t *testing.T, html []byte, width, height int64) *Visit {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		Missing(t, "chromium")
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, html, 0o600); err != nil {
		t.Fatal(err)
	}
	started, err := theBrowser(browser)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(started) // a tab
	t.Cleanup(cancel)
	v := &Visit{T: t, Ctx: ctx}
	if err := chromedp.Listen(ctx, v.notice); err != nil {
		t.Fatal(err)
	}
	Enable(v, network.Enable, network.EnableParams{})
	Enable(v, log.Enable, cdp.Empty{})
	Enable(v, runtime.Enable, cdp.Empty{})
	Enable(v, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500})
	url := "file://" + file
	v.Do(chromedp.Navigate(url))
	t.Cleanup(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, s := range v.trouble {
			t.Errorf("the browser complains: %s", s)
		}
		for _, r := range v.requests {
			if r != url && !strings.HasPrefix(r, "data:") {
				t.Errorf("the page asks for %s", r)
			}
		}
	})
	return v
}

// In shows the page as it is in a colour scheme, light or dark, and on a medium,
// screen or print.
func (v *Visit) In(scheme, medium string) {
	v.T.Helper()
	Enable(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// Screenshot takes a picture, and keeps it in a file if that is wanted.
func (v *Visit) Screenshot(path string, keep bool) {
	v.T.Helper()
	png, err := chromedp.Run(v.Ctx, chromedp.CaptureScreenshot())
	if err != nil {
		v.T.Fatal(err)
	}
	const least = 15 << 10
	if len(png) < least {
		v.T.Errorf("%s takes %d bytes: nothing is on it", path, len(png))
	}
	if keep {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			v.T.Fatal(err)
		}
		if err := os.WriteFile(path, png, 0o644); err != nil {
			v.T.Fatal(err)
		}
	}
}

// Missing skips a test for want of a program, but never where the gate runs.
func Missing(t *testing.T, program string) {
	t.Helper()
	text := program + " is not installed: scripts/setup.sh installs it"
	if os.Getenv("CI") != "" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// browsers has the one browser that all tests share, and what ends it.
var browsers struct {
	sync.Once
	ctx context.Context
	err error
	end []func()
}

func theBrowser(path string) (context.Context, error) {
	b := &browsers
	b.Do(func() {
		var dir string
		if dir, b.err = os.MkdirTemp("", "rawshake-browser-"); b.err != nil {
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU,
			chromedp.NoSandbox, chromedp.UserDataDir(dir), chromedp.WSURLReadTimeout(time.Minute),
			chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-color-profile", "srgb"))
		allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, endContext := chromedp.NewContext(allocator)
		b.end = []func(){endContext, endAllocator, func() { os.RemoveAll(dir) }}
		b.ctx, b.err = ctx, chromedp.Do(ctx)
	})
	return b.ctx, b.err
}

// End ends the browser, after the last test of a package.
func End() {
	for _, end := range browsers.end {
		end()
	}
}

func (v *Visit) notice(ev any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		v.requests = append(v.requests, ev.Request.URL)
	case *runtime.EventConsoleAPICalled:
		v.trouble = append(v.trouble, fmt.Sprintf("console.%s", ev.Type))
	case *runtime.EventExceptionThrown:
		v.trouble = append(v.trouble, ev.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		v.trouble = append(v.trouble, ev.Entry.Text)
	}
}

// patience bounds each thing that the browser is asked for.
const patience = 2 * time.Minute

// Enable sends a command that has no answer worth reading.
func Enable[P, R any](v *Visit, command cdp.Command[P, R], params P) {
	v.T.Helper()
	if _, err := chromedp.Call(v.Ctx, command, params); err != nil {
		v.T.Fatal(err)
	}
}

// Do has the browser do something.
func (v *Visit) Do(actions ...chromedp.Action[chromedp.Void]) {
	v.T.Helper()
	ctx, cancel := context.WithTimeout(v.Ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		v.T.Fatal(err)
	}
}

// Eval runs a script of ours in the page.
func Eval[T any](v *Visit, script string) T {
	v.T.Helper()
	ctx, cancel := context.WithTimeout(v.Ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		v.T.Fatal(err)
	}
	return result
}
