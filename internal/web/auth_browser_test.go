package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"specter/internal/auth"
	"specter/internal/testkit/chromium"
	"specter/internal/wallet"
	"specter/internal/web"
)

// shots saves pictures at both widths where SPECTER_SCREENSHOTS names a folder.
func (b *browser) shots(name string) {
	b.t.Helper()
	dir := os.Getenv("SPECTER_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, width := range []int64{390, 1280} {
		b.run(chromedp.EmulateViewport(width, 900), chromedp.Sleep(300*time.Millisecond)) // the menu slides away
		png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(90))
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)), png, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// keys types on the keyboard, wherever the focus is.
func (b *browser) keys(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.run(chromedp.KeyEvent(text))
	}
}

// at waits until the browser shows a path.
func (b *browser) at(path string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`location.pathname === %q && document.readyState === "complete"`, path))
}

// focused waits until a field waits for the keyboard.
func (b *browser) focused(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.readyState === "complete" && document.activeElement && document.activeElement.matches(%q)`, selector))
}

// guarded browser: a gatehouse whose clock can be put forward.
func openGate(t *testing.T, method auth.Method) (*browser, *gatehouse, *atomic.Int64) {
	t.Helper()
	g, ahead := newGatehouse(method), &atomic.Int64{}
	g.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	b := openBrowserWith(t, func(c *web.Config) { c.Auth, c.Now, c.Demo = g, g.now, nil })
	return b, g, ahead
}

// The newcomer's story with the keyboard alone: first start, a token, and logging out and in.
func TestFromTheFirstStartToATokenByKeyboard(t *testing.T) {
	b, g, _ := openGate(t, auth.MethodUnset)
	b.run(chromium.Navigate(b.base + "/overview"))
	b.until(`document.querySelector("[data-test=first-start]")`)
	b.shots("first-start")
	b.run(chromium.Navigate(b.base + "/setup?secret=setup-secret"))
	b.focused("#password")
	b.shots("setup")
	b.keys("long enough", kb.Tab, "long enough", kb.Enter)
	b.at("/welcome")
	b.quiet("setup")

	b.run(chromedp.Focus(`.user-menu > summary`))
	b.keys(kb.Enter)
	b.until(`document.querySelector(".user-menu").open`)
	b.shots("user-menu")
	b.keys(kb.Escape)
	b.until(`!document.querySelector(".user-menu").open`)

	b.run(chromium.Navigate(b.base+"/settings/tokens"), chromedp.Focus(`#description`))
	b.keys("watchtower", kb.Enter)
	b.until(`(document.querySelector("[data-test=token]")||{}).value === "secret.of.token-1"`)
	b.shots("token")
	b.quiet("token")
	b.change(func(*house) {
		if len(g.tokens) != 1 || g.tokens[0].Scope.May(auth.Write) {
			t.Errorf("made %+v", g.tokens)
		}
	})

	b.run(chromedp.Focus(`.user-menu > summary`))
	b.keys(kb.Enter, kb.Tab, kb.Tab, kb.Enter)
	b.at("/auth/login")
	b.focused("#username")
	b.shots("logged-out")
	b.keys("admin", kb.Tab, "wrong", kb.Enter)
	b.until(`document.querySelector("[data-test=error]")`)
	b.focused("#password")
	b.shots("login-refused")
	b.keys("long enough", kb.Enter)
	b.at("/overview")
	b.quiet("login")
}

