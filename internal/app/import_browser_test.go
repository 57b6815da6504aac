package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"specter/internal/legacy/legacytest"
	"specter/internal/setting"
)

// sized makes the tab as wide as a screen or a telephone.
func (b *tab) sized(width, height int64) {
	b.t.Helper()
	b.do("size", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
		return err
	}))
}

// An old Specter is looked at and taken over in a real browser: the bar moves without a reload, one
// line stands for each problem, and nothing is wider than a telephone, by day and by night.
func TestAnOldSpecterIsTakenOverInABrowser(t *testing.T) {
	old := t.TempDir()
	oldFiles(t, old, map[string]any{"name": "Home", "host": "192.168.0.7", "port": "8332", "user": "joe", "password": "secret"})
	for name, text := range map[string]string{"otps.json": "{broken", "devices/cut.json": `{"name": "Cu`, "nodes/spectrum_node.json": `{"python_class": "cryptoadvance.specterext.spectrum.spectrum_node.SpectrumNode", "name": "Spectrum Node"}`,
		"devices/a_device_with_a_very_long_name_that_nobody_can_break_anywhere_at_all_on_a_telephone.json": `{"name": "ADeviceWithAVeryLongNameThatNobodyCanBreakAnywhereAtAllOnATelephoneOrElsewhere", "type": "other", "keys": []}`} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(old, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(old, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := open(t, Config{})
	openToAll(t, h)
	b := openTab(t, h.URL(), 1280, 900)
	pictures := func(name string) {
		for _, theme := range []string{"light", "dark"} {
			if _, err := h.settings.ChangeUser(context.Background(), "admin", func(u *setting.User) error { u.Theme = theme; return nil }); err != nil {
				t.Fatal(err)
			}
			for _, width := range []int64{1280, 390} {
				b.sized(width, 900)
				b.visit("/settings/import")
				b.until(name+" is not wider than the screen", `document.documentElement.scrollWidth <= innerWidth`)
				b.shot("import-" + name + "-" + theme + map[int64]string{1280: "", 390: "-phone"}[width])
			}
		}
		b.sized(1280, 900)
	}
	pictures("form")
	b.visit("/settings/import")
	b.set("#folder", "/no/such/folder")
	b.submit("[data-test=look]")
	b.sees("cannot be opened")
	b.set("#folder", old)
	b.submit("[data-test=look]")
	b.sees("This would come over") // without a reload by hand
	b.until("a line for each problem", `document.querySelectorAll("[data-test=problems] li").length === 3`)
	pictures("report")
	b.submit("[data-test=take]")
	b.sees("Taken over from")
	b.until("no second button", `!document.querySelector("[data-test=take]")`)

	large := t.TempDir()
	if err := legacytest.Large(large, 10, 300); err != nil {
		t.Fatal(err)
	}
	b.set("#folder", large)
	b.submit("[data-test=look]")
	b.until("the button", `document.querySelector("[data-test=take]")`)
	b.submit("[data-test=take]")
	b.run("a mark", `window.same = true`)
	b.until("the bar, on the same page", `window.same && (document.querySelector("#import-progress[value]") || document.querySelector("[data-test=report]"))`)
	b.shot("import-bar")
	b.until("the end, on the same page", `window.same && document.querySelector("[data-test=report]") && !document.querySelector("[data-test=running]")`)
	b.until("the way back", `document.querySelector("a[data-test=old-backup]").href.endsWith("/settings/specter-backup.zip")`)
}
