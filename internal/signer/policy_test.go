package signer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

func masters(t testing.TB) []btc.XKey {
	return []btc.XKey{
		signertest.Master(t, signertest.Alcohol, ""),
		signertest.Master(t, signertest.Abandon, ""),
		signertest.Master(t, signertest.Zoo, ""),
	}
}

// wallets makes a wallet of every kind.
func wallets(t testing.TB) map[string]signer.Wallet {
	out := map[string]signer.Wallet{}
	for _, kind := range slices.Concat(signertest.SingleKinds, signertest.MultiKinds) {
		out[kind] = signertest.Wallet(t, kind, masters(t)...)
	}
	return out
}

// sameScripts holds two descriptors against each other by what they derive.
func sameScripts(t *testing.T, got, want *descriptor.Descriptor) {
	t.Helper()
	if got.Branches() != want.Branches() {
		t.Fatalf("%d branches in %s", got.Branches(), got)
	}
	for b := range want.Branches() {
		for _, i := range []uint32{0, 7, 1000} {
			g := signertest.Coin{Wallet: signer.Wallet{Descriptor: got}, Branch: b, Index: i}.Output(t).Script
			w := signertest.Coin{Wallet: signer.Wallet{Descriptor: want}, Branch: b, Index: i}.Output(t).Script
			if string(g) != string(w) {
				t.Fatalf("%s derives another script than %s at %d/%d", got, want, b, i)
			}
		}
	}
}

func TestWalletsAreReadFromAPSBTAlone(t *testing.T) {
	fp := masters(t)[0].Fingerprint()
	for kind, w := range wallets(t) {
		t.Run(kind, func(t *testing.T) {
			coins := []signertest.Coin{{Wallet: w, Branch: 0, Index: 3, Sat: 50_000}, {Wallet: w, Branch: 1, Index: 2, Sat: 60_000}, {Wallet: w, Branch: 0, Index: 9, Sat: 70_000}}
			change := signertest.Coin{Wallet: w, Branch: 1, Index: 5, Sat: 30_000}
			tx := signertest.Payment{Coins: coins, Pay: 100_000, Change: &change}.Packet(t, btc.Regtest)
			got, err := signer.WalletsOf(tx, fp, false)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || !slices.Equal(got[0].Inputs, []int{0, 1, 2}) {
				t.Fatalf("read %v", got)
			}
			sameScripts(t, got[0].Wallet.Descriptor, w.Descriptor)
			if !got[0].Wallet.HasKeyOf(fp) || got[0].Wallet.HasKeyOf(btc.Fingerprint{1}) {
				t.Error("whose keys the wallet has is not told")
			}
		})
	}
}

func TestAPSBTOfVersionTwoIsReadTheSame(t *testing.T) {
	w := wallets(t)["wsh"]
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 3, Sat: 50_000}}, Pay: 40_000}.Packet(t, btc.Regtest)
	v2, err := tx.Convert(2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := signer.WalletsOf(v2, masters(t)[0].Fingerprint(), false)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	sameScripts(t, got[0].Wallet.Descriptor, w.Descriptor)
}

func TestTheMainNetworksKeysArePrintedSo(t *testing.T) {
	w := wallets(t)["wsh"]
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 3, Sat: 50_000}}, Pay: 40_000}.Packet(t, btc.Regtest)
	got, err := signer.WalletsOf(tx, masters(t)[0].Fingerprint(), true)
	if err != nil || !strings.Contains(got[0].Wallet.Descriptor.String(), "]xpub") {
		t.Fatal(got, err)
	}
}

func TestSeveralWalletsInOneTransactionAndForeignInputsAmongThem(t *testing.T) {
	m := masters(t)
	all := wallets(t)
	stranger := signertest.Wallet(t, "wpkh", m[2])
	coins := []signertest.Coin{
		{Wallet: stranger, Index: 0, Sat: 10_000},
		{Wallet: all["wpkh"], Index: 1, Sat: 10_000},
		{Wallet: all["wsh"], Index: 2, Sat: 10_000},
		{Wallet: stranger, Index: 4, Sat: 10_000},
		{Wallet: all["wpkh"], Branch: 1, Index: 3, Sat: 10_000},
		{Wallet: all["tr"], Index: 0, Sat: 10_000},
	}
	tx := signertest.Payment{Coins: coins, Pay: 50_000}.Packet(t, btc.Regtest)
	got, err := signer.WalletsOf(tx, m[0].Fingerprint(), false)
	if err != nil {
		t.Fatal(err)
	}
	var places [][]int
	for _, s := range got {
		places = append(places, s.Inputs)
	}
	if fmt.Sprint(places) != "[[1 4] [2] [5]]" {
		t.Fatalf("inputs %v", places)
	}
}

