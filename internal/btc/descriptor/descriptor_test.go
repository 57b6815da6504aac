package descriptor_test

import (
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

const (
	pubKey = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	tpub   = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B"
	xprv   = "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"
	zpub   = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
)

func mustParse(t testing.TB, s string) *descriptor.Descriptor {
	t.Helper()
	d, err := descriptor.Parse(s, descriptor.Options{AllowPrivate: true})
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return d
}

func TestRefusalsHaveTheirCode(t *testing.T) {
	main, test := btc.Mainnet, btc.Signet
	for _, c := range []struct {
		name, desc string
		o          descriptor.Options
		code       errs.Code
	}{
		{"mistyped checksum", "pkh(" + pubKey + ")#aaaaaaaa", descriptor.Options{}, errs.BadChecksum},
		{"unknown function", "foo(" + pubKey + ")", descriptor.Options{}, errs.UnknownFragment},
		{"no function", pubKey, descriptor.Options{}, errs.Malformed},
		{"miniscript in sh", "sh(and_v(v:pk(" + pubKey + "),older(1)))", descriptor.Options{}, errs.BadContext},
		{"wsh in wsh", "wsh(wsh(pk(" + pubKey + ")))", descriptor.Options{}, errs.BadContext},
		{"multi in taproot", "tr(" + xpubA + ",multi(1," + xpubB + "))", descriptor.Options{}, errs.BadContext},
		{"x-only key outside taproot", "wpkh(" + pubKey[2:] + ")", descriptor.Options{}, errs.BadKey},
		{"private key where none may be", "wpkh(" + xprv + "/0)", descriptor.Options{}, errs.BadKey},
		{"zpub", "wpkh(" + zpub + "/0)", descriptor.Options{}, errs.BadKey},
		{"key of the other network", "wpkh(" + tpub + ")", descriptor.Options{Network: &main}, errs.WrongNetwork},
		{"main key on signet", "wpkh(" + xpubA + ")", descriptor.Options{Network: &test}, errs.WrongNetwork},
		{"networks mixed", "wsh(multi(1," + tpub + "," + xpubA + "))", descriptor.Options{}, errs.WrongNetwork},
		{"address of the other network", "addr(tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx)", descriptor.Options{Network: &main}, errs.WrongNetwork},
		{"step out of range", "wpkh(" + xpubA + "/2147483648)", descriptor.Options{}, errs.BadPath},
		{"star in the middle", "wpkh(" + xpubA + "/*/0)", descriptor.Options{}, errs.BadPath},
		{"same step twice", "wpkh(" + xpubA + "/<1;1>/*)", descriptor.Options{}, errs.BadPath},
		{"21 keys", "wsh(multi(1" + strings.Repeat(","+pubKey, 21) + "))", descriptor.Options{}, errs.TooManyKeys},
		{"16 keys in sh", "sh(multi(1" + strings.Repeat(","+pubKey, 16) + "))", descriptor.Options{}, errs.TooManyKeys},
		{"4 bare keys", "multi(1" + strings.Repeat(","+pubKey, 4) + ")", descriptor.Options{}, errs.TooManyKeys},
		{"1000 keys in a leaf", "tr(" + pubKey[2:] + ",multi_a(1" + strings.Repeat(","+pubKey[2:], 1000) + "))", descriptor.Options{}, errs.TooManyKeys},
		{"malleable", "wsh(or_i(older(1),pk(" + pubKey + ")))", descriptor.Options{}, errs.NotSane},
		{"one key in two spellings", "wsh(and_b(pk(" + xpubA + "),s:pk([00000000/1]" + xpubA + ")))", descriptor.Options{}, errs.NotSane},
		{"one key in a second branch", "wsh(and_b(pk(" + xpubA + "/<0;1>/*),s:pk(" + xpubA + "/<2;1>/*)))", descriptor.Options{}, errs.NotSane},
		{"one key under its parent", "tr(" + xpubB + ",and_v(v:pk(" + xpubA + "/0),pk(" + xpubA + "/*)))", descriptor.Options{}, errs.NotSane},
		{"a space", "wpkh( " + pubKey + ")", descriptor.Options{}, errs.BadKey},
		{"a line break", "wpkh(" + pubKey + ")\n", descriptor.Options{}, errs.Malformed},
	} {
		d, err := descriptor.Parse(c.desc, c.o)
		if errs.CodeOf(err) != c.code || !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, %v (code %q), want code %q", c.name, d, err, errs.CodeOf(err), c.code)
		}
	}
}

