package v1_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/api/v1"
	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/setting"
)

func TestHowSpecterIsReachedIsTold(t *testing.T) {
	h := newHouse(t)
	if v := h.ok(h.owner, "GET", "/remote", ""); v.json["https"] != false || v.json["authority_page"] != nil || v.json["login"] != true || v.json["onion_address"] != nil {
		t.Errorf("over plain HTTP: %s", v.body)
	}
	if v := h.ok(h.owner, "GET", "/remote/certificate", ""); v.str("kind") != "none" || v.json["expires"] != nil {
		t.Errorf("over plain HTTP: %s", v.body)
	}
	h.no(request{method: "GET", path: "/remote/authority", token: h.member}, 404, "not-found")
	h.no(request{method: "POST", path: "/remote/certificate/renew", token: h.owner}, 409, "conflict")
	h.gate.secure = true
	if v := h.ok(h.owner, "GET", "/remote", ""); v.json["https"] != true || v.str("authority_page") != "/authority/" || v.json["reachable"] != true {
		t.Errorf("over HTTPS: %s", v.body)
	}
	if v := h.ok(h.owner, "POST", "/remote/certificate/renew", ""); v.str("authority_fingerprint") != "CC:DD" || h.gate.renewed != 1 {
		t.Errorf("renewed %d times: %s", h.gate.renewed, v.body)
	}
	if v := h.ok(h.member, "GET", "/remote/authority", ""); !strings.HasPrefix(string(v.body), "-----BEGIN CERTIFICATE") {
		t.Errorf("the authority: %s", v.body)
	}
	if v := h.ok(h.owner, "POST", "/remote/doctor", `{"address":"https://specter.example/"}`); v.json["healthy"] != false || len(v.list("findings")) != 2 || h.gate.asked != "https://specter.example/" {
		t.Errorf("the doctor: %s", v.body)
	}
	h.no(request{method: "POST", path: "/remote/doctor", token: h.owner, body: `{"address":"` + strings.Repeat("a", 2001) + `"}`}, 422, "invalid")
}

func TestTunnelsAreMadeChangedAndEnded(t *testing.T) {
	h := newHouse(t)
	h.no(request{method: "POST", path: "/tunnels", token: h.owner, body: `{"server":"nowhere"}`}, 422, "invalid")
	h.no(request{method: "POST", path: "/tunnels", token: h.owner, body: `{}`}, 422, "missing-field")
	made := h.ok(h.owner, "POST", "/tunnels", `{"server":"me@vps","listen":"localhost:25441","proxied":true,"names":["specter.example"]}`)
	one := "/tunnels/" + made.str("id")
	if made.header.Get("Location") != v1.Root+one || made.str("authorized_key") == "" || made.str("host_key") != "SHA256:old" {
		t.Errorf("made: %v %s", made.header, made.body)
	}
	if v := h.ok(h.owner, "PATCH", one, `{"listen":"localhost:9"}`); v.str("listen") != "localhost:9" || v.json["proxied"] != true || len(v.list("names")) != 1 {
		t.Errorf("what was left out did not stay: %s", v.body)
	}
	if v := h.ok(h.owner, "POST", one+"/pause", ""); v.json["paused"] != true || v.json["up"] != false {
		t.Errorf("paused: %s", v.body)
	}
	if v := h.ok(h.owner, "POST", one+"/resume", ""); v.json["paused"] != false {
		t.Errorf("resumed: %s", v.body)
	}
	if v := h.ok(h.owner, "POST", one+"/retry", ""); v.num("tries") != 1 {
		t.Errorf("tried: %s", v.body)
	}
	if v := h.ok(h.owner, "DELETE", one+"/host-key", ""); v.json["host_key"] != nil {
		t.Errorf("forgotten: %s", v.body)
	}
	if v := h.ok(h.owner, "PUT", one+"/host-key", `{"fingerprint":"SHA256:new"}`); v.str("host_key") != "SHA256:new" {
		t.Errorf("accepted: %s", v.body)
	}
	if v := h.ok(h.owner, "GET", "/tunnels?limit=1", ""); v.num("total") != 1 || strings.Contains(string(v.body), privateTunnelKey) {
		t.Errorf("listed: %s", v.body)
	}
	h.ok(h.owner, "DELETE", one, "")
	for _, ask := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"POST", "/pause"}, {"POST", "/retry"}, {"DELETE", "/host-key"}} {
		h.no(request{method: ask[0], path: one + ask[1], token: h.owner}, 404, "not-found")
	}
	h.no(request{method: "GET", path: "/tunnels", token: h.member}, 403, "owner-only")
}

