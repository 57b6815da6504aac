package web_test

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/wallet"
	"specter/internal/web"
)

func TestGraveFindingsWantATick(t *testing.T) {
	h := newHouse("")
	h.setup.findings = []wallet.Finding{
		{Level: wallet.Danger, Code: "same-seed", Format: "Keys %d and %d come from the same seed (%s).", Args: []any{1, 2, "73c5da0a"}},
		{Level: wallet.Notice, Code: "unknown-key", Format: "No device of yours holds key %s.", Args: []any{"3"}},
	}
	c := open(t, h)
	form := url.Values{"name": {"Vault two"}, "script": {"wsh"}, "threshold": {"2"}, "device": {"cold_a", "trezor_b"}, "action": {"create"}}
	c.post("/new-wallet/multisig", form).want(422).says("error", "tick the box").says("warning", "Keys 1 and 2 come from the same seed (73c5da0a).").says("notice", "key 3")
	if len(h.wallets) != 2 {
		t.Fatal("made without the tick")
	}
	form.Set("sure", "yes")
	c.post("/new-wallet/multisig", form).want(200)
	if len(h.wallets) != 3 {
		t.Error("not made with the tick")
	}
	h.setup.findings = h.setup.findings[1:] // a notice alone wants none
	form.Del("sure")
	form.Set("name", "Vault three")
	c.post("/new-wallet/multisig", form).want(200)
	if len(h.wallets) != 4 {
		t.Error("a notice kept a wallet from being made")
	}
}

func TestNextStepsLeadThroughBackupDevicesAndFirstAddress(t *testing.T) {
	c := open(t, newHouse(""))
	c.get("/wallets/family_vault/next").want(200).says("backup-sheet", "PDF").says("register", "Cold A").says("first-address", testAddress[:4]).says("comparers", "Trezor B").says("to-receive", "Receive")
	a := c.get("/wallets/family_vault/backup").want(200)
	if a.header.Get("Content-Type") != "application/pdf" || !strings.Contains(a.header.Get("Content-Disposition"), "family_vault_backup.pdf") || !strings.HasPrefix(a.body, "%PDF") {
		t.Errorf("the sheet comes as %v", a.header)
	}
	c.get("/wallets/nobodys/backup").want(404)
}

func TestOlderCoinsAreAskedForInEveryWay(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	for way, x := range map[string]struct {
		form url.Values
		want func(q wallet.ScanRequest) bool
	}{
		"height": {url.Values{"from": {" 120 "}}, func(q wallet.ScanRequest) bool {
			return q.FromHeight != nil && *q.FromHeight == 120 && !q.Whole && !q.Coins
		}},
		"date": {url.Values{"date": {"2024-02-29"}}, func(q wallet.ScanRequest) bool {
			return q.Since.Format(time.DateOnly) == "2024-02-29" && q.FromHeight == nil
		}},
		"all":   {url.Values{}, func(q wallet.ScanRequest) bool { return q.Whole && q.FromHeight == nil && q.Since.IsZero() }},
		"coins": {url.Values{"from": {"7"}}, func(q wallet.ScanRequest) bool { return q.Coins && q.FromHeight == nil }},
	} {
		h.setup.scan = nil
		x.form.Set("way", way)
		c.post("/wallets/family_vault/rescan", x.form).want(200)
		if h.setup.scan == nil || !x.want(*h.setup.scan) {
			t.Errorf("%s asks for %+v", way, h.setup.scan)
		}
	}
	c.post("/wallets/family_vault/rescan", url.Values{"way": {"date"}, "date": {"soon"}}).want(422).says("error", "is no date")
	c.post("/wallets/family_vault/rescan", url.Values{"way": {"luck"}}).want(422).says("error", "no way to look")
	h.state.Status.PrunedTo = 900
	if form := c.get("/wallets/family_vault/advanced").want(200).fields("/wallets/family_vault/rescan"); form.Get("way") != "coins" || form.Get("from") != "900" {
		t.Errorf("a pruned node proposes %v", form)
	}
}

func TestASearchForCoinsTellsWhatItFoundAndMissed(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	h.wallets[0].Scan = &wallet.Scan{Running: true, Mode: wallet.ScanCoins, Progress: 0.4}
	c.get("/wallets/family_vault/advanced").want(200).says("scanning", "Looking for unspent coins: 40 %")
	h.wallets[0].Scan = &wallet.Scan{Mode: wallet.ScanCoins, Found: &wallet.CoinsScan{Height: 800, Coins: 3, Amount: 5000, Missing: []wallet.MissingCoin{{OutPoint: h.coins[0].OutPoint, Amount: 1234, Height: 77}}}}
	c.get("/wallets/family_vault/advanced").want(200).says("scan-found", "3 unspent coins").says("scan-found", "block 77").says("scan-found", h.coins[0].OutPoint.Hash.String()).says("scan-found", "missing in the wallet")
	h.wallets[0].Scan = &wallet.Scan{Error: "blocks are gone"}
	c.get("/wallets/family_vault/next").want(200).says("scan-error", "blocks are gone")
}

