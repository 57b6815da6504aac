package app

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"specter/internal/wallet"
)

// TestAnOldWalletComesBackInABrowser: its file is pasted, with labels and a key that nobody here
// holds; it is looked over, made, and its coins are found in the set of unspent outputs.
func TestAnOldWalletComesBackInABrowser(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	r, err := h.wallets.Get(ctx, walletRef("savings_2_of_3"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := h.wallets.Coins(ctx, r.Ref(), wallet.Query{Filter: "unspent"})
	if err != nil || len(page.Rows) == 0 {
		t.Fatal(err)
	}
	labelled := page.Rows[0].Address
	before := r.Balance.Confirmed
	if err := h.wallets.Delete(ctx, r.Ref()); err != nil {
		t.Fatal(err)
	}
	if err := h.devices.Forget(ctx, demoOwner, "blue_key"); err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]any{"label": "Savings again", "blockheight": 0, "descriptor": r.Descriptor, "labels": map[string][]string{"From the old file": {labelled}},
		"devices": []map[string]string{{"type": "jade", "label": "Attic"}, {"type": "jade", "label": "Cellar"}, {"type": "coldcard", "label": "Bank"}}})
	if err != nil {
		t.Fatal(err)
	}

	b := openTab(t, h.URL(), 1280, 1000)
	both := func(name string) {
		t.Helper()
		for _, width := range []int64{1280, 390} {
			for _, theme := range []string{"dark", "light"} {
				b.do("look", chromedp.EmulateViewport(width, 1400))
				b.run("theme", `document.documentElement.dataset.theme = "`+theme+`"`)
				b.until("a page without sideways scrolling", `document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1`)
				b.shot(fmt.Sprintf("setup-%s-%d-%s", name, width, theme))
			}
		}
		b.do("wide again", chromedp.EmulateViewport(1280, 1000))
	}
	b.visit("/new-wallet/import")
	b.set("#descriptor", string(file))
	b.set("input[name=since][value=coins]", "")
	both("import")
	b.submit("[data-test=check]")
	b.sees("Savings again")
	b.sees("1 label")
	b.sees("Keys that no device of yours holds")
	b.sees("No device of yours holds key")
	both("confirm")
	if _, err := h.wallets.Get(ctx, walletRef("savings_again")); err == nil {
		t.Fatal("made before it was confirmed")
	}
	b.set("[data-test=sure]", "")
	b.submit("[data-test=create-wallet]")
	b.sees("Next steps")
	b.sees("unspent coins were found")
	both("next")
	b.visit("/wallets/savings_again/advanced")
	both("advanced")
	b.submit("[data-test=more-addresses]")
	b.sees("The addresses are derived")
	b.visit("/wallets/savings_again/export")
	b.sees("Account map")
	both("export")
	b.visit("/wallets/savings_again/settings")
	both("info")

	ref := walletRef("savings_again")
	got := h.record(ref)
	if got.Balance.Confirmed != before || got.Gap != 120 {
		t.Errorf("the wallet came back with %d of %d sat, gap %d", got.Balance.Confirmed, before, got.Gap)
	}
	held := 0
	for _, c := range got.Cosigners {
		if c.DeviceName != "" {
			held++
		}
	}
	if held != 3 {
		t.Errorf("%d of three keys have a device: %+v", held, got.Cosigners)
	}
	if a, err := h.wallets.AddressInfo(ctx, ref, labelled); err != nil || a.Label != "From the old file" {
		t.Errorf("the label is %q, %v", a.Label, err)
	}

	b.visit("/wallets/savings_again/advanced")
	b.set("#typed", "Savings")
	b.submit("[data-test=delete-wallet]")
	b.sees("type the wallet's name")
	b.set("#typed", "Savings again")
	b.submit("[data-test=delete-wallet]")
	b.sees("The wallet is deleted")
	if _, err := h.wallets.Get(ctx, ref); err == nil {
		t.Error("the wallet is still there")
	}
	if d, err := h.devices.List(ctx, demoOwner); err != nil || len(d) != 3 {
		t.Errorf("devices after all: %d, %v", len(d), err)
	}
}