func TestTheOnionServiceIsStartedAndItsClientsAreNamed(t *testing.T) {
	h := newHouse(t)
	if v := h.ok(h.owner, "GET", "/onion-service", ""); v.json["wanted"] != false || v.json["address"] != nil || v.json["for_everybody"] != true {
		t.Errorf("from the start: %s", v.body)
	}
	h.no(request{method: "PATCH", path: "/onion-service", token: h.owner, body: `{"wanted":true}`}, 503, "unavailable")
	v := h.ok(h.owner, "PATCH", "/onion-service", `{"wanted":true,"control":"127.0.0.1:9051","password":"torpassword"}`)
	if !strings.HasSuffix(v.str("address"), ".onion/") || v.json["announced"] != true || v.json["has_password"] != true || strings.Contains(string(v.body), "torpassword") {
		t.Errorf("started: %s", v.body)
	}
	if v := h.ok(h.owner, "PATCH", "/onion-service", `{"password":""}`); v.json["has_password"] != false || v.json["wanted"] != true {
		t.Errorf("back to the cookie: %s", v.body)
	}
	a := h.send(request{method: "POST", path: "/onion-clients", token: h.owner, body: `{"name":"phone"}`, key: "once"})
	if a.status != 201 || a.str("private_key") != "PRIVATE" {
		t.Errorf("a client: %d %s", a.status, a.body)
	}
	h.no(request{method: "POST", path: "/onion-clients", token: h.owner, body: `{"name":"phone"}`, key: "once"}, 409, "answer-not-kept")
	if v := h.ok(h.owner, "GET", "/onion-clients", ""); v.num("total") != 1 || strings.Contains(string(v.body), "PRIVATE") {
		t.Errorf("listed: %s", v.body)
	}
	h.no(request{method: "DELETE", path: "/onion-clients/phone", token: h.owner}, 422, "invalid")
	h.no(request{method: "DELETE", path: "/onion-clients/nobody?everybody=yes", token: h.owner}, 404, "not-found")
	h.ok(h.owner, "DELETE", "/onion-clients/phone?everybody=yes", "")
	if v := h.ok(h.owner, "POST", "/proxy-tests", ""); v.json["ok"] != false || len(v.list("steps")) != 2 {
		t.Errorf("the proxy: %s", v.body)
	}
}

