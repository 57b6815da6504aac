package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"specter/internal/errs"
	"specter/internal/wallet"
)

const sendPath = "/wallets/family_vault/send"

func TestSendFormBuildsTheRequest(t *testing.T) {
	coin := hashOf(1).String() + ":1"
	for name, c := range map[string]struct {
		form url.Values
		want func(r wallet.SpendRequest) bool
	}{
		"BTC": {url.Values{"address": {testAddress}, "amount": {"0.1"}, "label": {"rent"}, "unit": {"btc"}, "rbf": {"yes"}, "blocks": {"3"}}, func(r wallet.SpendRequest) bool {
			return len(r.Recipients) == 1 && r.Recipients[0] == wallet.Recipient{Address: testAddress, Amount: 10_000_000, Label: "rent"} && r.Blocks == 0 && r.FeeRate == 8_000 && !r.NoRBF
		}},
		"sat": {url.Values{"address": {testAddress}, "amount": {"1 234"}, "unit": {"sat"}}, func(r wallet.SpendRequest) bool {
			return r.Recipients[0].Amount == 1234 && r.NoRBF && r.FeeRate == 12_500
		}},
		"max, and the fee from the second of two": {url.Values{"address": {testAddress, testAddress}, "amount": {"", "0.2"}, "label": {"a", "b"}, "max": {"0"}, "subtract": {"1"}}, func(r wallet.SpendRequest) bool {
			return r.Recipients[0].Max && !r.Recipients[1].Max && r.Recipients[1].Amount == 20_000_000 && len(r.SubtractFee) == 1 && r.SubtractFee[0] == 1
		}},
		"feerate by hand, coins, note and token": {url.Values{"address": {testAddress}, "amount": {"1"}, "fee": {"manual"}, "feerate": {"0.1"}, "coin": {coin}, "note": {"n"}, "token": {"tok"}}, func(r wallet.SpendRequest) bool {
			return r.FeeRate == 100 && r.Blocks == 0 && len(r.Coins) == 1 && r.Coins[0].String() == coin && r.Note == "n" && strings.HasPrefix(r.Token, "tok-")
		}},
		"payment URI": {url.Values{"address": {"bitcoin:" + testAddress + "?amount=0.25&label=Bob%20B"}, "amount": {""}, "unit": {"sat"}}, func(r wallet.SpendRequest) bool {
			return r.Recipients[0] == wallet.Recipient{Address: testAddress, Amount: 25_000_000, Label: "Bob B"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse("")
			client := open(t, h)
			c.form.Set("action", "create")
			if a := client.post(sendPath, c.form).want(200); a.path != "/wallets/family_vault/drafts/7" {
				t.Fatalf("leads to %s: %s", a.path, a.one("error"))
			}
			if !c.want(h.asked) {
				t.Errorf("asked for %+v", h.asked)
			}
		})
	}
}

func TestSendFormShowsWhatIsWrongAndKeepsWhatWasTyped(t *testing.T) {
	for name, c := range map[string]struct {
		form url.Values
		says string
	}{
		"nine decimals":            {url.Values{"address": {testAddress}, "amount": {"0.123456789"}, "unit": {"btc"}}, "at most 8 decimals"},
		"no amount":                {url.Values{"address": {testAddress}, "amount": {""}}, "is no amount"},
		"zero":                     {url.Values{"address": {testAddress}, "amount": {"0"}}, "Type an amount"},
		"half a satoshi":           {url.Values{"address": {testAddress}, "amount": {"1.5"}, "unit": {"sat"}}, "whole number of sat"},
		"negative":                 {url.Values{"address": {testAddress}, "amount": {"-1"}}, "is no amount"},
		"no address":               {url.Values{"address": {""}, "amount": {"1"}}, "Type the address"},
		"another network":          {url.Values{"address": {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}, "amount": {"1"}}, "mainnet"},
		"feerate of zero":          {url.Values{"address": {testAddress}, "amount": {"1"}, "fee": {"manual"}, "feerate": {"0"}}, "more than 0"},
		"feerate of words":         {url.Values{"address": {testAddress}, "amount": {"1"}, "fee": {"manual"}, "feerate": {"fast"}}, "no feerate"},
		"a coin that is none":      {url.Values{"address": {testAddress}, "amount": {"1"}, "coin": {"xyz"}}, "names no coin"},
		"a demand we do not know":  {url.Values{"address": {"bitcoin:" + testAddress + "?req-magic=1"}, "amount": {"1"}}, "req-magic"},
		"an amount beyond 21 mio.": {url.Values{"address": {testAddress}, "amount": {"21000001"}}, "21 million"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse("")
			client := open(t, h)
			c.form.Set("action", "create")
			c.form.Set("label", "my label")
			a := client.post(sendPath, c.form).want(http.StatusUnprocessableEntity)
			if !strings.Contains(text(a.doc), c.says) {
				t.Errorf("does not say %q: %s", c.says, a.one("error"))
			}
			again := a.fields(sendPath)
			for _, field := range []string{"amount", "label"} {
				if again.Get(field) != c.form.Get(field) {
					t.Errorf("%s was %q, comes back as %q", field, c.form.Get(field), again.Get(field))
				}
			}
			if len(h.asked.Recipients) > 0 {
				t.Error("the wallet was asked all the same")
			}
			p := client.post("/wallets/family_vault/preview", c.form).want(200)
			if c.form.Get("address") != "" && c.form.Get("amount") != "" && !strings.Contains(text(p.doc), c.says) {
				t.Errorf("the preview does not say %q: %s", c.says, text(p.doc))
			}
		})
	}
}

