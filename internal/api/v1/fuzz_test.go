package v1_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"specter/internal/api/v1"
)

// FuzzRequests sends any method, path and body: no answer may be our own fault, none may be
// without a body that says what is wrong, and none may hold a number that is not whole.
func FuzzRequests(f *testing.F) {
	h := newHouse(f)
	alias, _ := h.hotWallet(h.owner, "Vault", 2, 2)
	h.pay(h.owner, alias, 1_000_000)
	for _, r := range v1.Routes() {
		if r.OperationID == "followEvents" || r.OperationID == "findNodes" {
			continue
		}
		f.Add(r.Method, filled(r, alias, "1", strings.Repeat("0", 64)), `{"name":"x"}`, "")
	}
	for path, body := range map[string]string{
		"/wallets/vault/drafts":         `{"recipients":[{"address":"` + stranger(1) + `","amount_sat":1000}],"feerate_sat_kvb":1000,"subtract_fee_from":[0],"locktime":5}`,
		"/wallets":                      `{"name":"y","descriptor":"wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/<0;1>/*)"}`,
		"/wallets/vault/psbts":          `{"psbt":"cHNidP8BAAoBAAAAAAAAAAAAAA=="}`,
		"/wallets/vault/labels":         `{"type":"output","ref":"` + strings.Repeat("a", 64) + `:0","label":"x"}`,
		"/wallets/vault/label-imports":  `{"file":"{\"type\":\"tx\",\"ref\":\"x\",\"label\":\"y\"}"}`,
		"/wallets/vault/coins/freeze":   `{"outpoints":["` + strings.Repeat("a", 64) + `:4294967295"],"frozen":true}`,
		"/wallet-files":                 `{"file":"{\"descriptor\":\"wpkh()\"}"}`,
		"/tokens":                       `{"description":"z","life":"9999 years","rights":["read"],"wallet_ids":[9223372036854775807]}`,
		"/devices":                      `{"name":"\u0000","type":"other","keys":["tpub"]}`,
		"/hot-devices":                  `{"name":"h","words":"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about","account":4294967295}`,
		"/wallets/vault/rescan":         `{"from_height":2147483647}`,
		"/wallets/vault/history?search": ``,
	} {
		f.Add("POST", path, body, "key")
	}
	for _, q := range []string{"search=%00", "search=%3E+1e400", "limit=1&cursor=eyJuIjoxfQ", "sort=amount&desc=true", "search=2026-13-99"} {
		f.Add("GET", "/wallets/vault/history?"+q, "", "")
		f.Add("GET", "/wallets/vault/coins.csv?"+strings.TrimPrefix(q, "limit=1&"), "", "")
	}
	f.Fuzz(func(t *testing.T, method, path, body, key string) {
		u, err := url.Parse("http://localhost" + v1.Root + path)
		if err != nil || strings.HasPrefix(u.Path, v1.Root+"/events") || strings.HasPrefix(u.Path, v1.Root+"/node") || strings.HasPrefix(u.Path, v1.Root+"/tokens/") ||
			u.Path == v1.Root+"/login-settings" || method == "" || strings.ContainsFunc(method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
			t.Skip() // no request, or one that would lock the test itself out or reach beyond this process
		}
		r := httptest.NewRequest("GET", "http://localhost/", strings.NewReader(body))
		r.Method, r.URL, r.RequestURI = method, u, u.RequestURI()
		r.Header.Set("Authorization", "Bearer "+h.owner)
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%s %s %s: %d %s", method, path, body, w.Code, w.Body)
		}
		if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%s %s: %d without a problem: %s", method, path, w.Code, w.Body)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && u.Path != v1.Root+"/openapi.json" &&
			!strings.Contains(u.Path, "export") && !strings.Contains(u.Path, "label-files") && floaty(w.Body.Bytes()) {
			t.Fatalf("%s %s: a number that is not whole: %s", method, path, w.Body)
		}
	})
}
