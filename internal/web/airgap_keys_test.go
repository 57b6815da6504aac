package web_test

import (
	"net/url"
	"strings"
	"testing"
)

const mainKey = "[73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V"

func TestKeysThatDoNotFitAskForASecondLook(t *testing.T) {
	good := "[73c5da0a/48h/1h/0h/2h]" + testXPub
	for name, k := range map[string]struct{ path, keys, says string }{
		"two seeds":       {"/new-device/keystone", good + "\n" + secondKey(), "different seeds: 73c5da0a, "},
		"another seed":    {"/devices/cold_a/keys", secondKey(), "is not this device's (73c5da0a)"},
		"another network": {"/new-device/keystone", mainKey, "None of the keys is for regtest"},
		"no origin":       {"/new-device/keystone", testXPub, "without fingerprint and path"},
		"a bad line":      {"/new-device/keystone", good + "\nhello", ""},
	} {
		c := open(t, newHouse(""))
		form := url.Values{"name": {"New one"}, "keys": {k.keys}, "action": {"save"}}
		a := c.post(k.path, form).want(200)
		if a.path != k.path || len(a.all("parsed")) != 1 {
			t.Errorf("%s: leads to %s", name, a.path)
		}
		if k.says != "" {
			a.says("warning", k.says)
		}
		form.Set("action", "anyway")
		if a := c.post(k.path, form).want(200); !strings.HasPrefix(a.path, "/devices/") || strings.HasSuffix(a.path, "/keys") {
			t.Errorf("%s, anyway: leads to %s: %s", name, a.path, a.one("error"))
		}
	}
	c := open(t, newHouse(""))
	if a := c.post("/new-device/keystone", url.Values{"name": {"New one"}, "keys": {good}, "action": {"save"}}).want(200); a.path != "/devices/new_one" {
		t.Errorf("good keys lead to %s", a.path)
	}
}
