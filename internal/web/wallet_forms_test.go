package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/wallet"
)

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
	if a = c.post("/new-wallet/multisig", form).want(200); a.path != "/wallets/vault_two/next" {
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
	if a := c.get("/wallets/family_vault/advanced").want(200); !strings.Contains(text(a.doc), "Scanning from block 120: 99 %") {
		t.Error("a scan under way is not shown")
	}
	c.post("/wallets/family_vault/rescan/abort", nil).want(200)
	h.fail = errs.E(errs.Unavailable, "the node has pruned these blocks")
	c.post("/wallets/family_vault/rescan", url.Values{"from": {"0"}}).want(503).says("error", "pruned")
	c.post("/wallets/family_vault/delete", nil).want(422).says("error", "ype the wallet's name")
	c.post("/wallets/family_vault/delete", url.Values{"typed": {"Savings"}}).want(422)
	c.post("/wallets/family_vault/delete", url.Values{"typed": {"Better"}}).want(200).says("flash", "The wallet is deleted")
	c.get("/wallets/family_vault/settings").want(404)
}

func TestAnAwayNodeIsSaidOnTheWalletsPages(t *testing.T) {
	h := newHouse("")
	h.state.Away, h.state.Trouble = true, "Connection refused."
	c := open(t, h)
	c.get("/wallets/family_vault/history").want(200).says("stale", "does not answer").says("connection", "Not reachable")
	c.get("/nodes").want(200).says("status", "Connection refused")
}