func TestErrorsTellNoPrivateKeys(t *testing.T) {
	wif := testWIF(1)
	for _, s := range []string{
		"wpkh(" + wif + "x)", "wpkh(" + wif + "/0)", "multi(" + wif + "," + wif + ")", "wpkh([00]" + xprv + ")", "wpkh(]" + xprv + "[)",
		"wpkh(" + xprv + "/<0)", "pkh(" + xprv + "//)", "tr(musig(" + wif + ")" + wif + ")", "wsh(" + wif + ")", wif, xprv + "," + xprv,
		"wsh(and_v(v:pk(" + wif + "),foo(" + wif + ")))", "addr(" + wif + ")", "raw(" + wif + ")", wif + "(" + wif + ")",
	} {
		_, err := descriptor.Parse(s, descriptor.Options{AllowPrivate: true})
		if err == nil {
			t.Errorf("%d was accepted", len(s))
			continue
		}
		if strings.Contains(err.Error(), wif[:24]) || strings.Contains(err.Error(), wif[28:]) || strings.Contains(err.Error(), xprv[:24]) {
			t.Errorf("the refusal tells the key: %v", err)
		}
	}
}

func TestPrivateKeysArePrintedOnlyWhenAsked(t *testing.T) {
	d := mustParse(t, "wsh(multi(2,"+xprv+"/0/*,"+testWIF(1)+"))")
	if s := d.String(); strings.Contains(s, "prv") || strings.Contains(s, testWIF(1)) {
		t.Errorf("printed %s", s)
	}
	for _, k := range d.Keys() {
		if strings.Contains(k.Text, "prv") || strings.Contains(k.Text, testWIF(1)) || !k.Private || k.XKey != nil && k.XKey.IsPrivate() {
			t.Errorf("key listed as %s", k.Text)
		}
	}
	if d.Public().HasPrivateKeys() || d.Public().StringPrivate() != d.String() {
		t.Error("the public form keeps private keys")
	}
}

func TestSLIP132KeysAreTakenAsXpubs(t *testing.T) {
	d, err := descriptor.Parse("wpkh("+zpub+"/0/*)", descriptor.Options{AllowSLIP132: true})
	if err != nil {
		t.Fatal(err)
	}
	k := d.Keys()[0]
	if !strings.HasPrefix(k.Text, "xpub") || k.SLIP132 != "zpub" || !strings.Contains(strings.Join(d.Warnings(), " "), "zpub") {
		t.Errorf("taken as %s (%v)", k.Text, d.Warnings())
	}
	if a, _ := d.Derive(1); a == nil || addressOf(t, a) != "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g" {
		t.Error("the address of BIP84 is not derived")
	}
}

func addressOf(t testing.TB, o *descriptor.Output) string {
	t.Helper()
	a, ok := o.Address(btc.Mainnet)
	if !ok {
		t.Fatal("no address")
	}
	return a
}

func TestKeysOfOutputsKnowWhereTheyComeFrom(t *testing.T) {
	d := mustParse(t, "wsh(multi(2,[d34db33f/48h/0h/0h/2h]"+xpubA+"/1/*,"+xpubB+"/*,"+pubKey+"))")
	o, err := d.Derive(9)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := btc.ParseXKey(xpubB)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"d34db33f/48h/0h/0h/2h/1/9", b.Fingerprint().String() + "/9", "751e76e8"} {
		if got := o.Keys[i].Origin.String(); got != want || o.Keys[i].Expression != i {
			t.Errorf("key %d comes from %s (place %d), want %s", i, got, o.Keys[i].Expression, want)
		}
	}
	child, err := b.Child(9)
	if err != nil || hex.EncodeToString(o.Keys[1].PubKey) != hex.EncodeToString(child.PublicKey[:]) {
		t.Errorf("the second key is %x (%v)", o.Keys[1].PubKey, err)
	}
}

