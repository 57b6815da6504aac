package v1_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
)

func amount(sat int64) btcutil.Amount { return btcutil.Amount(sat) }

// stranger is a regtest address that is nobody's in the tests.
func stranger(n byte) string {
	hash := sha256.Sum256([]byte{n})
	a, _ := btc.AddressOf(btc.WitnessScript(0, hash[:20]), btc.Regtest)
	return a
}

// The whole life of a 2-of-3, over HTTP alone: keys, wallet, coins, labels, payment, signatures
// of two kinds, broadcast, confirmation.
func TestWholeLifeOfATwoOfThree(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 2, 3)
	w := "/wallets/" + alias
	h.pay(h.owner, alias, 1_000_000)
	h.mine(1)
	if b := h.ok(h.owner, "POST", w+"/sync", "").json["balance"].(map[string]any); fmt.Sprint(b["confirmed_sat"]) != "1000000" {
		t.Fatalf("balance %v", b)
	}
	coin := h.ok(h.owner, "GET", w+"/coins", "").list("items")[0].(map[string]any)
	outpoint := coin["outpoint"].(string)

	// A frozen coin is not spent; freed, it is.
	pay := fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":250000,"label":"rent"}],"feerate_sat_kvb":2500,"note":"November"}`, stranger(1))
	h.ok(h.owner, "POST", w+"/coins/freeze", fmt.Sprintf(`{"outpoints":["%s"],"frozen":true}`, outpoint))
	if a := h.send(request{method: "POST", path: w + "/previews", token: h.owner, body: pay}); a.status < 400 || a.status >= 500 {
		t.Errorf("a frozen coin is spent: %d %s", a.status, a.body)
	}
	h.ok(h.owner, "POST", w+"/coins/freeze", fmt.Sprintf(`{"outpoints":["%s"],"frozen":false}`, outpoint))

	p := h.ok(h.owner, "POST", w+"/previews", pay)
	made := h.ok(h.owner, "POST", w+"/drafts", pay)
	if p.num("fee_sat") != made.num("fee_sat") || made.num("change_sat") != 750_000-made.num("fee_sat") || made.str("state") != "unsigned" {
		t.Fatalf("preview %s\ndraft %s", p.body, made.body)
	}
	draft := fmt.Sprintf("%s/drafts/%d", w, made.num("id"))
	if loc := made.header.Get("Location"); loc != "/api/v1"+draft {
		t.Errorf("the draft is at %q", loc)
	}

	// One signature by a software key, one as a PSBT that another program brings back.
	h.no(request{method: "POST", path: draft + "/sign-hot", token: h.owner, body: `{"device":"vault_key_1","password":"wrong"}`}, 403, "denied")
	h.no(request{method: "POST", path: draft + "/broadcast", token: h.owner}, 409, "conflict")
	one := h.ok(h.owner, "POST", draft+"/sign-hot", `{"device":"vault_key_1","password":"pin 1"}`)
	if one.num("have") != 1 || one.num("need") != 2 || one.str("state") != "partly-signed" {
		t.Fatalf("after one signature: %s", one.body)
	}
	signed := h.signElsewhere(made.str("psbt"), "vault_key_3", "pin 3")
	two := h.send(request{method: "POST", path: draft + "/signatures", token: h.owner, kind: "application/octet-stream", body: string(signed)})
	if two.num("have") != 2 || two.str("state") != "complete" || two.str("transaction") == "" {
		t.Fatalf("after two signatures: %d %s", two.status, two.body)
	}
	again := h.ok(h.owner, "POST", draft+"/signatures", fmt.Sprintf(`{"psbt":%q}`, base64.StdEncoding.EncodeToString(signed)))
	if again.num("have") != 2 {
		t.Errorf("a signature again: %s", again.body)
	}
	binary := h.ok(h.owner, "GET", draft+"/psbt", "")
	text := h.ok(h.owner, "GET", draft+"/psbt?format=base64", "")
	if base64.StdEncoding.EncodeToString(binary.body) != string(text.body) || string(text.body) != two.str("psbt") {
		t.Error("the PSBT differs between its forms")
	}

	txid := h.ok(h.owner, "POST", draft+"/broadcast", "").str("txid")
	if again := h.ok(h.owner, "POST", draft+"/broadcast", ""); again.str("txid") != txid || txid != made.str("txid") {
		t.Errorf("sent %s, then %s; the draft said %s", txid, again.str("txid"), made.str("txid"))
	}
	h.mine(1)
	h.ok(h.owner, "POST", w+"/sync", "")
	row := h.ok(h.owner, "GET", w+"/history?filter=send", "").list("items")[0].(map[string]any)
	if row["txid"] != txid || fmt.Sprint(row["amount_sat"]) != fmt.Sprint(-250_000-made.num("fee_sat")) || fmt.Sprint(row["confirmations"]) != "1" {
		t.Errorf("history row %v", row)
	}
	tx := h.ok(h.owner, "GET", w+"/transactions/"+txid, "")
	if tx.num("fee_sat") != made.num("fee_sat") || len(tx.list("outputs")) != 2 || tx.str("raw") != two.str("transaction") {
		t.Errorf("transaction %s", tx.body)
	}
	if d := h.ok(h.owner, "GET", draft, ""); d.str("state") != "broadcast" || d.str("note") != "November" {
		t.Errorf("the draft at the end: %s", d.body)
	}
}

