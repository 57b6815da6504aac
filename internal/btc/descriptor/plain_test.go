package descriptor_test

import (
	"bytes"
	"strings"
	"testing"

	"specter/internal/btc/descriptor"
)

func TestPlainDescriptorsAreOfOneAddress(t *testing.T) {
	const a = "[d34db33f/48h/1h/0h/2h]tpubDFH9dgzveyD8zTbPUFuLrGmCydNvxehyNdUXKJAQN8x4aZ4j6UZqGfnqFrD4NqyaTVGKbvEW54tsvPTK2UoSbCC1PJY8iCNiwTL3RWZEheQ"
	const b = "tpubDC5FSnBiZDMmhiuCmWAYsLwgLYrrT9rAqvTySfuCCrgsWz8wxMXUS9Tb9iVMvcRbvFcAHGkMD5Kx8koh4GquNGNTfohfk7pgjhaPCdXpoba"
	for _, text := range []string{"wpkh(" + a + "/0/*)", "sh(wpkh(" + a + "/0/*))", "pkh(" + a + "/0/*)", "tr(" + a + "/0/*)", "wsh(sortedmulti(2," + a + "/0/*," + b + "/0/*))",
		"tr(" + a + "/0/*,multi_a(1," + a + "/7/*," + b + "/0/*))", "wsh(and_v(v:pk(" + a + "/0/*),older(144)))"} {
		d, err := descriptor.Parse(text, descriptor.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := d.Plain(5)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(p.String(), "tpub") || p.IsRanged() || !strings.Contains(p.String(), "[d34db33f/48h/1h/0h/2h/0/5]") {
			t.Errorf("%s: %s", text, p)
		}
		again, err := descriptor.Parse(p.String(), descriptor.Options{})
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		want, err := d.Derive(5)
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Derive(0)
		if err != nil || !bytes.Equal(got.Script, want.Script) {
			t.Errorf("%s is another script than %s: %v", p, text, err)
		}
	}
	d, err := descriptor.Parse("wpkh("+b+"/<0;1>/*)", descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Plain(1); err == nil {
		t.Error("a descriptor of two branches has no one plain form")
	}
	single, err := d.Branch(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := single.Plain(1 << 31); err == nil {
		t.Error("a hardened index was taken")
	}
}
