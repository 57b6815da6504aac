package alpha

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/wallet"
)

// The members that the old Specter's answers have.
var (
	recordKeys = []string{"_current_blockheight", "address", "bip125-replaceable", "blockhash", "blockheight", "blocktime", "category", "confirmations", "conflicts", "fee",
		"flow_amount", "ismine", "label", "time", "txid", "utxo_amount", "validated_blockhash", "vsize", "wallet_alias"}
	walletKeys = []string{"name", "alias", "description", "address_type", "address", "address_index", "change_address", "change_index", "keypool", "change_keypool",
		"sigs_required", "pending_psbts", "frozen_utxo", "fullpath", "last_block", "info", "balance", "_addresses", "_transactions", "_full_utxo", "_devices", "keys",
		"_rpc", "manager", "manager_rpc", "device_manager", "descriptor", "recv_descriptor", "change_descriptor"}
	psbtKeys = []string{"address", "amount", "base64", "devices_signed", "fee", "fee_rate", "fee_sat", "inputs", "outputs", "sats", "sigs_count", "time", "tx", "tx_full_size"}
)

// lived is a wallet in which everything has happened: payments in and out, one unconfirmed of
// each, a frozen coin, a draft, labels.
func lived(h *house) wallet.Ref {
	ctx := context.Background()
	ref := h.create("admin", "Savings", "wpkh", "alice").Ref()
	h.fund(ref, 10_000_000, 20_000_000, 30_000_000)
	d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(5), Recipients: []wallet.Recipient{{Address: stranger(1), Amount: 5_000_000}}})
	must(h.t, err)
	d, err = h.wallets.SignHot(ctx, ref, d.ID, 1, "")
	must(h.t, err)
	_, err = h.wallets.Broadcast(ctx, ref, d.ID)
	must(h.t, err)
	to, err := h.wallets.NewAddress(ctx, ref)
	must(h.t, err)
	must(h.t, h.wallets.SetLabel(ctx, ref, wallet.LabelAddress, to.Address, `rent "<b>" für März`))
	_, err = h.chain.Faucet(to.Address, 7_000_000)
	must(h.t, err)
	h.sync(ref)
	page, err := h.wallets.Coins(ctx, ref, wallet.Query{Filter: "free", Size: 100})
	must(h.t, err)
	for _, c := range page.Rows {
		if c.Height > 0 {
			must(h.t, h.wallets.Freeze(ctx, ref, []wire.OutPoint{c.OutPoint}, true))
			break
		}
	}
	_, err = h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(5), Recipients: []wallet.Recipient{{Address: stranger(2), Amount: 1_000_000}}})
	must(h.t, err)
	return ref
}

func TestWalletInTheOldShape(t *testing.T) {
	h := newHouse(t)
	ref := lived(h)
	token := h.token(auth.OwnerID, auth.Scope{})
	a := h.ask("GET", "/api/v1alpha/wallets/savings/", token, nil).want(200)
	all := a.object()
	if got := keysIn(all); !slices.Equal(got, []string{"address_index", "savings", "scan", "txlist", "utxo"}) {
		t.Errorf("members %v", got)
	}
	if a.header.Get("Content-Length") != fmt.Sprint(len(a.body)) || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.header)
	}
	w := all["savings"].(map[string]any)
	for _, k := range walletKeys {
		if _, has := w[k]; !has {
			t.Errorf("the wallet has no %s", k)
		}
	}
	r, err := h.wallets.Get(context.Background(), ref)
	must(t, err)
	checkWords(t, w, r)
	checkMoney(t, h, all, r)
	checkLists(t, h, all, r)
}

func checkWords(t *testing.T, w map[string]any, r wallet.Record) {
	t.Helper()
	for k, want := range map[string]string{"name": "Savings", "alias": "savings", "description": "Single (Segwit)", "address_type": "bech32", "sigs_required": "1", "network": "regtest"} {
		if fmt.Sprint(w[k]) != want {
			t.Errorf("%s is %v, want %s", k, w[k], want)
		}
	}
	must(t, same("keys", decodeText([]byte(`["Key"]`)), w["keys"]))
	must(t, same("_devices", decodeText([]byte(`["alice"]`)), w["_devices"]))
	if !strings.Contains(w["recv_descriptor"].(string), "/0/*)#") || !strings.Contains(w["change_descriptor"].(string), "/1/*)#") {
		t.Errorf("descriptors %v %v", w["recv_descriptor"], w["change_descriptor"])
	}
	book := w["_addresses"].(map[string]any)
	address := book[w["address"].(string)].(map[string]any)
	change := book[w["change_address"].(string)].(map[string]any)
	if fmt.Sprint(address["index"]) != fmt.Sprint(w["address_index"]) || address["change"] != false || change["change"] != true || fmt.Sprint(change["index"]) != fmt.Sprint(w["change_index"]) {
		t.Errorf("address %v at %v, change %v at %v", address, w["address_index"], change, w["change_index"])
	}
	if fmt.Sprint(w["address_index"]) != fmt.Sprint(r.Next[0]) && fmt.Sprint(w["address_index"]) != fmt.Sprint(r.Next[0]-1) {
		t.Errorf("address_index %v, next %d", w["address_index"], r.Next[0])
	}
	if n := len(book); fmt.Sprint(n) != fmt.Sprint(sumOf(w["keypool"], w["change_keypool"])) {
		t.Errorf("%d addresses, keypools %v %v", n, w["keypool"], w["change_keypool"])
	}
	if w["last_block"] != r.Tip.Hash.String() {
		t.Errorf("last_block %v", w["last_block"])
	}
	psbts := w["pending_psbts"].(map[string]any)
	if len(psbts) != 1 {
		t.Errorf("pending %v", psbts)
	}
	for _, v := range psbts {
		if v != "SpecterPSBT" {
			t.Errorf("a pending PSBT is %v", v)
		}
	}
}

