package v1_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/api/v1"
)

func TestBodiesAreReadStrictly(t *testing.T) {
	for body, want := range map[string]string{
		`{"recipients":[]}`: "", `{"recipients":[{"address":"a"}],"feerate_sat_kvb":null}`: "",
		`{}`: "recipients", `{"recipients":[{"amount_sat":1}]}`: "recipients[0].address",
		`{"recipients":[{"address":"a","amount_sat":1.0}]}`: "recipients[0].amount_sat", `{"recipients":[{"address":"a","amount_sat":1e3}]}`: "amount_sat",
		`{"recipients":[{"address":"a","amount_sat":"1"}]}`: "amount_sat", `{"recipients":[{"address":"a","amount_sat":99999999999999999999}]}`: "amount_sat",
		`{"recipients":[{"address":"a","amount":1}]}`: "recipients[0].amount", `{"recipients":[],"Note":"x"}`: "Note",
		`{"recipients":[],"recipients":[]}`: "twice", `{"recipients":null}`: "a list", `{"recipients":{}}`: "a list", `{"recipients":[[]]}`: "an object",
		`{"recipients":[],"replaceable":1}`: "true or false", `{"recipients":[],"locktime":-1}`: "locktime", `{"recipients":[],"note":7}`: "a text",
		`[]`: "an object", `null`: "an object", ``: "not JSON", `{`: "not JSON", `{"recipients":[`: "not JSON", `{"recipients":[]}{}`: "end", `{"recipients":[]} x`: "end",
		"{\"recipients\":[],\"note\":\"\xff\"}": "UTF-8", `{"a":` + strings.Repeat("[", 100_000): "a",
	} {
		var in v1.SpendInput
		err := v1.Decode([]byte(body), &in)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", body, err, want)
		}
	}
}

func TestDoorOfTheAPI(t *testing.T) {
	h := newHouse(t)
	h.no(request{method: "POST", path: "/key-checks", token: h.owner, body: `{"keys":[]}`, kind: "text/plain"}, 415, "unsupported-media-type")
	h.no(request{method: "POST", path: "/key-checks", token: h.owner}, 415, "unsupported-media-type")
	h.no(request{method: "POST", path: "/key-checks", token: h.owner, body: "x", kind: "application/octet-stream"}, 415, "unsupported-media-type")
	h.no(request{method: "POST", path: "/key-checks", token: h.owner, body: `{"keys":["` + strings.Repeat("x", 5<<20) + `"]}`}, 413, "too-large")
	if a := h.no(request{method: "POST", path: "/key-checks", token: h.owner, body: `{"keys":[],"kees":1}`}, 422, "unknown-field"); a.str("field") != "kees" {
		t.Errorf("the field is not named: %s", a.body)
	}
	if a := h.no(request{method: "POST", path: "/key-checks", token: h.owner, body: `{}`}, 422, "missing-field"); a.str("field") != "keys" || a.str("instance") != "req-1" ||
		a.str("type") != "urn:specter:problem:missing-field" || a.str("title") != "Unprocessable Entity" {
		t.Errorf("problem %s", a.body)
	}
	for _, path := range []string{"/nothing", "/wallets/", "/wallets//x", "/wallets/../me", "/me/", "/openapi.json/x", "/wallets/%2e%2e/x"} {
		h.no(request{method: "GET", path: path, token: h.owner}, 404, "not-found")
	}
	for path, allow := range map[string]string{"/me": "GET, HEAD, PATCH", "/tokens": "GET, HEAD, POST", "/wallets/x/psbts": "POST", "/openapi.json": "GET, HEAD", "/settings": "GET, HEAD, PATCH"} {
		for _, method := range []string{"PUT", "OPTIONS", "TRACE", "BREW"} {
			if a := h.no(request{method: method, path: path, token: h.owner}, 405, "method-not-allowed"); a.header.Get("Allow") != allow {
				t.Errorf("%s %s allows %q", method, path, a.header.Get("Allow"))
			}
		}
	}
	r, err := http.Head(h.server.URL + v1.Root + "/openapi.json")
	if err != nil || r.StatusCode != 200 {
		t.Errorf("HEAD: %v %v", r, err)
	}
}