func TestTheBridgeAndItsAgentsAreKept(t *testing.T) {
	h := newHouse(t)
	if v := h.ok(h.owner, "PATCH", "/bridge", `{"origins":["https://a.example/","https://b.example/"],"from_other_computers":true}`); len(v.list("origins")) != 2 || v.json["from_other_computers"] != true {
		t.Errorf("the whitelist: %s", v.body)
	}
	h.no(request{method: "PATCH", path: "/bridge", token: h.owner, body: `{"origins":["ftp://x"]}`}, 422, "invalid")
	h.no(request{method: "PATCH", path: "/bridge", token: h.owner, body: `{"origins":["https://a.example/\nhttps://c.example/"]}`}, 422, "invalid")
	if v := h.ok(h.owner, "POST", "/bridge/token", ""); v.str("token") != "BRIDGETOKEN" {
		t.Errorf("a token: %s", v.body)
	}
	if v := h.ok(h.owner, "GET", "/bridge", ""); v.json["has_token"] != true || strings.Contains(string(v.body), "BRIDGETOKEN") {
		t.Errorf("told again: %s", v.body)
	}
	h.ok(h.owner, "DELETE", "/bridge/token", "")
	if v := h.ok(h.member, "POST", "/bridge-tests", ""); v.json["ok"] != false || v.num("devices") != 1 {
		t.Errorf("a test: %s", v.body)
	}
	if v := h.ok(h.owner, "POST", "/agent-pairings", ""); v.str("code") != "CODE" || v.json["authority_fingerprint"] != nil || !strings.HasSuffix(v.str("address"), "/#CODE") {
		t.Errorf("a code: %s", v.body)
	}
	if v := h.ok(h.owner, "GET", "/agents", ""); v.num("total") != 1 {
		t.Errorf("agents: %s", v.body)
	}
	if v := h.ok(h.owner, "PATCH", "/agents/desk", `{"name":"Upstairs"}`); v.str("name") != "Upstairs" || v.json["connected_since"] == nil {
		t.Errorf("renamed: %s", v.body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		h.no(request{method: method, path: "/agents/desk", token: h.member}, 404, "not-found")
	}
	h.ok(h.owner, "DELETE", "/agents/desk", "")
	h.no(request{method: "GET", path: "/agents/desk", token: h.owner}, 404, "not-found")
	if v := h.ok(h.owner, "PATCH", "/settings", `{"bridge":"agent","logout_after_minutes":90}`); v.str("bridge") != "agent" || v.num("logout_after_minutes") != 90 {
		t.Errorf("chosen: %s", v.body)
	}
	if u, err := setting.New(h.db).User(t.Context(), "admin"); err != nil || u.Bridge != setting.AgentBridge {
		t.Errorf("stored %q (%v)", u.Bridge, err)
	}
	h.no(request{method: "PATCH", path: "/settings", token: h.member, body: `{"bridge":"http://192.168.0.1/"}`}, 403, "denied")
	h.no(request{method: "PATCH", path: "/settings", token: h.member, body: `{"logout_after_minutes":43201}`}, 422, "invalid")
}

func TestDevicesThatKnowAWalletAreKept(t *testing.T) {
	h := newHouse(t)
	alias, id := h.hotWallet(h.owner, "Vault", 1, 1)
	path := "/wallets/" + alias + "/registrations"
	c := h.ok(h.owner, "GET", "/wallets/"+alias, "").list("cosigners")[0].(map[string]any)
	fp := c["fingerprint"].(string)
	h.ok(h.owner, "PUT", path, `{"fingerprint":"`+fp+`","kind":"ledger","name":"Vault","policy_id":"0102","proof":"ff"}`)
	v := h.ok(h.owner, "GET", path, "")
	if one := v.list("items")[0].(map[string]any); v.num("total") != 1 || one["proof"] != "ff" || one["policy_id"] != "0102" || one["fingerprint"] != fp {
		t.Errorf("kept: %s", v.body)
	}
	for _, bad := range []string{`{"fingerprint":"00000001","kind":"ledger","name":"x"}`, `{"fingerprint":"x","kind":"ledger","name":"x"}`,
		`{"fingerprint":"` + fp + `","kind":"ledger","name":"x","proof":"zz"}`, `{"fingerprint":"` + fp + `","kind":"../x","name":"x"}`} {
		h.no(request{method: "PUT", path: path, token: h.owner, body: bad}, 422, "invalid")
	}
	reader := h.token(h.owner, []string{"read"}, id)
	h.no(request{method: "GET", path: path, token: reader}, 403, "insufficient-scope")
	h.no(request{method: "DELETE", path: path + "/zz/ledger", token: h.owner}, 422, "invalid")
	h.ok(h.owner, "DELETE", path+"/"+fp+"/ledger", "")
	if v := h.ok(h.owner, "GET", path, ""); v.num("total") != 0 {
		t.Errorf("forgotten: %s", v.body)
	}
}

// TestATokenAloneNeitherUnlocksTheHouseNorCarriesItAway: what weakens the house or holds all of it
// asks for the owner's password besides the token, and guesses are slowed down.
func TestATokenAloneNeitherUnlocksTheHouseNorCarriesItAway(t *testing.T) {
	h := newHouse(t)
	if v := h.ok(h.owner, "GET", "/program/secrets", ""); v.json["starts_locked"] != false || v.str("key_file") == "" {
		t.Errorf("from the start: %s", v.body)
	}
	h.no(request{method: "PATCH", path: "/program/secrets", token: h.owner, body: `{"starts_locked":true}`}, 422, "missing-field")
	h.no(request{method: "PATCH", path: "/program/secrets", token: h.owner, body: `{"password":"x"}`}, 422, "missing-field")
	h.no(request{method: "PATCH", path: "/program/secrets", token: h.owner, body: `{"starts_locked":false,"password":"wrong"}`}, 403, "denied")
	right, _ := json.Marshal(ownerPassword)
	if v := h.ok(h.owner, "PATCH", "/program/secrets", fmt.Sprintf(`{"starts_locked":true,"password":%s}`, right)); v.json["starts_locked"] != true || v.json["key_file"] != nil {
		t.Errorf("locked: %s", v.body)
	}
	h.no(request{method: "PATCH", path: "/program/secrets", token: h.owner, body: `{"starts_locked":false,"password":"wrong"}`}, 403, "denied")
	if !h.vault.locked {
		t.Error("a token without the password unlocked the house")
	}
	h.no(request{method: "POST", path: "/program/backup-files", token: h.owner, body: `{"passphrase":"some long words","password":"wrong"}`}, 403, "denied")
	h.no(request{method: "POST", path: "/program/backup-files", token: h.owner, body: fmt.Sprintf(`{"passphrase":"short","password":%s}`, right)}, 422, "invalid")
	if v := h.ok(h.owner, "POST", "/program/backup-files", fmt.Sprintf(`{"passphrase":"some long words","password":%s}`, right)); string(v.body) != "age!" || !strings.Contains(v.header.Get("Content-Disposition"), "specter.age") {
		t.Errorf("handed out: %v %s", v.header, v.body)
	}
	h.no(request{method: "POST", path: "/program/backup-files", token: h.owner, key: "again", body: fmt.Sprintf(`{"passphrase":"some long words","password":%s}`, right)}, 422, "invalid")
	slowed := false
	for range 40 {
		a := h.send(request{method: "PATCH", path: "/program/secrets", token: h.owner, body: `{"starts_locked":false,"password":"guess"}`})
		if slowed = a.status == 429 && a.header.Get("Retry-After") != ""; slowed {
			break
		}
	}
	if !slowed || !h.vault.locked {
		t.Errorf("guesses at the password are not slowed down (locked: %v)", h.vault.locked)
	}
	key := h.ok(h.owner, "POST", "/program/backup-keys", "")
	if b := h.ok(h.owner, "GET", "/program/backups", ""); !strings.Contains(string(b.body), key.str("public_key")) || strings.Contains(string(b.body), key.str("secret_key")) {
		t.Errorf("a pair of keys %s, stored %s", key.body, b.body)
	}
}

// signedMessage is an address of the test's network, a message, and its signature.
func signedMessage(t *testing.T) [3]string {
	t.Helper()
	key, public := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{7}, 32))
	a, ok := btc.AddressOf(append([]byte{0, 20}, btc.Hash160(public.SerializeCompressed())...), btc.Regtest)
	if !ok {
		t.Fatal("no address")
	}
	sig, err := message.Sign(key, a, btc.Regtest, "hello", message.Simple)
	if err != nil {
		t.Fatal(err)
	}
	return [3]string{a, "hello", sig}
}