func TestInputsThatAreFinalNeedNoWallet(t *testing.T) {
	m := masters(t)
	w := wallets(t)["wpkh"]
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 1, Sat: 50_000}, {Wallet: w, Index: 2, Sat: 50_000}}, Pay: 90_000}.Packet(t, btc.Regtest)
	if _, err := tx.Sign(psbt.ExtendedKey(m[0], btc.KeyOrigin{})); err != nil {
		t.Fatal(err)
	}
	if err := tx.FinalizeInput(0); err != nil {
		t.Fatal(err)
	}
	got, err := signer.WalletsOf(tx, m[0].Fingerprint(), false)
	if err != nil || len(got) != 1 || !slices.Equal(got[0].Inputs, []int{1}) {
		t.Fatal(got, err)
	}
}

// A multi() whose keys happen to be sorted at one address is not taken for a sortedmulti() where
// another input, or change, shows the truth; and a sortedmulti() is one wallet at all addresses.
func TestTheOrderOfAMultisigsKeysIsReadFromAllItsAddresses(t *testing.T) {
	m := masters(t)
	p := signertest.AccountPath(t, "wsh")
	a, b := signertest.Account(t, m[0], p), signertest.Account(t, m[1], p)
	plain := signer.Wallet{Descriptor: signertest.Descriptor(t, fmt.Sprintf("wsh(multi(2,%s/<0;1>/*,%s/<0;1>/*))", b, a))}
	sorted := signer.Wallet{Descriptor: signertest.Descriptor(t, fmt.Sprintf("wsh(sortedmulti(2,%s/<0;1>/*,%s/<0;1>/*))", b, a))}
	leaf := signer.Wallet{Descriptor: signertest.Descriptor(t, fmt.Sprintf("tr(%s/<0;1>/*,multi_a(2,%s/<0;1>/*,%s/<2;3>/*))", b, a, b))}
	isSorted := func(w signer.Wallet, branch int, index uint32) bool {
		x := signertest.Coin{Wallet: w, Branch: branch, Index: index}.Output(t)
		n := len(x.Keys)
		return string(x.Keys[n-2].PubKey) < string(x.Keys[n-1].PubKey)
	}
	find := func(w signer.Wallet, branch int, want bool) uint32 {
		for i := range uint32(100) {
			if isSorted(w, branch, i) == want {
				return i
			}
		}
		t.Fatal("there is no such address")
		return 0
	}
	for _, w := range []signer.Wallet{plain, leaf} {
		luck, other, change := find(w, 0, true), find(w, 0, false), find(w, 1, false)
		for name, payment := range map[string]signertest.Payment{
			"other input": {Coins: []signertest.Coin{{Wallet: w, Index: luck, Sat: 10_000}, {Wallet: w, Index: other, Sat: 10_000}}, Pay: 15_000},
			"change":      {Coins: []signertest.Coin{{Wallet: w, Index: luck, Sat: 10_000}}, Pay: 5_000, Change: &signertest.Coin{Wallet: w, Branch: 1, Index: change, Sat: 3_000}},
		} {
			t.Run(name, func(t *testing.T) {
				got, err := signer.WalletsOf(payment.Packet(t, btc.Regtest), m[0].Fingerprint(), false)
				if err != nil || len(got) != 1 {
					t.Fatal(got, err)
				}
				if text := got[0].Wallet.Descriptor.String(); text != w.Descriptor.String() {
					t.Errorf("read %s\nwant %s", text, w.Descriptor)
				}
			})
		}
	}
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: sorted, Index: find(plain, 0, true), Sat: 10_000}, {Wallet: sorted, Index: find(plain, 0, false), Sat: 10_000}}, Pay: 15_000}.Packet(t, btc.Regtest)
	got, err := signer.WalletsOf(tx, m[0].Fingerprint(), false)
	if err != nil || len(got) != 1 || !strings.Contains(got[0].Wallet.Descriptor.String(), "sortedmulti(") {
		t.Fatal(got, err)
	}
	sameScripts(t, got[0].Wallet.Descriptor, sorted.Descriptor)
}

