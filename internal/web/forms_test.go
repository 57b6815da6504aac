package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// fields collects what a browser would send of the page's form with this action.
func (a answer) fields(action string) url.Values {
	a.t.Helper()
	v, found := url.Values{}, false
	walk(a.doc, func(n *html.Node) {
		if n.Data != "form" || attr(n, "action") != action {
			return
		}
		found = true
		walk(n, func(in *html.Node) {
			name := attr(in, "name")
			switch {
			case name == "" || hasAttr(in, "disabled"):
			case in.Data == "textarea":
				v.Add(name, strings.TrimPrefix(raw(in), "\n"))
			case in.Data == "select":
				walk(in, func(o *html.Node) {
					if o.Data == "option" && hasAttr(o, "selected") {
						v.Add(name, attr(o, "value"))
					}
				})
			case in.Data == "input":
				kind := attr(in, "type")
				if (kind == "checkbox" || kind == "radio") && !hasAttr(in, "checked") || kind == "file" {
					return
				}
				v.Add(name, attr(in, "value"))
			}
		})
	})
	if !found {
		a.t.Fatalf("%s has no form for %s", a.path, action)
	}
	return v
}

func raw(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(c.Data)
	}
	return b.String()
}

func (c *client) upload(path, field string, files map[string]string) answer {
	c.t.Helper()
	return c.uploadWith(path, field, files, nil)
}

// uploadWith posts files and what is typed beside them.
func (c *client) uploadWith(path, field string, files map[string]string, typed url.Values) answer {
	c.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range typed {
		for _, v := range values {
			_ = w.WriteField(name, v)
		}
	}
	for name, content := range files {
		part, err := w.CreateFormFile(field, name)
		if err != nil {
			c.t.Fatal(err)
		}
		_, _ = part.Write([]byte(content))
	}
	_ = w.Close()
	req, err := http.NewRequest(http.MethodPost, c.base+path, &body)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return c.do(req)
}

func TestLabelsAreEditedWhereTheyStand(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	form := url.Values{"kind": {"addr"}, "key": {testAddress}, "label": {"new words"}, "next": {"/wallets/family_vault/addresses?page=1"}}
	a := c.post("/wallets/family_vault/labels", form).want(200).says("flash", "Label saved")
	if a.path != "/wallets/family_vault/addresses?page=1" || h.labels[testAddress] != "new words" {
		t.Errorf("leads to %s; stored %q", a.path, h.labels[testAddress])
	}
	a = c.post("/wallets/family_vault/labels", form, "HX-Request", "true").want(200)
	if n := a.all("label"); len(n) != 1 || attr(n[0], "value") != "new words" || strings.Contains(a.body, "<h1") {
		t.Errorf("the fragment is %s", a.body)
	}
	form.Set("kind", "wallet")
	c.post("/wallets/family_vault/labels", form).want(422)
}

func must(digits string) int {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}

func TestNodesAreTestedBeforeTheyAreStored(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	form := url.Values{"name": {"Far"}, "host": {"https://far.example/"}, "port": {"8332"}, "user": {"u"}, "password": {"p"}}
	a := c.post("/new-node", form).want(503).says("report", "Start Bitcoin Core").says("error", "Nobody answers")
	if got := a.fields("/new-node"); got.Get("host") != "far.example" || got.Get("protocol") != "https" || got.Get("password") != "" {
		t.Errorf("comes back as %v", got)
	}
	form.Set("action", "test")
	c.post("/new-node", form).want(200).says("report", "nobody answers at far.example")
	form.Set("port", "99999")
	c.post("/new-node", form).want(422).says("error", "is no port")
	if len(h.nodes) != 1 {
		t.Fatal("stored all the same")
	}
	c.post("/new-node", url.Values{"name": {"Near"}, "host": {"127.0.0.1"}}).want(200).says("flash", "Connected to")
	c.post("/nodes/home", url.Values{"name": {"Home"}, "host": {"127.0.0.1"}, "password": {""}}).want(200)
	if n := h.nodes[len(h.nodes)-1]; n.Password.Reveal() != "hunter2-secret" || n.Name != "Home" {
		t.Errorf("an empty password field changed the stored one, or the name is %q", n.Name)
	}
	c.post("/nodes/near/activate", nil).want(200).says("flash", "answers now")
	c.post("/nodes/nobody/delete", nil).want(404)
}

func TestAFoundNodeConnectsWithoutShowingItsPassword(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get("/new-node?look=yes").want(200)
	token := ""
	walk(a.doc, func(n *html.Node) {
		if attr(n, "name") == "found" && token == "" {
			token = attr(n, "value")
		}
	})
	c.post("/new-node", url.Values{"found": {token}, "action": {"connect"}}).want(200).says("flash", "Connected to")
	if n := h.nodes[len(h.nodes)-1]; n.Password.Reveal() != "cookie-secret" {
		t.Error("the found login was not used")
	}
	if a := c.post("/new-node", url.Values{"found": {"forged"}}).want(200); a.path != "/new-node?look=yes" {
		t.Errorf("an unknown find leads to %s", a.path)
	}
}

