package v1_test

import (
	"fmt"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/wallet"
)

func TestTheApiLooksAtWalletsAsThePagesDo(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	for range 3 {
		h.pay(h.owner, alias, 20_000)
	}
	h.mine(1)
	h.ok(h.owner, "POST", "/wallets/"+alias+"/sync", "")
	one := "/wallets/" + alias
	for _, path := range []string{one, ""} {
		points := h.ok(h.owner, "GET", path+"/balance-history?points=10", "").list("points")
		if len(points) == 0 {
			t.Fatalf("%q has no balance over time", path)
		}
		if last := points[len(points)-1].(map[string]any); fmt.Sprint(last["balance_sat"]) != "60000" {
			t.Errorf("%q ends with %v", path, last)
		}
		if a := h.send(request{token: h.owner, method: "GET", path: path + "/statement.pdf?from=2020-01-01&to=2199-12-31"}); a.status != 200 || !strings.HasPrefix(string(a.body), "%PDF-") {
			t.Errorf("%q: the statement answers %d", path, a.status)
		}
		h.no(request{token: h.owner, method: "GET", path: path + "/statement.pdf?from=2020-01-01"}, 422, "invalid")
		h.no(request{token: h.owner, method: "GET", path: path + "/balance-history?points=0"}, 422, "invalid")
	}
	if points := h.ok(h.member, "GET", "/balance-history", "").list("points"); len(points) != 0 {
		t.Errorf("somebody else sees %v", points)
	}
	advice := h.ok(h.owner, "GET", one+"/consolidation?feerate_sat_kvb=1000", "")
	if len(advice.list("coins")) != 3 || advice.num("amount_sat") != 60_000 || advice.num("saves_sat") <= 0 || advice.json["worthwhile"] != true {
		t.Errorf("advice %v", advice.json)
	}
	coin := advice.list("coins")[0].(map[string]any)
	address, _ := coin["address"].(string)
	if _, ok := coin["suspect"]; !ok || coin["reused"] == nil || coin["dust"] != false {
		t.Errorf("a coin is %v", coin)
	}
	details := h.ok(h.owner, "GET", one+"/addresses/"+address+"/details", "")
	if plain := details.str("plain_descriptor"); plain == "" || strings.Contains(plain, "tpub") || !strings.Contains(details.str("descriptor"), "tpub") || len(details.list("keys")) != 1 {
		t.Errorf("details %v", details.json)
	}
	outpoint, _ := coin["outpoint"].(string)
	proof := h.ok(h.owner, "GET", one+"/transactions/"+outpoint[:64]+"/proof", "")
	if proof.json["checked"] != nil || proof.json["proved"] != false {
		t.Errorf("an unproved transaction is %v", proof.json)
	}
}

func TestTheApiTakesLabelsLineByLine(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	one := "/wallets/" + alias
	first, second := h.ok(h.owner, "POST", one+"/addresses", "").str("address"), h.ok(h.owner, "POST", one+"/addresses", "").str("address")
	for _, a := range []string{first, second} {
		h.ok(h.owner, "PUT", one+"/labels", fmt.Sprintf(`{"type":"addr","ref":"%s","label":"mine"}`, a))
	}
	file := fmt.Sprintf(`{\"type\":\"addr\",\"ref\":\"%s\",\"label\":\"Theirs 1\"}\n{\"type\":\"addr\",\"ref\":\"%s\",\"label\":\"theirs 2\"}`, first, second)
	got := h.ok(h.owner, "POST", one+"/label-imports", fmt.Sprintf(`{"file":"%s","overwrite":true,"take":["addr %s"],"keep":["addr %s"]}`, file, first, second))
	if got.num("set") != 1 || got.num("kept") != 1 {
		t.Errorf("the import did %v", got.json)
	}
	if l := h.ok(h.owner, "GET", one+"/labels?search=theirs&filter=addr", "").list("items"); len(l) != 1 || l[0].(map[string]any)["ref"] != first {
		t.Errorf("found %v", l)
	}
	if l := h.ok(h.owner, "GET", one+"/labels?filter=tx", "").list("items"); len(l) != 0 {
		t.Errorf("labels of transactions: %v", l)
	}
	h.no(request{token: h.owner, method: "GET", path: one + "/labels?filter=user"}, 422, "invalid")
	h.no(request{token: h.owner, method: "POST", path: one + "/label-imports", body: fmt.Sprintf(`{"file":"{}","take":["addr %s"],"keep":["addr %s"]}`, first, first)}, 422, "invalid")
}

// TestTheApiTellsOfHeadersAndProofs: nothing is kept before somebody proves, then the whole chain.
func TestTheApiTellsOfHeadersAndProofs(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	ref := wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: alias}
	h.pay(h.owner, alias, 900_000)
	h.mine(1)
	h.ok(h.owner, "POST", "/wallets/"+alias+"/sync", "")
	if before := h.ok(h.owner, "GET", "/headers", ""); before.json["height"] != nil || before.json["target"] != nil || before.json["enough_work"] != false {
		t.Errorf("before: %s", before.body)
	}
	if _, err := h.wallets.Prove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	txid := h.ok(h.owner, "GET", "/wallets/"+alias+"/history", "").list("items")[0].(map[string]any)["txid"].(string)
	after := h.ok(h.owner, "GET", "/headers", "")
	if after.num("height") < 1 || after.num("height") != after.num("target") || after.json["enough_work"] != true || after.num("bytes") != 80*(after.num("height")+1) || after.json["trouble"] != nil || after.str("time") == "" {
		t.Errorf("after: %s", after.body)
	}
	if p := h.ok(h.owner, "GET", "/wallets/"+alias+"/transactions/"+txid+"/proof", ""); p.json["proved"] != true {
		t.Errorf("the proof: %s", p.body)
	}
}
