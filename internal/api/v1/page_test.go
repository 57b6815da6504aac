package v1_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// walk reads a list page by page; between tells what happens between two pages.
func (h *house) walk(path string, limit int, key string, between func(page int)) (seen []string) {
	h.t.Helper()
	sep := "?"
	if u, _ := url.Parse(path); u.RawQuery != "" {
		sep = "&"
	}
	next := ""
	for page := 0; ; page++ {
		p := h.ok(h.owner, "GET", fmt.Sprintf("%s%slimit=%d%s", path, sep, limit, next), "")
		for _, row := range p.list("items") {
			seen = append(seen, fmt.Sprint(row.(map[string]any)[key]))
		}
		if p.str("next_cursor") == "" {
			return seen
		}
		if page > 100 {
			h.t.Fatalf("%s has no end", path)
		}
		next = "&cursor=" + p.str("next_cursor")
		if between != nil {
			between(page)
		}
	}
}

func TestPagesLoseNothingAndRepeatNothingWhileRowsArrive(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	w := "/wallets/" + alias
	for i := range 12 {
		h.pay(h.owner, alias, int64(10_000+i))
		if i == 6 {
			h.mine(1)
		}
	}
	for _, list := range []struct{ path, key string }{{w + "/history", "txid"}, {"/history", "txid"}, {w + "/coins", "outpoint"}, {w + "/coins?sort=amount&desc=true", "outpoint"}} {
		before := h.walk(list.path, 5, list.key, nil)
		if len(before) != len(unique(before)) || len(before) < 12 {
			t.Fatalf("%s: %d rows, %d of them different", list.path, len(before), len(unique(before)))
		}
		during := h.walk(list.path, 5, list.key, func(page int) {
			if page < 2 {
				h.pay(h.owner, alias, int64(50_000+page))
			}
		})
		if len(during) != len(unique(during)) {
			t.Errorf("%s: a row came twice: %v", list.path, during)
		}
		got := map[string]bool{}
		for _, k := range during {
			got[k] = true
		}
		for _, k := range before {
			if !got[k] {
				t.Errorf("%s: %s was lost", list.path, k)
			}
		}
	}
}

func TestPagesSurviveRowsThatGo(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	w := "/wallets/" + alias
	for i := range 9 {
		h.pay(h.owner, alias, int64(10_000+i))
	}
	all := h.walk(w+"/coins?filter=free", 3, "outpoint", nil)
	for name, gone := range map[string]string{"the first row": all[0], "the page's last row": all[2]} {
		during := h.walk(w+"/coins?filter=free", 3, "outpoint", func(page int) {
			if page == 0 {
				h.ok(h.owner, "POST", w+"/coins/freeze", fmt.Sprintf(`{"outpoints":["%s"],"frozen":true}`, gone))
			}
		})
		if fmt.Sprint(during) != fmt.Sprint(all) {
			t.Errorf("%s went: read %v, there were %v", name, during, all)
		}
		h.ok(h.owner, "POST", w+"/coins/freeze", fmt.Sprintf(`{"outpoints":["%s"],"frozen":false}`, gone))
	}
}

func TestCursorIsOfItsListAlone(t *testing.T) {
	h := newHouse(t)
	alias, _ := h.hotWallet(h.owner, "Vault", 1, 1)
	w := "/wallets/" + alias
	p := h.ok(h.owner, "GET", w+"/addresses?limit=7", "")
	c := p.str("next_cursor")
	if c == "" || p.num("total") < 40 || len(p.list("items")) != 7 {
		t.Fatalf("addresses %s", p.body)
	}
	if got := h.walk(w+"/addresses?filter=receive", 7, "address", nil); len(got) != len(unique(got)) || len(got) < 20 {
		t.Errorf("%d addresses, %d different", len(got), len(unique(got)))
	}
	h.ok(h.owner, "GET", w+"/addresses?limit=3&cursor="+c, "") // another limit is fine
	for _, path := range []string{w + "/addresses?filter=receive&cursor=" + c, w + "/coins?cursor=" + c, w + "/addresses?cursor=x", w + "/addresses?cursor=", w + "/addresses?cursor=e30"} {
		h.no(request{method: "GET", path: path, token: h.owner}, 422, "bad-cursor")
	}
	long := "?search=" + strings.Repeat("x", 201)
	for _, path := range []string{"/history" + long, "/addresses" + long, "/history.csv" + long, "/coins.csv" + long, "/addresses.csv" + long} {
		h.no(request{method: "GET", path: w + path, token: h.owner}, 422, "invalid")
	}
	for _, path := range []string{"?limit=0", "?limit=501", "?limit=", "?limit=x", "?page=2", "?limit=1&limit=2", "?filter=red", "?sort=size", "?desc=maybe", "?%zz", "?sort=", "?filter=", "?desc="} {
		if a := h.send(request{method: "GET", path: w + "/history" + path, token: h.owner}); a.status != 422 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func unique(list []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range list {
		out[s] = true
	}
	return out
}