func TestAKeyThatStandsTwiceInAWallet(t *testing.T) {
	m := masters(t)
	p := signertest.AccountPath(t, "wsh")
	a, b := signertest.Account(t, m[0], p), signertest.Account(t, m[1], p)
	for _, text := range []string{
		fmt.Sprintf("wsh(or_d(multi(2,%s/<0;1>/*,%s/<0;1>/*),and_v(v:pkh(%s/<2;3>/*),older(144))))", a, b, a),
		fmt.Sprintf("wsh(sortedmulti(2,%s/<0;1>/*,%s/<0;1>/*,%s/<0;1>/*))", a, signertest.Account(t, m[0], append(p[:len(p):len(p)], 7|btc.Hardened)), b),
	} {
		w := signer.Wallet{Descriptor: signertest.Descriptor(t, text)}
		tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Branch: 1, Index: 4, Sat: 10_000}}, Pay: 9_000}.Packet(t, btc.Regtest)
		got, err := signer.WalletsOf(tx, m[0].Fingerprint(), false)
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		sameScripts(t, got[0].Wallet.Descriptor, w.Descriptor)
	}
}

func TestASingleKeyWithoutExtendedKeysIsOneAddressOrIsAskedFor(t *testing.T) {
	m := masters(t)[0]
	for _, kind := range signertest.SingleKinds {
		t.Run(kind, func(t *testing.T) {
			w := wallets(t)[kind]
			coins := []signertest.Coin{{Wallet: w, Index: 3, Sat: 10_000}, {Wallet: w, Branch: 1, Index: 4, Sat: 10_000}}
			tx := signertest.Payment{Coins: coins, Pay: 15_000, NoXPubs: true}.Packet(t, btc.Regtest)
			plain, err := signer.WalletsOf(tx, m.Fingerprint(), false)
			if err != nil || len(plain) != 2 || plain[0].Wallet.Descriptor.IsRanged() {
				t.Fatal(plain, err)
			}
			if text := plain[0].Wallet.Descriptor.String(); !strings.Contains(text, "/1h/0h/0/3]") {
				t.Errorf("the address's path is not in %s", text)
			}
			var asked []string
			got, err := signer.WalletsFor(tx, m.Fingerprint(), false, func(p btc.Path) (btc.XKey, error) {
				asked = append(asked, p.Full())
				return m.Derive(p)
			})
			if err != nil || len(got) != 1 || len(asked) != 1 {
				t.Fatal(got, err, asked)
			}
			if got[0].Wallet.Descriptor.String() != w.Descriptor.String() {
				t.Errorf("read %s", got[0].Wallet.Descriptor)
			}
		})
	}
}

func TestWhatADeviceSaysWhenItIsAskedForItsKeysIsPassedOn(t *testing.T) {
	m := masters(t)
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: wallets(t)["wpkh"], Index: 3, Sat: 10_000}}, Pay: 9_000, NoXPubs: true}.Packet(t, btc.Regtest)
	for _, want := range []error{context.Canceled, signer.Declined("the key"), signer.E(signer.CodeNotReady, "the device is locked")} {
		_, err := signer.WalletsFor(tx, m[0].Fingerprint(), false, func(btc.Path) (btc.XKey, error) { return btc.XKey{}, want })
		if !errors.Is(err, want) || signer.CodeOf(err) != signer.CodeOf(want) {
			t.Errorf("got %v, code %d", err, signer.CodeOf(err))
		}
	}
	_, err := signer.WalletsFor(tx, m[0].Fingerprint(), false, func(p btc.Path) (btc.XKey, error) { return m[1].Derive(p) })
	if signer.CodeOf(err) != signer.CodeBadTransaction || !strings.Contains(err.Error(), "m/84h/1h/0h/0/3") {
		t.Errorf("a key that is not the device's: %v", err)
	}
}

