package web_test

import (
	"net/url"
	"strings"
	"testing"
)

// A key is shown for other programs in every form they may want, and each form is the same key.
func TestAKeyIsShownInEveryForm(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	k := h.devices[0].Keys[0]
	path := "/devices/cold_a/key?xpub=" + url.QueryEscape(k.XPub) + "&script=" + k.ScriptType
	a := c.get(path).want(200)
	if got := a.one("key-text"); got != k.Expression() {
		t.Errorf("shows %s, want %s", got, k.Expression())
	}
	if !strings.Contains(a.body, "<svg") {
		t.Error("there is no code to scan")
	}
	if got := c.get(path + "&form=plain").want(200).one("key-text"); got != k.XPub {
		t.Errorf("alone it is %s", got)
	}
	old := c.get(path + "&form=slip132").want(200).one("key-text")
	if old == k.XPub || !strings.HasPrefix(old, "Vpub") {
		t.Errorf("with its purpose a key for %q is %s, want Vpub…", k.ScriptType, old)
	}
	c.get("/devices/cold_a/key?xpub=none").want(404)
	c.get("/devices/nobody/key?xpub=" + k.XPub).want(404)
	if !strings.Contains(c.get("/devices/cold_a").want(200).body, "/devices/cold_a/key?xpub=") {
		t.Error("no way leads there from the device's page")
	}
}