func TestNamesMessagesAndPlayMoney(t *testing.T) {
	h := newHouse(t)
	if v := h.ok(h.member, "PATCH", "/me", `{"name":"Robert"}`); v.json["user"].(map[string]any)["name"] != "Robert" {
		t.Errorf("renamed: %s", v.body)
	}
	h.no(request{method: "PATCH", path: "/me", token: h.member, body: `{"name":"admin"}`}, 409, "conflict")

	signed := signedMessage(t)
	in, _ := json.Marshal(map[string]string{"address": signed[0], "message": signed[1], "signature": signed[2]})
	if v := h.ok(h.member, "POST", "/message-checks", string(in)); v.str("format") != string(message.Simple) {
		t.Errorf("verified: %s", v.body)
	}
	in, _ = json.Marshal(map[string]string{"address": signed[0], "message": signed[1] + "!", "signature": signed[2]})
	h.no(request{method: "POST", path: "/message-checks", token: h.member, body: string(in)}, 422, "mismatch")

	alias, _ := h.hotWallet(h.member, "Purse", 1, 1)
	address := h.ok(h.member, "GET", "/wallets/"+alias+"/receive-address", "").str("address")
	h.no(request{method: "POST", path: "/demo/payments", token: h.member, body: `{"address":"` + address + `","amount_sat":0}`}, 422, "invalid")
	h.no(request{method: "POST", path: "/demo/blocks", token: h.member, body: `{"count":101}`}, 422, "invalid")
	h.ok(h.member, "POST", "/demo/payments", `{"address":"`+address+`","amount_sat":5000000}`)
	h.ok(h.member, "POST", "/demo/blocks", `{"count":2}`)
	h.ok(h.member, "POST", "/wallets/"+alias+"/sync", "")
	if v := h.ok(h.member, "GET", "/wallets/"+alias+"/coins", ""); v.num("total") != 1 {
		t.Errorf("the faucet's coin: %s", v.body)
	}
}

