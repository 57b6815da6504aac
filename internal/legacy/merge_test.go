package legacy_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/legacy"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// After work in the new program the old folder brings what is new there, and nothing that was
// changed, removed or said anew here comes back.
func TestNewerWordsStay(t *testing.T) {
	ctx := context.Background()
	old := unpack(t, filepath.Join(samples(t), "specter-sample-a.tar.gz"))
	h := newHouse(t)
	h.take(old, legacy.Options{})
	ref := wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"}
	const third = "bcrt1qxdyjf6h5d6qxap4n2dap97q4j5ps6ua8jkxz0z"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.wallets.SetLabel(ctx, ref, wallet.LabelAddress, a0, "salary of march"))                                         // changed here
	must(h.wallets.SetLabel(ctx, ref, wallet.LabelAddress, a1, ""))                                                        // removed here
	must(h.wallets.SetLabel(ctx, ref, wallet.LabelAddress, "bcrt1qr7scvm07ta0ldzlrmk7rnmc9lk356yarcts3za", "used by now")) // changed on both sides
	must(h.wallets.Rename(ctx, ref, "Rainy day"))
	_, frozen, err := h.wallets.Words(ctx, ref)
	must(err)
	must(h.wallets.Freeze(ctx, ref, frozen, false))
	drafts, err := h.wallets.Drafts(ctx, ref)
	must(err)
	must(h.wallets.DeleteDraft(ctx, ref, drafts[0].ID))
	_, err = h.devices.Rename(ctx, auth.OwnerID, "cold_a", "Steel")
	must(err)
	must(h.nodes.Delete(ctx, "home_node"))
	_, err = h.settings.ChangeUser(ctx, auth.OwnerID, func(u *setting.User) error { u.Unit = "btc"; return nil })
	must(err)
	next, err := h.wallets.NewAddress(ctx, ref)
	must(err)

	edit(t, old, "wallets/regtest/savings_addr.csv", "Unused – für Müller", "Müller, not used")
	edit(t, old, "wallets/regtest/savings_addr.csv", third+",2,False,,True,", third+",2,False,new in the old one,True,")
	edit(t, old, "config.json", `"unit": "btc"`, `"unit": "sat"`)
	r := h.take(old, legacy.Options{})

	want := map[string]string{a0: "salary of march", "bcrt1qr7scvm07ta0ldzlrmk7rnmc9lk356yarcts3za": "used by now", third: "new in the old one",
		"bcrt1qmv9kucx4tjtyfwddc3698p2flxqvts89n8kllr0hvdv7qs4z476snke6uw": "vault"}
	if got := h.labels(ref); !maps.Equal(got, want) {
		t.Errorf("labels are %v", got)
	}
	rec, err := h.wallets.Get(ctx, ref)
	must(err)
	if rec.Name != "Rainy day" || rec.Next[0] != next.Index+1 {
		t.Errorf("the wallet is %s with %v handed out", rec.Name, rec.Next)
	}
	if _, frozen, _ := h.wallets.Words(ctx, ref); len(frozen) > 0 {
		t.Error("a coin that was thawed here is frozen again")
	}
	if drafts, _ := h.wallets.Drafts(ctx, ref); len(drafts) > 0 {
		t.Error("a draft that was deleted here came back")
	}
	if d, err := h.devices.Get(ctx, auth.OwnerID, "cold_a"); err != nil || d.Name != "Steel" {
		t.Errorf("the device is %s, %v", d.Name, err)
	}
	if u, _ := h.settings.User(ctx, auth.OwnerID); u.Unit != "btc" {
		t.Error("the old unit came back")
	}
	if outcome(r, "wallet", "Savings") != legacy.Merged || outcome(r, "node", "Home Node") != legacy.LeftOut || outcome(r, "wallet", "Family Vault") != legacy.Same {
		t.Errorf("it said %v", r.Lines)
	}
	if r := h.take(old, legacy.Options{Again: true}); outcome(r, "node", "Home Node") != legacy.Taken {
		t.Errorf("again: %v", changed(r))
	}
}

