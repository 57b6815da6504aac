package ledgertest

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer/signertest"
)

// sign reads the PSBT, shows what leaves the wallet and yields signatures.
func (a *App) sign(c *client, r *reader) ([]byte, error) {
	global, err := c.entries(r)
	if err != nil {
		return nil, err
	}
	inCount, inRoot, outCount, outRoot := r.size(), r.hash(), r.size(), r.hash()
	id, proof := r.hash(), r.take(32)
	if r.short || r.left() > 0 {
		return nil, badLength
	}
	if inCount > 512 || outCount > 512 {
		return nil, unsupported
	}
	w, _, err := a.admit(c, id, proof)
	if err != nil {
		return nil, err
	}
	raw := appendMap([]byte("psbt\xff"), global)
	for i := range inCount + outCount {
		root, size, at := inRoot, inCount, i
		if i >= inCount {
			root, size, at = outRoot, outCount, i-inCount
		}
		element, err := c.element(root, size, at)
		if err != nil {
			return nil, err
		}
		entry := &reader{b: element}
		m, err := c.entries(entry)
		if err != nil || entry.left() > 0 {
			return nil, badData
		}
		raw = appendMap(raw, m)
	}
	tx, err := psbt.Parse(raw)
	if err != nil || tx.Version != 2 || len(tx.Inputs) != inCount || len(tx.Outputs) != outCount {
		return nil, badData
	}
	for i := range tx.Inputs { // the app takes the fallback locktime as the transaction's
		tx.Inputs[i].RequiredHeight, tx.Inputs[i].RequiredTime = 0, 0
	}
	return nil, a.signFor(c, w, tx)
}

func appendMap(raw []byte, m [][2][]byte) []byte {
	for _, p := range m {
		raw = append(append(raw, varint(len(p[0]))...), p[0]...)
		raw = append(append(raw, varint(len(p[1]))...), p[1]...)
	}
	return append(raw, 0)
}

func (a *App) signFor(c *client, w *wallet, tx *psbt.Packet) error {
	own, err := tx.OwnBy(w.d)
	if err != nil {
		return err
	}
	inner := make([]*psbt.Ownership, len(tx.Inputs))
	count, total := 0, int64(0)
	for i := range tx.Inputs {
		sat, o, err := a.checkInput(c, tx, i, own)
		if err != nil {
			return err
		}
		if total += sat; o != nil {
			inner[i] = o
			count++
		}
	}
	switch {
	case count == 0:
		return badData
	case count < len(inner):
		if err := a.confirm(c, signertest.ShowWarning, "there are inputs of another wallet"); err != nil {
			return err
		}
	}
	if err := a.showOutputs(c, tx, own, total); err != nil {
		return err
	}
	return a.yieldAll(c, w, tx, inner)
}

// checkInput holds an input to the app's rules; the ownership is nil for another wallet's.
func (a *App) checkInput(c *client, tx *psbt.Packet, i int, own psbt.Own) (int64, *psbt.Ownership, error) {
	in := &tx.Inputs[i]
	coin, err := tx.PrevOut(i)
	if err != nil {
		return 0, nil, because(badData, 3)
	}
	o, ok := own(coin.PkScript)
	if !ok {
		return coin.Value, nil, nil
	}
	program := coin.PkScript
	if o.Output.RedeemScript != nil {
		program = o.Output.RedeemScript
	}
	version, _, segwit := btc.WitnessProgram(program)
	switch {
	case !segwit && (in.NonWitnessUTXO == nil || in.WitnessUTXO != nil):
		return 0, nil, because(badData, 6)
	case segwit && in.WitnessUTXO == nil:
		return 0, nil, because(badData, 7)
	case in.WitnessScript != nil && !bytes.Equal(in.WitnessScript, o.Output.WitnessScript):
		return 0, nil, because(badData, 10)
	case in.RedeemScript != nil && !bytes.Equal(in.RedeemScript, o.Output.RedeemScript):
		return 0, nil, because(badData, 11)
	case segwit && version == 0 && in.NonWitnessUTXO == nil:
		if err := a.confirm(c, signertest.ShowWarning, "the amount of an input cannot be verified"); err != nil {
			return 0, nil, err
		}
	}
	if t := in.SighashType; t != nil && *t != txscript.SigHashAll && (version == 0 || *t != txscript.SigHashDefault) {
		if !segwit {
			return 0, nil, unsupported
		}
		if err := a.confirm(c, signertest.ShowWarning, "an input is signed in an unusual way"); err != nil {
			return 0, nil, err
		}
	}
	if err := tx.UpdateInput(i, in.NonWitnessUTXO, in.WitnessUTXO, o.Output); err != nil {
		return 0, nil, badData
	}
	return coin.Value, &o, nil
}

// showOutputs shows what does not go back to the wallet, and the fee.
func (a *App) showOutputs(c *client, tx *psbt.Packet, own psbt.Own, total int64) error {
	change := 0
	for _, out := range tx.Outputs {
		total -= out.Amount
		if o, ok := own(out.Script); ok && o.Branch == 1 {
			change++
			continue
		}
		if len(out.Script) > 83 {
			return unsupported
		}
		if err := a.confirm(c, signertest.ShowOutput, a.amount(out.Script, out.Amount)); err != nil {
			return err
		}
	}
	switch {
	case total < 0:
		return badData
	case change > 10:
		return because(unsupported, 9)
	}
	return a.confirm(c, signertest.ShowFee, strconv.FormatInt(total, 10))
}

// yieldAll signs the wallet's inputs with the device's keys in its policy.
func (a *App) yieldAll(c *client, w *wallet, tx *psbt.Packet, inner []*psbt.Ownership) error {
	if a.Device.Lie.Amount {
		tx.Outputs[0].Amount--
	}
	signed, err := tx.SignWith(psbt.ExtendedKey(a.Device.Master, btc.KeyOrigin{}), psbt.SignOptions{NoGrind: true, SkipUnsound: true})
	if err != nil {
		return err
	}
	for _, s := range signed {
		o := inner[s.Input]
		if o == nil || !mine(w, o, s) {
			continue
		}
		pub := s.PubKey
		if t := o.Output.Taproot; t != nil && s.LeafHash == nil {
			pub = o.Output.Script[2:] // the app names the key that it signed with, which is tweaked
		}
		sig := s.Signature
		if a.Device.Lie.Signature {
			sig = forge(sig)
		}
		augmented := slices.Concat(pub, s.LeafHash)
		if err := c.yield(slices.Concat(varint(s.Input), []byte{byte(len(augmented))}, augmented, sig)); err != nil {
			return err
		}
	}
	return nil
}

// mine reports whether a signature is by a key of the policy that is the device's.
func mine(w *wallet, o *psbt.Ownership, s psbt.Signed) bool {
	for _, k := range o.Output.Keys {
		same := bytes.Equal(k.PubKey, s.PubKey) || len(s.PubKey) == 32 && bytes.Equal(k.PubKey[1:], s.PubKey)
		if same && w.inner[k.Expression] {
			return true
		}
	}
	return false
}

// forge makes a signature of the same form by a key that is not the wallet's.
func forge(sig []byte) []byte {
	secret := sha256.Sum256([]byte("a key of nobody"))
	key, _ := btcec.PrivKeyFromBytes(secret[:])
	digest := sha256.Sum256(sig)
	if len(sig) == 64 || len(sig) == 65 {
		s, err := schnorr.Sign(key, digest[:])
		if err != nil {
			return sig
		}
		return append(s.Serialize(), sig[64:]...)
	}
	return append(ecdsa.Sign(key, digest[:]).Serialize(), sig[len(sig)-1])
}
