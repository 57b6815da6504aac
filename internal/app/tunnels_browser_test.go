package app

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A browser behind nginx, below /specter/ and over TLS: it logs in, looks around, follows events,
// and the owner's page shows the tunnel by which it came.
func TestABrowserBelowAPathThroughTheTunnel(t *testing.T) {
	v := newVPS(t)
	h := v.tunnelled(Config{}, v.Port)
	v.up(v.visitor(), v.secure()+"/specter")
	u, err := url.Parse(v.secure())
	if err != nil {
		t.Fatal(err)
	}
	b := openTab(t, v.secure()+"/specter", 390, 844, chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("host-resolver-rules", "MAP vps.test "+v.address))
	inside := `location.pathname.startsWith("/specter/") && location.host === "` + u.Host + `"`
	b.visit("/")
	b.set("#username", "admin")
	b.set("#password", "correct horse battery")
	b.submit("[data-test=login]")
	b.until("still below the path", inside)
	for _, path := range []string{"/overview", "/nodes", "/new-device", "/settings", "/settings/remote"} {
		b.visit(path)
		b.until(path+" is whole", inside+` && performance.getEntriesByType("resource").every(e => new URL(e.name).pathname.startsWith("/specter/")) &&
			getComputedStyle(document.body).fontFamily !== "" && [...document.styleSheets].length > 0`)
	}
	b.run("follow events", `const e = new EventSource(document.body.dataset.events); e.onopen = () => { window.followed = true; e.close() }`)
	b.until("events come", `window.followed === true`)
	b.until("the tunnel is shown", `document.querySelector("[data-test=tunnel-state]").innerText.includes("up") && document.querySelector("[data-test=tunnel-line]").value.startsWith("restrict,port-forwarding")`)
	b.until("no page is wider than the phone", `document.documentElement.scrollWidth <= innerWidth`)
	b.run("the tunnels", `document.querySelector("#tunnels-title").scrollIntoView()`)
	b.shot("tunnels")
	list, err := h.tunnels.Tunnels(t.Context())
	if err != nil || len(list) != 1 || !strings.HasPrefix(list[0].Fingerprint, "SHA256:") {
		t.Errorf("%+v, %v", list, err)
	}
	b.submit("[data-test=tunnel-retry]")
	b.until("still below the path after a button", inside)
}
