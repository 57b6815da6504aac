package app

import (
	"testing"

	"specter/internal/btc/psbt"
	"specter/internal/signer/hot"
	"specter/internal/wallet"
)

type tampered struct {
	data []byte
	says string // a word of the refusal
}

// mutations are answers to a draft that must not be taken.
func mutations(t *testing.T, d, other wallet.Draft) map[string]tampered {
	t.Helper()
	from := d
	change := func(f func(p *psbt.Packet)) []byte {
		p, err := psbt.Parse(from.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		f(p)
		raw, err := p.Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	signed := func(f func(p *psbt.Packet)) []byte {
		sealed, err := hot.Seal(demoKeys[0].words, "", "")
		if err != nil {
			t.Fatal(err)
		}
		keys, err := hot.Open(sealed, "")
		if err != nil {
			t.Fatal(err)
		}
		return change(func(p *psbt.Packet) {
			if _, err := keys.Sign(p); err != nil {
				t.Fatal(err)
			}
			f(p)
		})
	}
	from = other
	foreign := signed(func(*psbt.Packet) {})
	from = d
	return map[string]tampered{
		"another amount":      {signed(func(p *psbt.Packet) { p.Outputs[0].Amount-- }), "amount"},
		"another output":      {signed(func(p *psbt.Packet) { p.Outputs[0].Script = append([]byte{0x00, 0x14}, make([]byte, 20)...) }), "output"},
		"an output more":      {signed(func(p *psbt.Packet) { p.Outputs = append(p.Outputs, p.Outputs[0]) }), "output"},
		"a broken signature":  {signed(func(p *psbt.Packet) { breakSignature(p) }), "signature"},
		"a foreign signature": {signed(func(p *psbt.Packet) { p.Inputs[0].PartialSigs[0].PubKey = p.XPubs[0].Raw[45:78] }), "key"},
		"another transaction": {foreign, "transaction"},
		"another locktime":    {signed(func(p *psbt.Packet) { p.FallbackLockTime++ }), "locktime"},
		"truncated":           {d.PSBT[:len(d.PSBT)/2], ""},
		"no PSBT":             {[]byte("hello"), ""},
	}
}

func breakSignature(p *psbt.Packet) {
	sig := append([]byte(nil), p.Inputs[0].PartialSigs[0].Signature...)
	sig[len(sig)-3] ^= 1
	p.Inputs[0].PartialSigs[0].Signature = sig
}
