package v1_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"specter/internal/api/v1"
	"specter/internal/auth"
	"specter/internal/btc/psbt"
)

func parsePSBT(raw []byte) (*psbt.Packet, error) { return psbt.Parse(raw) }

// filled puts something that exists (of the owner's) into a path.
func filled(r v1.Route, alias, draft, txid string) string {
	p := r.Pattern
	switch {
	case strings.HasPrefix(p, "/wallets/"):
		p = strings.Replace(p, "{alias}", alias, 1)
	case strings.HasPrefix(p, "/devices/"):
		p = strings.Replace(p, "{alias}", "vault_key_1", 1)
	case strings.HasPrefix(p, "/nodes/"):
		p = strings.Replace(p, "{alias}", "demo", 1)
	case strings.HasPrefix(p, "/users/"):
		p = strings.Replace(p, "{id}", auth.OwnerID, 1)
	}
	return strings.NewReplacer("{id}", draft, "{txid}", txid, "{format}", "descriptor", "{address}", stranger(1), "{xpub}", "tpub", "{alias}", "none").Replace(p)
}

// TestEveryRouteByEveryRole asks each route of the table as nobody, as a member about the owner's
// things, and with tokens that lack its right or its wallet. A new route is in it by itself.
func TestEveryRouteByEveryRole(t *testing.T) {
	h := newHouse(t)
	alias, id := h.hotWallet(h.owner, "Vault", 1, 1)
	_, other := h.hotWallet(h.owner, "Other", 1, 1)
	h.pay(h.owner, alias, 500_000)
	d := h.ok(h.owner, "POST", "/wallets/"+alias+"/drafts", fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":1000}],"feerate_sat_kvb":1000,"agreed":["fee-percent"]}`, stranger(1)))
	draft, txid := fmt.Sprint(d.num("id")), d.str("txid")
	lacking := map[auth.Right]string{}
	for _, r := range auth.Rights {
		var rest []string
		for _, o := range auth.Rights {
			if o != r {
				rest = append(rest, string(o))
			}
		}
		lacking[r] = h.token(h.owner, rest)
	}
	bound := h.token(h.owner, nil, other) // everything, but for another wallet
	forged := h.owner[:len(h.owner)-4] + "AAAA"
	for _, r := range v1.Routes() {
		path := filled(r, alias, draft, txid)
		body := ""
		if r.In() != nil {
			body = "{}"
		}
		ask := func(token string) answer {
			return h.send(request{method: r.Method, path: path, token: token, body: body})
		}
		if r.Audience == v1.Everyone {
			if a := ask(""); a.status != 200 {
				t.Errorf("%s by nobody: %d", r.OperationID, a.status)
			}
			continue
		}
		for name, token := range map[string]string{"nobody": "", "a forger": forged, "rubbish": "x.y.z"} {
			if a := ask(token); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s by %s: %d %s", r.OperationID, name, a.status, a.body)
			}
		}
		if a := h.send(request{method: r.Method, path: path, body: body, basic: [2]string{"admin", ownerPassword}}); r.Basic() == (a.status == 401) {
			t.Errorf("%s by name and password: %d", r.OperationID, a.status)
		}
		if a := ask(lacking[r.Right]); a.status != 403 || a.str("code") != "insufficient-scope" && a.str("code") != "owner-only" {
			t.Errorf("%s by a token without %s: %d %s", r.OperationID, r.Right, a.status, a.body)
		}
		if r.OperationID == "followEvents" {
			continue // without an end; it has its own test
		}
		member := ask(h.member)
		switch {
		case r.Audience == v1.OwnerOnly && (member.status != 403 || member.str("code") != "owner-only"):
			t.Errorf("%s by a member: %d %s", r.OperationID, member.status, member.body)
		case r.Reach == v1.OneWallet && member.status != 404:
			t.Errorf("%s: a member reaches the owner's wallet: %d %s", r.OperationID, member.status, member.body)
		case strings.Contains(r.Pattern, "/devices/{alias}") && member.status != 404 && member.status != 422:
			t.Errorf("%s: a member reaches the owner's device: %d %s", r.OperationID, member.status, member.body)
		}
		a := ask(bound)
		want := map[v1.Reach]int{v1.OneWallet: 404, v1.Whole: 403, v1.Filtered: 200}[r.Reach]
		if a.status != want {
			t.Errorf("%s by a token for another wallet: %d %s", r.OperationID, a.status, a.body)
		}
	}
	if l := h.ok(bound, "GET", "/wallets", ""); l.num("total") != 1 || fmt.Sprint(l.list("items")[0].(map[string]any)["id"]) != fmt.Sprint(other) {
		t.Errorf("a token for one wallet lists %s", l.body)
	}
	mine := h.token(h.owner, []string{"read"}, id)
	h.ok(mine, "GET", "/wallets/"+alias+"/history", "")
	h.no(request{method: "POST", path: "/wallets/" + alias + "/addresses", token: mine}, 403, "insufficient-scope")
	if w := h.ok(h.owner, "GET", "/wallets/"+alias, ""); w.num("tx_count") != 1 {
		t.Errorf("somebody changed the wallet: %s", w.body)
	}
}

