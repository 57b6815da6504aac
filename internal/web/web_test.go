package web_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"specter/internal/auth"
	"specter/internal/raced"
	"specter/internal/web"
)

// client is a browser without script: it keeps cookies and follows redirects.
type client struct {
	t    *testing.T
	base string
	http *http.Client
	h    *house
}

func open(t *testing.T, h *house) *client {
	t.Helper()
	return openWith(t, h, func(*web.Config) {})
}

func openWith(t *testing.T, h *house, change func(*web.Config)) *client {
	t.Helper()
	cfg := web.Config{Wallets: wallets{h}, Devices: devices{h}, Nodes: nodes{h}, Settings: h, Program: &steward{h: h}, Imports: oldOnes{}, Backups: &keeper{h: h}, Restores: newRestorer(h.poison), Onion: &torKeeper{h: h}, Doctor: examined, Bridge: &usbDesk{h: h}, Auth: newGatehouse(auth.MethodNone), Fees: fees{h}, Demo: h, Version: "1.0" + h.poison}
	change(&cfg)
	s, err := web.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(guard(s))
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, base: srv.URL, http: &http.Client{Jar: jar}, h: h}
}

// answer is a page as it came.
type answer struct {
	t      *testing.T
	status int
	path   string // after redirects
	header http.Header
	body   string
	doc    *html.Node
}

func (c *client) do(req *http.Request) answer {
	c.t.Helper()
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{c.t, resp.StatusCode, resp.Request.URL.RequestURI(), resp.Header, string(body), doc}
}

func (c *client) get(path string) answer {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodGet, c.base+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(req)
}

func (c *client) post(path string, form url.Values, headers ...string) answer {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return c.do(req)
}

// want fails the test unless the page came with this status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s answers %d, want %d: %s", a.path, a.status, status, a.one("message"))
	}
	return a
}

// all finds the elements with a data-test name.
func (a answer) all(name string) []*html.Node {
	var out []*html.Node
	walk(a.doc, func(n *html.Node) {
		if attr(n, "data-test") == name {
			out = append(out, n)
		}
	})
	return out
}

// one is the text of the first element with a data-test name; "" when there is none.
func (a answer) one(name string) string {
	for _, n := range a.all(name) {
		return text(n)
	}
	return ""
}

// says fails the test unless the element's text holds a text.
func (a answer) says(name, part string) answer {
	a.t.Helper()
	if got := a.one(name); !strings.Contains(got, part) {
		a.t.Errorf("%s: %q says %q, want %q in it", a.path, name, got, part)
	}
	return a
}