func TestSettingsChangeHowAmountsLook(t *testing.T) {
	c := open(t, newHouse(""))
	c.get("/wallets/family_vault/receive").want(200).says("balance", "1.62500000")
	c.post("/settings", url.Values{"unit": {"sat"}}).want(200).says("flash", "saved")
	c.get("/wallets/family_vault/receive").says("balance", "162500000")
	a := c.post("/settings", url.Values{"hide-amounts": {"yes"}, "next": {"/overview"}}).want(200)
	if a.path != "/overview" || strings.Contains(text(a.doc), "162500000") || strings.Contains(text(a.doc), "137500000") {
		t.Errorf("%s still shows amounts", a.path)
	}
	for _, path := range []string{"/wallets/family_vault/history", "/wallets/family_vault/coins", "/wallets/family_vault/send", draft, "/wallets/family_vault/tx/" + hashOf(0).String()} {
		if s := text(c.get(path).doc); strings.Contains(s, "40000000") || strings.Contains(s, "25000000") {
			t.Errorf("%s still shows amounts", path)
		}
	}
	c.post("/settings", url.Values{"unit": {"gold"}}).want(422)
	c.post("/settings", url.Values{"theme": {"light"}}).want(200)
	if a := c.get("/welcome"); !strings.Contains(a.body, `data-theme="light"`) {
		t.Error("the theme did not change")
	}
}

func TestListsArePagedAndSearchedByTheServer(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get("/wallets/family_vault/history?size=2&page=2&sort=amount&dir=desc").want(200)
	if len(a.all("tx")) != 2 || !strings.Contains(text(a.doc), "3–4 of 6") || !strings.Contains(text(a.doc), "Page 2 of 3") {
		t.Errorf("%d rows: %s", len(a.all("tx")), text(a.doc))
	}
	if !strings.Contains(a.body, `aria-sort="descending"`) || !strings.Contains(a.body, "page=3&amp;size=2&amp;sort=amount") {
		t.Error("the links forget how the list is sorted")
	}
	if got := len(c.get("/wallets/family_vault/history?q=Bob").want(200).all("tx")); got != 1 {
		t.Errorf("the search finds %d", got)
	}
	c.get("/wallets/family_vault/history?q=nothing").want(200).says("empty", "Nothing found")
	for _, odd := range []string{"?page=-3", "?page=999999999999999999999", "?size=0", "?size=100000", "?page=5000", "?sort=%27;drop", "?filter=%00"} {
		c.get("/wallets/family_vault/history" + odd).want(200)
		c.get("/wallets/family_vault/coins" + odd).want(200)
	}
	req, _ := http.NewRequest("GET", c.base+"/wallets/family_vault/history", nil)
	req.Header.Set("HX-Request", "true")
	req.Header.Set("HX-Target", "live")
	if f := c.do(req).want(200); strings.Contains(f.body, "<h1") || len(f.all("tx")) != 6 {
		t.Errorf("the live fragment has %d rows", len(f.all("tx")))
	}
}

func TestTheStartLeadsWhereThereIsSomethingToDo(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	if a := c.get("/"); a.path != "/overview" {
		t.Errorf("two wallets lead to %s", a.path)
	}
	h.wallets = h.wallets[:1]
	if a := c.get("/"); a.path != "/wallets/family_vault/history" {
		t.Errorf("one wallet leads to %s", a.path)
	}
	h.wallets[0].TxCount = 0
	if a := c.get("/"); a.path != "/wallets/family_vault/receive" {
		t.Errorf("an empty wallet leads to %s", a.path)
	}
	h.wallets, h.devices, h.nodes, h.state.Active = nil, nil, nil, false
	a := c.get("/").want(200)
	if a.path != "/welcome" || !strings.Contains(a.one("connection"), "No connection") {
		t.Errorf("nothing leads to %s: %s", a.path, a.one("connection"))
	}
	for path, status := range everyPage() {
		if got := c.get(path).status; got >= 500 || status == 404 && got != 404 {
			t.Errorf("without node, device and wallet %s answers %d", path, got)
		}
	}
}

func TestTheFaucetPaysTheShownAddress(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	form := c.get("/wallets/family_vault/receive").want(200).fields("/demo/faucet")
	a := c.post("/demo/faucet", form).want(200).says("flash", "faucet")
	if a.path != "/wallets/family_vault/receive" || h.paid[testAddress] != 50_000_000 {
		t.Errorf("leads to %s; paid %v", a.path, h.paid)
	}
	c.post("/demo/faucet", url.Values{"address": {testAddress}, "amount": {"much"}}).want(422)
	c.post("/demo/mine", nil)
	if h.labels["mined"] != "1" {
		t.Error("no block was mined")
	}
}

func TestReceiveShowsAQRCodeOfThePaymentURI(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get("/wallets/family_vault/receive?amount=0.5").want(200)
	if len(a.all("qr")) != 1 || !strings.Contains(a.body, "<svg xmlns") {
		t.Fatal("no QR code")
	}
	plain := c.get("/wallets/family_vault/receive").want(200)
	if rendered(plain.all("qr")[0]) == rendered(a.all("qr")[0]) {
		t.Error("the amount asked for is not in the code")
	}
	if got := strings.ReplaceAll(a.one("address"), " ", ""); got != testAddress {
		t.Errorf("shows %q", got)
	}
	c.get("/wallets/family_vault/receive?amount=much").want(200).says("ask-error", "no amount")
}