func TestTokenMakesNoTokenThatMayMore(t *testing.T) {
	h := newHouse(t)
	_, id := h.hotWallet(h.owner, "Vault", 1, 1)
	_, theirs := h.hotWallet(h.member, "Theirs", 1, 1)
	half := h.token(h.owner, []string{"read", "admin"})
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{"description":"a","life":"1 minute","rights":["read"]}`:                                        {201, ""},
		`{"description":"b","life":"1 minute"}`:                                                          {403, "insufficient-scope"},
		`{"description":"c","life":"1 minute","rights":["read","write"]}`:                                {403, "insufficient-scope"},
		`{"description":"d","life":"2 hours","rights":["read"]}`:                                         {403, "insufficient-scope"},
		`{"description":"e","life":"1 minute","rights":["fly"]}`:                                         {422, "invalid"},
		`{"description":"f","life":"soon","rights":["read"]}`:                                            {422, "invalid"},
		fmt.Sprintf(`{"description":"g","life":"1 minute","rights":["read"],"wallet_ids":[%d]}`, id):     {201, ""},
		fmt.Sprintf(`{"description":"h","life":"1 minute","rights":["read"],"wallet_ids":[%d]}`, theirs): {422, "invalid"},
	} {
		a := h.send(request{method: "POST", path: "/tokens", token: half, body: body})
		if a.status != want.status || a.str("code") != want.code {
			t.Errorf("%s: %d %s, want %d %s", body, a.status, a.body, want.status, want.code)
		}
	}
	h.no(request{method: "POST", path: "/tokens", token: h.owner, body: `{"description":"all","life":"1 hour"}`}, 409, "conflict")
}

func TestGuessersAreSlowedDown(t *testing.T) {
	h := newHouse(t)
	var last answer
	for i := range 60 {
		last = h.send(request{method: "GET", path: "/tokens", basic: [2]string{"bob", fmt.Sprint("guess ", i)}})
		if last.status == http.StatusTooManyRequests {
			break
		}
		if last.status != 401 {
			t.Fatalf("guess %d: %d %s", i, last.status, last.body)
		}
	}
	if last.status != 429 || last.str("code") != "too-fast" || last.header.Get("Retry-After") == "" {
		t.Fatalf("60 guesses: %d %v %s", last.status, last.header, last.body)
	}
	h.ok(h.member, "GET", "/me", "") // a token is no guess
}

func TestTokenEndsWithItsTime(t *testing.T) {
	h := newHouse(t)
	short := h.token(h.owner, nil)
	h.ok(short, "GET", "/me", "")
	h.ahead.Add(int64(61 * time.Minute))
	h.no(request{method: "GET", path: "/me", token: short}, 401, "unauthenticated")
	h.ok(h.owner, "GET", "/me", "")
}