func TestTaprootKeysKnowTheirLeaves(t *testing.T) {
	d := mustParse(t, "tr("+xpubA+"/*,{pk("+xpubB+"/*),and_v(v:pk("+xpubC+"/*),older(144))})")
	o, err := d.Derive(3)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Keys[0].Internal || len(o.Keys[0].LeafHashes) != 0 {
		t.Errorf("internal key: %+v", o.Keys[0])
	}
	for i, k := range o.Keys[1:] {
		if k.Internal || len(k.LeafHashes) != 1 || k.LeafHashes[0] != o.Taproot.Leaves[i].Hash || o.Taproot.Leaves[i].Depth != 1 {
			t.Errorf("key of leaf %d: %+v", i, k)
		}
	}
}

func TestDerivationNeedsABranchAndAnIndexInRange(t *testing.T) {
	d := mustParse(t, "wpkh("+xpubA+"/<0;1>/*)")
	if _, err := d.Derive(0); errs.CodeOf(err) != errs.Unsupported {
		t.Errorf("a multipath descriptor was derived (%v)", err)
	}
	b, err := d.Branch(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Derive(1 << 31); errs.CodeOf(err) != errs.BadPath {
		t.Errorf("index 2^31 was derived (%v)", err)
	}
	if _, err := b.Derive(1<<31 - 1); err != nil {
		t.Error(err)
	}
	if _, err := d.Branch(2); errs.CodeOf(err) != errs.BadPath {
		t.Errorf("there is a third branch (%v)", err)
	}
	combo := mustParse(t, "combo("+xpubA+"/<0;1>/*)")
	if n := len(combo.Expand()); n != 8 {
		t.Errorf("combo() with two branches stands for %d descriptors, want 8", n)
	}
	if _, err := combo.Expand()[0].Derive(0); err != nil {
		t.Error(err)
	}
}

func TestDescriptorsMayBeUsedByManyAtOnce(t *testing.T) {
	d := mustParse(t, "tr(musig("+xpubA+","+xpubB+")/0/*,pk("+xprv+"/1h/*h))")
	want, err := d.Derive(7)
	if err != nil {
		t.Fatal(err)
	}
	fresh := mustParse(t, d.StringPrivate())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if o, err := fresh.Derive(7); err != nil || string(o.Script) != string(want.Script) {
				t.Errorf("got %v (%v)", o, err)
			}
		})
	}
	wg.Wait()
}

func TestJoinRefusesWhatIsNotABranch(t *testing.T) {
	recv := mustParse(t, "wsh(sortedmulti(2,"+xpubA+"/0/*,"+xpubB+"/0/*))")
	change := mustParse(t, "wsh(sortedmulti(2,"+xpubA+"/1/*,"+xpubB+"/1/*))")
	d, err := descriptor.Join(recv, change)
	if err != nil || bare(d.String()) != "wsh(sortedmulti(2,"+xpubA+"/<0;1>/*,"+xpubB+"/<0;1>/*))" {
		t.Fatalf("joined to %v (%v)", d, err)
	}
	for name, other := range map[string]string{
		"itself": recv.String(), "another threshold": "wsh(sortedmulti(1," + xpubA + "/1/*," + xpubB + "/1/*))",
		"other keys": "wsh(sortedmulti(2," + xpubA + "/1/*," + xpubC + "/1/*))", "another order": "wsh(sortedmulti(2," + xpubB + "/1/*," + xpubA + "/1/*))",
		"multi": "wsh(multi(2," + xpubA + "/1/*," + xpubB + "/1/*))", "longer path": "wsh(sortedmulti(2," + xpubA + "/1/0/*," + xpubB + "/1/*))",
		"not ranged": "wsh(sortedmulti(2," + xpubA + "/1," + xpubB + "/1))", "two steps": "wsh(sortedmulti(2," + xpubA + "/1/*," + xpubB + "/1/1/*))",
		"branches": d.String(), "other wrapping": "sh(wsh(sortedmulti(2," + xpubA + "/1/*," + xpubB + "/1/*)))",
	} {
		if j, err := descriptor.Join(recv, mustParse(t, other)); errs.CodeOf(err) != errs.Mismatch {
			t.Errorf("%s: joined to %v (%v)", name, j, err)
		}
	}
}

