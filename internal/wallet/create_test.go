package wallet_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/wallet"
)

func TestRefusedWallets(t *testing.T) {
	h := newHouse(t)
	h.create("Savings", "wpkh", 0, "alice")
	a, b := expression("alice", "wsh"), expression("bob", "wsh")
	bare, _ := account("bob", "wsh")
	mainKey := "[73c5da0a/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V"
	private := master("alice").String()
	year := time.Now().AddDate(1, 0, 0)
	minus := int32(-1)
	for name, c := range map[string]struct {
		w    wallet.NewWallet
		kind errs.Kind
		says string
	}{
		"no name":            {wallet.NewWallet{Name: " ", ScriptType: "wpkh", Keys: []string{a}}, errs.Invalid, "name"},
		"name of signs":      {wallet.NewWallet{Name: "-/-", ScriptType: "wpkh", Keys: []string{a}}, errs.Invalid, "name"},
		"name twice":         {wallet.NewWallet{Name: "SAVINGS", ScriptType: "wpkh", Keys: []string{a}}, errs.Conflict, "already"},
		"no keys":            {wallet.NewWallet{Name: "x", ScriptType: "wpkh"}, errs.Invalid, "key"},
		"two keys in single": {wallet.NewWallet{Name: "x", ScriptType: "wpkh", Keys: []string{a, b}}, errs.Invalid, "one key"},
		"unknown type":       {wallet.NewWallet{Name: "x", ScriptType: "wtf", Keys: []string{a}}, errs.Invalid, "type"},
		"3 of 2":             {wallet.NewWallet{Name: "x", ScriptType: "wsh", Threshold: 3, Keys: []string{a, b}}, errs.Invalid, "between 1 and 2"},
		"0 of 2":             {wallet.NewWallet{Name: "x", ScriptType: "wsh", Keys: []string{a, b}}, errs.Invalid, "between 1 and 2"},
		"same key twice":     {wallet.NewWallet{Name: "x", ScriptType: "wsh", Threshold: 2, Keys: []string{a, b, a}}, errs.Invalid, "same key"},
		"mainnet key":        {wallet.NewWallet{Name: "x", ScriptType: "wpkh", Keys: []string{mainKey}}, errs.Invalid, ""},
		"missing origin":     {wallet.NewWallet{Name: "x", ScriptType: "wpkh", Keys: []string{bare.String()}}, errs.Invalid, "origin"},
		"private key":        {wallet.NewWallet{Name: "x", ScriptType: "wpkh", Keys: []string{private}}, errs.Invalid, "private"},
		"private descriptor": {wallet.NewWallet{Name: "x", Descriptor: "wpkh(" + private + "/0/*)"}, errs.Invalid, "private"},
		"wrong checksum":     {wallet.NewWallet{Name: "x", Descriptor: "wpkh(" + a + "/0/*)#qqqqqqqq"}, errs.Invalid, "checksum"},
		"three branches":     {wallet.NewWallet{Name: "x", Descriptor: "wpkh(" + a + "/<0;1;2>/*)"}, errs.Invalid, "branches"},
		"combo":              {wallet.NewWallet{Name: "x", Descriptor: "combo(" + a + "/0/*)"}, errs.Invalid, "combo"},
		"no address":         {wallet.NewWallet{Name: "x", Descriptor: "pk(" + a + "/0/*)"}, errs.Invalid, "address"},
		"hardened range":     {wallet.NewWallet{Name: "x", Descriptor: "wpkh(" + a + "/0/*h)"}, errs.Invalid, ""},
		"no descriptor":      {wallet.NewWallet{Name: "x", Descriptor: "hello"}, errs.Invalid, ""},
		"birthday to come":   {wallet.NewWallet{Name: "x", ScriptType: "wpkh", Keys: []string{a}, Birthday: year}, errs.Invalid, "younger"},
		"height below zero":  {wallet.NewWallet{Name: "x", ScriptType: "wpkh", Keys: []string{a}, FromHeight: &minus}, errs.Invalid, ""},
		"same descriptor":    {wallet.NewWallet{Name: "x", ScriptType: "wpkh", Keys: []string{expression("alice", "wpkh")}}, errs.Conflict, "same descriptor"},
	} {
		_, err := h.s.Check(context.Background(), admin, btc.Regtest, c.w)
		wantKind(t, err, c.kind, name)
		if err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "tprv")) {
			t.Errorf("%s: the reason reads %q", name, err)
		}
		if _, err := h.s.Create(context.Background(), admin, btc.Regtest, c.w); err == nil {
			t.Errorf("%s: Check refuses it, Create does not", name)
		}
	}
}