func edit(t *testing.T, dir, name, from, to string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), from) {
		t.Fatalf("%s has no %q: %v", name, from, err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), from, to)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A wallet and a device that were made here by hand are found again by their keys, and a word
// that stands here already stays.
func TestWhatIsHereAlreadyIsMerged(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	made, err := h.wallets.Create(ctx, auth.OwnerID, btc.Regtest, wallet.NewWallet{Name: "By hand", ScriptType: "wpkh", Keys: []string{key84}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.wallets.SetLabel(ctx, made.Ref(), wallet.LabelAddress, a0, "mine"); err != nil {
		t.Fatal(err)
	}
	keys, err := h.devices.ParseKeys([]byte(key84))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.devices.Create(ctx, auth.OwnerID, "My card", "coldcard", keys.Keys); err != nil {
		t.Fatal(err)
	}
	r := h.take(unpack(t, filepath.Join(samples(t), "specter-sample-a.tar.gz")), legacy.Options{})
	if outcome(r, "wallet", "Savings") != legacy.Merged || len(h.list(auth.OwnerID, btc.Regtest)) != 2 {
		t.Errorf("it said %v", r.Lines)
	}
	got := h.labels(made.Ref())
	if got[a0] != "mine" || got[a1] != `from Bob, "cash" & co` {
		t.Errorf("labels are %v", got)
	}
	rec, err := h.wallets.Get(ctx, made.Ref())
	if err != nil || rec.Name != "By hand" || rec.TxCount != 4 || rec.Next[0] != 4 {
		t.Errorf("the wallet is %+v, %v", rec, err)
	}
}

// A pending payment survives where the old program's cache of transactions is lost: its coins are
// held as soon as they come.
func TestPendingPaymentsSurviveWithoutTheCache(t *testing.T) {
	ctx := context.Background()
	old := unpack(t, filepath.Join(samples(t), "specter-sample-a.tar.gz"))
	if err := os.Remove(filepath.Join(old, "wallets", "regtest", "savings_txs.csv")); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	r := h.take(old, legacy.Options{})
	ref := wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"}
	drafts, err := h.wallets.Drafts(ctx, ref)
	if err != nil || len(drafts) != 1 || drafts[0].Fee != 771 || drafts[0].Change != 14999229 {
		t.Fatalf("drafts are %+v, %v; %v", drafts, err, r.Lines)
	}
	rec, err := h.wallets.Get(ctx, ref)
	if err != nil || rec.TxCount != 0 || rec.Next[1] != 1 {
		t.Errorf("the wallet is %+v, %v", rec, err)
	}
	raws, _, err := h.wallets.Words(ctx, ref)
	if err != nil || len(raws) != 4 {
		t.Errorf("labels are %v, %v", raws, err)
	}
	writeTxs(t, old)
	h.take(old, legacy.Options{})
	rec, err = h.wallets.Get(ctx, ref)
	if err != nil || rec.TxCount != 1 || rec.Balance.Reserved != 25_000_000 {
		t.Errorf("after the coin came: %+v, %v", rec.Balance, err)
	}
}

// writeTxs brings back the table with the one transaction that the pending payment spends.
func writeTxs(t *testing.T, old string) {
	t.Helper()
	const id = "e4fc718ac983c339f02ec2b58a8128dd3870932fb98a43c6155d8cc9037d58ab"
	text := "txid,fee,blockhash,blockheight,time,blocktime,bip125-replaceable,conflicts,vsize,address,category,flow_amount,utxo_amount,ismine\r\n" +
		id + ",,553a342e1b4a51ddc02b7d3a9f9ada1fa477c7ed6c7760c57c1aae107fc2764e,210.0,1795231642,1795231642,no,[],," + a1 + ",receive,0.25,,True\r\n"
	if err := os.WriteFile(filepath.Join(old, "wallets", "regtest", "savings_txs.csv"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