func TestAddressesAheadAndHistoryAreMadeAnew(t *testing.T) {
	h := newHouse("")
	h.wallets[0].Gap = 20
	c := open(t, h)
	c.get("/wallets/family_vault/advanced").want(200).says("derived", "31").says("losses", "4 labels, 1 frozen coin, 2 drafts")
	c.post("/wallets/family_vault/gap", url.Values{"gap": {"50"}}).want(200)
	if h.setup.gap != 50 {
		t.Errorf("gap %d", h.setup.gap)
	}
	c.post("/wallets/family_vault/gap", url.Values{"gap": {"20"}, "more": {"100"}}).want(200)
	if h.setup.gap != 120 {
		t.Errorf("gap with more %d", h.setup.gap)
	}
	a := c.post("/wallets/family_vault/gap", url.Values{"gap": {"99999"}}).want(422).says("error", "oo many")
	if got := a.fields("/wallets/family_vault/gap").Get("gap"); got != "99999" {
		t.Errorf("comes back as %q", got)
	}
	c.post("/wallets/family_vault/gap", url.Values{"gap": {"many"}}).want(422).says("error", "no number")
	c.post("/wallets/family_vault/rebuild", nil).want(200)
	if !h.setup.rebuilt {
		t.Error("nothing was made anew")
	}
	h.fail = errs.E(errs.Unavailable, "no node is connected")
	c.post("/wallets/family_vault/rebuild", nil).want(503).says("error", "o node")
}

func TestFilesAreNamedForPeople(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get("/wallets/family_vault/export").want(200).says("backup-sheet", "PDF").says("export-specter", "JSON").says("wallet-codes", "QR")
	for format, words := range map[string]string{"account-map": "Account map", "electrum": "Electrum", "coldcard": "Coldcard"} {
		a.says("file-"+format, words)
	}
}

func TestADeviceIsMadeOfAKeyThatNobodyHolds(t *testing.T) {
	h := newHouse("")
	h.wallets[0].Cosigners[2].DeviceID, h.wallets[0].Cosigners[2].DeviceAlias = 0, ""
	c := open(t, h)
	c.get("/wallets/family_vault/settings").want(200).says("device-of-key", "Add a device")
	key := h.wallets[0].Cosigners[2].Expression
	if form := c.get("/new-device/other?" + url.Values{"keys": {key}}.Encode()).want(200).fields("/new-device/other"); form.Get("keys") != key {
		t.Errorf("the form has %q", form.Get("keys"))
	}
}

func TestSoftwareKeysAreHiddenUntilTheOwnerTurnsThemOn(t *testing.T) {
	h := newHouse("")
	s := server(t, func(c *web.Config) { c.Settings, c.Demo = h, nil })
	get := func(path string) string {
		w := serve(s, "GET", path, nil)
		return strconv.Itoa(w.Code) + w.Body.String()
	}
	post := func(body string) int {
		return serve(s, "POST", "/new-device/hot/allow", func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Body = io.NopCloser(strings.NewReader(body))
		}).Code
	}
	if page := get("/new-device"); strings.Contains(page, `href="/new-device/hot"`) || !strings.Contains(page, "hot-on") {
		t.Error("software keys are on offer before anybody asked for them")
	}
	if page := get("/new-device/hot"); !strings.HasPrefix(page, "403") {
		t.Errorf("the page of software keys answers %.3s", page)
	}
	if code := post("on=yes"); code != 422 || h.settings["/hot-keys"] != "" {
		t.Errorf("turned on without the tick: %d", code)
	}
	if code := post("on=yes&sure=yes"); code != 303 || h.settings["/hot-keys"] != "yes" {
		t.Errorf("not turned on: %d %v", code, h.settings)
	}
	if page := get("/new-device"); !strings.Contains(page, `href="/new-device/hot"`) {
		t.Error("turned on, they are still hidden")
	}
	if page := get("/new-device/hot"); !strings.HasPrefix(page, "200") {
		t.Errorf("the page of software keys answers %.3s", page)
	}
	if code := post("on=no"); code != 303 || h.settings["/hot-keys"] != "" {
		t.Errorf("not turned off: %d", code)
	}
}
