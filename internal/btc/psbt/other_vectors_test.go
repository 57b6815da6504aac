package psbt_test

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/vectors"
)

// TestCaravanSigners signs with the seeds of Caravan's cosigners: without grinding the
// signatures are the same byte for byte, and with it they are others that verify.
func TestCaravanSigners(t *testing.T) {
	signed := 0
	for _, c := range vectors.Cases(t, "psbt/caravan.json") {
		var v struct {
			PSBT, Mnemonic string
			Paths          []string
			PublicKeys     []string `json:"public_keys"`
			Signatures     []string
			UnsignedTx     string `json:"unsigned_tx_hex"`
		}
		c.Decode(&v)
		if v.Mnemonic == "" {
			continue
		}
		signed++
		t.Run(c.ID, func(t *testing.T) {
			seed, err := pbkdf2.Key(sha512.New, v.Mnemonic, []byte("mnemonic"), 2048, 64)
			must(t, err)
			master, err := btc.NewMaster(seed, false)
			must(t, err)
			p, err := psbt.Decode(v.PSBT)
			must(t, err)
			tx, err := p.UnsignedTx()
			must(t, err)
			if got := hex.EncodeToString(psbt.SerializeTx(tx)); got != v.UnsignedTx {
				t.Errorf("unsigned transaction %s", got)
			}
			ground := p.Clone()
			added, err := p.SignWith(caravanKey(t, master, p, v.PublicKeys[0], v.Paths[0]), psbt.SignOptions{NoGrind: true})
			must(t, err)
			if len(added) != len(v.Signatures) {
				t.Fatalf("%d signatures, want %d", len(added), len(v.Signatures))
			}
			for i, s := range added {
				if hex.EncodeToString(s.Signature) != v.Signatures[i] || hex.EncodeToString(s.PubKey) != v.PublicKeys[i] {
					t.Errorf("input %d: %x by %x", s.Input, s.Signature, s.PubKey)
				}
			}
			must(t, p.VerifySignatures())
			_, err = ground.Sign(caravanKey(t, master, p, v.PublicKeys[0], v.Paths[0]))
			must(t, err)
			must(t, ground.VerifySignatures())
		})
	}
	if signed == 0 {
		t.Fatal("no case signs")
	}
}

// caravanKey makes a source that knows the seed under the fingerprint that the PSBT tells.
func caravanKey(t *testing.T, master btc.XKey, p *psbt.Packet, pub, path string) psbt.KeySource {
	t.Helper()
	want, err := btc.ParsePath(path)
	must(t, err)
	for _, d := range p.Inputs[0].Derivations {
		if hex.EncodeToString(d.PubKey) == pub && d.Origin.Path.String() == want.String() {
			return psbt.ExtendedKey(master, btc.KeyOrigin{Fingerprint: d.Origin.Fingerprint})
		}
	}
	t.Fatal("the PSBT does not name the key")
	return nil
}

func TestSpecterInspectVectors(t *testing.T) {
	vectors.Each(t, "psbt/specter_inspect.json", nil, func(c vectors.Case) error {
		var v struct {
			Descriptor, PSBT string
			Expect           struct{ Inputs, Outputs []inspected }
		}
		c.Decode(&v)
		// The old program writes <0;1> of BIP389 as {0,1}.
		d, err := descriptor.Parse(strings.ReplaceAll(v.Descriptor, "{0,1}", "<0;1>"), descriptor.Options{AllowPrivate: true})
		if err != nil {
			return err
		}
		p, err := psbt.Decode(v.PSBT)
		if err != nil {
			return err
		}
		own, err := p.OwnBy(d)
		if err != nil {
			return err
		}
		a := p.AnalyseFor(own)
		for i, want := range v.Expect.Inputs {
			in := p.Inputs[i]
			if err := want.compare(a.Inputs[i].Owned != nil, false, in.TapInternalKey, in.TapDerivations); err != nil {
				return fmt.Errorf("input %d: %w", i, err)
			}
		}
		for i, want := range v.Expect.Outputs {
			o := p.Outputs[i]
			if err := want.compare(a.Outputs[i].Owned != nil, a.Outputs[i].Change, o.TapInternalKey, o.TapDerivations); err != nil {
				return fmt.Errorf("output %d: %w", i, err)
			}
			if a.Outputs[i].Claimed != a.Outputs[i].Derived {
				return fmt.Errorf("output %d: what it claims is not what the wallet derives", i)
			}
		}
		return nil
	})
}

// inspected is what the old program tells of an input or output.
type inspected struct {
	Mine     bool   `json:"is_mine"`
	IsChange bool   `json:"change"`
	Internal string `json:"taproot_internal_key"`
	Derivs   []struct {
		PubKey      string
		Fingerprint string `json:"master_fingerprint"`
		Path        string
		Leaves      []string `json:"leaf_hashes"`
	} `json:"taproot_bip32_derivs"`
}

func (w inspected) compare(mine, change bool, internal []byte, derivs []psbt.TapDerivation) error {
	if w.Mine != mine || w.IsChange != change || w.Internal != hex.EncodeToString(internal) || len(w.Derivs) != len(derivs) {
		return fmt.Errorf("mine %v, change %v, key %x, %d derivations", mine, change, internal, len(derivs))
	}
	for i, d := range derivs {
		want := w.Derivs[i]
		if want.PubKey != hex.EncodeToString(d.XOnly[:]) || want.Fingerprint != d.Origin.Fingerprint.String() ||
			want.Path != d.Origin.Path.Full() || len(want.Leaves) != len(d.LeafHashes) {
			return fmt.Errorf("derivation %v", d)
		}
	}
	return nil
}

func TestTransactionSizeVectors(t *testing.T) {
	vectors.Each(t, "core_tx/specter_decode.json", nil, func(c vectors.Case) error {
		var v struct {
			Tx                  string
			Size, VSize, Weight int
		}
		c.Decode(&v)
		tx, err := psbt.DecodeTx(v.Tx)
		if err != nil {
			return err
		}
		i := psbt.InspectTx(tx)
		if i.Size != v.Size || int(i.VSize) != v.VSize || int(i.Weight) != v.Weight {
			return fmt.Errorf("size %d, vsize %d, weight %d", i.Size, i.VSize, i.Weight)
		}
		if hex.EncodeToString(psbt.SerializeTx(tx)) != v.Tx {
			return fmt.Errorf("written again it differs")
		}
		return nil
	})
}

// TestSighashVectors reads Core's transactions with our reader, writes them again, and holds
// the library's legacy hash, on which our signatures stand, to Core's.
func TestSighashVectors(t *testing.T) {
	var rows [][]any
	must(t, json.Unmarshal(vectors.Read(t, "core_tx/sighash.json"), &rows))
	for n, row := range rows[1:] {
		raw, script := row[0].(string), row[1].(string)
		tx, err := psbt.DecodeTx(raw)
		if err != nil {
			t.Fatalf("row %d: %v", n, err)
		}
		if got := hex.EncodeToString(psbt.SerializeTx(tx)); got != raw {
			t.Errorf("row %d: written again it differs", n)
		}
		code, err := hex.DecodeString(script)
		must(t, err)
		hash, err := txscript.CalcSignatureHash(code, txscript.SigHashType(uint32(int32(row[3].(float64)))), tx, int(row[2].(float64)))
		must(t, err)
		want, err := hex.DecodeString(row[4].(string))
		must(t, err)
		for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
			want[i], want[j] = want[j], want[i]
		}
		if !bytes.Equal(hash, want) {
			t.Errorf("row %d: hash %x, want %x", n, hash, want)
		}
	}
}
