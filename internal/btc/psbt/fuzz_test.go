package psbt_test

import (
	"bytes"
	"testing"

	"specter/internal/btc/psbt"
)

// seeds are small PSBTs that BIP174 and BIP370 print.
var seeds = []string{
	"cHNidP8BAAoAAAAAAAAAAAAAAA==",
	"cHNidP8BAEwCAAAAAALT3/UFAAAAABl2qRTQxZkDxbrChodg6Q/VIaRmWqdlIIisAOH1BQAAAAAXqRQ1RebjO4MsRwUPJNPuuTycA5SLx4ezLhMAAAAA",
	"cHNidP8BAD8CAAAAAf//////////////////////////////////////////AAAAAAD/////AQAAAAAAAAAAA2oBAAAAAAAACvABAgMEBQYHCAkPAQIDBAUGBwgJCgsMDQ4PAAA=",
}

func fuzzSeeds(f *testing.F) {
	add := func(text string) {
		raw, err := psbt.Bytes(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, s := range seeds {
		add(s)
	}
	for _, form := range forms {
		p := signedBy(f, newDraft(f, form.desc).Packet, form.signers...)
		for _, v := range []uint32{0, 2} {
			c, err := p.Convert(v)
			must(f, err)
			text, err := c.Base64()
			must(f, err)
			add(text)
		}
	}
}

// FuzzParse: nothing panics, and what is read is written byte for byte as it was.
func FuzzParse(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := psbt.Parse(raw)
		if err != nil {
			return
		}
		out, err := p.Serialize()
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		if !bytes.Equal(out, raw) {
			t.Fatalf("written as %x, read from %x", out, raw)
		}
		if _, err := psbt.Parse(out); err != nil {
			t.Fatalf("not read again: %v", err)
		}
	})
}

// FuzzRoles: no role panics on what can be read.
func FuzzRoles(f *testing.F) {
	fuzzSeeds(f)
	base := newDraft(f, "wsh(multi(2,@0,@1,@2))", "tr(@0,pk(@1))", "pkh(@0)")
	key := newCosigner(f, 1).source()
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := psbt.Parse(raw)
		if err != nil {
			return
		}
		_ = p.Analyse()
		_ = p.VerifySignatures()
		_, _, _ = base.Merge(p)
		_, _, _ = p.Merge(p)
		if both, err := psbt.Combine(p, p); err == nil {
			if again, err := both.Serialize(); err != nil {
				t.Fatal(err)
			} else if _, err := psbt.Parse(again); err != nil {
				t.Fatalf("combined with itself it cannot be read: %v", err)
			}
		}
		if v2, err := p.Convert(2); err == nil && p.Version == 0 {
			if back, err := v2.Convert(0); err == nil {
				a, _ := back.TxID()
				if b, _ := p.TxID(); a != b {
					t.Fatal("another transaction after conversion and back")
				}
			}
		}
		_, _ = p.Sign(key)
		_ = p.Finalize()
		_, _ = p.Extract()
	})
}

// FuzzTx: a raw transaction that is read is written byte for byte.
func FuzzTx(f *testing.F) {
	d := newDraft(f, "wpkh(@0)")
	f.Add(psbt.SerializeTx(d.prev[0]))
	p := signedBy(f, d.Packet, 0)
	must(f, p.Finalize())
	tx, err := p.Extract()
	must(f, err)
	f.Add(psbt.SerializeTx(tx))
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, err := psbt.ParseTx(raw)
		if err == nil && !bytes.Equal(psbt.SerializeTx(tx), raw) {
			t.Fatal("written otherwise than read")
		}
	})
}