// A signature is pasted, the login ends by itself meanwhile: nothing that was typed is lost.
func TestWhatWasTypedOutlivesTheLogin(t *testing.T) {
	b, g, ahead := openGate(t, auth.MethodUsers)
	const draft = "/wallets/family_vault/drafts/7"
	b.run(chromium.Navigate(b.base + draft))
	b.at("/auth/login")
	b.focused("#username")
	b.keys("admin", kb.Tab, "correct horse", kb.Enter)
	b.at(draft)
	b.run(chromedp.Focus(`#psbt`))
	b.keys("good")
	ahead.Store(int64(5 * time.Hour))
	b.js(`document.dispatchEvent(new Event("visibilitychange")); ""`) // the tab is looked at again
	b.until(`document.querySelector("[data-test=ended]")`)
	b.shots("ended")
	if got := b.js(`location.pathname + " " + document.querySelector("#psbt").value + " " + String(document.querySelector(".sidebar").hidden)`); got != draft+" good true" {
		t.Errorf("the page is left as %q", got)
	}
	if got := b.js(`document.body.innerText`); strings.Contains(got, "Cold A") || strings.Contains(got, "1.625") {
		t.Errorf("who finds the screen reads %q", got)
	}
	b.run(chromedp.Focus(`[data-test=add-signatures]`))
	b.keys(kb.Enter)
	b.at("/auth/login")
	b.shots("login-kept")
	b.change(func(h *house) {
		if h.drafts[7].State == wallet.Complete {
			t.Error("taken from who is not logged in")
		}
	})
	b.focused("#username")
	b.keys("admin", kb.Tab, "correct horse", kb.Enter)
	b.at("/auth/kept")
	b.shots("kept")
	b.run(chromedp.Focus(`[data-test=send-again]`))
	b.keys(kb.Enter)
	b.at(draft)
	b.change(func(h *house) {
		if h.drafts[7].State != wallet.Complete {
			t.Error("the signature is lost")
		}
	})
	b.quiet("kept")

	// with nothing typed the page goes to the login by itself, and back afterwards
	ahead.Store(int64(10 * time.Hour))
	b.js(`document.dispatchEvent(new Event("visibilitychange")); ""`)
	b.until(`location.pathname === "/auth/login" && location.search.includes("timeout=yes")`)
	b.focused("#username")
	b.keys("admin", kb.Tab, "correct horse", kb.Enter)
	b.at(draft)
	b.change(func(*house) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.sessions) != 1 {
			t.Errorf("%d sessions are left", len(g.sessions))
		}
	})
	b.quiet("after the end")
}

// The pages around the login fit a phone and a desk, dark and light, and run quietly.
func TestThePagesOfTheLoginFit(t *testing.T) {
	b, g, _ := openGate(t, auth.MethodUsers)
	g.invites["otp-1"] = auth.Invitation{ID: 1, Created: testTime}
	look := func(name, path string) {
		for _, width := range []int64{390, 1280} {
			b.run(chromedp.EmulateViewport(width, 900), chromium.Navigate(b.base+path))
			if over := b.js(`(() => { const w = document.documentElement; return w.scrollWidth <= w.clientWidth ? "" : w.scrollWidth + " px wide"; })()`); over != "" {
				t.Errorf("%s at %d px: %s", path, width, over)
			}
			b.quiet(path)
		}
		b.shots(name)
	}
	for _, m := range []auth.Method{auth.MethodPassword, auth.MethodRPC, auth.MethodUsers} {
		b.change(func(*house) {
			g.mu.Lock() // open streams ask now and then who reads them
			defer g.mu.Unlock()
			g.settings.Method = m
		})
		look("login-"+string(m), "/auth/login?next=/settings")
	}
	look("register", "/auth/register?otp=otp-1")
	look("register-dead", "/auth/register?otp=x")
	look("logout", "/auth/logout")
	b.run(chromium.Navigate(b.base+"/auth/login?next=/settings"), chromedp.SendKeys("#username", "admin"), chromedp.SendKeys("#password", "correct horse"+kb.Enter))
	b.at("/settings")
	b.change(func(*house) {
		g.enter("admin")
		for i := range 3 {
			g.note("bob", "token-made", fmt.Sprint("watchtower ", i))
		}
		g.note("", "login-refused", "page")
		g.tokens = []auth.Token{{ID: "a", UserID: "admin", Description: "watchtower", Created: testTime, Expires: time.Now().Add(20 * 24 * time.Hour), Scope: auth.Scope{Rights: []auth.Right{auth.Read, auth.Write}, Wallets: []int64{1}}}}
	})
	for name, path := range map[string]string{"general": "/settings", "auth": "/settings/auth", "account": "/settings/account", "tokens": "/settings/tokens",
		"users": "/settings/users", "user-delete": "/settings/users/bob/delete", "record": "/settings/record", "kept-nothing": "/auth/kept"} {
		look("settings-"+name, path)
	}
	b.change(func(h *house) { h.settings["admin/theme"] = "light" })
	look("light-account", "/settings/account")
	look("light-auth", "/settings/auth")
	b.change(func(h *house) { h.settings["admin/theme"] = "dark" })
	look("dark-account", "/settings/account")
	look("dark-tokens", "/settings/tokens")
}
