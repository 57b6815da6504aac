package v1_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// quoteJSON writes a text as JSON does.
func quoteJSON(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestAWalletFileIsCheckedAndImportedWithItsLabels(t *testing.T) {
	h := newHouse(t)
	const desc = "wpkh([73c5da0a/84h/1h/0h]tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M/<0;1>/*)"
	proposal := h.ok(h.owner, "POST", "/wallet-checks", `{"name":"plain","descriptor":`+quoteJSON(desc)+`}`)
	first, _ := proposal.json["first_address"].(string)
	if first == "" || proposal.json["file"] != nil {
		t.Fatalf("proposal %s", proposal.body)
	}
	findings, _ := proposal.json["findings"].([]any)
	if len(findings) == 0 || findings[0].(map[string]any)["code"] != "no-device" {
		t.Errorf("findings %v", findings)
	}
	file := `{"label":"Old vault","blockheight":3,"descriptor":` + quoteJSON(desc) + `,"labels":{"rent":[` + quoteJSON(first) + `]},"devices":[{"type":"jade","label":"Green"}]}`
	proposal = h.ok(h.owner, "POST", "/wallet-checks", `{"name":"Vault","file":`+quoteJSON(file)+`}`)
	told, _ := proposal.json["file"].(map[string]any)
	if told["format"] != "account-map" || fmt.Sprint(told["labels"]) != "1" || fmt.Sprint(told["from_height"]) != "3" {
		t.Errorf("the file told %v", told)
	}
	h.no(request{method: "POST", path: "/wallet-checks", token: h.owner, body: `{"name":"Vault","file":` + quoteJSON(file) + `,"descriptor":` + quoteJSON(desc) + `}`}, 422, "invalid")
	h.no(request{method: "POST", path: "/wallet-checks", token: h.owner, body: `{"name":"Vault","file":"roses are red"}`}, 422, "unsupported")
	made := h.ok(h.owner, "POST", "/wallets", `{"name":"Vault","file":`+quoteJSON(file)+`,"gap_limit":33}`)
	if fmt.Sprint(made.json["gap_limit"]) != "33" || made.json["descriptor"] == nil {
		t.Errorf("made %s", made.body)
	}
	if r := h.ok(h.owner, "GET", "/wallets/vault/addresses/"+first, ""); r.json["label"] != "rent" {
		t.Errorf("the label did not come along: %s", r.body)
	}
}

func TestAWalletIsKeptOverTheAPI(t *testing.T) {
	h := newHouse(t)
	const desc = "tr([73c5da0a/86h/1h/0h]tpubDDfvzhdVV4unsoKt5aE6dcsNsfeWbTgmLZPi8LQDYU2xixrYemMfWJ3BaVneH3u7DBQePdTwhpybaKRU95pi6PMUtLPBJLVQRpzEnjfjZzX/<0;1>/*)"
	h.ok(h.owner, "POST", "/wallets", `{"name":"Kept","descriptor":`+quoteJSON(desc)+`,"find_coins":true}`)
	const w = "/wallets/kept"
	sheet := h.ok(h.owner, "GET", w+"/backup-sheet", "")
	if !strings.HasPrefix(string(sheet.body), "%PDF") {
		t.Errorf("the sheet begins %.20q", sheet.body)
	}
	if l := h.ok(h.owner, "GET", w+"/losses", ""); fmt.Sprint(l.json["labels"]) != "0" || fmt.Sprint(l.json["drafts"]) != "0" {
		t.Errorf("losses %s", l.body)
	}
	if p := h.ok(h.owner, "GET", w+"/key-pool", ""); fmt.Sprint(p.json["gap_limit"]) != "20" || fmt.Sprint(p.json["derived_receive"]) != "20" || fmt.Sprint(p.json["derived_change"]) != "20" {
		t.Errorf("key pool %s", p.body)
	}
	if p := h.ok(h.owner, "PUT", w+"/key-pool", `{"gap_limit":120}`); fmt.Sprint(p.json["gap_limit"]) != "120" || fmt.Sprint(p.json["derived_receive"]) != "120" {
		t.Errorf("key pool %s", p.body)
	}
	h.no(request{method: "PUT", path: w + "/key-pool", token: h.owner, body: `{"gap_limit":10001}`}, 422, "invalid")
	h.no(request{method: "PUT", path: w + "/key-pool", token: h.owner, body: `{"gap_limit":0}`}, 422, "invalid")
	if r := h.ok(h.owner, "POST", w+"/rebuild", ""); r.json["alias"] != "kept" {
		t.Errorf("rebuild %s", r.body)
	}
	h.ok(h.owner, "DELETE", w+"/rescan", "")
	for _, body := range []string{`{}`, `{"whole":true,"coins":true}`, `{"since":"soon"}`, `{"from_height":-1}`, `{"from_height":0,"whole":true}`} {
		h.no(request{method: "POST", path: w + "/rescan", token: h.owner, body: body}, 422, "invalid")
	}
	for _, body := range []string{`{"coins":true}`, `{"whole":true}`, `{"since":"2020-02-29"}`, `{"from_height":1}`} {
		if s := h.ok(h.owner, "POST", w+"/rescan", body); s.json["scan"] == nil {
			t.Errorf("%s answers %s", body, s.body)
		} else if mode := s.json["scan"].(map[string]any)["mode"]; (mode == "coins") != strings.Contains(body, "coins") {
			t.Errorf("%s looks as %v", body, mode)
		}
		h.ok(h.owner, "DELETE", w+"/rescan", "")
	}
}

func TestTheOwnerTurnsSoftwareKeysOn(t *testing.T) {
	h := newHouse(t)
	if r := h.ok(h.member, "GET", "/hot-keys", ""); r.json["allowed"] != false {
		t.Errorf("at first %s", r.body)
	}
	h.no(request{method: "PUT", path: "/hot-keys", token: h.member, body: `{"allowed":true}`}, 403, "owner-only")
	if r := h.ok(h.owner, "PUT", "/hot-keys", `{"allowed":true}`); r.json["allowed"] != true {
		t.Errorf("then %s", r.body)
	}
	if r := h.ok(h.owner, "PUT", "/hot-keys", `{"allowed":false}`); r.json["allowed"] != false {
		t.Errorf("at last %s", r.body)
	}
}
