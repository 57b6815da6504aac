package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/device"
	"specter/internal/wallet"
)

// program is a client of the old Specter's API as people write them. login is "name:password"
// for Basic, else a token. Redirects are followed.
type program func(t *testing.T, method, url, login, body string) (status int, answer []byte)

func goProgram(t *testing.T, method, url, login, body string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if name, password, ok := strings.Cut(login, ":"); ok {
		r.SetBasicAuth(name, password)
	} else {
		r.Header.Set("Authorization", "Bearer "+login)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, data
}

func curlProgram(t *testing.T, method, url, login, body string) (int, []byte) {
	t.Helper()
	args := []string{"--silent", "--show-error", "--location", "--noproxy", "*", "--max-time", "60", "--request", method, "--write-out", "\n%{http_code}"}
	if strings.Contains(login, ":") {
		args = append(args, "--user", login)
	} else {
		args = append(args, "--header", "Authorization: Bearer "+login)
	}
	if body != "" {
		args = append(args, "--header", "Content-Type: application/json", "--data", body)
	}
	return run(t, exec.Command("curl", append(args, url)...))
}

// script is what the original's documentation shows, for any request.
const script = `
import json, sys, requests
method, url, login, body = sys.argv[1:5]
s = requests.Session()
s.trust_env = False
auth, headers = None, {}
if ":" in login:
    auth = tuple(login.split(":", 1))
else:
    headers["Authorization"] = "Bearer " + login
r = s.request(method, url, auth=auth, headers=headers, json=json.loads(body) if body else None, timeout=60)
r.json()
print(r.text)
print(r.status_code, end="")
`

func pythonProgram(t *testing.T, method, url, login, body string) (int, []byte) {
	t.Helper()
	return run(t, exec.Command("python3", "-c", script, method, url, login, body))
}

// run reads an answer with the status on its last line.
func run(t *testing.T, cmd *exec.Cmd) (int, []byte) {
	t.Helper()
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", filepath.Base(cmd.Path), err, trouble.String())
	}
	cut := bytes.LastIndexByte(out, '\n')
	status, err := strconv.Atoi(strings.TrimSpace(string(out[cut+1:])))
	if err != nil {
		t.Fatalf("no status in %q", out)
	}
	return status, out[:max(cut, 0)]
}

// programs lists those that are on this machine.
func programs(t *testing.T) map[string]program {
	t.Helper()
	all := map[string]program{"go": goProgram}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Log("SKIPPED WITHOUT CURL: the conversation is not held with curl")
	} else {
		all["curl"] = curlProgram
	}
	if err := exec.Command("python3", "-c", "import requests").Run(); err != nil {
		t.Log("SKIPPED WITHOUT PYTHON REQUESTS: the conversation is not held with Python")
	} else {
		all["python"] = pythonProgram
	}
	if os.Getenv("CI") != "" && len(all) < 2 {
		t.Error("neither curl nor Python's requests is there")
	}
	return all
}

// talk is a conversation of one program with the server.
type talk struct {
	t    *testing.T
	url  string
	with program
}

// ask holds the status and reads the answer, numbers as they are written.
func (c *talk) ask(status int, method, path, login, body string) map[string]any {
	c.t.Helper()
	got, data := c.with(c.t, method, strings.TrimSuffix(c.url, "/")+path, login, body)
	if got != status {
		c.t.Fatalf("%s %s: status %d, want %d: %.300s", method, path, got, status, data)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		c.t.Fatalf("%s %s: %v in %.300s", method, path, err, data)
	}
	if list, ok := v.([]any); ok {
		v = map[string]any{"list": list}
	}
	return v.(map[string]any)
}