func sumOf(list ...any) (n int) {
	for _, v := range list {
		var i int
		fmt.Sscan(fmt.Sprint(v), &i)
		n += i
	}
	return n
}

// sat reads a JSON amount in BTC.
func sat(t *testing.T, v any) btcutil.Amount {
	t.Helper()
	text := fmt.Sprint(v)
	sign := btcutil.Amount(1)
	if rest, minus := strings.CutPrefix(text, "-"); minus {
		text, sign = rest, -1
	}
	a, err := btc.ParseBTC(text)
	if err != nil {
		t.Fatalf("%v is no amount: %v", v, err)
	}
	return sign * a
}

func checkMoney(t *testing.T, h *house, all map[string]any, r wallet.Record) {
	t.Helper()
	w := all["savings"].(map[string]any)
	b := w["balance"].(map[string]any)
	trusted, untrusted, immature := sat(t, b["trusted"]), sat(t, b["untrusted_pending"]), sat(t, b["immature"])
	if trusted+untrusted+immature != r.Balance.Total() || untrusted != 7_000_000 || immature != 0 {
		t.Errorf("balance %v of %d", b, r.Balance.Total())
	}
	info := w["info"].(map[string]any)
	if sat(t, info["balance"]) != trusted || sat(t, info["unconfirmed_balance"]) != untrusted || fmt.Sprint(info["txcount"]) != fmt.Sprint(r.TxCount) || info["walletname"] != r.NodeName {
		t.Errorf("info %v", info)
	}
	var full, free btcutil.Amount
	for _, v := range w["_full_utxo"].([]any) {
		full += sat(t, v.(map[string]any)["amount"])
	}
	for _, v := range all["utxo"].([]any) {
		c := v.(map[string]any)
		free += sat(t, c["amount"])
		if c["locked"] != false {
			t.Errorf("a free coin is locked: %v", c)
		}
	}
	if full != r.Balance.Total() || free != r.Balance.Available() {
		t.Errorf("coins %d of %d, free %d of %d", full, r.Balance.Total(), free, r.Balance.Available())
	}
	frozen := w["frozen_utxo"].([]any)
	if r.Balance.Frozen == 0 || r.Balance.Reserved == 0 || len(frozen) != 1 || !strings.Contains(frozen[0].(string), ":") {
		t.Errorf("frozen %v; %+v", frozen, r.Balance)
	}
	var net btcutil.Amount
	for _, v := range all["txlist"].([]any) {
		net += sat(t, v.(map[string]any)["flow_amount"])
	}
	if net != r.Balance.Total() {
		t.Errorf("the flow adds up to %d, not %d", net, r.Balance.Total())
	}
}

