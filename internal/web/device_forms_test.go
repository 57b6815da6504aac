package web_test

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

const goodKey = "[73c5da0a/48h/1h/0h/2h]" + testXPub

func TestAddingADeviceNamesEachLineThatIsNoKey(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	mixed := url.Values{"name": {"New one"}, "keys": {goodKey + "\nthis is no key"}, "action": {"save"}}
	a := c.post("/new-device/coldcard", mixed).want(200)
	if len(a.all("problems")) != 1 || len(a.all("parsed")) != 1 || !strings.Contains(a.one("problems"), "2") {
		t.Fatalf("problems: %q, understood: %q", a.one("problems"), a.one("parsed"))
	}
	if got := a.fields("/new-device/coldcard"); got.Get("keys") != mixed.Get("keys") || got.Get("name") != "New one" {
		t.Errorf("comes back as %v", got)
	}
	if len(h.devices) != 3 {
		t.Fatal("stored with lines in doubt")
	}
	mixed.Set("action", "anyway")
	if a := c.post("/new-device/coldcard", mixed).want(200); a.path != "/devices/new_one" || len(h.devices[3].Keys) != 1 || h.devices[3].Type != "coldcard" {
		t.Errorf("leads to %s with %d keys", a.path, len(h.devices[3].Keys))
	}
	c.post("/new-device/coldcard", url.Values{"name": {"x"}, "keys": {""}}).want(422).says("error", "at least one key")
	c.post("/new-device/coldcard", url.Values{"name": {"x"}, "keys": {"nonsense"}}).want(422)
	c.post("/new-device/coldcard", url.Values{"name": {"?"}, "keys": {goodKey}}).want(422).says("error", "name")
	c.upload("/new-device/coldcard", "file", map[string]string{"keys.txt": goodKey}).want(422).says("error", "name")
	c.post("/devices/trezor_b/keys", url.Values{"keys": {goodKey}, "action": {"save"}}).want(200).says("flash", "Keys added")
	if len(h.devices[1].Keys) != 3 {
		t.Errorf("%d keys", len(h.devices[1].Keys))
	}
}

func TestDevicesAreRenamedAndForgotten(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	c.post("/devices/trezor_b/rename", url.Values{"name": {"Cold A"}}).want(409).says("error", "already")
	c.post("/devices/trezor_b/rename", url.Values{"name": {"Travel"}}).want(200).says("flash", "new name")
	c.post("/devices/trezor_b/type", url.Values{"type": {"ledger"}}).want(200)
	c.post("/devices/cold_a/keys/delete", url.Values{"xpub": {testXPub}}).want(409).says("error", "Family Vault")
	c.post("/devices/trezor_b/keys/delete", url.Values{"xpub": {testXPub}}).want(200)
	c.post("/devices/trezor_b/forget", nil).want(422).says("error", "ick the box")
	c.post("/devices/trezor_b/forget", url.Values{"sure": {"yes"}}).want(200).says("flash", "forgotten")
	if d := h.devices[1]; d.Name != "Travel" || d.Type != "ledger" || len(d.Keys) != 1 || d.Alias != "gone" {
		t.Errorf("the device is %+v", d)
	}
}

func TestASoftwareKeyIsMadeOnlyOfWordsThatWereWrittenDown(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	form := url.Values{"name": {"Pocket"}, "source": {"12"}, "password": {"pw"}, "password2": {"other"}}
	c.post("/new-device/hot", form).want(422).says("error", "passwords are not the same")
	form.Set("password2", "pw")
	a := c.post("/new-device/hot", form).want(200)
	var words []string
	walk(a.all("words")[0], func(n *html.Node) {
		if n.Data == "li" {
			words = append(words, text(n))
		}
	})
	if len(words) != 12 {
		t.Fatalf("%d words", len(words))
	}
	const confirm = "/new-device/hot/confirm"
	form = a.fields(confirm)
	if body := form.Encode(); strings.Contains(body, words[0]) && strings.Contains(body, words[1]) {
		t.Error("the words travel in the form")
	}
	a = c.post(confirm, form).want(200)
	if strings.Contains(a.body, strings.Join(words[:3], " ")) {
		t.Error("the question shows the words")
	}
	form = a.fields(confirm)
	form["word"] = []string{"wrong", "wrong", "wrong"}
	a = c.post(confirm, form).want(422).says("error", "is not right")
	form = a.fields(confirm)
	form["word"] = nil
	walk(a.doc, func(n *html.Node) {
		if at := attr(n, "data-at"); at != "" {
			form.Add("word", strings.ToUpper(words[must(at)]))
		}
	})
	if len(h.devices) != 3 {
		t.Fatal("made before the words were proved")
	}
	if a = c.post(confirm, form).want(200); a.path != "/devices/pocket" || h.labels["seed"] != strings.Join(words, " ")+"|pw" {
		t.Errorf("leads to %s", a.path)
	}
	if a = c.post(confirm, form).want(200); a.path != "/new-device/hot" || !strings.Contains(a.one("flash"), "forgotten") {
		t.Errorf("the same proof again leads to %s: %s", a.path, a.one("flash"))
	}
	own := url.Values{"name": {"Own"}, "source": {"own"}, "words": {"abandon abandon abandon"}}
	c.post("/new-device/hot", own).want(422)
	own.Set("words", "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	if a := c.post("/new-device/hot", own).want(200); a.path != "/devices/own" {
		t.Errorf("typed words lead to %s", a.path)
	}
}

func TestWalletFormRefusesKeysTheDeviceDoesNotHave(t *testing.T) {
	c := open(t, newHouse(""))
	form := url.Values{"name": {"X"}, "device": {"cold_a"}, "script": {"wpkh"}, "key-cold_a": {"[00000000]" + testXPub}}
	c.post("/new-wallet/single", form).want(422).says("error", "no such key")
	c.post("/new-wallet/single", url.Values{"name": {"X"}, "device": {"cold_a"}, "script": {"tr"}}).want(422).says("error", "no key of the kind")
	c.post("/new-wallet/multisig", url.Values{"name": {"X"}, "device": {"cold_a"}}).want(422).says("error", "hoose the devices")
}
