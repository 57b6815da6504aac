package descriptor_test

import (
	"strings"
	"testing"

	"specter/internal/btc/descriptor"
)

const (
	xpubA = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
	xpubB = "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y"
	xpubC = "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"wpkh([d34db33f/84'/0h/0H]" + xpubA + "/<0;1>/*)",
		"wsh(sortedmulti(2," + xpubA + "/0/*," + xpubB + "/*))#00000000",
		"sh(wsh(or_d(pk(" + xpubA + "/<0;1>/*),and_v(v:pkh(" + xpubB + "/<2;3>/*),older(65535)))))",
		"tr(musig(" + xpubA + "," + xpubB + ")/<0;1>/*,{pk(" + xpubC + "),{multi_a(1," + xpubB + "/7h/*h),rawtr()}})",
		"tr(" + numsKey + ",{{pk(" + xpubC + "),sortedmulti_a(1," + xpubA + "/*)},pkh(" + xpubB + ")})?bh=800000&gl=30",
		"combo(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)",
		"addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)", "raw(deadbeef)#89f8spxm", "pkh(L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1)",
		xpubA + "/*", "multi(", "tr()", "wsh(())", "pk(musig(dd}uue/00/)k(",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o := descriptor.Options{AllowPrivate: true, AllowSLIP132: true}
		d, err := descriptor.Parse(s, o)
		if err != nil {
			if a, err := descriptor.ParseAny(s, o); err == nil {
				checkStable(t, a, o)
			}
			return
		}
		checkStable(t, d, o)
	})
}

// checkStable holds that what is printed reads as the same, and that nothing that can be asked
// of a descriptor panics.
func checkStable(t *testing.T, d *descriptor.Descriptor, o descriptor.Options) {
	private := d.StringPrivate()
	again, err := descriptor.Parse(private, o)
	if err != nil {
		t.Fatalf("%s does not read again: %v", private, err)
	}
	if again.StringPrivate() != private || again.String() != d.String() {
		t.Fatalf("printed %s, then %s", private, again.StringPrivate())
	}
	public, err := descriptor.Parse(d.String(), descriptor.Options{})
	if err != nil || public.String() != d.String() || public.HasPrivateKeys() {
		t.Fatalf("the public form %s does not read again as it is (%v)", d.String(), err)
	}
	_, _, _, _ = d.Summary(), d.Warnings(), d.Keys(), d.Miniscripts()
	_, _ = d.MaxInputWeight()
	_, _ = d.Plan(descriptor.Assets{})
	_, _ = d.Normalize()
	if template, keys, err := d.Policy(); err == nil {
		p, err := descriptor.FromPolicy(template, keys, descriptor.Options{})
		if err != nil || bare(p.String()) != strings.Split(bare(d.String()), "?")[0] {
			t.Fatalf("policy %s of %s came back as %v (%v)", template, d, p, err)
		}
	}
	for _, b := range d.Expand() {
		if _, err := b.Derive(5); err == nil && !b.IsRanged() {
			checkInferred(t, b)
		}
	}
}

// checkInferred holds that the script of a descriptor is inferred as something that derives it.
func checkInferred(t *testing.T, d *descriptor.Descriptor) {
	o, err := d.Derive(0)
	if err != nil {
		t.Fatal(err)
	}
	known := descriptor.Known{Scripts: [][]byte{o.RedeemScript, o.WitnessScript}}
	for _, k := range o.Keys {
		known.Keys = append(known.Keys, descriptor.KnownKey{PubKey: k.PubKey, Origin: &k.Origin})
	}
	got, err := descriptor.Infer(o.Script, known)
	if err != nil {
		t.Fatal(err)
	}
	same, err := got.Derive(0)
	if err != nil || string(same.Script) != string(o.Script) {
		t.Fatalf("%s was inferred as %s (%v)", d, got, err)
	}
	if d.IsSolvable() && !got.IsSolvable() {
		t.Fatalf("%s was inferred as %s though all was known", d, got)
	}
}

func FuzzFromPolicy(f *testing.F) {
	for _, s := range []string{
		"wpkh(@0/**)", "wsh(sortedmulti(2,@0/**,@1/<2;3>/*))", "tr(musig(@0,@1)/**,and_v(v:pk(@2/**),older(12960)))",
		"sh(multi(1,@0/**,@0/**))", "tr(@0/*)", "pkh(@0/<0;1;2>/*)", "tr(musig(@0/**))", "@0",
	} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, template string, n int) {
		d, err := descriptor.FromPolicy(template, policyKeys[:min(max(n, 0), len(policyKeys))], descriptor.Options{})
		if err == nil {
			checkStable(t, d, descriptor.Options{})
		}
	})
}