func TestInferencePrefersWhatTellsMost(t *testing.T) {
	for _, desc := range []string{
		"pk(" + pubKey + ")", "pkh([d34db33f/44h]" + pubKey + ")", "wpkh([d34db33f/84h/0h]" + pubKey + ")", "sh(wpkh(" + pubKey + "))",
		"multi(1," + pubKey + ")", "sh(multi(1," + pubKey + "))", "wsh(multi(1," + pubKey + "))", "sh(wsh(pkh(" + pubKey + ")))",
		"wsh(and_v(v:pkh([d34db33f/1]" + pubKey + "),older(144)))", "tr([d34db33f/86h]" + pubKey[2:] + ")",
		"tr(" + pubKey[2:] + ",and_v(v:pk(" + numsKey + "),after(800000)))",
	} {
		d := mustParse(t, desc)
		o, err := d.Derive(0)
		if err != nil {
			t.Fatal(err)
		}
		known := descriptor.Known{Scripts: [][]byte{o.RedeemScript, o.WitnessScript}}
		for _, k := range d.Keys() {
			known.Keys = append(known.Keys, descriptor.KnownKey{PubKey: k.PubKey, Origin: k.Origin})
		}
		if o.Taproot != nil {
			for _, l := range o.Taproot.Leaves {
				known.Scripts = append(known.Scripts, l.Script)
			}
		}
		if got, err := descriptor.Infer(o.Script, known); err != nil || bare(got.String()) != desc {
			t.Errorf("%s: inferred as %v (%v)", desc, got, err)
		}
		got, err := descriptor.Infer(o.Script, descriptor.Known{Network: btc.Regtest})
		if err != nil {
			t.Fatal(err)
		}
		if addr, ok := o.Address(btc.Regtest); ok && o.Taproot == nil && bare(got.String()) != "addr("+addr+")" {
			t.Errorf("%s: knowing nothing, inferred as %s", desc, got)
		}
	}
}

func TestScriptsAreNamedAndPrinted(t *testing.T) {
	for script, want := range map[string][2]string{
		"21" + pubKey + "ac": {"pubkey", pubKey + " OP_CHECKSIG"},
		"76a914751e76e8199196d454941c45d1b3a323f1433bd688ac": {"pubkeyhash", "OP_DUP OP_HASH160 751e76e8199196d454941c45d1b3a323f1433bd6 OP_EQUALVERIFY OP_CHECKSIG"},
		"a914751e76e8199196d454941c45d1b3a323f1433bd687":     {"scripthash", "OP_HASH160 751e76e8199196d454941c45d1b3a323f1433bd6 OP_EQUAL"},
		"0014751e76e8199196d454941c45d1b3a323f1433bd6":       {"witness_v0_keyhash", "0 751e76e8199196d454941c45d1b3a323f1433bd6"},
		"5120" + numsKey:           {"witness_v1_taproot", "1 " + numsKey},
		"51024e73":                 {"anchor", "1 29518"},
		"6a0568656c6c6f":           {"nulldata", "OP_RETURN 68656c6c6f"},
		"5121" + pubKey + "51ae":   {"multisig", "1 " + pubKey + " 1 OP_CHECKMULTISIG"},
		"4f02e803b2":               {"nonstandard", "-1 1000 OP_CHECKSEQUENCEVERIFY"},
		"0181ba":                   {"nonstandard", "-1 OP_CHECKSIGADD"},
		"4c":                       {"nonstandard", "[error]"},
		"60b1ff":                   {"nonstandard", "16 OP_CHECKLOCKTIMEVERIFY OP_INVALIDOPCODE"},
		"5221" + pubKey + "51ae":   {"nonstandard", "2 " + pubKey + " 1 OP_CHECKMULTISIG"},
		"5121" + pubKey + "51ae51": {"nonstandard", "1 " + pubKey + " 1 OP_CHECKMULTISIG 1"},
		"6a4c":                     {"nonstandard", "OP_RETURN [error]"},
	} {
		raw := unhex(t, script)
		if k, a := descriptor.ScriptKind(raw), descriptor.ASM(raw); k != want[0] || a != want[1] {
			t.Errorf("%s: %s, %q; want %s, %q", script, k, a, want[0], want[1])
		}
	}
}