// txid is the transaction of a PSBT.
func txid(t *testing.T, text string) string {
	t.Helper()
	p, err := psbt.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.TxID()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

func TestADraftGoesOverTheCameraAndBack(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 2, 2)
	h.pay(h.owner, alias, 1_000_000)
	h.mine(1)
	h.ok(h.owner, "POST", "/wallets/"+alias+"/sync", "")
	d := h.ok(h.owner, "POST", "/wallets/"+alias+"/drafts", fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":250000}],"feerate_sat_kvb":2500}`, stranger(1)))
	path := fmt.Sprintf("/wallets/%s/drafts/%d/codes", alias, d.num("id"))
	for _, format := range []string{"ur", "ur-new", "ur1", "bbqr", "specter", "base64", "base43"} {
		v := h.ok(h.owner, "GET", path+"?density=300&format="+format, "")
		codes := v.list("codes")
		if len(codes) == 0 || v.str("format") != format {
			t.Errorf("%s: %s", format, v.body)
			continue
		}
		in, _ := json.Marshal(map[string]any{"codes": codes})
		back := h.ok(h.owner, "POST", "/code-readings", string(in))
		if back.json["whole"] != true || back.str("kind") != "psbt" {
			t.Errorf("%s came back as %s", format, back.body)
			continue
		}
		if txid(t, back.str("text")) != txid(t, d.str("psbt")) {
			t.Errorf("%s: another transaction came back", format)
		}
		if len(codes) > 1 {
			in, _ := json.Marshal(map[string]any{"codes": codes[:1]})
			if part := h.ok(h.owner, "POST", "/code-readings", string(in)); part.json["whole"] != false || part.json["text"] != nil {
				t.Errorf("%s: one code is taken for the whole: %s", format, part.body)
			}
		}
	}
	h.no(request{method: "GET", path: path + "?density=99", token: h.owner}, 422, "invalid")
	h.no(request{method: "GET", path: path + "?format=gif", token: h.owner}, 422, "invalid")
	h.no(request{method: "GET", path: path + "?device=nobodys", token: h.owner}, 404, "not-found")
	h.no(request{method: "POST", path: "/code-readings", token: h.owner, body: `{"codes":[]}`}, 422, "invalid")
	seed := `{"codes":["000000000000000000000000000000000000000000000003"]}`
	if a := h.send(request{method: "POST", path: "/code-readings", token: h.owner, body: seed}); a.status < 400 || a.status >= 500 {
		t.Errorf("a seed was taken: %d %s", a.status, a.body)
	}
}
