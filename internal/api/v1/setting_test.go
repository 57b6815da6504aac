package v1_test

import (
	"context"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// steward is the program of a test.
type steward struct {
	settings *setting.Service
	busy     bool
}

func (s *steward) ChangeProgram(ctx context.Context, change func(*setting.Program) error) (setting.Program, error) {
	return s.settings.ChangeProgram(ctx, change)
}
func (s *steward) LogLines() []string { return []string{"one", "two"} }
func (s *steward) Storage(context.Context) (setting.Storage, error) {
	return setting.Storage{Database: 100, Spare: 10, Free: -1, Rows: []setting.Rows{{Table: "history", Count: 3}}}, nil
}
func (s *steward) Compact(context.Context) (before, after int64, err error) {
	if s.busy {
		return 0, 0, errs.E(errs.Conflict, "the database is being compacted already")
	}
	return 100, 90, nil
}

// tellPrice answers for the member alone, who has chosen a provider.
func tellPrice(_ context.Context, user string) (rates.Quote, error) {
	if user == auth.OwnerID {
		return rates.Quote{}, errs.E(errs.Conflict, "no provider of prices is chosen")
	}
	return rates.Quote{Price: 97_123 * btc.PriceUnit, Currency: "EUR", Source: "Kraken", At: time.Unix(1_800_000_000, 0)}, nil
}

func tellPast(_ context.Context, o wallet.Owner) (string, func(context.Context, time.Time) (btc.Price, error)) {
	if string(o) == auth.OwnerID {
		return "", nil
	}
	return "EUR", func(context.Context, time.Time) (btc.Price, error) { return 50_000 * btc.PriceUnit, nil }
}

func TestEverySettingOfThePagesIsOnOffer(t *testing.T) {
	h := newHouse(t)
	h.ok(h.owner, "PATCH", "/settings", `{"unit":"sat","theme":"dark","language":"de","hide_after_minutes":20,"page_size":100,"draft_days":0,"proofs":true,"show_price":false,
		"provider":"manual","currency":"chf","by_hand":"100000.50","source_of_feerates":"own","source_url":"https://mempool.example/","tor_only":true,
		"explorers":[{"network":"main","kind":"mempool"},{"network":"regtest","kind":"own","url":"http://abc.onion/"}]}`)
	u, err := setting.New(h.db).User(t.Context(), auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	if u.Unit != "sat" || u.Language != "de" || u.HideAfter != 20 || u.PageSize != 100 || u.DraftDays != 0 || !u.Proofs || u.ShowPrice || u.Explorer(btc.Mainnet) != "https://mempool.space" ||
		u.Explorer(btc.Regtest) != "http://abc.onion" || u.Rates != (rates.Settings{Fees: "own", FeesURL: "https://mempool.example", TorOnly: true, Price: "manual", Currency: "CHF", Manual: 10_000_050_000_000}) {
		t.Errorf("stored %+v", u)
	}
	v := h.ok(h.owner, "PATCH", "/settings", `{"explorers":[{"network":"main","kind":""}]}`)
	if v.str("by_hand") != "100000.5" || v.str("source_url") != "https://mempool.example" || len(v.json["explorers"].([]any)) != 1 {
		t.Errorf("answers %s", v.body)
	}
	for _, bad := range []string{`{"unit":"dogs"}`, `{"page_size":7}`, `{"provider":"coindesk"}`, `{"by_hand":"much"}`, `{"source_of_feerates":"own","source_url":""}`, `{"explorers":[{"network":"mars","kind":""}]}`,
		`{"explorers":[{"network":"main","kind":"own","url":"javascript:1"}]}`, `{"draft_days":-1}`} {
		if a := h.do(h.owner, "PATCH", "/settings", bad); a.status != 422 {
			t.Errorf("%s answers %d %s", bad, a.status, a.body)
		}
	}
	if a := h.do(h.member, "PATCH", "/settings", `{"source_of_feerates":"own","source_url":"http://10.0.0.1/"}`); a.status != 403 {
		t.Errorf("a member who names a server is answered %d", a.status)
	}
	if after, _ := setting.New(h.db).User(t.Context(), auth.OwnerID); after.Unit != "sat" || after.PageSize != 100 {
		t.Errorf("a refused change changed something: %+v", after)
	}
}

func TestTheProgramIsTheOwnersToDecide(t *testing.T) {
	h := newHouse(t)
	if v := h.ok(h.owner, "GET", "/program", ""); v.json["outside_services"] != false || v.str("log_level") != "info" {
		t.Errorf("from the start %s", v.body)
	}
	v := h.ok(h.owner, "PATCH", "/program", `{"outside_services":true,"proxy":"127.0.0.1:9150","proxy_only":true,"log_level":"warn"}`)
	if v.json["outside_services"] != true || v.str("proxy") != "127.0.0.1:9150" || v.str("log_level") != "warn" {
		t.Errorf("decided %s", v.body)
	}
	for _, bad := range []string{`{"proxy":""}`, `{"log_level":"all"}`, `{"proxy":"a b"}`} {
		if a := h.do(h.owner, "PATCH", "/program", bad); a.status != 422 {
			t.Errorf("%s answers %d", bad, a.status)
		}
	}
	if a := h.do(h.owner, "GET", "/program/log", ""); a.status != 200 || string(a.body) != "one\ntwo\n" {
		t.Errorf("the log answers %d %s", a.status, a.body)
	}
	if v := h.ok(h.owner, "POST", "/program/compact", ""); v.json["free_bytes"] != nil || len(v.json["tables"].([]any)) != 1 {
		t.Errorf("storage %s", v.body)
	}
	for _, path := range []string{"/program", "/program/log", "/program/storage"} {
		if a := h.do(h.member, "GET", path, ""); a.status != 403 {
			t.Errorf("a member gets %d of %s", a.status, path)
		}
	}
}

func TestPricesAreToldToWhomChoseAProvider(t *testing.T) {
	h := newHouse(t)
	if v := h.ok(h.member, "GET", "/price", ""); v.str("units") != "97123.00" || v.str("currency") != "EUR" || v.str("source") != "Kraken" {
		t.Errorf("price %s", v.body)
	}
	if a := h.do(h.owner, "GET", "/price", ""); a.status != 409 {
		t.Errorf("without a provider: %d %s", a.status, a.body)
	}
	if a := h.do(h.owner, "GET", "/history.csv?prices=yes", ""); a.status != 422 {
		t.Errorf("a file with prices of nobody: %d %s", a.status, a.body)
	}
	if a := h.do(h.member, "GET", "/history.csv?prices=yes", ""); a.status != 200 {
		t.Errorf("a file with prices: %d %s", a.status, a.body)
	}
	if a := h.do(h.member, "GET", "/history.csv?prices=perhaps", ""); a.status != 422 {
		t.Errorf("a word that is none: %d", a.status)
	}
}

// do asks with a token.
func (h *house) do(token, method, path, body string) answer {
	h.t.Helper()
	return h.send(request{token: token, method: method, path: path, body: body})
}
