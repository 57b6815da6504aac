package ur_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"specter/internal/airgap/ur"
	"specter/internal/btc"
	"specter/internal/errs"
)

func message(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

func TestPartsInAnyOrderWithLossGiveTheMessage(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		u := ur.NewPSBT(message(1+r.IntN(5000), seed), ur.Old)
		e, err := ur.NewEncoder(u, 10+r.IntN(200))
		if err != nil {
			t.Fatal(err)
		}
		var d ur.Decoder
		for tries := 0; ; tries++ {
			if err := d.Add(e.Part(r.IntN(3*e.Len() + 20))); err != nil {
				t.Fatal(err)
			}
			got, ok := d.UR()
			if ok && !bytes.Equal(got.CBOR, u.CBOR) {
				t.Fatalf("seed %d: another message came out", seed)
			}
			if ok {
				break
			}
			if p := d.Progress(); p < 0 || p >= 1 {
				t.Fatalf("progress is %v before the end", p)
			}
			if tries > 20*e.Len()+200 {
				t.Fatalf("seed %d: %d parts did not do for %d", seed, tries, e.Len())
			}
		}
		if d.Progress() != 1 || d.Type() != "crypto-psbt" {
			t.Errorf("progress %v of %s at the end", d.Progress(), d.Type())
		}
	}
}

func TestDamagedAndForeignPartsLeaveTheScanUntouched(t *testing.T) {
	one, _ := ur.NewEncoder(ur.NewBytes(message(500, 1)), 50)
	other, _ := ur.NewEncoder(ur.NewBytes(message(500, 2)), 50)
	psbt, _ := ur.NewEncoder(ur.NewPSBT(message(500, 1), ur.New), 50)
	legacy, _ := ur.NewLegacyEncoder(ur.NewBytes(message(500, 1)), 100)
	var d ur.Decoder
	for i := range one.Len() {
		good := one.Part(i)
		for name, c := range map[string]struct {
			part string
			code errs.Code
		}{
			"a letter misread":        {good[:len(good)-8] + "aeaeaeae", errs.BadChecksum},
			"another message":         {other.Part(i), errs.Mismatch},
			"another type":            {psbt.Part(i), errs.Mismatch},
			"the older version":       {legacy.Part(i % legacy.Len()), errs.Mismatch},
			"no resource":             {"https://example.com", errs.Malformed},
			"a number that disagrees": {strings.Replace(good, fmt.Sprintf("/%d-", i+1), fmt.Sprintf("/%d-", i+2), 1), errs.Malformed},
		} {
			if i == 0 && c.code == errs.Mismatch {
				continue // nothing is known yet that it could differ from
			}
			if err := d.Add(c.part); errs.CodeOf(err) != c.code {
				t.Errorf("part %d, %s: %v (%s)", i, name, err, errs.CodeOf(err))
			}
		}
		for range 2 {
			if err := d.Add(good); err != nil {
				t.Fatal(err)
			}
		}
		if known, total := d.Parts(); known != i+1 || total != one.Len() {
			t.Fatalf("%d of %d known after %d", known, total, i+1)
		}
	}
	if u, ok := d.UR(); !ok || !bytes.Equal(u.CBOR, ur.NewBytes(message(500, 1)).CBOR) {
		t.Error("the message did not come out")
	}
}

func part(seq, count string, fields ...byte) string {
	return "ur:bytes/" + seq + "-" + count + "/" + ur.EncodeBytewords(fields, ur.Minimal)
}

