package v1_test

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestFiftyAtOnceMakeOneDraft(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	for range 3 {
		h.pay(h.owner, alias, 400_000)
	}
	body := fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":100000}],"feerate_sat_kvb":1000}`, stranger(1))
	path := "/wallets/" + alias + "/drafts"
	q := request{method: "POST", path: path, token: h.owner, body: body, key: "7d0f3a52-one"}
	answers := make([]answer, 50)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			var err error
			if answers[i], err = h.try(q); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	made := h.send(q)
	if made.status != 201 || made.header.Get("Idempotent-Replayed") != "true" {
		t.Fatalf("afterwards: %d %v %s", made.status, made.header, made.body)
	}
	first := 0
	for _, a := range answers {
		switch {
		case a.status == 201 && a.header.Get("Idempotent-Replayed") == "":
			first++
		case a.status == 201 && string(a.body) == string(made.body) && a.header.Get("Location") == made.header.Get("Location"):
		case a.status == 409 && a.str("code") == "idempotency-in-flight":
		default:
			t.Errorf("one of fifty: %d %s", a.status, a.body)
		}
	}
	if l := h.ok(h.owner, "GET", path, ""); first != 1 || l.num("total") != 1 {
		t.Errorf("%d were answered first, %d drafts were made", first, l.num("total"))
	}
}

func TestRepeatedRequests(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	w := "/wallets/" + alias
	post := func(token, path, key, body string) answer {
		t.Helper()
		return h.send(request{method: "POST", path: path, token: token, key: key, body: body})
	}
	a := post(h.owner, w+"/addresses", "k1", "")
	if b := post(h.owner, w+"/addresses", "k1", ""); string(a.body) != string(b.body) || b.header.Get("Idempotent-Replayed") != "true" || a.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the same key gave %s, then %s", a.body, b.body)
	}
	if b := post(h.owner, w+"/addresses", "k2", ""); string(a.body) == string(b.body) {
		t.Error("another key gave the same address")
	}
	h.no(request{method: "POST", path: w + "/sync", token: h.owner, key: "k1"}, 422, "idempotency-key-reused")
	h.no(request{method: "POST", path: w + "/addresses", token: h.owner, key: "k1", body: "{}"}, 422, "idempotency-key-reused")
	if m := post(h.member, "/key-checks", "k1", `{"keys":["x"]}`); m.status != 422 || m.str("code") == "idempotency-key-reused" {
		t.Errorf("another user's key is in the way: %d %s", m.status, m.body)
	}
	for _, key := range []string{"two words", "kéy", string(make([]byte, 0)) + longKey} {
		h.no(request{method: "POST", path: w + "/addresses", token: h.owner, key: key}, 422, "bad-idempotency-key")
	}

	// A refusal is remembered, a fault of others is not.
	bad := `{"file":"no label file"}`
	one, two := post(h.owner, w+"/label-previews", "k3", bad), post(h.owner, w+"/label-previews", "k3", bad)
	if one.status != 422 || two.header.Get("Idempotent-Replayed") != "true" || string(one.body) != string(two.body) {
		t.Errorf("a refusal: %d %s, then %d %s", one.status, one.body, two.status, two.body)
	}
	h.away.Store(true)
	h.no(request{method: "POST", path: w + "/rescan", token: h.owner, key: "k4", body: `{"from_height":0}`}, 503, "unavailable")
	h.away.Store(false)
	if r := post(h.owner, w+"/rescan", "k4", `{"from_height":0}`); r.status != 202 {
		t.Errorf("when the node is back: %d %s", r.status, r.body)
	}

	// A secret is not kept, and what it was for is not made twice.
	token := `{"description":"ci","life":"1 hour"}`
	if s := post(h.owner, "/tokens", "k5", token); s.status != 201 || s.str("jwt") == "" {
		t.Fatalf("token %d %s", s.status, s.body)
	}
	h.no(request{method: "POST", path: "/tokens", token: h.owner, key: "k5", body: token}, 409, "answer-not-kept")

	h.ahead.Add(int64(24*time.Hour + time.Minute))
	if c := post(h.owner, w+"/addresses", "k1", ""); string(c.body) == string(a.body) || c.status != 201 {
		t.Errorf("after a day the key is still taken: %s", c.body)
	}
}

// longKey is one character too long.
var longKey = fmt.Sprintf("%0256d", 0)

// A program that was killed after it made the draft, and before it remembered its answer, is
// asked again.
func TestDraftIsMadeOnceOverACrash(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	h.pay(h.owner, alias, 400_000)
	h.pay(h.owner, alias, 400_000)
	q := request{method: "POST", path: "/wallets/" + alias + "/drafts", token: h.owner, key: "crash",
		body: fmt.Sprintf(`{"recipients":[{"address":"%s","amount_sat":100000}],"feerate_sat_kvb":1000}`, stranger(1))}
	one := h.send(q)
	h.ahead.Add(int64(25 * time.Hour)) // the answer is forgotten, as if it had never been written
	two := h.send(q)
	if one.status != 201 || two.header.Get("Idempotent-Replayed") != "" || one.num("id") != two.num("id") {
		t.Errorf("drafts %d and %d: %s", one.num("id"), two.num("id"), two.body)
	}
}
