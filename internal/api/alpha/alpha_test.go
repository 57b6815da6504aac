package alpha

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/node"
)

const adminLogin = "admin:" + ownerPassword

func TestUnknownPathsAndMethods(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/api/x", "/api/v1alpha", "/api/v1alpha/wallets/", "/api/v1alpha/wallets//psbt", "/api/v1alpha/wallets/a/b/psbt", "/api/v1alpha/specter/",
		"/api/v1alpha/wallets/a/psbt/", "/api/healthz/liveness/", "/api/v1alpha/token/a/b/", "/api/../secret"} {
		a := h.ask("GET", path, "", nil).want(404)
		if a.header.Get("Content-Type") != "application/json" || a.object()["message"] == "" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	for path, allow := range map[string]string{"/api/v1alpha/token/": "GET, POST", "/api/v1alpha/token/x/": "GET, DELETE", "/api/v1alpha/wallets/a/psbt": "GET, POST", "/api/healthz/liveness": "GET"} {
		a := h.ask("PATCH", path, "", nil).want(405)
		if a.header.Get("Allow") != allow || a.object()["message"] == "" {
			t.Errorf("%s: Allow %q, %s", path, a.header.Get("Allow"), a.body)
		}
	}
	if a := h.ask("HEAD", "/api/healthz/liveness", "", nil); a.status != 200 {
		t.Errorf("HEAD: %d", a.status)
	}
}

func TestMissingSlashesAreRedirected(t *testing.T) {
	h := newHouse(t)
	h.api.c.URLPrefix = "/specter"
	for path, to := range map[string]string{
		"/api/v1alpha/token": "/specter/api/v1alpha/token/", "/api/v1alpha/token/a%20b?x=1": "/specter/api/v1alpha/token/a%20b/?x=1",
		"/api/v1alpha/specter/full_txlist": "/specter/api/v1alpha/specter/full_txlist/", "/api/v1alpha/wallets/full": "/specter/api/v1alpha/wallets/full/",
	} {
		for _, method := range []string{"GET", "POST"} {
			a := h.ask(method, path, "", nil).want(308)
			if got := a.header.Get("Location"); got != to {
				t.Errorf("%s %s leads to %q, want %q", method, path, got, to)
			}
		}
	}
}

func TestSwitchedOff(t *testing.T) {
	h := newHouse(t)
	h.api.c.Active = func(context.Context) bool { return false }
	for _, rt := range h.api.Routes() {
		a := h.ask(rt.Method, strings.ReplaceAll(rt.Pattern, "{arg}", "x"), adminLogin, nil)
		if want := strings.HasPrefix(rt.Pattern, "/api/"); want != (a.status == 404) || !want && a.status != 200 {
			t.Errorf("%s %s: %d", rt.Method, rt.Pattern, a.status)
		}
	}
}

// Whoever has no credentials, wrong ones, or of the wrong kind gets the same answer everywhere.
func TestNobodyComesInUnknown(t *testing.T) {
	h := newHouse(t)
	h.create("admin", "Full", "wpkh", "alice")
	good := h.token(auth.OwnerID, auth.Scope{})
	headers := map[string]string{"nothing": "", "empty basic": "Basic Og==", "broken basic": "Basic ???", "wrong password": "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:wrong")),
		"unknown user": "Basic " + base64.StdEncoding.EncodeToString([]byte("nobody:"+ownerPassword)), "no token": "Bearer ", "a word": "Bearer sometoken", "two words": "Bearer " + good + " x",
		"other scheme": "Digest abc", "cut": "Bearer " + good[:len(good)-1]}
	for _, rt := range h.api.Routes() {
		if rt.Who == "everyone" {
			continue
		}
		all := map[string]string{}
		for k, v := range headers {
			all[k] = v
		}
		all["the other scheme"] = "Bearer " + good
		if rt.Login == "bearer" {
			all["the other scheme"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(adminLogin))
		}
		for name, value := range all {
			r := httptest.NewRequest(rt.Method, strings.ReplaceAll(rt.Pattern, "{arg}", "full"), http.NoBody)
			if value != "" {
				r.Header.Set("Authorization", value)
			}
			w := httptest.NewRecorder()
			h.api.ServeHTTP(w, r)
			if w.Code != 401 || !strings.Contains(w.Body.String(), "The server could not verify that you are authorized to access the URL requested.") {
				t.Errorf("%s %s with %s: %d %s", rt.Method, rt.Pattern, name, w.Code, w.Body)
			}
			if len(w.Header().Values("WWW-Authenticate")) > 0 {
				t.Errorf("%s %s with %s: a challenge", rt.Method, rt.Pattern, name)
			}
		}
	}
}