func walk(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	if n.Data == "template" { // nobody sees it there
		return ""
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(text(c))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// every page that a GET can show, with a status other than 200 where that is right.
func everyPage() map[string]int {
	pages := map[string]int{
		"/welcome": 200, "/overview": 200, "/overview/coins": 200, "/settings": 200, "/settings/usb": 200, "/hwi/settings/": 200, "/hwi/": 200, "/nodes": 200, "/new-node": 200, "/new-node?look=yes": 200,
		"/nodes/home": 200, "/new-device": 200, "/new-device/hot": 200, "/new-device/coldcard": 200, "/devices/cold_a": 200, "/devices/red_key": 200, "/devices/cold_a/keys": 200, "/devices/cold_a/key?xpub=" + testXPub: 200,
		"/new-wallet": 200, "/new-wallet/single": 200, "/new-wallet/multisig": 200, "/new-wallet/import": 200,
		"/new-wallet/multisig?step=setup&device=cold_a&device=trezor_b": 200, "/new-wallet/single?step=setup&device=cold_a": 200, "/new-wallet/multisig?step=setup&device=cold_a": 422,
		"/wallets/family_vault/history": 200, "/wallets/family_vault/coins": 200, "/wallets/family_vault/tx/" + hashOf(0).String(): 200, "/wallets/family_vault/tx/" + hashOf(99).String(): 200,
		"/wallets/family_vault/addresses": 200, "/wallets/family_vault/addresses?filter=change": 200, "/wallets/family_vault/addresses/" + testAddress: 200,
		"/wallets/family_vault/receive": 200, "/wallets/family_vault/send": 200, "/wallets/family_vault/drafts": 200, "/wallets/family_vault/drafts/7": 200,
		"/wallets/family_vault/send?draft=7": 200, "/wallets/family_vault/send?replace=" + hashOf(0).String(): 200, "/wallets/family_vault/send?replace=" + hashOf(1).String(): 409, "/wallets/family_vault/send?replace=xyz": 404,
		"/wallets/family_vault/tx/" + hashOf(0).String() + "/bump/speed-up": 200, "/wallets/family_vault/tx/" + hashOf(0).String() + "/bump/cancel": 200, "/wallets/family_vault/tx/" + hashOf(0).String() + "/bump/child": 200,
		"/wallets/family_vault/tx/" + hashOf(0).String() + "/bump/abacus": 404, "/wallets/family_vault/drafts/compare?draft=7&draft=9": 200, "/wallets/family_vault/drafts/compare?draft=7&draft=99": 404,
		"/wallets/family_vault/import": 200, "/wallets/family_vault/settings": 200, "/wallets/family_vault/export": 200, "/wallets/family_vault/advanced": 200, "/wallets/family_vault/next": 200, "/wallets/savings/history": 200, "/wallets/savings/drafts": 200, "/nav?wallet=family_vault": 200,
		"/settings/auth": 200, "/settings/account": 200, "/settings/tokens": 200, "/settings/users": 200, "/settings/users/bob/delete": 200, "/settings/record": 200, "/settings/program": 200, "/settings/import": 200, "/settings/secrets": 200, "/settings/backups": 200, "/settings/backups/restore": 200, "/settings/remote": 200, "/settings/remote/tor": 200, "/settings/remote/doctor": 200, "/authority/": 404, "/authority/specter.crt": 404, "/authority/specter.pem": 404,
		"/auth/logout": 200, "/auth/kept": 200, "/auth/register": 404, "/settings/users/nobody/delete": 404, "/settings/users/admin/delete": 403,
		"/nothing-here": 404, "/wallets/nobody/history": 404, "/devices/nobody": 404, "/new-device/abacus": 404, "/wallets/family_vault/tx/xyz": 404, "/wallets/family_vault/drafts/99": 404,
	}
	maps.Copy(pages, airgapPages())
	maps.Copy(pages, lookingPages())
	return pages
}

func TestEveryPageRenders(t *testing.T) {
	c := open(t, newHouse(""))
	for path, status := range everyPage() {
		a := c.get(path).want(status)
		if path == "/nav?wallet=family_vault" {
			continue // a fragment
		}
		headings := 0
		walk(a.doc, func(n *html.Node) {
			if n.Data == "h1" {
				headings++
			}
		})
		if headings != 1 {
			t.Errorf("%s has %d headings of the first rank, want 1", path, headings)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be stored: %q", path, a.header.Get("Cache-Control"))
		}
		if strings.Contains(a.body, "hunter2-secret") || strings.Contains(a.body, "cookie-secret") {
			t.Errorf("%s shows a node's password", path)
		}
	}
}

// Poison in every word that a person, a device, a node or a payer can choose must come out as
// text: no element, attribute or script of it may exist on any page.
func TestNoPageLetsMarkupThrough(t *testing.T) {
	poisons := []string{`<img src=x onerror=alert(1)><script>evil()</script>`, `" onmouseover="evil()" x="`, `'><svg onload=evil()>`, `</textarea><script>evil()</script>`, `{{.Owner}}`}
	for _, poison := range raced.Sample("", 2, poisons) {
		c := open(t, newHouse(poison))
		paths := everyPage()
		for path := range paths {
			clean(t, path, c.get(path))
		}
		clean(t, "send", c.post("/wallets/family_vault/send", url.Values{"address": {poison}, "amount": {poison}, "label": {poison}, "feerate": {poison}, "fee": {"manual"}, "note": {poison}, "token": {poison}, "action": {"create"}}))
		clean(t, "preview", c.post("/wallets/family_vault/preview", url.Values{"address": {poison}, "amount": {poison}, "fee": {"manual"}, "feerate": {poison}}))
		clean(t, "preview of good fields", c.post("/wallets/family_vault/preview", url.Values{"address": {testAddress}, "amount": {"1"}, "label": {poison}}))
		clean(t, "signatures", c.post("/wallets/family_vault/drafts/7/signatures", url.Values{"psbt": {poison}}))
		clean(t, "import", c.post("/wallets/family_vault/import", url.Values{"psbt": {poison}}))
		clean(t, "confirm", c.post("/new-wallet/multisig", url.Values{"name": {poison}, "device": {"cold_a", "trezor_b"}, "script": {"wsh"}, "date": {poison}, "height": {poison}}))
		clean(t, "import wallet", c.post("/new-wallet/import", url.Values{"name": {"x"}, "descriptor": {poison}}))
		clean(t, "device", c.post("/new-device/coldcard", url.Values{"name": {poison}, "keys": {poison}}))
		clean(t, "rename", c.post("/wallets/family_vault/rename", url.Values{"name": {poison}}))
		clean(t, "node", c.post("/new-node", url.Values{"name": {poison}, "host": {poison}, "user": {poison}, "cookie": {poison}, "port": {poison}}))
		clean(t, "node test", c.post("/new-node", url.Values{"name": {poison}, "host": {poison}, "action": {"test"}}))
		clean(t, "label", c.post("/wallets/family_vault/labels", url.Values{"kind": {"addr"}, "key": {poison}, "label": {poison}, "hint": {poison}, "next": {poison}}, "HX-Request", "true"))
		clean(t, "hot", c.post("/new-device/hot", url.Values{"name": {poison}, "source": {"own"}, "words": {poison}}))
	}
}

var ourScript = regexp.MustCompile(`^/static/js/(htmx\.min|specter|scan|qr|usb)\.[0-9a-f]{12}\.js$`)

func clean(t *testing.T, path string, a answer) {
	t.Helper()
	if a.status >= 500 && a.status != http.StatusServiceUnavailable {
		t.Errorf("%s answers %d", path, a.status)
	}
	walk(a.doc, func(n *html.Node) {
		switch n.Data {
		case "script":
			if !ourScript.MatchString(attr(n, "src")) || n.FirstChild != nil {
				t.Errorf("%s: a script that is not ours: %v", path, n.Attr)
			}
		case "img", "iframe", "object", "embed", "style", "base":
			t.Errorf("%s: an element %q", path, n.Data)
		}
		for _, at := range n.Attr {
			if strings.HasPrefix(at.Key, "on") || at.Key == "style" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(at.Val)), "javascript:") {
				t.Errorf("%s: attribute %s=%q", path, at.Key, at.Val)
			}
		}
	})
}