func TestImportedDescriptors(t *testing.T) {
	h := newHouse(t)
	k, origin := account("alice", "wpkh")
	zpub := "[" + origin.String() + "]" + k.Encode(btc.VersionFor("wpkh", false, false).Bytes)
	pub := master("bob").Public().PublicKey
	plain := "wpkh(" + strings.ToLower(hexOf(pub[:])) + ")"
	head := expression("alice", "wpkh")
	for name, c := range map[string]struct {
		in, want  string
		branches  int
		ranged    bool
		warnings  int
		threshold int
	}{
		"receive branch":  {"wpkh(" + head + "/0/*)", "wpkh(" + head + "/<0;1>/*)", 2, true, 0, 1},
		"multipath":       {"wpkh(" + head + "/<0;1>/*)", "wpkh(" + head + "/<0;1>/*)", 2, true, 0, 1},
		"SLIP-132":        {"wpkh(" + zpub + "/0/*)", "wpkh(" + head + "/<0;1>/*)", 2, true, 0, 1},
		"no path":         {"wpkh(" + head + ")", "wpkh(" + head + "/<0;1>/*)", 2, true, 1, 1},
		"one branch":      {"wpkh(" + head + "/7/*)", "wpkh(" + head + "/7/*)", 1, true, 1, 1},
		"single address":  {"wpkh(" + head + "/0/5)", "wpkh(" + head + "/0/5)", 1, false, 1, 1},
		"plain key":       {plain, plain, 1, false, 2, 1},
		"2 of 2 unsorted": {"wsh(multi(2," + expression("alice", "wsh") + "/0/*," + expression("bob", "wsh") + "/0/*))", "wsh(multi(2," + expression("alice", "wsh") + "/<0;1>/*," + expression("bob", "wsh") + "/<0;1>/*))", 2, true, 2, 2}, // all keys are needed, and all are software keys
	} {
		p, err := h.s.Check(context.Background(), admin, btc.Regtest, wallet.NewWallet{Name: name, Descriptor: c.in})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d := descriptorOf(t, p.Descriptor)
		if p.Descriptor != descriptor.AddChecksum(c.want) || d.Branches() != c.branches || d.IsRanged() != c.ranged || len(p.Warnings) != c.warnings || p.Threshold != c.threshold {
			t.Errorf("%s: %s, %d branches, warnings %q, threshold %d", name, p.Descriptor, d.Branches(), p.Warnings, p.Threshold)
		}
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range b {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}

// A wallet of a single address, and one without a change branch, live as others do.
func TestWalletsWithoutBranchesWork(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	head := expression("alice", "wpkh")
	for name, text := range map[string]string{"single address": "wpkh(" + head + "/0/5)", "one branch": "wpkh(" + head + "/7/*)"} {
		r, err := h.s.Create(ctx, admin, btc.Regtest, wallet.NewWallet{Name: name, Descriptor: text})
		if err != nil {
			t.Fatal(err)
		}
		ref := r.Ref()
		first, err := h.s.ReceiveAddress(ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		h.pay(ref, 100_000)
		h.mine(1)
		h.sync(ref)
		d := h.sign(ref, h.send(ref, stranger(1), 20_000, ""), 1)
		if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil {
			t.Fatal(err)
		}
		h.mine(1)
		if r := h.sync(ref); r.Balance.Confirmed != 80_000-d.Fee {
			t.Errorf("%s: balance %+v", name, r.Balance)
		}
		next, err := h.s.ReceiveAddress(ctx, ref)
		if err != nil || (next.Address == first.Address) != (name == "single address") {
			t.Errorf("%s: after its use %s is followed by %s, %v", name, first.Address, next.Address, err)
		}
	}
}

func TestReceiveAddressIsNotShownAgainOnceUsed(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	a, err := h.s.ReceiveAddress(ctx, ref)
	if err != nil || a.Index != 0 || a.Path != "m/84h/1h/0h/0/0" {
		t.Fatalf("%+v, %v", a, err)
	}
	if b, _ := h.s.ReceiveAddress(ctx, ref); b.Index != 0 {
		t.Errorf("an unused address was replaced by %d", b.Index)
	}
	if b, _ := h.s.NewAddress(ctx, ref); b.Index != 1 {
		t.Errorf("the next is %d", b.Index)
	}
	h.pay(ref, 1_000)
	h.sync(ref)
	if b, _ := h.s.ReceiveAddress(ctx, ref); b.Index != 2 || b.Used {
		t.Errorf("after use of 1 comes %+v", b)
	}
	info, err := h.s.AddressInfo(ctx, ref, a.Address)
	if err != nil || info.Branch != 0 || info.Index != 0 {
		t.Errorf("info %+v, %v", info, err)
	}
	_, err = h.s.AddressInfo(ctx, ref, stranger(1))
	wantKind(t, err, errs.NotFound, "a stranger's address")
}

func TestUsersDoNotSeeEachOthersWallets(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.raw(`INSERT INTO users (id, name, role, created) VALUES ('ann', 'Ann', 'member', 1)`)
	mine := h.create("Savings", "wpkh", 0, "alice")
	hers, err := h.s.Create(ctx, "ann", btc.Regtest, wallet.NewWallet{Name: "Savings", ScriptType: "wpkh", Keys: []string{expression("bob", "wpkh")}})
	if err != nil {
		t.Fatal(err)
	}
	if mine.Alias != hers.Alias || mine.NodeName == hers.NodeName {
		t.Errorf("%q in the node as %q, %q as %q", mine.Alias, mine.NodeName, hers.Alias, hers.NodeName)
	}
	list, err := h.s.List(ctx, admin, btc.Regtest)
	if err != nil || len(list) != 1 {
		t.Errorf("%d wallets, %v", len(list), err)
	}
	d := h.pay(mine.Ref(), 100_000)
	h.sync(mine.Ref())
	_, err = h.s.Transaction(ctx, hers.Ref(), d.TxHash())
	wantKind(t, err, errs.NotFound, "a transaction of another user's wallet")
	draft := h.send(mine.Ref(), stranger(1), 10_000, "")
	_, err = h.s.Draft(ctx, hers.Ref(), draft.ID)
	wantKind(t, err, errs.NotFound, "a draft of another user's wallet")
	wantKind(t, h.s.DeleteDraft(ctx, hers.Ref(), draft.ID), errs.NotFound, "deleting another user's draft")
}

func TestCosignersAreNamedByTheirDevices(t *testing.T) {
	h := newHouse(t)
	r := h.create("Savings", "wsh", 2, people...)
	for i, c := range r.Cosigners {
		if c.DeviceName != people[i] || c.DeviceID != int64(i+1) || !c.Hot || c.Expression != expression(people[i], "wsh") {
			t.Errorf("cosigner %d is %+v", i, c)
		}
	}
	k, _ := account("bob", "wsh")
	names, err := h.s.Uses(context.Background(), "admin", k.String())
	if err != nil || len(names) != 1 || names[0] != "Savings" {
		t.Errorf("uses: %q, %v", names, err)
	}
}

func TestRenameDeleteAndExport(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	r := h.create("Savings", "wsh", 2, people...)
	h.create("Other", "wpkh", 0, "alice")
	wantKind(t, h.s.Rename(ctx, r.Ref(), "other"), errs.Conflict, "a name that is taken")
	if err := h.s.Rename(ctx, r.Ref(), "Vault"); err != nil || h.get(r.Ref()).Name != "Vault" {
		t.Error(err)
	}
	a, err := h.s.ReceiveAddress(ctx, r.Ref())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.s.SetLabel(ctx, r.Ref(), wallet.LabelAddress, strings.ToUpper(a.Address), "salary march"); err != nil {
		t.Fatal(err)
	}
	f, err := h.s.Export(ctx, r.Ref(), "descriptor")
	if err != nil || string(f.Data) != r.Descriptor+"\n" || f.Name != "savings.txt" {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err = h.s.Export(ctx, r.Ref(), "specter"); err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(f.Data, &back); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"name": "Vault", "alias": "savings", "description": "2 of 3 Multisig (Segwit)", "address_type": "bech32", "sigs_required": 2.0, "address": a.Address, "keypool": 21.0} {
		if back[key] != want {
			t.Errorf("%s is %v, want %v", key, back[key], want)
		}
	}
	receive := back["recv_descriptor"].(string)
	body, _, _ := strings.Cut(receive, "#")
	if back["change_descriptor"] != descriptor.AddChecksum(strings.ReplaceAll(body, "/0/*", "/1/*")) {
		t.Errorf("change descriptor %v", back["change_descriptor"])
	}
	key := back["keys"].([]any)[0].(map[string]any)
	k, o := account("alice", "wsh")
	if key["xpub"] != k.String() || key["fingerprint"] != o.Fingerprint.String() || key["derivation"] != o.Path.Full() || key["type"] != "wsh" || !strings.HasPrefix(key["original"].(string), "Vpub") {
		t.Errorf("key %v", key)
	}
	if labels := back["labels"].(map[string]any)["salary march"].([]any); len(labels) != 1 || labels[0] != a.Address {
		t.Errorf("labels %v", back["labels"])
	}
	_, err = h.s.Export(ctx, r.Ref(), "pdf")
	wantKind(t, err, errs.Invalid, "an unknown format")
	if err := h.s.Delete(ctx, r.Ref()); err != nil {
		t.Fatal(err)
	}
	_, err = h.s.Get(ctx, r.Ref())
	wantKind(t, err, errs.NotFound, "the deleted wallet")
	// What was exported makes the same wallet.
	again, err := h.s.Create(ctx, admin, btc.Regtest, wallet.NewWallet{Name: "Vault", Descriptor: receive})
	if err != nil || again.Descriptor != r.Descriptor {
		t.Errorf("%s, %v", again.Descriptor, err)
	}
}