func TestDescriptionAndManualAreServed(t *testing.T) {
	h := newHouse(t)
	var d map[string]any
	if a := h.send(request{method: "GET", path: "/openapi.json"}); json.Unmarshal(a.body, &d) != nil || d["openapi"] != "3.1.0" {
		t.Errorf("openapi.json: %d %.100s", a.status, a.body)
	}
	for _, path := range []string{"", "/"} {
		a := h.send(request{method: "GET", path: path})
		for _, bad := range []string{"<script", "<style", "style=", "onclick", "```"} {
			if strings.Contains(string(a.body), bad) {
				t.Errorf("the manual holds %s", bad)
			}
		}
		if a.status != 200 || !strings.Contains(string(a.body), "<h1>") || !strings.Contains(string(a.body), "Idempotency-Key") || !strings.Contains(string(a.body), "<table>") {
			t.Errorf("the manual: %d %.200s", a.status, a.body)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "api.md"))
	if err != nil || string(page) != v1.Manual {
		t.Errorf("docs/api.md and internal/api/v1/api.md differ; copy one over the other (%v)", err)
	}
	for _, r := range v1.Routes() {
		if r.Audience != v1.Everyone && strings.Contains(v1.Manual, "`"+r.OperationID+"`") {
			t.Errorf("the manual names %s by its id instead of its path", r.OperationID)
		}
	}
	for line := range strings.Lines(v1.Manual) { // every path in it is real
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			if _, path, ok := strings.Cut(line, "`"+method+" "+v1.Root); ok {
				path, _, _ = strings.Cut(path, "`")
				if _, known := doc.operationOf(method, v1.Root+path); !known {
					t.Errorf("the manual tells of %s %s", method, path)
				}
			}
		}
	}
}

func TestRefusalsOfMoney(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	h.pay(h.owner, alias, 100_000)
	w := "/wallets/" + alias
	to := stranger(1)
	for body, field := range map[string]string{
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":0}]}`, to):                                                            "recipients[0].amount_sat",
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":-1}]}`, to):                                                           "recipients[0].amount_sat",
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000,"max":true}]}`, to):                                              "recipients[0].max",
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000}],"feerate_sat_kvb":0}`, to):                                     "feerate_sat_kvb",
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000}],"feerate_sat_kvb":1000,"target_blocks":2}`, to):                "target_blocks",
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000}],"target_blocks":0}`, to):                                       "target_blocks",
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000}],"outpoints":["x"]}`, to):                                       "outpoints",
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000}],"outpoints":["%s:0","%[2]s:0"]}`, to, strings.Repeat("0", 64)): "outpoints",
	} {
		for _, path := range []string{"/previews", "/drafts"} {
			if a := h.no(request{method: "POST", path: w + path, token: h.owner, body: body}, 422, "invalid"); a.str("field") != field {
				t.Errorf("%s: field %q, want %q", body, a.str("field"), field)
			}
		}
	}
	for _, body := range []string{`{"recipients":[]}`, `{"recipients":[{"address":"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4","amount_sat":1000}]}`,
		fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000}],"subtract_fee_from":[7]}`, to), fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":100000000}]}`, to)} {
		if a := h.send(request{method: "POST", path: w + "/drafts", token: h.owner, body: body}); a.status != 422 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if l := h.ok(h.owner, "GET", w+"/drafts", ""); l.num("total") != 0 {
		t.Errorf("a refused request left %s", l.body)
	}
}

// Mounted below a path, the API says so in what it hands out.
func TestAPIBelowAPath(t *testing.T) {
	h := newHouse(t)
	below, err := v1.New(v1.Config{Auth: h.auth, Wallets: h.wallets, Devices: h.devices, Nodes: h.nodes, Settings: h.db, Idempotency: h.db, URLPrefix: "specter/"})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	below.ServeHTTP(w, httptest.NewRequest("GET", v1.Root+"/", nil))
	if !strings.Contains(w.Body.String(), `href="/specter/api/v1/openapi.json"`) {
		t.Errorf("the manual links to %s", w.Body)
	}
	r := httptest.NewRequest("POST", v1.Root+"/tokens", strings.NewReader(`{"description":"p","life":"1 hour"}`))
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth("admin", ownerPassword)
	w = httptest.NewRecorder()
	below.ServeHTTP(w, r)
	if w.Code != 201 || !strings.HasPrefix(w.Header().Get("Location"), "/specter/api/v1/tokens/") {
		t.Errorf("a token below a path: %d %v", w.Code, w.Header())
	}
}