// TestTheOldConversationOnARealNode holds the conversation of the original's documentation with
// each program: a token is made, listed, shown, used on every path and deleted, and is worth
// nothing at once.
func TestTheOldConversationOnARealNode(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	h := owned(t, Config{API: yes()})
	h.connect(n)
	key := map[string]device.Device{}
	for i, d := range h.keys("Red", "Green", "Blue") {
		key[[]string{"go", "curl", "python"}[i]] = d
	}
	for name, with := range programs(t) {
		t.Run(name, func(t *testing.T) {
			h.t = t
			w, err := h.wallets.Create(t.Context(), demoOwner, btc.Regtest, wallet.NewWallet{Name: "Of " + name, ScriptType: "wpkh", Keys: []string{key[name].KeysFor(btc.Regtest, "wpkh")[0].Expression()}})
			if err != nil {
				t.Fatal(err)
			}
			address, err := h.wallets.NewAddress(t.Context(), w.Ref())
			if err != nil {
				t.Fatal(err)
			}
			paid := n.Send(address.Address, "20.0")
			n.Mine(1)
			h.sync(w.Ref())
			c := &talk{t, h.URL(), with}
			token, id := c.make(name)
			c.look(h, n, w.Ref(), token, paid.String())
			c.pay(n, w.Ref(), token)
			c.end(token, id, w.Alias)
		})
	}
}

const adminLogin = "admin:correct horse battery"

// make makes a token and finds it in the list.
func (c *talk) make(name string) (token, id string) {
	c.t.Helper()
	none := c.ask(404, "GET", "/api/v1alpha/token", adminLogin, "")
	if none["message"] != "Tokens does not exist" {
		c.t.Errorf("no tokens: %v", none)
	}
	c.ask(401, "POST", "/api/v1alpha/token", "admin:wrong", `{"jwt_token_description": "x", "jwt_token_life": "1h"}`)
	c.ask(400, "POST", "/api/v1alpha/token", adminLogin, `{"jwt_token_description": "x", "jwt_token_life": "1 month"}`)
	made := c.ask(201, "POST", "/api/v1alpha/token", adminLogin, `{"jwt_token_description": "`+name+`", "jwt_token_life": "30 days"}`)
	token, id = fmt.Sprint(made["jwt_token"]), fmt.Sprint(made["jwt_token_id"])
	if fmt.Sprint(made["jwt_token_life"]) != "2592000" || strings.Count(token, ".") != 2 {
		c.t.Errorf("made %v", made)
	}
	list := c.ask(200, "GET", "/api/v1alpha/token/", adminLogin, "")["jwt_tokens"].(map[string]any)
	if one, ok := list[id].(map[string]any); !ok || len(list) != 1 || one["jwt_token_description"] != name {
		c.t.Errorf("listed %v", list)
	}
	if one := c.ask(200, "GET", "/api/v1alpha/token/"+id, adminLogin, ""); one["expiry_status"] != "Valid" {
		c.t.Errorf("shown %v", one)
	}
	return token, id
}

// look reads everything, and holds it against the node's own answers.
func (c *talk) look(h *house, n *coretest.Node, ref wallet.Ref, token, paid string) {
	c.t.Helper()
	c.ask(200, "GET", "/api/healthz/liveness", token, "")
	c.ask(200, "GET", "/healthz/readyness", token, "")
	var info struct{ Blocks, Headers json.Number }
	if err := n.RPC("", "getblockchaininfo", &info); err != nil {
		c.t.Fatal(err)
	}
	s := c.ask(200, "GET", "/api/v1alpha/specter", token, "")
	told := s["info"].(map[string]any)
	if fmt.Sprint(told["blocks"]) != info.Blocks.String() || told["chain"] != "regtest" || told["difficulty"] == nil || fmt.Sprint(told["uptime"]) == "<nil>" || s["network_info"].(map[string]any)["localservices"] == nil {
		c.t.Errorf("info %v", told)
	}
	if aliases := fmt.Sprint(s["wallets_alias"]); !strings.Contains(aliases, ref.Alias) || !slices.Contains(s["devices_names"].([]any), any("Red")) {
		c.t.Errorf("wallets %s, devices %v", aliases, s["devices_names"])
	}
	found := false
	for _, v := range c.ask(200, "GET", "/api/v1alpha/specter/full_txlist", token, "")["list"].([]any) {
		x := v.(map[string]any)
		found = found || x["txid"] == paid && fmt.Sprint(x["flow_amount"]) == "20.0" && x["wallet_alias"] == ref.Alias && fmt.Sprint(x["confirmations"]) == "1"
	}
	w := c.ask(200, "GET", "/api/v1alpha/wallets/"+ref.Alias, token, "")
	object := w[ref.Alias].(map[string]any)
	var balances struct{ Mine map[string]json.Number }
	if err := n.RPC(h.record(ref).NodeName, "getbalances", &balances); err != nil {
		c.t.Fatal(err)
	}
	for k, v := range object["balance"].(map[string]any) {
		if a, b := decimal(c.t, fmt.Sprint(v)), decimal(c.t, balances.Mine[k].String()); a != b {
			c.t.Errorf("%s is %v, the node says %v", k, v, balances.Mine[k])
		}
	}
	if len(w["txlist"].([]any)) != 1 || len(w["utxo"].([]any)) != 1 || !found {
		c.t.Errorf("transactions %v, coins %v, in the full list %v", w["txlist"], w["utxo"], found)
	}
}