// The owner's routes are refused to members, and each finds only what is their own.
func TestRolesAndRoutes(t *testing.T) {
	h := newHouse(t)
	h.create("admin", "Full", "wpkh", "alice")
	h.create(h.member, "Theirs", "wpkh", "carol")
	owner, member := h.token(auth.OwnerID, auth.Scope{}), h.token(h.member, auth.Scope{})
	for _, rt := range h.api.Routes() {
		switch {
		case rt.Who == "owner":
			h.ask(rt.Method, rt.Pattern, owner, nil).want(200)
			h.ask(rt.Method, rt.Pattern, member, nil).want(401)
		case strings.Contains(rt.Pattern, "/wallets/"):
			for path, who := range map[string]string{"full": member, "theirs": owner, "missing": owner} {
				h.ask(rt.Method, strings.ReplaceAll(rt.Pattern, "{arg}", path), who, nil).want(403).says(foreign)
			}
		}
	}
}

func TestScopesOfTokensHold(t *testing.T) {
	h := newHouse(t)
	a, b := h.create("admin", "First", "wpkh", "alice"), h.create("admin", "Second", "wpkh", "bob")
	h.fund(a.Ref(), 1_000_000)
	pay := map[string]any{"recipients": []any{map[string]any{"address": stranger(1), "amount": 1000, "unit": "sat"}}, "fee_rate": 2}
	read := h.token(auth.OwnerID, auth.Scope{Rights: []auth.Right{auth.Read}})
	write := h.token(auth.OwnerID, auth.Scope{Rights: []auth.Right{auth.Write}})
	one := h.token(auth.OwnerID, auth.Scope{Wallets: []int64{int64(a.ID)}})
	admin := h.token(auth.OwnerID, auth.Scope{Rights: []auth.Right{auth.Admin}})
	for _, c := range []struct {
		name, method, path, who string
		status                  int
	}{
		{"reading reads", "GET", "/api/v1alpha/wallets/first/", read, 200},
		{"reading reads PSBTs", "GET", "/api/v1alpha/wallets/first/psbt", read, 200},
		{"reading makes nothing", "POST", "/api/v1alpha/wallets/first/psbt", read, 403},
		{"reading is not the owner's", "GET", "/api/v1alpha/specter", read, 401},
		{"writing makes", "POST", "/api/v1alpha/wallets/first/psbt", write, 200},
		{"writing reads nothing", "GET", "/api/v1alpha/wallets/first/", write, 403},
		{"one wallet is reached", "GET", "/api/v1alpha/wallets/first/", one, 200},
		{"the other is not", "GET", "/api/v1alpha/wallets/second/", one, 403},
		{"nor its PSBTs", "POST", "/api/v1alpha/wallets/second/psbt", one, 403},
		{"nor the program", "GET", "/api/v1alpha/specter", one, 401},
		{"nor the list over all", "GET", "/api/v1alpha/specter/full_txlist/", one, 401},
		{"admin alone does not read", "GET", "/api/v1alpha/specter", admin, 403},
		{"nor lists", "GET", "/api/v1alpha/specter/full_txlist/", admin, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			var what any
			if c.method == "POST" {
				what = pay
			}
			h.ask(c.method, c.path, c.who, what).want(c.status)
		})
	}
	h.t = t
	if list, err := h.wallets.Drafts(context.Background(), b.Ref()); err != nil || len(list) != 0 {
		t.Errorf("the other wallet has %d drafts, %v", len(list), err)
	}
}