func TestWhatIsMissingInAPSBTIsSaid(t *testing.T) {
	m := masters(t)
	all := wallets(t)
	for name, c := range map[string]struct {
		kind string
		harm func(*psbt.Packet)
		want string
	}{
		"no global xpubs":       {"wsh", func(p *psbt.Packet) { p.XPubs = nil }, "lacks the extended public key of the cosigner"},
		"one xpub missing":      {"wsh", func(p *psbt.Packet) { p.XPubs = p.XPubs[:2] }, "lacks the extended public key of the cosigner"},
		"no witness script":     {"wsh", func(p *psbt.Packet) { p.Inputs[0].WitnessScript = nil }, "witness script"},
		"no redeem script":      {"sh", func(p *psbt.Packet) { p.Inputs[0].RedeemScript = nil }, "redeem script"},
		"a key without origin":  {"wsh", func(p *psbt.Packet) { p.Inputs[0].Derivations = p.Inputs[0].Derivations[:2] }, "where the key"},
		"no coin":               {"wpkh", func(p *psbt.Packet) { p.Inputs[0].NonWitnessUTXO, p.Inputs[0].WitnessUTXO = nil, nil }, "not described"},
		"another key's path":    {"wpkh", func(p *psbt.Packet) { p.Inputs[0].Derivations[0].PubKey = m[0].PublicKey[:] }, "does not tell"},
		"no internal key":       {"tr-tree", func(p *psbt.Packet) { p.Inputs[0].TapInternalKey = nil }, "internal key"},
		"a leaf is missing":     {"tr-tree", func(p *psbt.Packet) { p.Inputs[0].TapLeaves = p.Inputs[0].TapLeaves[:1] }, "all scripts"},
		"a leaf of another key": {"tr-tree", func(p *psbt.Packet) { p.Inputs[0].TapInternalKey = m[1].PublicKey[1:] }, "internal key"},
	} {
		t.Run(name, func(t *testing.T) {
			tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: all[c.kind], Index: 3, Sat: 10_000}}, Pay: 9_000}.Packet(t, btc.Regtest)
			c.harm(tx)
			got, err := signer.WalletsOf(tx, m[0].Fingerprint(), false)
			if signer.CodeOf(err) != signer.CodeBadTransaction || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, %v", got, err)
			}
		})
	}
}

func TestExtendedKeysThatDoNotDeriveTheCoinAreNotBelieved(t *testing.T) {
	m := masters(t)
	w := wallets(t)["wsh"]
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 3, Sat: 10_000}}, Pay: 9_000}.Packet(t, btc.Regtest)
	other, err := m[2].Derive(btc.Path{1, 2, 3, 4}) // of the right depth, so that the PSBT takes it
	if err != nil {
		t.Fatal(err)
	}
	origin := tx.XPubs[1].Origin
	tx.XPubs = slices.Delete(tx.XPubs, 1, 2)
	if err := tx.AddXPub(other.Public(), origin); err != nil {
		t.Fatal(err)
	}
	if got, err := signer.WalletsOf(tx, m[0].Fingerprint(), false); signer.CodeOf(err) != signer.CodeBadTransaction {
		t.Fatal(got, err)
	}
}

// A tree whose equal halves unfold without end is given up.
func TestATreeThatUnfoldsWithoutEndIsRefused(t *testing.T) {
	m := masters(t)
	w := wallets(t)["tr-tree"]
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 3, Sat: 10_000}}, Pay: 9_000}.Packet(t, btc.Regtest)
	in := &tx.Inputs[0]
	leaf := in.TapLeaves[0]
	block := slices.Clone(leaf.ControlBlock[:33])
	for at, n := leaf.Hash(), 0; n < 128; n++ {
		block = append(block, at[:]...)
		at = signer.BranchHash(at, at)
	}
	leaf.ControlBlock = block
	in.TapLeaves = []psbt.TapLeaf{leaf, {ControlBlock: block[:33+32*127], Script: leaf.Script, Version: leaf.Version}}
	if _, err := signer.WalletsOf(tx, m[0].Fingerprint(), false); signer.CodeOf(err) != signer.CodeBadTransaction {
		t.Fatal(err)
	}
	in.TapLeaves = in.TapLeaves[:1]
	if _, err := signer.WalletsOf(tx, m[0].Fingerprint(), false); signer.CodeOf(err) != signer.CodeBadTransaction || !strings.Contains(err.Error(), "128 scripts") {
		t.Fatal(err)
	}
}