func decimal(t *testing.T, text string) int64 {
	t.Helper()
	a, err := btc.ParseBTC(text)
	if err != nil {
		t.Fatal(err)
	}
	return int64(a)
}

// pay makes a PSBT as the documentation does, and lets the node read it.
func (c *talk) pay(n *coretest.Node, ref wallet.Ref, token string) {
	c.t.Helper()
	path := "/api/v1alpha/wallets/" + ref.Alias + "/psbt"
	if none := c.ask(200, "GET", path, token, ""); fmt.Sprint(none["result"]) != "map[]" {
		c.t.Errorf("before: %v", none)
	}
	body := `{"recipients": [{"address": "bcrt1qgc6h85z43g3ss2dl5zdrzrp3ef6av4neqcqhh8", "amount": 0.1, "unit": "btc", "label": "someLabel"},
		{"address": "BCRT1Q3KFETUXPXVUJASWW6XAS94NAWKLVPZ0E52UW8A", "amount": "111211", "unit": "sat", "label": "someOtherLabel"}], "rbf_tx_id": "", "subtract_from": "0", "fee_rate": "64", "rbf": true}`
	p := c.ask(200, "POST", path, token, body)["result"].(map[string]any)
	var read struct{ Fee json.Number }
	if err := n.RPC("", "decodepsbt", &read, p["base64"]); err != nil {
		c.t.Fatal(err)
	}
	if decimal(c.t, read.Fee.String()) != decimal(c.t, fmt.Sprint(p["fee"])) || fmt.Sprint(p["amount"]) != "[0.1 0.00111211]" || !strings.HasPrefix(fmt.Sprint(p["fee_rate"]), "6") {
		c.t.Errorf("fee %v (the node reads %v) at %v, amounts %v", p["fee"], read.Fee, p["fee_rate"], p["amount"])
	}
	all := c.ask(200, "GET", path, token, "")["result"].(map[string]any)
	if len(all) != 1 || all[p["tx"].(map[string]any)["txid"].(string)] == nil {
		c.t.Errorf("waiting %v", all)
	}
	c.ask(412, "POST", path, token, strings.Replace(body, "0.1", "19.99", 1))
	c.ask(400, "POST", path, token, strings.Replace(body, `"sat"`, `"eur"`, 1))
	if no := c.ask(403, "GET", "/api/v1alpha/wallets/missing/psbt", token, ""); no["message"] != "The wallet does not belong to the user in the request." {
		c.t.Errorf("missing: %v", no)
	}
}

// end deletes the token: it is worth nothing at once.
func (c *talk) end(token, id, alias string) {
	c.t.Helper()
	c.ask(200, "GET", "/api/v1alpha/wallets/"+alias+"/", token, "")
	if gone := c.ask(200, "DELETE", "/api/v1alpha/token/"+id, adminLogin, ""); gone["message"] != "Token deleted" {
		c.t.Errorf("deleted: %v", gone)
	}
	for _, path := range []string{"/api/v1alpha/specter", "/api/v1alpha/specter/full_txlist/", "/api/v1alpha/wallets/" + alias + "/", "/api/v1alpha/wallets/" + alias + "/psbt"} {
		if no := c.ask(401, "GET", path, token, ""); !strings.HasPrefix(fmt.Sprint(no["message"]), "The server could not verify that you are authorized to access the URL requested.") {
			c.t.Errorf("%s after the token's end: %v", path, no)
		}
	}
	c.ask(404, "GET", "/api/v1alpha/token/"+id, adminLogin, "")
}
