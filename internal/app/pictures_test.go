package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// most is how many bytes a picture for the documents may have.
const most = 60_000

// TestPicturesForTheDocs makes the pictures of docs/screenshots, when SPECTER_PICTURES names that
// folder (`make pictures`). They show the demo's story, so they look the same each time but for dates.
func TestPicturesForTheDocs(t *testing.T) {
	dir := os.Getenv("SPECTER_PICTURES")
	if dir == "" {
		t.Skip("SKIPPED: set SPECTER_PICTURES to a folder, or run `make pictures`, to make the pictures of docs/screenshots")
	}
	h := newTour(t)
	b := openTab(t, h.URL(), 1280, 800)
	b.look(1280, "dark")
	b.visit("/auth/login")
	b.picture(dir, "login", 1280)
	b.logIn()
	w := "/wallets/savings_2_of_3"
	for name, path := range map[string]string{"overview": "/overview", "history": w + "/history", "coins": w + "/coins", "receive": w + "/receive", "draft": w + "/drafts/" + h.values["{id}"][0], "transaction": h.values["tx"][0], "settings": "/settings"} {
		b.visit(path)
		b.picture(dir, name, 1280)
	}
	b.visit(w + "/send")
	b.set("#address-0", strangers)
	b.set("#amount-0", "0.31")
	b.set("#label-0", "New roof")
	b.until("a preview", `document.querySelector("[data-test=preview-fee]")`)
	b.picture(dir, "send", 1280)
	b.visit("/overview")
	b.picture(dir, "phone-overview", 390)
	b.visit(w + "/receive")
	b.picture(dir, "phone-receive", 390)
	b.look(1280, "light")
	b.visit("/overview")
	b.picture(dir, "light", 1280)
}

// picture writes what the tab shows as a small WebP file.
func (b *tab) picture(dir, name string, width int64) {
	b.t.Helper()
	height := int64(800)
	if width < 500 {
		height = 844
	}
	b.do("size", chromedp.EmulateViewport(width, height))
	b.settle()
	b.do("take the picture "+name, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		quality := int64(70)
		shot, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality})
		if err != nil {
			return err
		}
		if len(shot.Data) > most {
			b.t.Errorf("%s has %d bytes, want %d at most", name, len(shot.Data), most)
		}
		return os.WriteFile(filepath.Join(dir, name+".webp"), shot.Data, 0o644) //nolint:gosec // pictures for everybody
	}))
}