func TestADescriptorOfOneAddressIsReadBackIntoItsWallet(t *testing.T) {
	for kind, w := range wallets(t) {
		t.Run(kind, func(t *testing.T) {
			one, err := w.Descriptor.Branch(1)
			if err != nil {
				t.Fatal(err)
			}
			if one, err = one.At(12); err != nil {
				t.Fatal(err)
			}
			got, branch, index, err := signer.AtAddress(one.String(), false)
			if err != nil || branch != 1 || index != 12 || got.Descriptor.String() != w.Descriptor.String() {
				t.Fatalf("%s %d/%d %v", got.Descriptor, branch, index, err)
			}
		})
	}
}

func TestOtherFormsOfADescriptorForAnAddress(t *testing.T) {
	m := masters(t)[0]
	acc := signertest.Account(t, m, signertest.AccountPath(t, "wpkh"))
	key, err := m.Derive(signertest.AccountPath(t, "wpkh").Child(0, 5))
	if err != nil {
		t.Fatal(err)
	}
	plain := fmt.Sprintf("[%s/84h/1h/0h/0/5]%x", m.Fingerprint(), key.PublicKey)
	for _, c := range []struct {
		name, text, want string
		branch, index    uint32
	}{
		{"multipath", "wpkh(" + acc + "/<0;1>/*)", "wpkh(" + acc + "/<0;1>/*)", 0, 0},
		{"ranged", "wpkh(" + acc + "/1/*)", "wpkh(" + acc + "/<0;1>/*)", 1, 0},
		{"apostrophes", "wpkh(" + strings.ReplaceAll(acc, "h/", "'/") + "/0/5)", "wpkh(" + acc + "/<0;1>/*)", 0, 5},
		{"plain key", "wpkh(" + plain + ")", "wpkh(" + plain + ")", 0, 0},
		{"one step", "wpkh(" + acc + "/5)", "wpkh(" + acc + "/*)", 0, 5},
		{"deep", "wpkh(" + acc + "/9/0/5)", "wpkh(" + acc + "/9/<0;1>/*)", 0, 5},
		{"different indexes", "wsh(multi(1," + acc + "/0/5," + acc + "/0/6))", "wsh(multi(1," + acc + "/0/5," + acc + "/0/6))", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, branch, index, err := signer.AtAddress(c.text, false)
			if err != nil {
				t.Fatal(err)
			}
			if text, _, _ := strings.Cut(got.Descriptor.String(), "#"); text != c.want || branch != c.branch || index != c.index {
				t.Errorf("%s at %d/%d", text, branch, index)
			}
		})
	}
	for name, text := range map[string]string{
		"main network": "wpkh([95d8f670/84h/0h/0h]xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZXYVUhLv1VMrjPC7PW6V/0/5)",
		"address":      "addr(" + signertest.Stranger(btc.Regtest) + ")",
		"nonsense":     "wpkh(",
		"bad checksum": "wpkh(" + acc + "/0/5)#aaaaaaaa",
		"combo":        "combo(" + acc + "/0/5)",
		"nothing":      "",
		"long":         strings.Repeat("wsh(", 100_000),
	} {
		if _, _, _, err := signer.AtAddress(text, false); signer.CodeOf(err) != signer.CodeBadArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkWalletsOfHundredInputs(b *testing.B) {
	w := wallets(b)["wsh"]
	var coins []signertest.Coin
	for i := range uint32(100) {
		coins = append(coins, signertest.Coin{Wallet: w, Index: i, Sat: 10_000})
	}
	tx := signertest.Payment{Coins: coins, Pay: 900_000}.Packet(b, btc.Regtest)
	for b.Loop() {
		if _, err := signer.WalletsOf(tx, masters(b)[0].Fingerprint(), false); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzWalletsOf reads whatever a PSBT claims: no panic, and what is read derives the coins.
func FuzzWalletsOf(f *testing.F) {
	for _, w := range wallets(f) {
		tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 3, Sat: 10_000}}, Pay: 9_000}.Packet(f, btc.Regtest)
		raw, err := tx.Serialize()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	fp := masters(f)[0].Fingerprint()
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, err := psbt.Parse(raw)
		if err != nil {
			return
		}
		spends, err := signer.WalletsOf(tx, fp, false)
		if err != nil {
			return
		}
		for _, s := range spends {
			if !s.Wallet.HasKeyOf(fp) {
				t.Fatalf("%s has no key of %s", s.Wallet.Descriptor, fp)
			}
		}
	})
}
