package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"specter/internal/errs"
	"specter/internal/wallet"
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

const sendPath = "/wallets/family_vault/send"

func TestSendFormBuildsTheRequest(t *testing.T) {
	coin := hashOf(1).String() + ":1"
	for name, c := range map[string]struct {
		form url.Values
		want func(r wallet.SpendRequest) bool
	}{
		"BTC": {url.Values{"address": {testAddress}, "amount": {"0.1"}, "label": {"rent"}, "unit": {"btc"}, "rbf": {"yes"}, "blocks": {"3"}}, func(r wallet.SpendRequest) bool {
			return len(r.Recipients) == 1 && r.Recipients[0] == wallet.Recipient{Address: testAddress, Amount: 10_000_000, Label: "rent"} && r.Blocks == 3 && r.FeeRate == 0 && !r.NoRBF
		}},
		"sat": {url.Values{"address": {testAddress}, "amount": {"1 234"}, "unit": {"sat"}}, func(r wallet.SpendRequest) bool {
			return r.Recipients[0].Amount == 1234 && r.NoRBF && r.Blocks == 1
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
	a.says("preview-fee", "0.00000141").says("preview-sum", "0.10000000").says("warning", "round amount")
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

const draft = "/wallets/family_vault/drafts/7"

func TestADraftIsSignedAndSent(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get(draft).want(200).says("signed", "1 of 2").says("fee", "0.00001000").says("change", "Change")
	if len(a.all("sign")) != 1 || len(a.all("signer")) != 3 || len(a.all("broadcast")) != 0 {
		t.Fatalf("%d ways to sign, %d signers, %d ways to send", len(a.all("sign")), len(a.all("signer")), len(a.all("broadcast")))
	}
	c.post(draft+"/broadcast", nil).want(422).says("error", "Signatures are missing")
	c.post(draft+"/sign", url.Values{"device": {"3"}, "password": {"wrong"}}).want(403).says("error", "password is wrong")
	c.post(draft+"/sign", url.Values{"device": {"3"}, "password": {"right"}}).want(200).says("flash", "2 of 2").says("draft-state", "Ready to send")
	sent := c.post(draft+"/broadcast", nil).want(200).says("flash", "Sent")
	if want := "/wallets/family_vault/tx/" + hashOf(1).String(); sent.path != want {
		t.Errorf("leads to %s, want %s", sent.path, want)
	}
	if a := c.get(draft).want(200); len(a.all("broadcast")) != 0 || len(a.all("signed-psbt")) != 0 {
		t.Error("a sent draft offers to be signed or sent")
	}
}

func TestSignaturesComeByPasteAndFile(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.post(draft+"/signatures", url.Values{"psbt": {"another transaction"}}).want(422).says("error", "for another transaction")
	if got := a.fields(draft + "/signatures").Get("psbt"); got != "another transaction" {
		t.Errorf("what was pasted comes back as %q", got)
	}
	c.post(draft+"/signatures", url.Values{"psbt": {" "}}).want(422).says("error", "Paste the signed PSBT")
	c.upload(draft+"/signatures", "file", map[string]string{"a.psbt": "good", "b.psbt": "good"}).want(200).says("flash", "Signature accepted: 2 of 2")
	c.upload(draft+"/signatures", "file", map[string]string{"a.psbt": "good", "b.psbt": "bad"}).want(422)
}

func (c *client) upload(path, field string, files map[string]string) answer {
	c.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
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

func TestFilesAreHandedOut(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get(draft + "/psbt").want(200)
	if a.body != "psbt\xff" || !strings.Contains(a.header.Get("Content-Disposition"), `filename="family_vault-7.psbt"`) {
		t.Errorf("the PSBT comes as %q, %s", a.body, a.header.Get("Content-Disposition"))
	}
	if a := c.get(draft + "/psbt?format=base64").want(200); a.body != "cHNidP8=" {
		t.Errorf("as text: %q", a.body)
	}
	if a := c.get("/wallets/family_vault/export/descriptor").want(200); !strings.HasPrefix(a.body, "wsh(") {
		t.Errorf("the descriptor comes as %q", a.body)
	}
	c.get("/wallets/family_vault/export/abacus").want(422)
	c.post(draft+"/note", url.Values{"note": {"new note"}}).want(200).says("flash", "Note saved")
	c.post(draft+"/delete", nil).want(200).says("flash", "coins are free")
	c.get(draft).want(404)
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

func must(digits string) int {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}

func TestAMultisigWalletIsMadeInThreeSteps(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get("/new-wallet/multisig?step=setup&device=cold_a&device=trezor_b&device=red_key").want(200)
	form := a.fields("/new-wallet/multisig")
	if form.Get("threshold") != "2" || form.Get("script") != "wsh" || form.Get("since") != "now" {
		t.Errorf("proposed: %v", form)
	}
	c.post("/new-wallet/multisig", form).want(422).says("error", "name")
	form.Set("name", "Vault two")
	form.Set("since", "height")
	form.Set("height", "100")
	a = c.post("/new-wallet/multisig", form).want(200).says("first-address", testAddress).says("warning", "odd path")
	if len(h.wallets) != 2 {
		t.Fatal("made before it was confirmed")
	}
	form = a.fields("/new-wallet/multisig")
	form.Set("action", "change")
	back := c.post("/new-wallet/multisig", form).want(200).fields("/new-wallet/multisig")
	for _, name := range []string{"name", "threshold", "script", "since", "height"} {
		if back.Get(name) != form.Get(name) {
			t.Errorf("%s was %q, comes back as %q", name, form.Get(name), back.Get(name))
		}
	}
	form.Set("action", "create")
	if a = c.post("/new-wallet/multisig", form).want(200); a.path != "/wallets/vault_two/receive" {
		t.Fatalf("leads to %s", a.path)
	}
	made := h.made
	if made.Threshold != 2 || made.ScriptType != "wsh" || len(made.Keys) != 3 || made.Keys[0] != h.devices[0].Keys[0].Expression() || made.FromHeight == nil || *made.FromHeight != 100 || made.ScanAll {
		t.Errorf("asked for %+v", made)
	}
}

func TestWalletFormReadsSinceWhen(t *testing.T) {
	for name, c := range map[string]struct {
		form url.Values
		want func(w wallet.NewWallet) bool
		says string
	}{
		"now":        {url.Values{"since": {"now"}}, func(w wallet.NewWallet) bool { return w.Birthday.IsZero() && !w.ScanAll && w.FromHeight == nil }, ""},
		"all":        {url.Values{"since": {"all"}}, func(w wallet.NewWallet) bool { return w.ScanAll }, ""},
		"date":       {url.Values{"since": {"date"}, "date": {"2024-02-29"}}, func(w wallet.NewWallet) bool { return w.Birthday.Format(time.DateOnly) == "2024-02-29" }, ""},
		"no date":    {url.Values{"since": {"date"}, "date": {"yesterday"}}, nil, "is no date"},
		"no height":  {url.Values{"since": {"height"}, "height": {"-5"}}, nil, "no block height"},
		"big height": {url.Values{"since": {"height"}, "height": {"99999999999"}}, nil, "no block height"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse("")
			client := open(t, h)
			c.form.Set("name", "X")
			c.form.Set("device", "cold_a")
			c.form.Set("action", "create")
			a := client.post("/new-wallet/single", c.form)
			if c.says != "" {
				a.want(422).says("error", c.says)
				return
			}
			if a.want(200); !c.want(h.made) || h.made.ScriptType != "wpkh" || h.made.Keys[0] != h.devices[0].Keys[1].Expression() {
				t.Errorf("asked for %+v", h.made)
			}
		})
	}
}

func TestWalletFormRefusesKeysTheDeviceDoesNotHave(t *testing.T) {
	c := open(t, newHouse(""))
	form := url.Values{"name": {"X"}, "device": {"cold_a"}, "script": {"wpkh"}, "key-cold_a": {"[00000000]" + testXPub}}
	c.post("/new-wallet/single", form).want(422).says("error", "no such key")
	c.post("/new-wallet/single", url.Values{"name": {"X"}, "device": {"cold_a"}, "script": {"tr"}}).want(422).says("error", "no key of the kind")
	c.post("/new-wallet/multisig", url.Values{"name": {"X"}, "device": {"cold_a"}}).want(422).says("error", "hoose the devices")
}

func TestAWalletIsImportedFromTextOrFile(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.post("/new-wallet/import", url.Values{"name": {"Old"}, "descriptor": {"nonsense"}}).want(422).says("error", "is no descriptor")
	if got := a.fields("/new-wallet/import").Get("descriptor"); got != "nonsense" {
		t.Errorf("comes back as %q", got)
	}
	c.post("/new-wallet/import", url.Values{"name": {"Old"}, "descriptor": {" wpkh(x) \n"}, "action": {"create"}}).want(200)
	if h.made.Descriptor != "wpkh(x)" {
		t.Errorf("imported %q", h.made.Descriptor)
	}
}

func TestWalletSettingsChangeWhatTheySay(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	c.post("/wallets/family_vault/rename", url.Values{"name": {" "}}).want(422).says("error", "name")
	c.post("/wallets/family_vault/rename", url.Values{"name": {"Better"}}).want(200).says("nav-wallet", "Better")
	c.post("/wallets/family_vault/rescan", url.Values{"from": {"soon"}}).want(422).says("error", "no block height")
	c.post("/wallets/family_vault/rescan", url.Values{"from": {"120"}}).want(200)
	if h.rescan == nil || *h.rescan != 120 {
		t.Errorf("rescan from %v", h.rescan)
	}
	h.wallets[0].Scan = &wallet.Scan{Running: true, Progress: 0.995, From: 120}
	if a := c.get("/wallets/family_vault/settings").want(200); !strings.Contains(text(a.doc), "Scanning from block 120: 99 %") {
		t.Error("a scan under way is not shown")
	}
	c.post("/wallets/family_vault/rescan/abort", nil).want(200)
	h.fail = errs.E(errs.Unavailable, "the node has pruned these blocks")
	c.post("/wallets/family_vault/rescan", url.Values{"from": {"0"}}).want(503).says("error", "pruned")
	c.post("/wallets/family_vault/delete", nil).want(422).says("error", "ick the box")
	c.post("/wallets/family_vault/delete", url.Values{"sure": {"yes"}}).want(200).says("flash", "The wallet is deleted")
	c.get("/wallets/family_vault/settings").want(404)
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

func TestAnAwayNodeIsSaidOnTheWalletsPages(t *testing.T) {
	h := newHouse("")
	h.state.Away, h.state.Trouble = true, "Connection refused."
	c := open(t, h)
	c.get("/wallets/family_vault/history").want(200).says("stale", "does not answer").says("connection", "Not reachable")
	c.get("/nodes").want(200).says("status", "Connection refused")
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