func TestHostileHeadersAreRefusedWithoutMemory(t *testing.T) {
	big := []byte{0x1a, 0xff, 0xff, 0xff, 0xff} // 2^32-1
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, text := range map[string]string{
		"0 of 0":              part("0", "0", 0x85, 0, 0, 0, 0, 0x41, 1),
		"1 of 0":              part("1", "0", 0x85, 1, 0, 1, 0, 0x41, 1),
		"0 of 1":              part("0", "1", 0x85, 0, 1, 1, 0, 0x41, 1),
		"4 thousand million":  part("1", "4294967295", join([]byte{0x85, 1}, big, big, []byte{0, 0x41, 1})...),
		"an empty fragment":   part("1", "2", 0x85, 1, 2, 1, 0, 0x40),
		"a message too long":  part("1", "2", join([]byte{0x85, 1, 2}, big, []byte{0, 0x41, 1})...),
		"a fragment too many": part("1", "9", 0x85, 1, 9, 1, 0, 0x41, 1),
		"a giant array":       part("1", "1", 0x9a, 0xff, 0xff, 0xff, 0xff),
		"a giant string":      part("1", "1", 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"a negative number":   part("1", "1", 0x85, 0x20, 1, 1, 0, 0x41, 1),
		"legacy million":      "ur:bytes/1of1000000/" + strings.Repeat("q", 58) + "/qq",
		"legacy 0 of 0":       "ur:bytes/0of0/" + strings.Repeat("q", 58) + "/qq",
		"legacy 3 of 2":       "ur:bytes/3of2/" + strings.Repeat("q", 58) + "/qq",
		"no body":             "ur:bytes/",
		"no type":             "ur:/aeae",
		"a very long part":    "ur:bytes/" + strings.Repeat("ae", ur.MaxMessage+1000),
	} {
		t.Run(name, func(t *testing.T) {
			var d ur.Decoder
			if err := d.Add(text); errs.KindOf(err) != errs.Invalid {
				t.Errorf("got %v", err)
			}
			if got := testing.AllocsPerRun(1, func() { _ = d.Add(text) }); got > 1000 {
				t.Errorf("%v allocations", got)
			}
		})
	}
}

func TestDeeplyNestedCBORIsRefused(t *testing.T) {
	for name, cbor := range map[string][]byte{
		"arrays":      bytes.Repeat([]byte{0x81}, 100_000),
		"tags":        bytes.Repeat([]byte{0xd9, 0x01, 0x90}, 50_000),
		"wide":        append([]byte{0x9a, 0, 1, 0x86, 0xa0}, make([]byte, 100_000)...),
		"more behind": {0x40, 0x40},
	} {
		if _, err := (ur.UR{Type: "crypto-output", CBOR: cbor}).Content(); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The examples of the old Specter's own contract.
func TestLegacyAsSpecterWritesIt(t *testing.T) {
	e, err := ur.NewLegacyEncoder(ur.NewBytes([]byte("hello specter")), 1000)
	if err != nil {
		t.Fatal(err)
	}
	const want = "UR:BYTES/8UM9X24ZUTKVE965W7SZ28CNXU8JA97LANUWQJW4FH4Z6PW9XHJSARX6TC/F45X2MRVDUS8XUR9VD6X2US7AN66Y"
	if got := e.Part(0); got != want {
		t.Errorf("got %s", got)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	e, err = ur.NewLegacyEncoder(ur.NewBytes(all), 100)
	if err != nil {
		t.Fatal(err)
	}
	if body := strings.TrimPrefix(e.Static(), "UR:BYTES/"); len(body) != 421 {
		t.Errorf("the data has %d characters", len(body))
	}
	if !strings.Contains(e.Part(4), "/5OF5/FJQWZPVE65VDZHUTRMAA5CXR9R9Y2QTAXMJH8637AC90GWPU6NCSRXNP05/") {
		t.Errorf("got %s", e.Part(4))
	}
	var d ur.Decoder
	for _, i := range []int{3, 0, 4, 4, 1, 2} {
		if err := d.Add(e.Part(i)); err != nil {
			t.Fatal(err)
		}
	}
	u, ok := d.UR()
	c, err := u.Content()
	if !ok || err != nil || !bytes.Equal(c.Bytes, all) {
		t.Errorf("read %x, %v", c.Bytes, err)
	}
}

func TestLegacyWithAWrongDigestIsRefused(t *testing.T) {
	const text = "UR:BYTES/FJQWZPVE65VDZHUTRMAA5CXR9R9Y2QTAXMJH8637AC90GWPU6NCSRXNP05/F45X2MRVDUS8XUR9VD6X2US7AN66Y"
	if _, err := ur.Decode(text); errs.CodeOf(err) != errs.BadChecksum {
		t.Errorf("got %v", err)
	}
}

// crypto-seed and crypto-bip39 as BCR-2020-006 prints them.
func TestSecretsAreReadAndPrintNothing(t *testing.T) {
	u, err := ur.Decode("ur:crypto-seed/oeadgdstaslplabghydrpfmkbggufgludprfgmaotpiecffltnlpqdenos")
	if err != nil {
		t.Fatal(err)
	}
	c, err := u.Content()
	if err != nil || hex.EncodeToString(c.Seed) != "c7098580125e2ab0981253468b2dbc52" {
		t.Errorf("got %x, %v", []byte(c.Seed), err)
	}
	words := "shield group erode awake lock sausage cash glare wave crew flame glove"
	cbor := []byte{0xa2, 1, 0x8c}
	for _, w := range strings.Fields(words) {
		cbor = append(append(cbor, 0x60|byte(len(w))), w...)
	}
	cbor = append(cbor, 2, 0x62, 'e', 'n')
	c, err = ur.UR{Type: "crypto-bip39", CBOR: cbor}.Content()
	if err != nil || string(c.Mnemonic) != words {
		t.Errorf("got %q, %v", []byte(c.Mnemonic), err)
	}
	if out := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(out, "shield") || strings.Contains(out, "[115 104") {
		t.Errorf("printed %s", out)
	}
}

const (
	xpub = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
	tpub = "tpubDC5CZBbVc15fpTeqkyUBKgHqYCqkeaUtPjvGz7RJEttndfcN29psPcxTSj5RNJaWYaRQq8kqovLBrZA2tju3ThSAP9fY1eiSvorchnseFZu"
)

func TestOutputsAreWrittenAndReadInBothVersions(t *testing.T) {
	key, other := "[73c5da0a/86h/0h/0h]"+xpub, "[d34db33f/49h/1h/0h]"+tpub
	const plain = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	for _, c := range []struct {
		text string
		old  bool // crypto-output can carry it
	}{
		{"pkh(" + key + "/0/*)", true},
		{"wpkh(" + key + "/<0;1>/*)", true},
		{"tr(" + key + "/<0h;1h>/*h)", true},
		{"sh(wpkh(" + other + "))", true},
		{"sh(wsh(sortedmulti(2," + key + "/0/*," + other + "/0/*," + plain + ")))", true},
		{"wsh(multi(1," + xpub + "," + tpub + "/3/4h/*))", true},
		{"combo(" + plain + ")", true},
		{"pk(" + plain + ")", true},
		{"addr(1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2)", true},
		{"addr(37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf)", true},
		{"addr(tb1qnwc84tkupy5v0tzgt27zkd3uxex3nmyr6vfhdd)", true},
		{"raw(6a0168)", true},
		{"wsh(cosigner(" + key + "))", true},
		{"wsh(and_v(v:pk(" + key + "/<0;1>/*),older(12960)))", false},
		{"tr(" + key + "/0/*,{pk(" + other + "/0/*),pk(" + key + "/0/*)})", false},
		{"wpkh(" + key + "/<0;1;2>/*)", false},
		{"wsh(sha256(e38990d0c7fc009880a9c07c23842e886c6bbdc964ce6bdd5817ad357335ee6f))", false},
	} {
		for _, v := range []ur.Version{ur.Old, ur.New} {
			u, err := ur.NewOutput(c.text+"#xxxxxxxx", v)
			if v == ur.Old && !c.old {
				if err == nil {
					t.Errorf("%s: crypto-output took it", c.text)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.text, err)
				continue
			}
			got, err := u.Content()
			if err != nil || got.Descriptors()[0] != c.text {
				t.Errorf("version %d: wrote %s\nread %s, %v", v, c.text, got.Descriptors(), err)
			}
		}
	}
}

func TestAccountIsWrittenAndRead(t *testing.T) {
	texts := []string{"wpkh([73c5da0a/84h/0h/0h]" + xpub + ")", "wsh(cosigner([73c5da0a/48h/0h/0h/2h]" + xpub + "))"}
	for _, v := range []ur.Version{ur.Old, ur.New} {
		u, err := ur.NewAccount(btc.Fingerprint{0x73, 0xc5, 0xda, 0x0a}, texts[:1], v)
		if err != nil {
			t.Fatal(err)
		}
		c, err := u.Content()
		if err != nil || c.Fingerprint.String() != "73c5da0a" || strings.Join(c.Descriptors(), " ") != texts[0] {
			t.Errorf("read %v %v, %v", c.Fingerprint, c.Descriptors(), err)
		}
	}
}

func TestKeyByPathTellsTheTestNetwork(t *testing.T) {
	u, err := ur.NewHDKey("[73c5da0a/84h/1h/0h]"+xpub, ur.Old)
	if err != nil {
		t.Fatal(err)
	}
	c, err := u.Content()
	if err != nil {
		t.Fatal(err)
	}
	if k := c.Keys[0]; !k.Main || k.ByPath().Main || !strings.Contains(k.ByPath().Expression(), "]tpub") {
		t.Errorf("got %s, by path %s", k, k.ByPath())
	}
}

func FuzzDecode(f *testing.F) {
	e, _ := ur.NewEncoder(ur.NewBytes(message(100, 1)), 30)
	l, _ := ur.NewLegacyEncoder(ur.NewBytes(message(100, 1)), 60)
	f.Add(e.Part(0) + "\n" + e.Part(1) + "\n" + e.Part(2) + "\n" + e.Part(7))
	f.Add(l.Part(0) + "\n" + l.Part(1) + "\n" + l.Part(2))
	f.Add("ur:bytes/1-0/aeadaolazmjendeoti")
	f.Fuzz(func(t *testing.T, text string) {
		var d ur.Decoder
		for _, p := range strings.Split(text, "\n") {
			_ = d.Add(p)
			if p := d.Progress(); p < 0 || p > 1 {
				t.Fatalf("progress %v", p)
			}
		}
		u, ok := d.UR()
		if !ok || len(u.CBOR) == 0 {
			return
		}
		again, err := ur.NewEncoder(u, 1<<22)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ur.Decode(again.Part(0)); err != nil || !bytes.Equal(back.CBOR, u.CBOR) {
			t.Fatalf("not read again: %v", err)
		}
	})
}

func FuzzContent(f *testing.F) {
	for _, text := range []string{"wpkh([73c5da0a/84h/0h/0h]" + xpub + "/<0;1>/*)", "sh(wsh(sortedmulti(1," + tpub + ")))"} {
		for _, v := range []ur.Version{ur.Old, ur.New} {
			u, err := ur.NewAccount(btc.Fingerprint{1}, []string{text}, v)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(u.Type, u.CBOR)
		}
	}
	f.Add("crypto-seed", []byte{0xa1, 1, 0x41, 7})
	f.Add("address", []byte{0xa1, 3, 0x41, 7})
	f.Fuzz(func(t *testing.T, typ string, cbor []byte) {
		c, err := ur.UR{Type: typ, CBOR: cbor}.Content()
		if err != nil {
			return
		}
		for _, d := range c.Descriptors() {
			u, err := ur.NewOutput(d, ur.New)
			if err != nil {
				t.Fatalf("%s is not written again: %v", d, err)
			}
			if _, err := u.Content(); err != nil {
				t.Fatalf("%s is not read again: %v", d, err)
			}
		}
	})
}

func BenchmarkDecode100Parts(b *testing.B) {
	e, err := ur.NewEncoder(ur.NewPSBT(message(10_000-3, 1), ur.Old), 100)
	if err != nil || e.Len() != 100 {
		b.Fatal(e.Len(), err)
	}
	for name, from := range map[string]int{"pure": 0, "mixed": 100} {
		var parts []string
		for i := range 200 {
			parts = append(parts, e.Part(from+i))
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var d ur.Decoder
				for _, p := range parts {
					if err := d.Add(p); err != nil {
						b.Fatal(err)
					}
					if _, ok := d.UR(); ok {
						break
					}
				}
				if _, ok := d.UR(); !ok {
					b.Fatal("200 parts did not do")
				}
			}
		})
	}
}
