package legacy_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/legacy"
	"specter/internal/setting"
	"specter/internal/signer/hot"
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

// The signatures of a pending payment come along, and those that the old program got later too.
func TestSignaturesOfPendingPaymentsComeAlong(t *testing.T) {
	ctx := context.Background()
	old := unpack(t, filepath.Join(samples(t), "specter-sample-a.tar.gz"))
	file := filepath.Join(old, "wallets", "regtest", "family_vault.json")
	var o struct {
		Pending map[string]struct{ Base64 string } `json:"pending_psbts"`
	}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &o)
	}
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	ref := wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "family_vault"}
	h.take(old, legacy.Options{}) // unsigned at first
	for _, p := range o.Pending {
		packet, err := psbt.Decode(p.Base64)
		if err != nil {
			t.Fatal(err)
		}
		edit(t, old, "wallets/regtest/family_vault.json", p.Base64, sign(t, packet))
	}
	if r := h.take(old, legacy.Options{}); outcome(r, "wallet", "Family Vault") != legacy.Merged {
		t.Errorf("it said %v", changed(r))
	}
	fresh := newHouse(t)
	fresh.take(old, legacy.Options{})
	if drafts, err := fresh.wallets.Drafts(ctx, ref); err != nil || len(drafts) != 1 || drafts[0].Have != 1 || drafts[0].State != wallet.PartlySig {
		t.Errorf("at once: drafts are %+v, %v", drafts, err)
	}
	drafts, err := h.wallets.Drafts(ctx, ref)
	if err != nil || len(drafts) != 1 || drafts[0].State != wallet.PartlySig || drafts[0].Have != 1 || drafts[0].Need != 2 || !drafts[0].Signers[0].Signed {
		t.Fatalf("drafts are %+v, %v", drafts, err)
	}
	if drafts[0].Created.Unix() != 1795231645 || time.Since(drafts[0].Changed) > time.Hour {
		t.Errorf("it was made %v and changed %v", drafts[0].Created, drafts[0].Changed)
	}
}

// A pending payment with a signature that is none is told of, and not taken.
func TestFalseSignaturesAreNotTaken(t *testing.T) {
	old := unpack(t, filepath.Join(samples(t), "specter-sample-a.tar.gz"))
	file := filepath.Join(old, "wallets", "regtest", "savings.json")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), `"base64": "`)
	text, _, _ := strings.Cut(rest, `"`)
	packet, err := psbt.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	packet, err = psbt.Decode(sign(t, packet))
	if err != nil || len(packet.Inputs[0].PartialSigs) != 1 {
		t.Fatal(err, packet.Inputs[0].PartialSigs)
	}
	packet.Inputs[0].PartialSigs[0].Signature[10] ^= 1
	raw, err := packet.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	edit(t, old, "wallets/regtest/savings.json", text, base64.StdEncoding.EncodeToString(raw))
	h := newHouse(t)
	r := h.take(old, legacy.Options{})
	if outcome(r, "draft", "Savings de084f369d29bad44d012fc5d1b18b4998bb312fee1fe3fe1022c71a6ad8aae9") != legacy.LeftOut {
		t.Errorf("it said %v", r.Lines)
	}
	if drafts, err := h.wallets.Drafts(context.Background(), wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"}); err != nil || len(drafts) > 0 {
		t.Errorf("drafts are %+v, %v", drafts, err)
	}
}

// sign signs with the key of the reference's first device and returns the PSBT as base64.
func sign(t *testing.T, p *psbt.Packet) string {
	t.Helper()
	const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	box, err := hot.Seal(words, "", "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := hot.Open(box, "")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := keys.Sign(p); err != nil || n == 0 {
		t.Fatalf("%d signatures, %v", n, err)
	}
	raw, err := p.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}