// signElsewhere signs as another program with the same seed would.
func (h *house) signElsewhere(text, device, password string) []byte {
	h.t.Helper()
	d, err := h.devices.Get(h.t.Context(), "admin", device)
	if err != nil {
		h.t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := parsePSBT(raw)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.signHot(h.t.Context(), "admin", d.ID, password, p); err != nil {
		h.t.Fatal(err)
	}
	out, err := p.Serialize()
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// Everything else that the pages can do, each asked once and its answer held against the schema.
func TestEverythingThatPagesCanDo(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Daily", 1, 1)
	w := "/wallets/" + alias
	h.pay(h.owner, alias, 700_000)
	a := h.ok(h.owner, "POST", w+"/addresses", "")
	b := h.ok(h.owner, "POST", w+"/addresses", "")
	if a.str("address") == b.str("address") || b.num("index") != a.num("index")+1 {
		t.Errorf("addresses %s %s", a.body, b.body)
	}
	if got := h.ok(h.owner, "GET", w+"/addresses/"+a.str("address"), ""); got.num("index") != a.num("index") {
		t.Errorf("address %s", got.body)
	}
	tx := h.ok(h.owner, "GET", w+"/history", "").list("items")[0].(map[string]any)["txid"].(string)

	h.ok(h.owner, "PUT", w+"/labels", fmt.Sprintf(`{"type":"tx","ref":"%s","label":"gift & <b>more</b>"}`, tx))
	h.ok(h.owner, "PUT", w+"/labels", fmt.Sprintf(`{"type":"addr","ref":"%s","label":"from Ann"}`, a.str("address")))
	if l := h.ok(h.owner, "GET", w+"/labels", ""); len(l.list("items")) != 2 || !strings.Contains(string(l.body), "gift & <b>more</b>") {
		t.Errorf("labels %s", l.body)
	}
	file := h.ok(h.owner, "GET", w+"/label-files/bip329", "")
	h.ok(h.owner, "PUT", w+"/labels", fmt.Sprintf(`{"type":"tx","ref":"%s","label":""}`, tx))
	in := fmt.Sprintf(`{"file":%q}`, file.body)
	if p := h.ok(h.owner, "POST", w+"/label-previews", in); p.num("new") != 1 || p.num("same") != 1 {
		t.Errorf("label preview %s", p.body)
	}
	if r := h.ok(h.owner, "POST", w+"/label-imports", in); r.num("set") < 1 {
		t.Errorf("label import %s", r.body)
	}
	if r := h.ok(h.owner, "GET", w+"/history?search=gift", ""); r.num("total") != 1 {
		t.Errorf("the label is not found: %s", r.body)
	}

	for _, format := range []string{"descriptor", "specter", "sparrow", "bsms"} {
		f := h.ok(h.owner, "GET", w+"/export/"+format, "")
		read := h.ok(h.owner, "POST", "/wallet-files", fmt.Sprintf(`{"file":%q}`, f.body))
		if !strings.Contains(read.str("descriptor"), "wpkh(") {
			t.Errorf("%s comes back as %s", format, read.body)
		}
	}
	for _, path := range []string{w + "/history.csv", w + "/coins.csv", w + "/addresses.csv", "/history.csv", "/coins.csv"} {
		if f := h.ok(h.owner, "GET", path, ""); strings.Count(string(f.body), "\n") < 2 {
			t.Errorf("%s: %s", path, f.body)
		}
	}
	for _, path := range []string{"/history", "/coins", w + "/coins?filter=all&sort=amount&desc=true"} {
		if l := h.ok(h.owner, "GET", path, ""); l.num("total") != 1 {
			t.Errorf("%s: %s", path, l.body)
		}
	}
	h.draftsAndWalletChanges(w, alias)
	h.devicesAndNodes()
}

func (h *house) draftsAndWalletChanges(w, alias string) {
	t := h.t
	d := h.ok(h.owner, "POST", w+"/drafts", fmt.Sprintf(`{"recipients":[{"address":"%s","max":true}],"target_blocks":2,"replaceable":false,"locktime":0}`, stranger(2)))
	draft := fmt.Sprintf("%s/drafts/%d", w, d.num("id"))
	if n := h.ok(h.owner, "PATCH", draft, `{"note":"soon"}`); n.str("note") != "soon" || n.json["replaceable"] != false {
		t.Errorf("draft %s", n.body)
	}
	if l := h.ok(h.owner, "GET", w+"/drafts", ""); l.num("total") != 1 {
		t.Errorf("drafts %s", l.body)
	}
	if l := h.ok(h.owner, "GET", w+"/coins?filter=reserved", ""); l.num("total") != 1 {
		t.Errorf("reserved %s", l.body)
	}
	h.ok(h.owner, "DELETE", draft, "")
	i := h.ok(h.owner, "POST", w+"/psbts", fmt.Sprintf(`{"psbt":%q}`, d.str("psbt")))
	h.ok(h.owner, "DELETE", fmt.Sprintf("%s/drafts/%d", w, i.num("id")), "")
	h.no(request{method: "GET", path: draft, token: h.owner}, 404, "not-found")

	h.ok(h.owner, "PATCH", w, `{"name":"Every day"}`)
	if s := h.ok(h.owner, "POST", w+"/rescan", `{"from_height":0}`); s.json["scan"] == nil {
		t.Errorf("rescan %s", s.body)
	}
	h.no(request{method: "POST", path: w + "/rescan", token: h.owner, body: `{"from_height":0}`}, 409, "conflict")
	h.ok(h.owner, "DELETE", w+"/rescan", "")
	desc := h.ok(h.owner, "GET", w, "").str("descriptor")
	h.no(request{method: "DELETE", path: "/devices/daily_key_1", token: h.owner}, 409, "conflict") // a wallet uses it
	h.ok(h.owner, "DELETE", w, "")
	h.no(request{method: "GET", path: w, token: h.owner}, 404, "not-found")
	h.ok(h.owner, "POST", "/wallets", fmt.Sprintf(`{"name":"Back","descriptor":%q,"birthday":"2020-01-01"}`, desc))
	h.ok(h.owner, "DELETE", "/wallets/back", "")
	h.ok(h.owner, "DELETE", "/devices/daily_key_1", "")
}

func (h *house) devicesAndNodes() {
	t := h.t
	words := h.ok(h.owner, "POST", "/seed-words", `{"count":24}`).str("words")
	keys := h.ok(h.owner, "POST", "/hot-devices", fmt.Sprintf(`{"name":"Seed","words":%q}`, words)).list("keys")
	first, second := keys[0].(map[string]any), keys[1].(map[string]any)
	if c := h.ok(h.owner, "POST", "/key-checks", fmt.Sprintf(`{"keys":[%q,"no key"]}`, first["key"])); len(c.list("keys")) != 1 || len(c.list("problems")) != 1 {
		t.Errorf("keys %s", c.body)
	}
	d := h.ok(h.owner, "POST", "/devices", fmt.Sprintf(`{"name":"Steel","type":"coldcard","keys":[%q]}`, first["key"]))
	h.no(request{method: "POST", path: "/devices", token: h.owner, body: fmt.Sprintf(`{"name":"X","type":"coldcart","keys":[%q]}`, first["key"])}, 422, "invalid")
	more := h.ok(h.owner, "POST", "/devices/steel/keys", fmt.Sprintf(`{"keys":[%q]}`, second["key"]))
	if len(d.list("keys")) != 1 || len(more.list("keys")) != 2 {
		t.Errorf("device %s", more.body)
	}
	if less := h.ok(h.owner, "DELETE", "/devices/steel/keys/"+first["xpub"].(string), ""); len(less.list("keys")) != 1 {
		t.Errorf("device %s", less.body)
	}
	if p := h.ok(h.owner, "PATCH", "/devices/steel", `{"name":"Steel 2","type":"other"}`); p.str("type") != "other" || p.str("alias") != "steel" {
		t.Errorf("device %s", p.body)
	}
	if l := h.ok(h.owner, "GET", "/devices", ""); l.num("total") != 2 {
		t.Errorf("devices %s", l.body)
	}
	h.ok(h.owner, "GET", "/device-types", "")

	if n := h.ok(h.owner, "GET", "/nodes/demo", ""); n.json["active"] != true || n.str("network") != "regtest" {
		t.Errorf("node %s", n.body)
	}
	if r := h.ok(h.owner, "POST", "/nodes/demo/test", ""); r.json["ok"] != true {
		t.Errorf("test %s", r.body)
	}
	h.nodes.Look(h.t.Context())
	if s := h.ok(h.owner, "GET", "/status", ""); s.num("tip_height") < 1 || s.json["synced"] != true {
		t.Errorf("status %s", s.body)
	}
	if r := h.ok(h.owner, "POST", "/node-tests", `{"name":"x","host":"127.0.0.1","port":1,"user":"u","password":"p"}`); r.json["ok"] != false || len(r.list("steps")) == 0 {
		t.Errorf("a port without a node: %s", r.body)
	}
	h.no(request{method: "POST", path: "/nodes", token: h.owner, body: `{"name":"x","host":"127.0.0.1","port":1}`}, 503, "unavailable")
	n := h.ok(h.owner, "POST", "/nodes", `{"name":"Other","host":"127.0.0.1","port":1,"user":"u","password":"very secret","untested":true}`)
	if n.json["has_password"] != true || strings.Contains(string(n.body), "very secret") {
		t.Errorf("node %s", n.body)
	}
	h.ok(h.owner, "PATCH", "/nodes/other", `{"port":2,"name":"Another"}`)
	h.ok(h.owner, "POST", "/nodes/demo/activate", "")
	h.ok(h.owner, "DELETE", "/nodes/other", "")
	h.ok(h.owner, "POST", "/node-searches", "")
	if l := h.ok(h.owner, "GET", "/nodes", ""); l.num("total") != 1 {
		t.Errorf("nodes %s", l.body)
	}
}

// Users, tokens, sessions, invitations, settings.
func TestPeopleTokensAndSettings(t *testing.T) {
	h := newHouse(t)
	me := h.ok(h.member, "GET", "/me", "")
	if u := me.json["user"].(map[string]any); u["name"] != "bob" || u["role"] != "member" || len(me.list("rights")) != 5 {
		t.Errorf("me: %s", me.body)
	}
	if s := h.ok(h.member, "PATCH", "/settings", `{"unit":"sat","hide_amounts":true}`); s.str("unit") != "sat" || s.json["hide_amounts"] != true || s.str("theme") != "auto" {
		t.Errorf("settings %s", s.body)
	}
	if s := h.ok(h.owner, "GET", "/settings", ""); s.str("unit") != "btc" {
		t.Errorf("another's settings changed: %s", s.body)
	}
	u := h.ok(h.owner, "POST", "/users", `{"name":"carol","password":"a long enough one"}`)
	id := url.PathEscape(u.str("id"))
	carol := h.basicToken("carol", "a long enough one", `{"description":"x","life":"1 hour"}`)
	h.ok(h.owner, "PATCH", "/users/"+id, `{"name":"caroline"}`)
	h.ok(h.owner, "POST", "/users/"+id+"/password", `{"password":"another long one"}`)
	h.basicToken("caroline", "another long one", `{"description":"y","life":"1 hour"}`)
	h.no(request{method: "POST", path: "/users/admin/password", token: h.owner, body: `{"password":"taken over now"}`}, 403, "denied")
	h.ok(h.owner, "DELETE", "/users/"+id, "")
	h.no(request{method: "GET", path: "/me", token: carol}, 401, "unauthenticated")
	h.no(request{method: "GET", path: "/users/" + id, token: h.owner}, 404, "not-found")

	i := h.ok(h.owner, "POST", "/invitations", `{"hours":2}`)
	if l := h.ok(h.owner, "GET", "/invitations", ""); l.num("total") != 1 || i.str("secret") == "" || strings.Contains(string(l.body), i.str("secret")) {
		t.Errorf("invitations %s", l.body)
	}
	h.ok(h.owner, "DELETE", fmt.Sprintf("/invitations/%d", i.num("id")), "")

	h.ok(h.member, "POST", "/me/password", fmt.Sprintf(`{"old":%q,"new":"quite another one"}`, memberPassword))
	h.no(request{method: "GET", path: "/tokens", basic: [2]string{"bob", memberPassword}}, 401, "unauthenticated")
	one := h.send(request{method: "GET", path: "/tokens", basic: [2]string{"bob", "quite another one"}})
	if one.status != 200 || one.num("total") < 1 {
		t.Fatalf("tokens %s", one.body)
	}
	tid := one.list("items")[0].(map[string]any)["id"].(string)
	h.ok(h.member, "GET", "/tokens/"+tid, "")
	h.no(request{method: "GET", path: "/tokens/" + tid, token: h.owner}, 404, "not-found") // another's
	h.ok(h.member, "GET", "/sessions", "")
	h.ok(h.member, "DELETE", "/sessions", "")
	h.no(request{method: "DELETE", path: "/sessions/99", token: h.member}, 404, "not-found")
	s := h.ok(h.owner, "PATCH", "/login-settings", `{"min_password":10,"idle_seconds":86400}`)
	if s.num("min_password") != 10 || s.num("idle_seconds") != 86400 || s.str("method") != "usernamepassword" {
		t.Errorf("login settings %s", s.body)
	}
	h.ok(h.owner, "GET", "/login-settings", "")

	var seen int
	for path := "/login-events?limit=3"; path != ""; {
		p := h.ok(h.owner, "GET", path, "")
		seen += len(p.list("items"))
		if path = ""; p.str("next_cursor") != "" {
			path = "/login-events?limit=3&cursor=" + p.str("next_cursor")
		}
	}
	if seen < 6 {
		t.Errorf("only %d login events are told", seen)
	}
	h.ok(h.member, "DELETE", "/tokens/"+tid, "")
	h.no(request{method: "GET", path: "/me", token: h.member}, 401, "unauthenticated") // at once
}

// A payment that waits is made faster and cancelled, and a child pays for one that comes in.
func TestTransactionsThatWait(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	w := "/wallets/" + alias
	h.pay(h.owner, alias, 900_000)
	h.mine(1)
	h.ok(h.owner, "POST", w+"/sync", "")
	d := h.ok(h.owner, "POST", w+"/drafts", fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":100000}],"feerate_sat_kvb":1000}`, stranger(1)))
	draft := fmt.Sprintf("%s/drafts/%d", w, d.num("id"))
	h.ok(h.owner, "POST", draft+"/sign-hot", `{"device":"vault_key_1","password":"pin 1"}`)
	tx := w + "/transactions/" + h.ok(h.owner, "POST", draft+"/broadcast", "").str("txid")

	h.no(request{method: "POST", path: tx + "/replacements", token: h.owner, body: `{"feerate_sat_kvb":0}`}, 422, "invalid")
	p := h.ok(h.owner, "POST", tx+"/replacement-previews", `{"feerate_sat_kvb":9000}`)
	if p.num("fee_sat") < 9*d.num("vsize")-20 || p.num("change_sat") != 800_000-p.num("fee_sat") {
		t.Errorf("faster: %s", p.body)
	}
	c := h.send(request{method: "POST", path: tx + "/replacements", token: h.owner, key: "cancel", body: `{"cancel":true,"feerate_sat_kvb":9000}`})
	if c.status != 201 || len(c.list("outputs")) != 1 || c.list("outputs")[0].(map[string]any)["mine"] != true {
		t.Fatalf("cancelled: %d %s", c.status, c.body)
	}
	h.pay(h.owner, alias, 300_000)
	in := h.ok(h.owner, "GET", w+"/history?filter=receive&sort=amount", "").list("items")[0].(map[string]any)["txid"].(string)
	preview := h.ok(h.owner, "POST", w+"/transactions/"+in+"/child-previews", `{"feerate_sat_kvb":9000}`)
	child := h.ok(h.owner, "POST", w+"/transactions/"+in+"/children", `{"feerate_sat_kvb":9000}`)
	if preview.num("fee_sat") != child.num("fee_sat") || child.num("fee_sat") < 900 {
		t.Errorf("child %s", child.body)
	}
}
