package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/rates"
	"specter/internal/setting"
	"specter/internal/web"
)

func TestSettingsAreKeptAndShownAgain(t *testing.T) {
	c := open(t, newHouse(""))
	form := url.Values{"unit": {"sat"}, "theme": {"light"}, "language": {"en"}, "hide-amounts": {"no"}, "hide-after": {"20"}, "page-size": {"100"}, "draft-days": {"7"}, "proofs": {"yes"},
		"price": {"kraken"}, "currency": {"chf"}, "price-by-hand": {"100000,5"}, "price-url": {""}, "show-price": {"no"}, "fees": {"own"}, "fees-url": {"https://mempool.example/api/"}, "tor-only": {"yes"},
		"explorer-mainnet": {"own"}, "explorer-url-mainnet": {"http://abc.onion/"}, "explorer-regtest": {""}}
	c.post("/settings", form).want(200).says("flash", "Settings saved.")
	u, err := setting.New(c.h).User(t.Context(), auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	want := rates.Settings{Fees: "own", FeesURL: "https://mempool.example", TorOnly: true, Price: "kraken", Currency: "CHF", Manual: 10_000_050_000_000}
	if u.Unit != "sat" || u.Theme != "light" || u.Language != "en" || u.HideAfter != 20 || u.PageSize != 100 || u.DraftDays != 7 || !u.Proofs || u.ShowPrice || u.Rates != want ||
		u.Explorer(btc.Mainnet) != "http://abc.onion" || u.Explorer(btc.Regtest) != "" {
		t.Errorf("kept %+v", u)
	}
	got := c.get("/settings").want(200).fields("/settings")
	for name, v := range map[string]string{"unit": "sat", "hide-after": "20", "page-size": "100", "draft-days": "7", "proofs": "yes"} {
		if got.Get(name) != v {
			t.Errorf("the form shows %s=%q", name, got.Get(name))
		}
	}
	// one button changes one thing
	c.post("/settings", url.Values{"hide-amounts": {"yes"}, "next": {"/overview"}}).want(200)
	if u, _ = setting.New(c.h).User(t.Context(), auth.OwnerID); !u.Hide || u.Unit != "sat" || u.Rates != want {
		t.Errorf("hiding amounts changed more: %+v", u)
	}
}

func TestASettingThatCannotBeIsRefusedAndShownAgain(t *testing.T) {
	for name, form := range map[string]url.Values{
		"a unit":              {"unit": {"dogs"}},
		"minutes":             {"hide-after": {"soon"}},
		"too many minutes":    {"hide-after": {"99999"}},
		"days":                {"draft-days": {"-1"}},
		"rows":                {"page-size": {"7"}},
		"a provider":          {"price": {"coindesk"}},
		"a currency":          {"price": {"bitstamp"}, "currency": {"JPY"}},
		"a price":             {"price-by-hand": {"much"}},
		"no price by hand":    {"price": {"manual"}},
		"an own server":       {"fees": {"own"}, "fees-url": {"ftp://x"}},
		"an explorer":         {"explorer-mainnet": {"google"}},
		"an explorer's place": {"explorer-mainnet": {"own"}, "explorer-url-mainnet": {"javascript:alert(1)"}},
		"a wrong network":     {"explorer-testnet4": {"blockstream"}},
		"a switch":            {"proofs": {"perhaps"}},
		"a language":          {"language": {"<b>"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, newHouse(""))
			form.Set("theme", "light")
			a := c.post("/settings", form).want(422)
			if a.one("error") == "" {
				t.Error("no sentence says why")
			}
			for k, v := range form {
				if f := a.fields("/settings"); f.Has(k) && k == "draft-days" && f.Get(k) == "" {
					t.Errorf("what was typed for %s (%s) is lost", k, v)
				}
			}
			if stored, _ := c.h.Settings(t.Context(), auth.OwnerID); len(stored) != 0 {
				t.Errorf("stored %v", stored)
			}
		})
	}
}

