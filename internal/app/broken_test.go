package app

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// TestAWalletAlwaysOpens: each record that a crash or a bad disk may have spoiled is one marked
// row; every page and every answer of the wallet still comes.
func TestAWalletAlwaysOpens(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	ref := walletRef("savings_2_of_3")
	pay, err := h.wallets.NewAddress(ctx, walletRef("spending"))
	if err != nil {
		t.Fatal(err)
	}
	var drafts []wallet.Draft
	for range 3 {
		d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Recipients: []wallet.Recipient{{Address: pay.Address, Amount: 100_000}}})
		if err != nil {
			t.Fatal(err)
		}
		drafts = append(drafts, d)
	}
	page, err := h.wallets.History(ctx, ref, wallet.Query{})
	if err != nil {
		t.Fatal(err)
	}
	txid := page.Rows[0].TxID
	address := page.Rows[0].Address
	h.stop()

	db, err := sql.Open("sqlite", h.folder.file(databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(what, query string, args ...any) {
		t.Helper()
		r, err := db.Exec(query, args...)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s: nothing was spoiled (%v)", what, err)
		}
	}
	spoil("a transaction's bytes", `UPDATE txs SET raw = x'00ff17' WHERE txid = ?`, txid[:])
	spoil("a draft's PSBT", `UPDATE drafts SET psbt = x'70736274ff00ee' WHERE id = ?`, drafts[0].ID)
	spoil("a draft's recipients", `UPDATE drafts SET recipients = '[{' WHERE id = ?`, drafts[1].ID)
	spoil("a draft's remarks", `UPDATE drafts SET warnings = 'null]' WHERE id = ?`, drafts[2].ID)
	spoil("a wallet's cosigners", `UPDATE wallets SET cosigners = '' WHERE alias = 'spending'`)
	spoil("what a search found", `UPDATE wallets SET scan_found = '{"coins":' WHERE alias = 'spending'`)
	for _, name := range []string{"unit", "theme", "language", "hide-amounts", "page-size", "rows", "fee-source", "price", "currency", "explorer", "hide-after", "draft-days"} {
		spoil("the user's "+name, `INSERT INTO settings (owner, name, value) VALUES ('admin', ?, '{') ON CONFLICT DO UPDATE SET value = excluded.value`, name)
		spoil("the program's "+name, `INSERT INTO settings (owner, name, value) VALUES ('', ?, '{') ON CONFLICT DO UPDATE SET value = excluded.value`, name)
	}
	spoil("all settings", `UPDATE settings SET value = '' WHERE name IN ('outside-services', 'log-level', 'page-size', 'draft-days') OR value = '{' AND name = 'unit'`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	h = open(h.t, h.cfg)
	h.openEverything(ref, txid.String(), address, drafts)
	detail, err := h.wallets.Transaction(ctx, ref, txid)
	if err != nil || detail.Tx != nil {
		t.Errorf("the spoilt transaction reads %+v, %v", detail.HistoryRow, err)
	}
	for i, d := range drafts {
		got, err := h.wallets.Draft(ctx, ref, d.ID)
		want := wallet.DraftBroken
		if i > 0 {
			want = wallet.Unsigned // the PSBT tells the rest, and can be signed
			if got.Lost == "" || len(got.Recipients) != 1 || got.Recipients[0].Address != pay.Address || got.Recipients[0].Amount != 100_000 {
				t.Errorf("the spoilt draft %d reads %+v, %q", i, got.Recipients, got.Lost)
			}
			h.says(fmt.Sprintf("/wallets/%s/drafts", ref.Alias), "drafts/%d/repair", d.ID)
			h.says(fmt.Sprintf("/wallets/%s/drafts/%d", ref.Alias, d.ID), "drafts/%d/repair", d.ID)
		}
		if err != nil || got.State != want {
			t.Errorf("the spoilt draft %d is %s, %v", i, got.State, err)
		}
	}
	red, err := h.devices.Get(ctx, demoOwner, "red_key")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := h.wallets.SignHot(ctx, ref, drafts[1].ID, red.ID, ""); err != nil || d.Have != 1 {
		t.Errorf("a draft whose recipients are gone is signed by %d, %v", d.Have, err)
	}

	for i, d := range drafts {
		for range 2 {
			got, err := h.wallets.RepairDraft(ctx, ref, d.ID)
			switch {
			case i == 0 && !errs.Is(err, errs.Unavailable):
				t.Errorf("a draft without its PSBT was repaired: %v", err)
			case i > 0 && (err != nil || got.Lost != "" || len(got.Recipients) != 1 || got.Recipients[0].Address != pay.Address || (got.Have == 1) != (i == 1)):
				t.Errorf("the repaired draft %d reads %+v, %q, %v", i, got.Recipients, got.Lost, err)
			}
		}
	}

	// What heals: the transaction by repair, the whole history by making it anew, drafts by going.
	if err := h.wallets.Repair(ctx, ref, txid); err != nil {
		t.Errorf("repair: %v", err)
	}
	before := h.record(ref)
	if err := h.wallets.Rebuild(ctx, ref); err != nil {
		t.Fatalf("make anew: %v", err)
	}
	after := h.record(ref)
	if after.Balance != before.Balance || after.TxCount != before.TxCount || after.Next != before.Next || after.Used != before.Used {
		t.Errorf("made anew the wallet has %+v %d %v, before %+v %d %v", after.Balance, after.TxCount, after.Next, before.Balance, before.TxCount, before.Next)
	}
	if detail, err = h.wallets.Transaction(ctx, ref, txid); err != nil || detail.Tx == nil || detail.Label == "" {
		t.Errorf("after that the transaction reads %+v, %v", detail.HistoryRow, err)
	}
	for _, d := range drafts {
		if err := h.wallets.DeleteDraft(ctx, ref, d.ID); err != nil {
			t.Errorf("delete draft %d: %v", d.ID, err)
		}
	}
	if r := h.record(ref); r.Balance.Reserved != 0 {
		t.Errorf("%d sat are still held", r.Balance.Reserved)
	}
}

// says looks for a text on a page.
func (h *house) says(path, format string, args ...any) {
	h.t.Helper()
	resp, err := http.Get(h.URL() + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := fmt.Sprintf(format, args...); err != nil || !strings.Contains(string(body), want) {
		h.t.Errorf("%s does not say %q (%v)", path, want, err)
	}
}

// openEverything asks for every page of a wallet, and of the others.
func (h *house) openEverything(ref wallet.Ref, txid, address string, drafts []wallet.Draft) {
	h.t.Helper()
	paths := []string{"/overview", "/overview/coins", "/settings", "/welcome", "/new-device", "/new-wallet", "/nodes", "/devices/red_key"}
	for _, alias := range []string{ref.Alias, "spending"} {
		for _, tab := range []string{"", "/history", "/coins", "/addresses", "/receive", "/send", "/drafts", "/import", "/settings", "/export", "/advanced", "/next", "/register?type=coldcard", "/codes"} {
			paths = append(paths, "/wallets/"+alias+tab)
		}
	}
	paths = append(paths, "/wallets/"+ref.Alias+"/tx/"+txid, "/wallets/"+ref.Alias+"/addresses/"+address, "/wallets/"+ref.Alias+"/history?q=bicycle")
	for _, d := range drafts {
		paths = append(paths, fmt.Sprintf("/wallets/%s/drafts/%d", ref.Alias, d.ID))
	}
	for _, path := range paths {
		resp, err := http.Get(h.URL() + path)
		if err != nil {
			h.t.Fatalf("%s: %v", path, err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "<main") {
			h.t.Errorf("%s answers %d: %.300s (%v)", path, resp.StatusCode, body, err)
		}
	}
}