// Every field has a name that a screen reader can say, every table a caption and scoped heads,
// every button words, and no id stands twice.
func TestEveryPageCanBeReadAloud(t *testing.T) {
	c := open(t, newHouse(""))
	pages := map[string]answer{}
	for path, status := range everyPage() {
		if status == 200 {
			pages[path] = c.get(path)
		}
	}
	pages["confirm"] = c.post("/new-wallet/multisig", url.Values{"name": {"x"}, "device": {"cold_a", "trezor_b"}, "script": {"wsh"}})
	pages["words"] = c.post("/new-device/hot", url.Values{"name": {"new"}, "source": {"12"}})
	for path, a := range pages {
		labelled, ids := map[string]bool{}, map[string]bool{}
		walk(a.doc, func(n *html.Node) {
			if n.Data == "label" {
				labelled[attr(n, "for")] = true
				walk(n, func(in *html.Node) { labelled["@"+attr(in, "name")+attr(in, "value")] = true })
			}
			if id := attr(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("%s: the id %q stands twice", path, id)
				}
				ids[id] = true
			}
		})
		walk(a.doc, func(n *html.Node) {
			switch n.Data {
			case "input", "select", "textarea", "progress":
				if attr(n, "type") == "hidden" || attr(n, "aria-label") != "" || attr(n, "id") != "" && labelled[attr(n, "id")] || labelled["@"+attr(n, "name")+attr(n, "value")] {
					return
				}
				t.Errorf("%s: the field %q (%q) has no label", path, attr(n, "name"), attr(n, "id"))
			case "button", "a", "summary":
				if text(n) == "" && attr(n, "aria-hidden") == "" {
					t.Errorf("%s: a %s without words: %v", path, n.Data, n.Attr)
				}
			case "th":
				if attr(n, "scope") == "" {
					t.Errorf("%s: a table head without scope: %q", path, text(n))
				}
			case "table":
				if n.FirstChild == nil || !strings.Contains(rendered(n), "<caption") {
					t.Errorf("%s: a table without caption", path)
				}
			case "form":
				if strings.EqualFold(attr(n, "method"), "") {
					t.Errorf("%s: a form without method", path)
				}
			}
		})
	}
}

func rendered(n *html.Node) string {
	var b strings.Builder
	_ = html.Render(&b, n)
	return b.String()
}

// field finds an input by its name.
func (a answer) field(name string) *html.Node {
	var found *html.Node
	walk(a.doc, func(n *html.Node) {
		if found == nil && (n.Data == "input" || n.Data == "select" || n.Data == "textarea") && attr(n, "name") == name {
			found = n
		}
	})
	return found
}
