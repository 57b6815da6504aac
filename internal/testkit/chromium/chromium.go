// Package chromium starts a browser for tests. Tests alone import it.
package chromium

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"specter/internal/testkit"
)

// Life is how long a test may use its browser; it ends what hangs.
const Life = 15 * time.Minute

// Start starts a headless browser with a folder of its own, which ends with the test. Without
// one the test is skipped and says so.
func Start(t testing.TB, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(testkit.Patience),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	browser, stop := chromedp.NewContext(alloc)
	ctx, cancel := context.WithTimeout(browser, Life)
	t.Cleanup(func() { cancel(); stop(); stopAlloc() })
	if err := chromedp.Do(ctx); err != nil { // starts it; it lives as long as this context
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

// path finds the program, under any of its names.
func path(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return testkit.Tool(t, "chromium", "chromium to run the pages in it")
}

// changed is what Chromium says of a page that was on its way while any interface of the machine
// came, went or got an address: a container's or another test's, all the same.
const changed = "ERR_NETWORK_CHANGED"

// Navigate opens a page, and again where only a change of the machine's network came between.
func Navigate(url string) chromedp.Action[chromedp.Void] {
	open := chromedp.Navigate(url)
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		var err error
		for range 5 {
			if _, err = open(ctx, tab); err == nil || !strings.Contains(err.Error(), changed) {
				return err
			}
		}
		return err
	})
}

// True reports whether an expression of JavaScript is true on the page, and what the page says
// where it is not. A page that did not come because the machine's network changed is asked for
// again, whatever had opened it.
func True(ctx context.Context, expression string) (ok bool, page string) {
	ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
	if ok && err == nil {
		return true, ""
	}
	page, _ = chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + "\n" + (document.body ? document.body.innerText.slice(0, 1500) : "")`))
	if strings.Contains(page, changed) {
		_ = chromedp.Do(ctx, chromedp.Reload())
	}
	if err != nil { // the page may be on its way
		page = err.Error() + "\n" + page
	}
	return false, page
}
