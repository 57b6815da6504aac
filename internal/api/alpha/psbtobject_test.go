package alpha

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/wallet"
)

// same compares JSON values; numbers by what they are worth, however they are written.
func same(path string, want, got any) error {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: %v, want an object", path, got)
		}
		for k := range g {
			if _, has := w[k]; !has {
				return fmt.Errorf("%s.%s is too much: %v", path, k, g[k])
			}
		}
		for k, v := range w {
			if err := same(path+"."+k, v, g[k]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Errorf("%s: %v, want %v", path, got, want)
		}
		for i := range w {
			if err := same(fmt.Sprintf("%s[%d]", path, i), w[i], g[i]); err != nil {
				return err
			}
		}
		return nil
	case json.Number:
		g, ok := got.(json.Number)
		a, okA := new(big.Rat).SetString(w.String())
		b, okB := new(big.Rat).SetString(g.String())
		if !ok || !okA || !okB || a.Cmp(b) != 0 {
			return fmt.Errorf("%s: %v, want %v", path, got, want)
		}
		return nil
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("%s: %v, want %v", path, got, want)
	}
	return nil
}

const exampleWallet = "wpkh([73c5da0a/84h/1h/0h]tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M/<0;1>/*)"

// subjectOf reads a PSBT for a wallet that is known by its descriptor alone.
func subjectOf(t *testing.T, text, wallet string) *subject {
	t.Helper()
	p, err := psbt.Decode(text)
	must(t, err)
	d, err := descriptor.Parse(wallet, descriptor.Options{})
	must(t, err)
	own, err := p.OwnBy(d)
	must(t, err)
	return &subject{p: p, network: btc.Regtest, threshold: 1, own: func(script []byte) place {
		o, mine := own(script)
		return place{mine, mine && o.Branch == 1}
	}}
}

func TestThePSBTObjectIsTheOldSpecters(t *testing.T) {
	golden, err := os.ReadFile("testdata/psbt_object.json")
	must(t, err)
	want := decode(t, golden).(map[string]any)
	s := subjectOf(t, want["base64"].(string), exampleWallet)
	s.created = time.UnixMilli(1700000000500)
	o, err := s.object()
	must(t, err)
	text, err := json.Marshal(o)
	must(t, err)
	if err := same("psbt", want, decode(t, text)); err != nil {
		t.Error(err)
	}
}

// The estimate of the size follows the old rule for each kind of script.
func TestSizesFollowTheOldRule(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	for _, k := range []struct {
		typ   string
		who   []string
		extra func(in *psbt.Input) int
	}{
		{"wpkh", cosigners[:1], func(*psbt.Input) int { return 109 }},
		{"tr", cosigners[:1], func(*psbt.Input) int { return 109 }},
		{"sh-wpkh", cosigners[:1], func(*psbt.Input) int { return 109 + 4*22 }},
		{"wsh", cosigners, func(in *psbt.Input) int { return len(in.WitnessScript) + 2 + 3*34 + 2*75 }},
		{"sh-wsh", cosigners, func(in *psbt.Input) int { return len(in.WitnessScript) + 2 + 3*34 + 2*75 + 4*34 }},
	} {
		t.Run(k.typ, func(t *testing.T) {
			ref := h.create("admin", "Kind "+k.typ, k.typ, k.who...).Ref()
			h.fund(ref, 1_000_000, 2_000_000)
			d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(5), Recipients: []wallet.Recipient{{Address: stranger(1), Amount: 2_500_000}}})
			must(t, err)
			o, err := h.api.describe(ctx, ref, d)
			must(t, err)
			p, err := psbt.Parse(d.PSBT)
			must(t, err)
			tx, err := p.UnsignedTx()
			must(t, err)
			weight := 4*tx.SerializeSize() + 4 + 2*k.extra(&p.Inputs[0])
			if want := (weight + 3) / 4; o.FullSize != want || len(o.Inputs) != 2 {
				t.Errorf("size %d of %d inputs, want %d of 2", o.FullSize, len(o.Inputs), want)
			}
			for _, in := range o.Inputs {
				if !in.Mine || in.Change || in.Witness == nil || in.NoWitness != nil {
					t.Errorf("input %+v", in)
				}
				if (k.typ == "tr") != (in.TapKey != "" && len(in.TapKeys) == 1 && in.TapKeys[0].Leaves != nil && len(in.Keys) == 0) {
					t.Errorf("keys of a %s input: %+v", k.typ, in)
				}
			}
			if o.Sigs != 0 || len(o.Signed) != 0 || o.Raw != "" {
				t.Errorf("an unsigned PSBT: %d signatures, %v, raw %q", o.Sigs, o.Signed, o.Raw)
			}
		})
	}
}

func TestLegacyInputsShowTheWholeTransaction(t *testing.T) {
	h := newHouse(t)
	ref := h.create("admin", "Old", "pkh", "alice").Ref()
	h.fund(ref, 1_000_000)
	d, err := h.wallets.NewDraft(context.Background(), ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(5), Recipients: []wallet.Recipient{{Address: stranger(1), Amount: 500_000}}})
	must(t, err)
	o, err := h.api.describe(context.Background(), ref, d)
	must(t, err)
	in := o.Inputs[0]
	if in.Witness != nil || in.NoWitness == nil || in.NoWitness.TxID != in.TxID || *in.Sats != 1_000_000 || !in.Mine {
		t.Errorf("input %+v", in)
	}
}

// Signatures are counted and their devices named, one by one, and the end is told.
func TestSignaturesAreCounted(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("admin", "Vault", "wsh", cosigners...).Ref()
	h.fund(ref, 1_000_000)
	d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(5), Recipients: []wallet.Recipient{{Address: stranger(1), Amount: 500_000}}})
	must(t, err)
	for n, id := range []int64{1, 3} {
		d, err = h.wallets.SignHot(ctx, ref, d.ID, id, "")
		must(t, err)
		o, err := h.api.describe(ctx, ref, d)
		must(t, err)
		if o.Sigs != n+1 || len(o.Signed) != n+1 || !slices.Contains(o.Signed, cosigners[id-1]) {
			t.Errorf("after %d signatures: %d, devices %v", n+1, o.Sigs, o.Signed)
		}
		if done := n == 1; done != (o.Raw != "") {
			t.Errorf("after %d signatures raw is %q", n+1, o.Raw)
		}
	}
	if raw, err := hex.DecodeString(strings.TrimSpace(hex.EncodeToString(d.Final))); err != nil || len(raw) == 0 {
		t.Errorf("final %x, %v", raw, err)
	}
}

// A data output is shown by its script; what pays the wallet itself is an address, not sats.
func TestOutputsThatAreNoPayment(t *testing.T) {
	want, err := os.ReadFile("testdata/psbt_object.json")
	must(t, err)
	s := subjectOf(t, decode(t, want).(map[string]any)["base64"].(string), exampleWallet)
	s.p.Outputs[0].Script = []byte{0x6a, 0x02, 'h', 'i'}
	s.p.Outputs[1].Derivations = nil
	own := s.own
	s.own = func(script []byte) place { return place{mine: own(script).mine} } // none is change
	o, err := s.object()
	must(t, err)
	if len(o.Address) != 2 || o.Address[0] != "OP_RETURN 6a026869" || len(o.Amount) != 2 || len(o.Sats) != 1 || o.Sats[0] != 10_000_000 {
		t.Errorf("addresses %v, amounts %s, sats %v", o.Address, o.Amount, o.Sats)
	}
}