// Sent twice a form makes one draft; gone back and changed it must never show the old one.
func TestTheTokenOfAFormStandsForItsContent(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	token := func(amount string) string {
		c.post(sendPath, url.Values{"address": {testAddress}, "amount": {amount}, "token": {"tok"}, "action": {"create"}}).want(200)
		return h.asked.Token
	}
	first := token("0.1")
	if again := token("0.1"); again != first {
		t.Errorf("the same form has the tokens %q and %q", first, again)
	}
	if other := token("0.2"); other == first {
		t.Error("a changed form has the old token")
	}
}

func TestRecipientsAreAddedAndRemovedWithoutScript(t *testing.T) {
	c := open(t, newHouse(""))
	form := c.get(sendPath).want(200).fields(sendPath)
	token := form.Get("token")
	form.Set("address", "first")
	form.Set("action", "add")
	form = c.post(sendPath, form).want(200).fields(sendPath)
	if got := form["address"]; len(got) != 2 || got[0] != "first" {
		t.Fatalf("recipients after adding: %q", got)
	}
	form["address"], form["amount"], form["label"] = []string{"first", "second"}, []string{"1", "2"}, []string{"a", "b"}
	form["max"] = []string{"1"}
	form.Set("action", "remove-0")
	form = c.post(sendPath, form).want(200).fields(sendPath)
	if got := form["address"]; len(got) != 1 || got[0] != "second" || form.Get("amount") != "2" || form.Get("max") != "0" {
		t.Fatalf("after removing the first: %v", form)
	}
	if form.Get("token") != token {
		t.Error("the form's token changed: sent twice it would make two drafts")
	}
}

func TestPreviewIsAFragmentThatSaysWhatWouldHappen(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	good := url.Values{"address": {testAddress}, "amount": {"0.1"}}
	a := c.post("/wallets/family_vault/preview", good, "HX-Request", "true").want(200)
	if strings.Contains(a.body, "<h1") {
		t.Error("the preview is a whole page")
	}
	a.says("preview-fee", "0.00000141").says("preview-sum", "0.10000000").says("warning", "recipient 1 is round")
	h.fail = errs.E(errs.Invalid, "there is not enough: 1 BTC are needed")
	c.post("/wallets/family_vault/preview", good).want(200).says("preview-error", "There is not enough")
	c.post(sendPath, url.Values{"address": {testAddress}, "amount": {"0.1"}, "action": {"create"}}).want(422).says("error", "There is not enough")
	if a := c.post("/wallets/family_vault/preview", url.Values{"address": {""}, "amount": {""}}).want(200); text(a.doc) != "" {
		t.Errorf("an empty form previews %q", text(a.doc))
	}
}

func TestChosenCoinsGoToTheSendForm(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	coin := h.coins[1].OutPoint
	a := c.post("/wallets/family_vault/coins", url.Values{"coin": {coin.String()}, "action": {"spend"}}).want(200)
	if got := a.fields(sendPath)["coin"]; len(got) != 1 || got[0] != coin.String() {
		t.Errorf("ticked on the send form: %q", got)
	}
	c.post("/wallets/family_vault/coins", url.Values{"coin": {coin.String()}, "action": {"freeze"}}).want(200).says("flash", "Frozen")
	if !h.frozen[coin] {
		t.Error("the coin is not frozen")
	}
	c.post("/wallets/family_vault/coins", url.Values{"coin": {coin.String()}, "action": {"unfreeze"}}).want(200)
	if h.frozen[coin] {
		t.Error("the coin is still frozen")
	}
	c.post("/wallets/family_vault/coins", url.Values{"action": {"freeze"}}).want(200).says("flash", "Tick at least one")
	c.post("/wallets/family_vault/coins", url.Values{"coin": {"x"}, "action": {"freeze"}}).want(422)
}