func TestWorthStandsBesideAmountsUntilTheyAreHidden(t *testing.T) {
	h := newHouse("")
	o := &oracle{quote: &rates.Quote{Price: 97_123 * btc.PriceUnit, Currency: "EUR", Source: "Kraken"}}
	c := openWith(t, h, func(c *web.Config) { c.Fees = o })
	if a := c.get("/overview"); a.one("worth") != "" || a.one("price") != "" || o.asked != 0 {
		t.Errorf("without a provider somebody is asked (%d) or a price shown: %q", o.asked, a.one("price"))
	}
	c.post("/settings", url.Values{"price": {"kraken"}, "currency": {"EUR"}})
	a := c.get("/overview").want(200).says("price", "97123 EUR")
	if !strings.HasPrefix(a.one("worth"), "≈ ") || !strings.HasSuffix(a.one("worth"), " EUR") {
		t.Errorf("the worth is %q", a.one("worth"))
	}
	c.post("/settings", url.Values{"show-price": {"no"}})
	asked := o.asked
	if a = c.get("/overview"); a.one("worth") != "" || o.asked != asked {
		t.Error("a price that is not shown is asked for, or shown")
	}
	c.post("/settings", url.Values{"show-price": {"yes"}, "hide-amounts": {"yes"}})
	if a = c.get("/overview"); a.one("worth") != "" {
		t.Errorf("hidden amounts tell their worth: %q", a.one("worth"))
	}
	o.quote = nil
	c.post("/settings", url.Values{"hide-amounts": {"no"}})
	c.get("/overview").want(200).says("price", "no price now")
}

func TestAmountsLeftOnShowAreHiddenByTheServer(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := newHouse("")
	c := openWith(t, h, func(c *web.Config) { c.Now = func() time.Time { return now } })
	c.post("/settings", url.Values{"hide-after": {"10"}})
	shows := func(when string, want bool) {
		t.Helper()
		if a := c.get("/overview"); strings.Contains(a.one("balance"), "•") == want {
			t.Errorf("%s the balance is %q", when, a.one("balance"))
		}
	}
	shows("at once", true)
	now = now.Add(9 * time.Minute)
	shows("after nine minutes", true)
	now = now.Add(9 * time.Minute)
	shows("after nine minutes more, with a page between", true)
	for range 3 { // the page looks by itself: nobody is there
		now = now.Add(4 * time.Minute)
		c.get("/nav")
	}
	shows("after twelve minutes of a page by itself", false)
	now = now.Add(time.Second)
	shows("when somebody is there again", false)
	c.post("/settings", url.Values{"hide-amounts": {"no"}})
	shows("when somebody shows them", true)
}

func TestTheBrowserHidesAmountsThatNobodyLooksAt(t *testing.T) {
	c := open(t, newHouse(""))
	if a := c.get("/overview"); strings.Contains(a.body, "js/hide.") {
		t.Error("the script is there though nobody wants it")
	}
	c.post("/settings", url.Values{"hide-after": {"10"}})
	if a := c.get("/overview"); !strings.Contains(a.body, "js/hide.") || !strings.Contains(a.body, `data-hide-after="10"`) {
		t.Error("the script is missing")
	}
}

func TestTheOwnerDecidesForTheProgram(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get("/settings/program").want(200).says("database", "12.3 MB")
	if f := a.fields("/settings/program"); f.Get("outside") != "no" {
		t.Errorf("from the start outside services are %q", f.Get("outside"))
	}
	c.get("/settings").want(200).says("outside-off", "connects to the node and to nothing else")
	c.post("/settings/program", url.Values{"outside": {"yes"}, "proxy": {"socks5h://localhost"}, "proxy-only": {"yes"}}).want(200)
	c.post("/settings/program", url.Values{"log-level": {"debug"}}).want(200)
	p, err := setting.New(c.h).Program(t.Context())
	if err != nil || p != (setting.Program{Outside: true, Proxy: "localhost:9050", ProxyOnly: true, LogLevel: "debug"}) {
		t.Errorf("decided %+v, %v", p, err)
	}
	if a = c.get("/settings"); a.one("outside-off") != "" {
		t.Error("the note stays though outside services are allowed")
	}
	for name, form := range map[string]url.Values{"a proxy": {"proxy": {"not a host"}}, "only a proxy that is none": {"proxy": {""}, "proxy-only": {"yes"}},
		"a level": {"log-level": {"all"}}, "a switch": {"outside": {"on"}}} {
		if a := c.post("/settings/program", form); a.status != http.StatusUnprocessableEntity || a.one("error") == "" {
			t.Errorf("%s: %d %q", name, a.status, a.one("error"))
		}
	}
	c.post("/settings/program/compact", nil).want(200).says("flash", "12.3 MB before, 10.3 MB now")
}