func checkLists(t *testing.T, h *house, all map[string]any, r wallet.Record) {
	t.Helper()
	w := all["savings"].(map[string]any)
	list, byID := all["txlist"].([]any), w["_transactions"].(map[string]any)
	if len(list) != r.TxCount || len(byID) != r.TxCount {
		t.Fatalf("%d in the list, %d by id, %d in all", len(list), len(byID), r.TxCount)
	}
	kinds := map[string]int{}
	for _, v := range list {
		x := v.(map[string]any)
		must(t, same("by id", x, byID[x["txid"].(string)]))
		if got := keysIn(x); !slices.Equal(got, recordKeys) {
			t.Errorf("record %v", got)
		}
		kinds[fmt.Sprint(x["category"], x["blockheight"] == nil)]++
		if (x["blockheight"] == nil) != (fmt.Sprint(x["confirmations"]) == "0") || (x["blockhash"] == nil) != (x["blocktime"] == nil) || x["wallet_alias"] != "savings" {
			t.Errorf("record %v", x)
		}
		if x["category"] == "send" && sat(t, x["flow_amount"]) != -5_000_000-sat(t, x["fee"]) {
			t.Errorf("a payment of 5,000,000 sat: %v", x)
		}
		if x["category"] == "receive" && sat(t, x["flow_amount"]) != sat(t, x["utxo_amount"]) {
			t.Errorf("a payment to us: %v", x)
		}
	}
	if kinds["receivefalse"] != 3 || kinds["sendtrue"] != 1 || kinds["receivetrue"] != 1 {
		t.Errorf("kinds %v", kinds)
	}
	for _, v := range w["_full_utxo"].([]any) {
		c := v.(map[string]any)
		if got := keysIn(c); !slices.Equal(got, sorted(append(slices.Clone(recordKeys), "vout", "amount", "locked"))) {
			t.Errorf("coin %v", got)
		}
		if sat(t, c["amount"]) == 7_000_000 && c["label"] != `rent "<b>" für März` {
			t.Errorf("the coin's label is %v", c["label"])
		}
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// A multisig is described as such; a member is not told where the program keeps its files.
func TestMultisigOfAMember(t *testing.T) {
	h := newHouse(t)
	h.create(h.member, "Vault", "wsh", cosigners...)
	a := h.ask("GET", "/api/v1alpha/wallets/vault/", h.token(h.member, auth.Scope{}), nil).want(200).object()
	w := a["vault"].(map[string]any)
	if w["description"] != "2 of 3 Multisig (Segwit)" || fmt.Sprint(w["sigs_required"]) != "2" || len(w["keys"].([]any)) != 3 || w["fullpath"] != "" {
		t.Errorf("%v %v %v %v", w["description"], w["sigs_required"], w["keys"], w["fullpath"])
	}
	must(t, same("lists", []any{}, a["txlist"]))
	must(t, same("lists", []any{}, a["utxo"]))
	if a["scan"] != nil {
		t.Errorf("scan %v", a["scan"])
	}
}

func TestFullTxListIsOfAllWalletsNewestFirst(t *testing.T) {
	h := newHouse(t)
	a, b := h.create("admin", "First", "wpkh", "alice").Ref(), h.create("admin", "Second", "tr", "bob").Ref()
	c := h.create(h.member, "Theirs", "wpkh", "carol").Ref()
	token := h.token(auth.OwnerID, auth.Scope{})
	if got := strings.TrimSpace(string(h.ask("GET", "/api/v1alpha/specter/full_txlist/", token, nil).want(200).body)); got != "[]" {
		t.Errorf("of nothing: %s", got)
	}
	for i := range 6 {
		for _, ref := range []wallet.Ref{a, b, c} {
			h.fund(ref, btcutil.Amount(100_000+i))
		}
	}
	list := decode(t, h.ask("GET", "/api/v1alpha/specter/full_txlist/", token, nil).want(200).body).([]any)
	if len(list) != 12 {
		t.Fatalf("%d transactions, want 12", len(list))
	}
	last, seen := 1<<30, map[string]int{}
	for _, v := range list {
		x := v.(map[string]any)
		if got := keysIn(x); !slices.Equal(got, recordKeys) {
			t.Fatalf("record %v", got)
		}
		height := sumOf(x["blockheight"])
		if height > last {
			t.Errorf("block %d after %d", height, last)
		}
		last = height
		seen[x["wallet_alias"].(string)]++
	}
	if seen["first"] != 6 || seen["second"] != 6 {
		t.Errorf("of wallets %v", seen)
	}
}

// A large answer waits in a file that nobody else can read and that is gone afterwards; one that
// finds no room says so before anything is sent.
func TestLargeAnswersWaitInAFile(t *testing.T) {
	dir := t.TempDir()
	s := &spool{dir: dir}
	want := strings.Repeat("0123456789", maxKept/4)
	for i := 0; i < len(want); i += 1000 {
		s.text(want[i:min(i+1000, len(want))])
	}
	if s.file == nil || s.kept.Len() > maxKept {
		t.Fatalf("%d bytes in memory", s.kept.Len())
	}
	var out strings.Builder
	must(t, s.copyTo(&out))
	if out.String() != want || s.size != int64(len(want)) {
		t.Errorf("%d bytes came back of %d", out.Len(), len(want))
	}
	s.close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	must(t, os.WriteFile(filepath.Join(dir, ".answer-123"), []byte("x"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "specter.db"), []byte("x"), 0o600))
	sweep(dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "specter.db" {
		t.Errorf("after a sweep: %v %v", left, err)
	}
	nowhere := &spool{dir: filepath.Join(dir, "missing")}
	nowhere.text(want)
	if nowhere.err == nil || nowhere.copyTo(&out) == nil {
		t.Error("a folder that is not there was written to")
	}
}
