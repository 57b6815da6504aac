package web_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"specter/internal/web"
)

// attribute finds the data of the first element with a data-test.
func (a answer) attribute(test, name string) string {
	a.t.Helper()
	value, found := "", false
	walk(a.doc, func(n *html.Node) {
		if !found && attr(n, "data-test") == test {
			value, found = attr(n, name), true
		}
	})
	if !found {
		a.t.Fatalf("%s has no %s", a.path, test)
	}
	return value
}

// Pages offer the cable exactly where a device has one, and tell its dialog what it must know.
func TestTheCableIsOfferedWhereADeviceHasOne(t *testing.T) {
	_, c := withUSB(t, nil)
	draft := c.get("/wallets/family_vault/drafts/7").want(200)
	for name, want := range map[string]string{"data-type": "coldcard", "data-prints": "73c5da0a", "data-wallet": "Family Vault", "data-post": "/wallets/family_vault/drafts/7/signatures", "data-registers": "yes", "data-known": ""} {
		if got := draft.attribute("usb-sign", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for path, test := range map[string]string{
		"/devices/cold_a": "usb-keys", "/new-device/ledger": "usb-keys", "/new-device/other": "usb-keys", "/wallets/family_vault/receive": "usb-show", "/devices/trezor_b": "usb-toggle", "/wallets/family_vault/register": "usb-register",
	} {
		a := c.get(path).want(200)
		a.attribute(test, "data-usb")
		if a.attribute("usb-dialog", "data-chain") != "regtest" || a.attribute("usb-dialog", "data-coin") != "1" || a.attribute("usb-dialog", "data-bridge") != "/hwi/api/" {
			t.Errorf("%s: the dialog does not know where it is", path)
		}
	}
	for _, path := range []string{"/new-device/seedsigner", "/devices/red_key", "/new-device/keystone"} {
		if a := c.get(path).want(200); len(a.all("usb-keys")) != 0 || len(a.all("usb-dialog")) != 0 {
			t.Errorf("%s offers a cable that the device has not", path)
		}
	}
	for _, path := range []string{"/devices/cold_a", "/wallets/family_vault/drafts/7", "/wallets/family_vault/receive"} {
		if a := openWith(t, newHouse(""), func(c *web.Config) { c.Bridge = nil }).get(path).want(200); len(a.all("usb-dialog")) != 0 {
			t.Errorf("%s offers a cable where the program has no bridge", path)
		}
	}
}

// A registration is kept, told to the dialog, and forgotten again; nonsense is refused.
func TestARegistrationIsKeptAndForgotten(t *testing.T) {
	_, c := withUSB(t, nil)
	keep := func(change url.Values) url.Values {
		form := url.Values{"action": {"keep"}, "fingerprint": {"73c5da0a"}, "kind": {"coldcard"}, "name": {"Vault"}, "id": {""}, "proof": {"0a0b"}}
		for k, v := range change {
			form[k] = v
		}
		return form
	}
	for name, change := range map[string]url.Values{
		"no fingerprint": {"fingerprint": {"nonsense"}}, "a stranger's": {"fingerprint": {"01020304"}}, "a broken proof": {"proof": {"0x"}}, "a broken id": {"id": {"z"}}, "no action": {"action": {""}},
	} {
		if a := c.post("/wallets/family_vault/registrations", keep(change)); a.status != 422 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	c.post("/wallets/nobodys/registrations", keep(nil)).want(404)
	c.post("/wallets/family_vault/registrations", keep(nil)).want(204)
	if a := c.get("/wallets/family_vault/drafts/7").want(200); a.attribute("usb-sign", "data-known") != "Vault" || a.attribute("usb-sign", "data-proof") != "0a0b" {
		t.Error("the dialog is not told what is kept")
	}
	c.get("/wallets/family_vault/register").want(200).says("usb-device", "knows this wallet as Vault")
	a := c.post("/wallets/family_vault/registrations", url.Values{"action": {"forget"}, "fingerprint": {"73c5da0a"}, "kind": {"coldcard"}, "next": {"/wallets/family_vault/register"}}).want(200)
	a.says("flash", "Forgotten")
	if len(c.h.told["family_vault"]) != 0 {
		t.Errorf("still kept: %v", c.h.told)
	}
}

// A page that asks the user's own bridge may reach just that one, also with the dialog on it.
func TestTheDialogReachesTheChosenBridgeAlone(t *testing.T) {
	_, c := withUSB(t, nil)
	c.post("/settings/usb", url.Values{"kind": {"own"}, "url": {"http://127.0.0.1:9999"}}).want(200)
	a := c.get("/wallets/family_vault/receive").want(200)
	if got := a.header.Get("Content-Security-Policy"); !strings.Contains(got, "connect-src 'self' http://127.0.0.1:9999;") {
		t.Errorf("policy %s", got)
	}
	if a.attribute("usb-dialog", "data-bridge") != "http://127.0.0.1:9999/hwi/api/" || a.attribute("usb-dialog", "data-forwarded") != "yes" {
		t.Error("the dialog does not know the bridge")
	}
}

// Modules name each other as they are served, so that a changed one is fetched anew with all that
// import it.
func TestModulesImportEachOtherByTheirHashedNames(t *testing.T) {
	_, c := withUSB(t, nil)
	body := c.get("/devices/cold_a").want(200).body
	src := regexp.MustCompile(`/static/js/usb\.[0-9a-f]{12}\.js`).FindString(body)
	seen := map[string]bool{}
	var follow func(path string)
	follow = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		for _, m := range regexp.MustCompile(`from "\./([^"]+)"`).FindAllStringSubmatch(c.get(path).want(200).body, -1) {
			if !regexp.MustCompile(`^[a-z-]+\.[0-9a-f]{12}\.js$`).MatchString(m[1]) {
				t.Errorf("%s imports %s", path, m[1])
			}
			follow("/static/js/" + m[1])
		}
	}
	follow(src)
	if len(seen) != 3 {
		t.Errorf("modules: %v", seen)
	}
}
