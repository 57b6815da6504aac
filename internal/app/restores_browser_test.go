package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"specter/internal/testkit"
)

// sends puts a file into a field, as a person does with the browser's dialog; it needs no script.
func (b *tab) sends(selector, path string) {
	b.t.Helper()
	b.do("choose "+path, chromedp.SetUploadFiles(selector, []string{path}))
}

// scripts switches the pages' scripts off or on.
func (b *tab) scripts(on bool) {
	b.t.Helper()
	b.do("scripts", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}

// clicks presses and types as a person does, with no script in the page.
func (b *tab) clicks(selector string) {
	b.t.Helper()
	b.do("press "+selector, chromedp.Click(selector))
}

// From the first start to wallets with their labels in a real browser, with scripts and without:
// the printed link, "I have a backup", the file, the difference, the decision, the login.
func TestARestoreInABrowser(t *testing.T) {
	_, file := storyBackup(t)
	for _, script := range []bool{true, false} {
		name := map[bool]string{true: "with scripts", false: "without scripts"}[script]
		t.Run(name, func(t *testing.T) {
			out := &paper{}
			h := openTurning(t, Config{Out: out})
			link := mustURL(t, out.link(t))
			b := openTab(t, h.URL(), 1280, 900)
			b.scripts(script)
			b.visit("/setup?" + link.RawQuery)
			b.shows("Or bring along what you have")
			if ran := b.number(`window.htmx ? 1 : 0`) == 1; ran != script {
				t.Fatalf("the page's scripts ran: %v", ran)
			}
			b.clicks("[data-test=have-backup]")
			b.shows("Which backup")
			b.sends("#file", file)
			b.do("type", chromedp.SendKeys("#secret-text", "not this one"))
			b.clicks("[data-test=restore-look]")
			b.shows("does not open the backup")
			b.shows(filepath.Base(file))
			b.do("type", chromedp.SendKeys("#secret-text", backupLock.Passphrase))
			b.clicks("[data-test=restore-look]")
			b.shows("What would change")
			b.shows("the owner is admin")
			b.clicks("[data-test=restore-take]")
			b.shows("The restore is done") // the browser came back by itself
			h.after()
			b.do("log in", chromedp.SendKeys("#username", "admin"), chromedp.SendKeys("#password", ownersWord))
			b.clicks("[data-test=login]")
			b.shows("Savings 2 of 3")
			b.do("to the history", chromedp.Navigate(b.base+"/wallets/savings_2_of_3/history"))
			b.shows("Sold the bicycle")
		})
	}
}

// shows waits until the page's tree holds a text; it asks the browser and not the page.
func (b *tab) shows(what string) {
	b.t.Helper()
	eventually(b.t, "the text "+what, func() (bool, string) {
		ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
		defer cancel()
		text, err := chromedp.Run(ctx, chromedp.OuterHTML("html"))
		if err != nil {
			return false, err.Error() // the page may be on its way
		}
		return strings.Contains(text, what), text[:min(len(text), 3000)]
	})
}

// doorPages are the pages of those who are not logged in, one after the other, and what comes of
// restores: each is shown and handed to look.
func doorPages(t *testing.T, b *tab, look func(name string)) {
	t.Helper()
	_, file := storyBackup(t)
	out := &paper{}
	fresh := openTurning(t, Config{Out: out})
	at := func(h *house, path string) {
		b.base = strings.TrimSuffix(h.URL(), "/")
		b.visit(path)
	}
	query := mustURL(t, out.link(t)).RawQuery
	at(fresh.house, "/")
	look("first start without the link")
	at(fresh.house, "/setup?"+query)
	look("first start")
	at(fresh.house, "/setup?then=import&"+query)
	look("first start with an old Specter")
	at(fresh.house, "/setup/restore?"+query)
	look("restore at the first start")
	b.sends("#file", file)
	b.set("#secret-text", "not this one")
	b.submit("[data-test=restore-look]")
	look("restore refused")
	b.set("#secret-text", backupLock.Passphrase)
	b.submit("[data-test=restore-look]")
	b.until("the difference", `document.querySelector("[data-test=restore-found]")`)
	look("what a restore would change at the first start")

	dir, mine := storyBackup(t)
	full := openTurning(t, Config{Demo: &Demo{}, DataDir: dir})
	if err := full.wallets.Rename(context.Background(), walletRef("spending"), "Renamed since"); err != nil {
		t.Fatal(err)
	}
	at(full.house, "/auth/login")
	b.set("#username", "admin")
	b.set("#password", ownersWord)
	b.submit("[data-test=login]")
	at(full.house, "/settings/backups")
	look("backups")
	at(full.house, "/settings/backups/restore")
	look("restore")
	b.sends("#file", mine)
	b.set("#secret-text", backupLock.Passphrase)
	b.submit("[data-test=restore-look]")
	b.run("open boxes", openBoxes)
	look("what a restore would change")
	full.restores.DropBackup()
	zip := filepath.Join(t.TempDir(), "specter-backup.zip")
	if err := os.WriteFile(zip, []byte("PK\x03\x04 old"), 0o600); err != nil {
		t.Fatal(err)
	}
	at(full.house, "/settings/backups/restore")
	b.sends("#file", zip)
	b.set("#secret-text", "x")
	b.submit("[data-test=restore-look]")
	look("a backup of the original")
	b.sends("#file", mine)
	b.set("#secret-text", backupLock.Passphrase)
	b.submit("[data-test=restore-look]")
	b.set("#current", ownersWord)
	b.submit("[data-test=restore-take]")
	b.run("stay on the page that would go on by itself", `window.stop()`)
	look("restoring")
	full.after()
	at(full.house, "/auth/login?restored=yes")
	look("login after a restore")
	b.set("#username", "admin")
	b.set("#password", ownersWord)
	b.submit("[data-test=login]")
	at(full.house, "/settings/backups/restore")
	look("restore with something set aside")
	b.submit("[data-test=look-back]")
	b.run("open boxes", openBoxes)
	look("what was before")

	a, stop := openLocked(t, Config{DataDir: lockedFolder(t)})
	defer stop()
	at(&house{App: a}, "/")
	look("locked")
	b.set("#password", "wrong wrong wrong")
	b.set("#username", "admin")
	b.submit("[data-test=unlock]")
	look("locked, refused")

	empty := owned(t, Config{})
	at(empty, "/auth/login")
	b.set("#username", "admin")
	b.set("#password", ownersWord)
	b.submit("[data-test=login]")
	at(empty, "/welcome")
	look("an empty house")
}

// The pages before anybody is logged in, the locked one and those of restores are for everybody, at
// both widths, dark and light.
func TestThePagesAtTheDoorAreForEverybody(t *testing.T) {
	script := axeScript(t)
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves browser runs out")
	}
	b := openTab(t, "", 1280, 900)
	b.early(script)
	n := 0
	doorPages(t, b, func(name string) {
		n++
		b.judge(name)
		for _, width := range []int64{1280, 390} {
			for _, scheme := range []string{"dark", "light"} {
				if os.Getenv("SPECTER_SCREENSHOTS") == "" {
					continue
				}
				b.look(width, scheme)
				b.settle()
				b.whole(strings.ReplaceAll(name, " ", "-") + map[int64]string{1280: "-desk-", 390: "-phone-"}[width] + scheme)
			}
		}
		b.look(1280, "dark")
	})
	t.Logf("%d pages", n)
}

// In German too they push nothing out of the window.
func TestThePagesAtTheDoorFitInGerman(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves browser runs out")
	}
	b := openTab(t, "", 1280, 900, chromedp.Flag("accept-lang", "de"))
	doorPages(t, b, func(name string) {
		if lang := b.words(`document.documentElement.lang`); lang != "de" {
			t.Errorf("%s speaks %q", name, lang)
		}
		for _, width := range []int64{1280, 390} {
			b.look(width, "dark")
			if over := b.number(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
				t.Errorf("%s at %d px is %v px too wide", name, width, over)
			}
		}
		b.look(1280, "dark")
	})
}

// whole saves a picture of a whole page where SPECTER_SCREENSHOTS names a folder.
func (b *tab) whole(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(os.Getenv("SPECTER_SCREENSHOTS"), name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}