func TestTokenConversation(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	h.now = func() time.Time { return now }
	h.open()
	h.ask("GET", "/api/v1alpha/token/", adminLogin, nil).want(404).says("Tokens does not exist")
	made := h.ask("POST", "/api/v1alpha/token/", adminLogin, map[string]string{"jwt_token_description": "watchtower", "jwt_token_life": "2 days, 4:00:00"}).want(201).object()
	id, token := made["jwt_token_id"].(string), made["jwt_token"].(string)
	if keys := keysIn(made); !slices.Equal(keys, []string{"jwt_token", "jwt_token_description", "jwt_token_id", "jwt_token_life", "message"}) || len(id) != 36 || strings.Count(token, ".") != 2 {
		t.Errorf("made %v", made)
	}
	must(t, same("made", map[string]any{"message": "Token generated", "jwt_token_id": id, "jwt_token": token, "jwt_token_description": "watchtower", "jwt_token_life": decodeText([]byte("187200"))}, made))
	form := h.ask("POST", "/api/v1alpha/token/", adminLogin, "jwt_token_description=by+form&jwt_token_life=1.75+s").want(201).object()
	must(t, same("form", decodeText([]byte("1.75")), form["jwt_token_life"]))
	now = now.Add(1500 * time.Millisecond)
	list := h.ask("GET", "/api/v1alpha/token/", adminLogin, nil).want(200).object()
	must(t, same("list", decodeText([]byte(`{"message": "Tokens exist", "jwt_tokens": {"`+id+`": {"jwt_token_description": "watchtower", "jwt_token_life": 187200, "jwt_token_remaining_life": 187198.5},
		"`+form["jwt_token_id"].(string)+`": {"jwt_token_description": "by form", "jwt_token_life": 1.75, "jwt_token_remaining_life": 0.25}}}`)), list))
	h.ask("GET", "/api/v1alpha/specter", token, nil).want(200)
	one := h.ask("GET", "/api/v1alpha/token/"+id+"/", adminLogin, nil).want(200).object()
	must(t, same("one", decodeText([]byte(`{"message": "Token exists", "jwt_token_description": "watchtower", "jwt_token_life": 187200, "jwt_token_life_remaining": 187198.5, "expiry_status": "Valid"}`)), one))
	now = now.Add(time.Hour)
	dead := h.ask("GET", "/api/v1alpha/token/"+form["jwt_token_id"].(string)+"/", adminLogin, nil).want(200).object()
	must(t, same("dead", decodeText([]byte(`{"message": "Token exists", "jwt_token_description": "by form", "jwt_token_life": 1.75, "jwt_token_life_remaining": 0, "expiry_status": "Expired"}`)), dead))
	h.ask("GET", "/api/v1alpha/specter", form["jwt_token"].(string), nil).want(401)
	h.ask("DELETE", "/api/v1alpha/token/"+id+"/", adminLogin, nil).want(200).says("Token deleted")
	h.ask("GET", "/api/v1alpha/specter", token, nil).want(401)
	for _, method := range []string{"GET", "DELETE"} {
		h.ask(method, "/api/v1alpha/token/"+id+"/", adminLogin, nil).want(404).says(noToken)
		h.ask(method, "/api/v1alpha/token/"+form["jwt_token_id"].(string)+"/", "someuser:"+memberPassword, nil).want(404).says(noToken)
	}
}

func TestTokenRequestsThatAreRefused(t *testing.T) {
	h := newHouse(t)
	h.ask("POST", "/api/v1alpha/token/", adminLogin, map[string]string{"jwt_token_description": "taken", "jwt_token_life": "1h"}).want(201)
	for name, c := range map[string]struct {
		what   any
		status int
		says   string
	}{
		"taken":           {map[string]string{"jwt_token_description": "taken", "jwt_token_life": "1h"}, 400, "Token description already exists or is blank"},
		"blank":           {map[string]string{"jwt_token_description": " ", "jwt_token_life": "1h"}, 400, "Token description already exists or is blank"},
		"empty":           {"jwt_token_description=&jwt_token_life=1h", 400, "Token description already exists or is blank"},
		"no description":  {map[string]string{"jwt_token_life": "1h"}, 400, ""},
		"no life":         {map[string]string{"jwt_token_description": "x"}, 400, ""},
		"null life":       {map[string]any{"jwt_token_description": "x", "jwt_token_life": nil}, 400, ""},
		"a number":        {map[string]any{"jwt_token_description": "x", "jwt_token_life": 300}, 400, ""},
		"a list":          {map[string]any{"jwt_token_description": []string{"x"}, "jwt_token_life": "1h"}, 400, ""},
		"no span":         {map[string]string{"jwt_token_description": "x", "jwt_token_life": "1 month"}, 400, ""},
		"nothing":         {map[string]string{"jwt_token_description": "x", "jwt_token_life": "0s"}, 400, ""},
		"in the past":     {map[string]string{"jwt_token_description": "x", "jwt_token_life": "-1 hour"}, 400, ""},
		"no object":       {[]byte(`[1]`), 400, ""},
		"null":            {[]byte(`null`), 400, ""},
		"broken":          {[]byte(`{"jwt_token_description": `), 400, ""},
		"broken form":     {"jwt_token_description=%zz", 400, ""},
		"too large":       {strings.Repeat("x", maxForm+1), 413, ""},
		"no type no body": {nil, 415, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			a := h.ask("POST", "/api/v1alpha/token/", adminLogin, c.what).want(c.status)
			if c.says != "" {
				a.says(c.says)
			} else if m, _ := a.object()["message"].(string); m == "" || m == unexpected {
				t.Errorf("message %q", m)
			}
		})
	}
	r := httptest.NewRequest("POST", "/api/v1alpha/token/", strings.NewReader(`{"jwt_token_description": "x", "jwt_token_life": "1h"}`))
	r.Header.Set("Content-Type", "text/plain")
	r.SetBasicAuth("admin", ownerPassword)
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	if w.Code != 415 {
		t.Errorf("text/plain: %d %s", w.Code, w.Body)
	}
}

func TestTooManyTries(t *testing.T) {
	h := newHouse(t)
	h.auth.hurried = true
	a := h.ask("GET", "/api/v1alpha/token/", adminLogin, nil).want(429)
	if a.header.Get("Retry-After") != "2" || a.object()["message"] == "" {
		t.Errorf("%v %s", a.header, a.body)
	}
}

