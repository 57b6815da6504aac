package descriptor_test

import (
	"strings"
	"testing"

	"specter/internal/btc/descriptor"
)

func TestSummariesSpeakPlainly(t *testing.T) {
	for desc, want := range map[string]string{
		"pkh(A/<0;1>/*)":      "single key, legacy",
		"wpkh(A/<0;1>/*)":     "single key, native segwit",
		"sh(wpkh(A/<0;1>/*))": "single key, nested segwit",
		"tr(A/<0;1>/*)":       "single key, taproot",
		"wsh(sortedmulti(2,A/<0;1>/*,B/<0;1>/*,C/<0;1>/*))": "2 of 3 multisig, native segwit",
		"sh(wsh(multi(1,A,B)))":                             "1 of 2 multisig, nested segwit",
		"sh(sortedmulti(2,A,B))":                            "2 of 2 multisig, legacy",
		"multi(1,A,B)":                                      "1 of 2 multisig, legacy, without an address",
		"tr(musig(A,B,C)/<0;1>/*)":                          "3 of 3 MuSig2, taproot",
		"tr(N,sortedmulti_a(2,A,B,C))":                      "2 of 3 multisig, taproot",
		"tr(A,{pk(B),multi_a(2,B,C)})":                      "single key, or single key, or 2 of 2 multisig, taproot",
		"rawtr(A)":                                          "single key, taproot output key",
		"combo(A)":                                          "single key, every common address type",
		"raw(51)":                                           "a fixed script",
		"addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)":      "a fixed address",
		"wsh(or_d(pk(A),and_v(v:multi(2,B,C,D),older(65535))))": "key 1 alone, or after 65,535 blocks 2 of 3 of key 2, key 3, key 4, native segwit",
		"wsh(and_v(v:pk(A),after(1893456000)))":                 "from 2030-01-01 00:00 UTC on key 1 alone, native segwit",
		"wsh(andor(pk(A),after(900000),pk(B)))":                 "key 2 alone, or from block 900,000 on key 1 alone, native segwit",
		"tr(A,and_v(v:pk(musig(B,C)/0/*),older(144)))":          "single key, or after 144 blocks MuSig2(key 2, key 3) alone, taproot",
	} {
		r := strings.NewReplacer("A", xpubA, "B", xpubB, "C", xpubC, "D", xpubA+"/7", "N", numsKey)
		if strings.HasPrefix(desc, "addr") {
			r = strings.NewReplacer()
		}
		if got := mustParse(t, r.Replace(desc)).Summary(); got != want {
			t.Errorf("%s: %q, want %q", desc, got, want)
		}
	}
}

func TestWarningsNameWhatIsDangerous(t *testing.T) {
	const good = "[d34db33f/84h/0h/0h]" + xpubA
	for desc, want := range map[string]string{
		"wpkh([00000000/1/2/3]" + xpubA + "/<0;1>/*)":              "fingerprint 00000000",
		"wpkh(" + xpubA + "/<0;1>/*)":                              "has no origin",
		"wpkh(" + good + "/0/*)":                                   "no change branch",
		"wpkh(" + good + "/0/1)":                                   "single address",
		"wpkh(" + good + "/0h/*)":                                  "hardened step",
		"wpkh(" + xprv + "/0/*)":                                   "private keys",
		"wpkh([d34db33f/84h]" + xpubA + "/<0;1>/*)":                "origin has 1 steps",
		"wpkh([d34db33f/84h/1h/0h]" + xpubA + "/<0;1>/*)":          "another network",
		"wsh(multi(2," + good + "/<0;1>/*," + xpubA + "/<0;1>/*))": "Keys 1 and 2 are the same",
		"pkh(0414fc03b8df87cd7b872996810db8458d61da8448e531569c8517b469a119d267be5645686309c6e6736dbd93940707cc9143d3cf29f1b877ff340e2cb2d259cf)": "not compressed",
		"pk(" + pubKey + ")": "no address",
		"addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)": "only be watched",
		"tr(" + numsKey + ")":                              "coins sent to it are lost",
	} {
		if got := strings.Join(mustParse(t, desc).Warnings(), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: %q says nothing of %q", desc, got, want)
		}
	}
}

func TestAWellMadeWalletHasNoWarnings(t *testing.T) {
	d, err := descriptor.Parse(fiveKeys(t), descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if w := d.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %q", w)
	}
}

func TestFactsForInspection(t *testing.T) {
	d := mustParse(t, "sh(wsh(or_d(pk("+xpubA+"/<0;1>/*),and_v(v:pkh("+xpubB+"/<0;1>/*),older(144)))))")
	text, ok := d.InnerScript()
	if !ok || text != "or_d(pk("+xpubA+"/<0;1>/*),and_v(v:pkh("+xpubB+"/<0;1>/*),older(144)))" {
		t.Errorf("inner script %q", text)
	}
	nodes := d.Miniscripts()
	if len(nodes) != 1 || nodes[0].String() != text || nodes[0].CheckSane() != nil {
		t.Errorf("miniscripts %v", nodes)
	}
	if main, known := d.IsMain(); !main || !known || d.Type() != "sh" || d.ScriptType() != "sh-wsh" || d.Branches() != 2 {
		t.Errorf("main %v known %v type %s %s", main, known, d.Type(), d.ScriptType())
	}
	if _, _, ok := d.Threshold(); ok {
		t.Error("a miniscript is no plain multisig")
	}
	if m, n, ok := mustParse(t, "tr("+numsKey+",multi_a(2,"+xpubA+","+xpubB+","+xpubC+"))").Threshold(); !ok || m != 2 || n != 3 {
		t.Errorf("%d of %d, %v", m, n, ok)
	}
	if _, known := mustParse(t, "pkh("+pubKey+")").IsMain(); known {
		t.Error("a plain public key is of no network")
	}
	k, err := descriptor.ParseKeyExpression("[d34db33f/84h/0h/0h]"+zpub+"/0/*", descriptor.Options{AllowSLIP132: true})
	if err != nil || k.SLIP132 != "zpub" || k.Path != "0/*" || k.Kind() != "xpub" || !strings.HasPrefix(k.Head(), "[d34db33f/84h/0h/0h]xpub") || strings.Contains(k.Head(), "*") {
		t.Errorf("read %+v as %s (%v)", k, k.Head(), err)
	}
}
