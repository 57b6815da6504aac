package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"specter/internal/testkit/chromium"
)

// attack is a page of another site that tries all that a browser lets it try against Specter
// and writes down what it got to see. %[1]s is Specter's address.
const attack = `<!doctype html><title>attack</title><body>
<iframe id="frame" src="%[1]s/overview"></iframe>
<iframe name="sink"></iframe>
<form id="plain" method="post" enctype="text/plain" target="sink" action="%[1]s/settings"><input name="hide-amounts" value="yes&x="></form>
<form id="form" method="post" target="sink" action="%[1]s/settings"><input name="hide-amounts" value="yes"></form>
<form id="multi" method="post" enctype="multipart/form-data" target="sink" action="%[1]s/settings"><input name="hide-amounts" value="yes"></form>
<form id="json" method="post" enctype="text/plain" target="sink" action="%[1]s/api/v1/labels"><input name='{"label":"' value='owned"}'></form>
<form id="delete" method="post" target="sink" action="%[1]s/wallets/savings_2_of_3/delete"><input name="name" value="Savings 2 of 3"></form>
<script>
const seen = [], target = "%[1]s";
async function see(what, work) {
	try { const got = await work(); if (got) seen.push(what + ": " + String(got).slice(0, 200)) } catch (e) {}
}
async function run() {
	for (const mode of ["cors", "no-cors"]) for (const path of ["/overview", "/wallets/savings_2_of_3", "/api/v1/wallets", "/events", "/static/nothing", "/healthz/liveness"])
		await see(mode + " GET " + path, async () => {
			const stop = new AbortController(); setTimeout(() => stop.abort(), 1500);
			return (await fetch(target + path, {mode, credentials: "include", signal: stop.signal})).text();
		});
	for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json"]) for (const method of ["POST", "PUT", "DELETE"])
		await see(method + " as " + type, async () => (await fetch(target + "/settings", {method, mode: method === "POST" && type !== "application/json" ? "no-cors" : "cors",
			credentials: "include", headers: {"Content-Type": type}, body: "hide-amounts=yes"})).text());
	navigator.sendBeacon(target + "/settings", new URLSearchParams({"hide-amounts": "yes"}));
	for (const id of ["plain", "form", "multi", "json", "delete"]) {
		document.getElementById(id).submit();
		await new Promise(done => setTimeout(done, 300));
	}
	await see("events", () => new Promise((done, no) => { const s = new EventSource(target + "/events", {withCredentials: true}); s.onopen = () => done("open"); s.onerror = () => { s.close(); no() } }));
	await see("script", () => new Promise((done, no) => { const s = document.createElement("script"); s.src = target + "/api/v1/openapi.json"; s.onload = () => done("loaded"); s.onerror = no; document.body.append(s) }));
	await see("frame", () => { const d = document.getElementById("frame").contentDocument; return d && d.body && d.body.innerText });
	await see("frame's title", () => document.getElementById("frame").contentWindow.document.title);
	await see("opened", async () => { const w = window.open(target + "/overview"); await new Promise(done => setTimeout(done, 800)); return w && w.document && w.document.body.innerText });
	window.result = seen;
}
run();
</script>`

// TestAnotherSiteCanNeitherReadNorChangeAnything opens a hostile page in a real browser beside a
// Specter that asks for no login (everything that comes from this computer is the owner), once
// on another port of the same machine and once under another name.
func TestAnotherSiteCanNeitherReadNorChangeAnything(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	specter := strings.TrimSuffix(h.URL(), "/")
	tried := 0
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tried++
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, attack, specter)
	}))
	defer evil.Close()
	port := mustURL(t, evil.URL).Port()
	before, err := h.wallets.List(ctx, demoOwner, walletRef("").Network)
	if err != nil || len(before) == 0 {
		t.Fatalf("the demo has no wallets: %v", err)
	}
	b := openTab(t, evil.URL, 1000, 700, chromedp.Flag("host-resolver-rules", "MAP evil.example 127.0.0.1"), chromedp.Flag("disable-popup-blocking", true))
	for _, site := range []string{"http://127.0.0.1:" + port, "http://localhost:" + port, "http://evil.example:" + port} {
		b.do("open "+site, chromium.Navigate(site+"/"))
		b.until("the attack from "+site, "window.result")
		seen, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string]("window.result"))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range seen {
			t.Errorf("%s got to see %s", site, s)
		}
	}
	if tried < 3 {
		t.Fatalf("the attack was loaded %d times", tried)
	}
	if v, err := h.db.Setting(ctx, demoOwner, "hide-amounts"); err != nil || v != "" {
		t.Errorf("another site changed a setting to %q (%v)", v, err)
	}
	after, err := h.wallets.List(ctx, demoOwner, walletRef("").Network)
	if err != nil || len(after) != len(before) {
		t.Errorf("%d wallets before, %d after (%v)", len(before), len(after), err)
	}
	rebound(t, h, b)
}

// rebound opens Specter itself under a foreign name that resolves to this machine: the browser
// believes it to be that site's own origin, so only the Host list stands between.
func rebound(t *testing.T, h *house, b *tab) {
	t.Helper()
	port := mustURL(t, h.URL()).Port()
	for _, path := range []string{"/overview", "/api/v1/wallets", "/wallets/savings_2_of_3", "/static/", "/healthz/liveness"} {
		b.do("rebound "+path, chromium.Navigate("http://evil.example:"+port+path))
		text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, "not one of Specter's") || strings.Contains(text, "Savings") {
			t.Errorf("under a foreign name %s says %q", path, text)
		}
	}
}

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
