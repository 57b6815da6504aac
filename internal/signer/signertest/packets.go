package signertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
)

// AskSpend shows what a transaction pays to others and its fee, as devices do that are given a
// whole PSBT. known are the wallets that the device keeps; what pays back to them, or to a single
// key of its own, is not shown.
func (d Device) AskSpend(ctx context.Context, tx *psbt.Packet, known []*descriptor.Descriptor) bool {
	ours := Owners(tx, known)
	for i, out := range tx.Outputs {
		if ours(out.Script) || d.owns(tx, i) {
			continue
		}
		to, ok := btc.AddressOf(out.Script, d.Network)
		if !ok {
			to = fmt.Sprintf("%x", out.Script)
		}
		if !d.Person.Ask(ctx, ShowOutput, fmt.Sprintf("%s %d", to, out.Amount)).Approve {
			return false
		}
	}
	fee, err := tx.Fee()
	if err != nil {
		return d.Person.Ask(ctx, ShowWarning, "the fee is not known").Approve
	}
	return d.Person.Ask(ctx, ShowFee, fmt.Sprint(int64(fee))).Approve
}

// Owners tells which scripts belong to one of some wallets, by the derivations in a packet.
func Owners(tx *psbt.Packet, known []*descriptor.Descriptor) func(script []byte) bool {
	var list []psbt.Own
	for _, w := range known {
		if own, err := tx.OwnBy(w); err == nil {
			list = append(list, own)
		}
	}
	return func(script []byte) bool {
		return slices.ContainsFunc(list, func(own psbt.Own) bool { _, ours := own(script); return ours })
	}
}

// owns tells whether an output pays to a single key of the device.
func (d Device) owns(tx *psbt.Packet, i int) bool {
	out := &tx.Outputs[i]
	var origins []btc.KeyOrigin
	for _, k := range out.Derivations {
		origins = append(origins, k.Origin)
	}
	for _, k := range out.TapDerivations {
		origins = append(origins, k.Origin)
	}
	for _, o := range origins {
		if key, err := d.Master.Derive(o.Path); err == nil && o.Fingerprint == d.Master.Fingerprint() {
			for _, script := range SingleScripts(key) {
				if bytes.Equal(script, out.Script) {
					return true
				}
			}
		}
	}
	return false
}

// SingleScripts are the output scripts that one key alone can spend: pkh, wpkh, sh-wpkh and tr.
func SingleScripts(key btc.XKey) map[string][]byte {
	hash := btc.Hash160(key.PublicKey[:])
	wpkh := btc.WitnessScript(0, hash)
	out := map[string][]byte{"pkh": btc.PayToPubKeyHash(hash), "wpkh": wpkh, "sh-wpkh": btc.PayToScriptHash(btc.Hash160(wpkh))}
	if pub, err := btcec.ParsePubKey(key.PublicKey[:]); err == nil {
		out["tr"] = btc.WitnessScript(1, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(pub)))
	}
	return out
}

// SignSpend signs a copy of a transaction with keys of the device, or lies as it is told to.
func (d Device) SignSpend(tx *psbt.Packet, keys psbt.KeySource) (*psbt.Packet, error) {
	out := tx.Clone()
	if d.Lie.Amount {
		out.Outputs[0].Amount -= 1000
	}
	if _, err := out.SignWith(keys, psbt.SignOptions{SkipUnsound: true}); err != nil {
		return nil, err
	}
	if d.Lie.Signature {
		forge(tx, out)
	}
	return out, nil
}

// forge puts signatures by a stranger's key in the place of those that came new.
func forge(before, after *psbt.Packet) {
	hash := sha256.Sum256([]byte("a stranger"))
	stranger, _ := btcec.PrivKeyFromBytes(hash[:])
	for i := range after.Inputs {
		in, old := &after.Inputs[i], len(before.Inputs[i].PartialSigs)
		for j := range in.PartialSigs {
			if len(in.PartialSigs) > old {
				in.PartialSigs[j].Signature = append(ecdsa.Sign(stranger, hash[:]).Serialize(), byte(txscript.SigHashAll))
			}
		}
		sig, err := schnorr.Sign(stranger, hash[:])
		if err != nil {
			continue
		}
		if in.TapKeySig != nil && before.Inputs[i].TapKeySig == nil {
			in.TapKeySig = sig.Serialize()
		}
		if len(in.TapScriptSigs) > len(before.Inputs[i].TapScriptSigs) {
			for j := range in.TapScriptSigs {
				in.TapScriptSigs[j].Signature = sig.Serialize()
			}
		}
	}
}

// Elsewhere is an honest-looking key of a device that lies about its keys.
func Elsewhere(key btc.XKey) btc.XKey {
	other, err := btc.NewPrivateXKey(bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, 32), key.Main)
	if err != nil {
		return key
	}
	other = other.Public()
	other.Depth, other.ChildIndex, other.Parent = key.Depth, key.ChildIndex, key.Parent
	return other
}