func TestTheLogIsTheOwnersAlone(t *testing.T) {
	h := newHouse("")
	keeper := &steward{h: h, lines: []string{"first <b>", "second"}}
	g := newGatehouse(auth.MethodUsers)
	s := server(t, func(c *web.Config) { c.Auth, c.Program = g, keeper })
	code, head, body := as(s, "GET", "/settings/program/log", g.enter("admin"), nil)
	if code != 200 || body != "first <b>\nsecond\n" || !strings.HasPrefix(head.Get("Content-Type"), "text/plain") || !strings.Contains(head.Get("Content-Disposition"), "attachment") {
		t.Errorf("the owner gets %d %q %v", code, body, head)
	}
	if code, _, body = as(s, "GET", "/settings/program", g.enter("admin"), nil); code != 200 || !strings.Contains(body, "second\nfirst &lt;b&gt;") {
		t.Errorf("the page shows %d", code)
	}
	for _, path := range []string{"/settings/program", "/settings/program/log"} {
		if code, _, body := as(s, "GET", path, g.enter("bob"), nil); code != 403 || strings.Contains(body, "second") {
			t.Errorf("a member gets %d of %s", code, path)
		}
	}
}

func TestTheOwnerGivesAMemberANewPassword(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	c.login("admin", "correct horse")
	form := url.Values{"password": {"a new long word"}, "again": {"a new long word"}}
	c.post("/settings/users/bob/password", form).want(200).says("flash", "has a new password")
	if g.words["bob"] != "a new long word" {
		t.Errorf("Bob's password is %q", g.words["bob"])
	}
	c.post("/settings/users/bob/password", url.Values{"password": {"one"}, "again": {"two"}}).want(422).says("error", "differ")
	c.post("/settings/users/bob/password", url.Values{"password": {"x"}, "again": {"x"}}).want(422).says("error", "short")
	c.post("/settings/users/admin/password", form).want(403)
	c.post("/settings/users/nobody/password", form).want(404)
	if g.words["bob"] != "a new long word" || g.words["admin"] != "correct horse" {
		t.Errorf("passwords are %v", g.words)
	}
}

func TestThePageSizeHoldsForEveryList(t *testing.T) {
	c := open(t, newHouse(""))
	c.post("/settings", url.Values{"page-size": {"10"}})
	for _, path := range []string{"/overview", "/overview/coins", "/wallets/family_vault/history", "/wallets/family_vault/coins", "/wallets/family_vault/addresses"} {
		a := c.get(path).want(200)
		if !strings.Contains(a.body, `<option value="10" selected>`) {
			t.Errorf("%s shows another number of rows", path)
		}
	}
}

func TestTheLanguageIsTheUsersElseTheBrowsers(t *testing.T) {
	c := open(t, newHouse(""))
	for accept, want := range map[string]string{"": "en", "fr": "en", "en-GB,de;q=0.5": "en", "de-AT,en;q=0.3": "de", "fr,de;q=0.4": "de", strings.Repeat("x-", 5000): "en"} {
		req, _ := http.NewRequest(http.MethodGet, c.base+"/welcome", nil)
		req.Header.Set("Accept-Language", accept)
		a := c.do(req)
		if !strings.Contains(a.body, `<html lang="`+want+`"`) || a.header.Get("Content-Language") != want {
			t.Errorf("who asks for %.30q gets %s", accept, a.header.Get("Content-Language"))
		}
	}
	c.post("/settings", url.Values{"language": {"de"}})
	c.get("/settings").want(200)
	if a := c.get("/welcome"); !strings.Contains(a.body, `<html lang="de"`) || !strings.Contains(a.body, "Einstellungen") {
		t.Error("the chosen language is not spoken")
	}
	c.post("/settings", url.Values{"language": {""}})
	if a := c.get("/welcome"); !strings.Contains(a.body, `<html lang="en"`) {
		t.Error("the browser's language is not spoken again")
	}
}
