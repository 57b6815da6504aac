package v1_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// outside is who knows numbers and sends for the house.
type outside struct{}

func (outside) FeeRates(context.Context, wallet.Owner) rates.Table {
	return rates.Table{Choices: []rates.Choice{{Blocks: 1, Rate: 9_000}, {Blocks: 144}}, Source: "node", Fallback: true, Reason: "the other does not answer"}
}

func (outside) Senders(_ context.Context, _ wallet.Owner, n btc.Network) []wallet.Sender {
	if n != btc.Regtest {
		return nil
	}
	return []wallet.Sender{{ID: "explorer", Name: "explorer.example", Tor: true}, {ID: "node:other", Name: "Other", Node: true}}
}

// post is an explorer that gives what it gets to the demo chain.
func (h *house) post(ctx context.Context, _ wallet.Owner, _ btc.Network, via string, tx *wire.MsgTx) error {
	if via != "explorer" {
		return errs.E(errs.Invalid, "%q sends nothing here", via)
	}
	return h.chain.Broadcast(ctx, tx)
}

func TestFeeratesAndSenders(t *testing.T) {
	h := newHouse(t)
	f := h.ok(h.owner, "GET", "/feerates", "")
	if c := f.list("choices"); f.str("source") != "node" || len(c) != 2 || c[0].(map[string]any)["feerate_sat_kvb"] != json.Number("9000") || c[1].(map[string]any)["feerate_sat_kvb"] != nil || !strings.Contains(f.str("reason"), "does not answer") {
		t.Errorf("feerates %s", f.body)
	}
	s := h.ok(h.owner, "GET", "/senders?limit=1", "")
	if len(s.list("items")) != 1 || s.num("total") != 2 || s.str("next_cursor") == "" || s.list("items")[0].(map[string]any)["id"] != "explorer" {
		t.Errorf("senders %s", s.body)
	}
}