func TestSpecterTellsTheProgram(t *testing.T) {
	h := newHouse(t)
	h.now = func() time.Time { return time.Date(2024, 3, 21, 17, 5, 9, 0, time.Local) }
	h.create("admin", "Savings", "wpkh", "alice")
	h.create("admin", "Alms", "wpkh", "bob")
	token := h.token(auth.OwnerID, auth.Scope{})
	a := h.ask("GET", "/api/v1alpha/specter", token, nil).want(200).object()
	for _, k := range []string{"data_folder", "config", "info", "network_info", "device_manager_datafolder", "devices_names", "wallets_names", "last_update", "alias_name", "name_alias", "wallets_alias"} {
		if _, has := a[k]; !has {
			t.Errorf("%s is missing", k)
		}
	}
	must(t, same("names", decodeText([]byte(`["Alms","Savings"]`)), a["wallets_names"]))
	must(t, same("aliases", decodeText([]byte(`["alms","savings"]`)), a["wallets_alias"]))
	must(t, same("alias_name", decodeText([]byte(`{"alms":"Alms","savings":"Savings"}`)), a["alias_name"]))
	must(t, same("name_alias", decodeText([]byte(`{"Alms":"alms","Savings":"savings"}`)), a["name_alias"]))
	info := a["info"].(map[string]any)
	if a["last_update"] != "03/21/2024, 17:05:09" || info["chain"] != "regtest" || info["utxorescan"] != nil || info["blockfilterindex"] != false {
		t.Errorf("%v, %v", a["last_update"], info)
	}
	for _, k := range []string{"blocks", "headers", "bestblockhash", "mempool_info", "uptime"} {
		if _, has := info[k]; !has {
			t.Errorf("info.%s is missing", k)
		}
	}
	text := string(h.ask("GET", "/api/v1alpha/specter", token, nil).body)
	for _, secret := range []string{"password\":", "torrc", "pwdhash", "token-key"} {
		if strings.Contains(text, secret) {
			t.Errorf("the answer tells %q", secret)
		}
	}
}

// Without a node, and before one has answered, the program still answers.
func TestNoNodeIsNoError(t *testing.T) {
	h := newHouse(t)
	token := h.token(auth.OwnerID, auth.Scope{})
	h.create("admin", "Savings", "wpkh", "alice")
	must(t, h.chain.Close())
	h.ask("GET", "/api/v1alpha/specter", token, nil).want(200)
	h.ask("GET", "/api/v1alpha/wallets/savings/", token, nil).want(200)
	h.ask("GET", "/healthz/readyness", "", nil).want(200).says("i am ready")
	must(t, h.nodes.Delete(context.Background(), "demo_chain"))
	a := h.ask("GET", "/api/v1alpha/specter", token, nil).want(200).object()
	if a["info"] != nil || a["network_info"] != nil || a["config"].(map[string]any)["active_node_alias"] != nil {
		t.Errorf("without a node: %v %v %v", a["info"], a["network_info"], a["config"])
	}
	h.ask("GET", "/api/v1alpha/wallets/savings/", token, nil).want(200)
	broken := h.brokenStore()
	broken.ask("GET", "/healthz/readyness", "", nil).want(500).says("i am not ready")
	broken.ask("GET", "/healthz/liveness", "", nil).want(200).says("i am alive")
}

// The node's own words are told as they are, with what the old Specter adds.
func TestNodeInfoKeepsTheNodesWords(t *testing.T) {
	info := nodeInfo(node.Facts{Blockchain: []byte(`{"chain":"main","difficulty":1.5e+13,"softforks":{}}`), Mempool: []byte(`{"size":3}`), Uptime: []byte(`4711`),
		Indexes: []byte(`{"basic block filter index":{"synced":true}}`), Scan: []byte(`{"progress":12.5}`)})
	want := `{"chain":"main","difficulty":1.5e+13,"softforks":{},"mempool_info":{"size":3},"uptime":4711,"blockfilterindex":true,"utxorescan":12.5}`
	must(t, same("info", decodeText([]byte(want)), decodeText(info)))
	if got := string(nodeInfo(node.Facts{})); got != "null" {
		t.Errorf("no facts: %s", got)
	}
}

func TestIndexIsAPage(t *testing.T) {
	h := newHouse(t)
	a := h.ask("GET", "/api/", "", nil).want(200)
	if !strings.Contains(string(a.body), "/api/v1alpha/wallets/&lt;alias&gt;/psbt") || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%s", a.body)
	}
}

func TestNewNeedsItsServices(t *testing.T) {
	if _, err := New(Config{Network: btc.Regtest}); err == nil {
		t.Error("made of nothing")
	}
}

func keysIn(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