// A draft is edited in place, compared, sent by an explorer; what waits says what can be done,
// is edited and given up where that is possible.
func TestWaitingTransactionsAndDrafts(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	w := "/wallets/" + alias
	h.pay(h.owner, alias, 900_000)
	h.mine(1)
	h.ok(h.owner, "POST", w+"/sync", "")
	pay := func(more string) string {
		return fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":100000}],"feerate_sat_kvb":1000%s}`, stranger(1), more)
	}
	first := h.ok(h.owner, "POST", w+"/drafts", pay("")).num("id")
	draft := fmt.Sprintf("%s/drafts/%d", w, first)
	q := h.ok(h.owner, "GET", draft+"/edit", "")
	if q.num("instead_of_draft") != first || len(q.list("outpoints")) != 1 || q.num("feerate_sat_kvb") < 990 || q.list("recipients")[0].(map[string]any)["amount_sat"] != json.Number("100000") {
		t.Fatalf("the draft as a request: %s", q.body)
	}
	h.no(request{method: "POST", path: w + "/drafts", token: h.owner, body: pay("")}, 422, "invalid") // its coin is held
	second := h.ok(h.owner, "POST", w+"/drafts", pay(fmt.Sprintf(`,"instead_of_draft":%d,"note":"edited"`, first)))
	if second.num("id") == first || h.ok(h.owner, "GET", w+"/drafts", "").num("total") != 1 || second.str("expires") == "" || len(second.list("remarks")) != len(second.list("warnings")) {
		t.Fatalf("edited: %s", second.body)
	}
	h.no(request{method: "GET", path: draft + "/edit", token: h.owner}, 404, "not-found")
	draft = fmt.Sprintf("%s/drafts/%d", w, second.num("id"))
	h.no(request{method: "GET", path: draft + "/comparison", token: h.owner}, 422, "invalid")
	h.no(request{method: "GET", path: draft + "/comparison?with=77", token: h.owner}, 404, "not-found")
	c := h.ok(h.owner, "GET", fmt.Sprintf("%s/comparison?with=%d", draft, second.num("id")), "")
	if len(c.list("inputs")) != 1 || len(c.list("outputs")) != 2 || c.list("outputs")[0].(map[string]any)["first_sat"] == nil {
		t.Errorf("compared with itself: %s", c.body)
	}
	if r := h.ok(h.owner, "POST", draft+"/renew", ""); r.str("state") != "unsigned" {
		t.Errorf("renewed: %s", r.body)
	}
	h.ok(h.owner, "POST", draft+"/sign-hot", `{"device":"vault_key_1","password":"pin 1"}`)
	h.no(request{method: "POST", path: draft + "/broadcast?via=evil", token: h.owner}, 422, "invalid")
	txid := h.ok(h.owner, "POST", draft+"/broadcast?via=explorer", "").str("txid")
	tx := w + "/transactions/" + txid

	can := h.ok(h.owner, "GET", tx+"/choices", "")
	for _, name := range []string{"speed_up", "cancel", "edit", "child"} {
		if can.json[name] != true {
			t.Errorf("%s: %s", name, can.body)
		}
	}
	e := h.ok(h.owner, "GET", tx+"/edit", "")
	if e.str("replaces") != txid || e.num("feerate_sat_kvb") < 2_000 {
		t.Errorf("the transaction as a request: %s", e.body)
	}
	for field, body := range map[string]string{"replaces": `,"replaces":"zz"`, "instead_of_draft": `,"instead_of_draft":0`, "max_fee_sat": `,"max_fee_sat":0`} {
		if a := h.no(request{method: "POST", path: w + "/previews", token: h.owner, body: pay(body)}, 422, "invalid"); a.str("field") != field {
			t.Errorf("%s: %s", field, a.body)
		}
	}
	up := h.ok(h.owner, "POST", w+"/drafts", strings.Replace(pay(`,"replaces":"`+txid+`"`), "1000,", "5000,", 1))
	if up.str("replaces") != txid {
		t.Errorf("a replacement: %s", up.body)
	}
	h.no(request{method: "POST", path: tx + "/abandon", token: h.owner}, 409, "conflict")
	if a := h.ok(h.owner, "GET", w+"/alarms", ""); a.num("total") != 0 {
		t.Errorf("alarms %s", a.body)
	}
	if r := h.ok(h.owner, "POST", tx+"/rebroadcast", ""); r.str("txid") != txid {
		t.Errorf("sent again: %s", r.body)
	}
	h.mine(1)
	h.ok(h.owner, "POST", w+"/sync", "")
	if why := h.ok(h.owner, "GET", tx+"/choices", ""); why.str("why") == "" || why.json["speed_up"] != false {
		t.Errorf("when confirmed: %s", why.body)
	}
	h.no(request{method: "GET", path: tx + "/edit", token: h.owner}, 409, "conflict")
	h.no(request{method: "POST", path: tx + "/rebroadcast", token: h.owner}, 409, "conflict")
}

// TestGraveRemarksAreAgreedToOrRefused: what the pages ask a person about, a program has to name.
func TestGraveRemarksAreAgreedToOrRefused(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	w := "/wallets/" + alias
	h.pay(h.owner, alias, 900_000)
	h.mine(1)
	h.ok(h.owner, "POST", w+"/sync", "")
	pay := func(more string) string { // the fee is above ten per cent
		return fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000}],"feerate_sat_kvb":2000%s}`, stranger(1), more)
	}
	preview := h.ok(h.owner, "POST", w+"/previews", pay(""))
	var grave map[string]any
	for _, r := range preview.list("remarks") {
		if m := r.(map[string]any); m["grave"] == true {
			grave = m
		}
	}
	if grave == nil || grave["code"] != "fee-percent" {
		t.Fatalf("the preview: %s", preview.body)
	}
	for _, more := range []string{"", `,"agreed":[]`, `,"agreed":["look-alike"]`} {
		a := h.no(request{method: "POST", path: w + "/drafts", token: h.owner, body: pay(more)}, 409, "grave-remarks")
		if a.str("field") != "agreed" || !strings.Contains(a.str("detail"), grave["text"].(string)) || !strings.Contains(a.str("detail"), "fee-percent") {
			t.Errorf("%s: %s", more, a.body)
		}
	}
	if n := h.ok(h.owner, "GET", w+"/drafts", "").num("total"); n != 0 {
		t.Errorf("%d drafts of refused payments", n)
	}
	h.ok(h.owner, "POST", w+"/drafts", pay(`,"agreed":["fee-percent"]`))
}
