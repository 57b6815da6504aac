package codec1

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/protolite"
)

// ownKey is a key of the device's that an input can be signed with.
type ownKey struct {
	path btc.Path
	pub  []byte // as the PSBT has it: 33 bytes, 32 in taproot
}

// input is an input as the device is told it.
type input struct {
	coin     *wire.TxOut
	kind     uint64 // InputScriptType
	many     *multisig
	unsigned []ownKey
	signed   []ownKey
	foreign  bool
}

// ours reports whether the device has a key of the input.
func (in *input) ours() bool { return len(in.unsigned)+len(in.signed) > 0 }

// key tells with which key the input is signed in a pass, and whether the signature is wanted.
// A device signs every input of its own in every pass, so a spare one is made where none is due.
func (in *input) key(pass int) (k ownKey, wanted bool) {
	switch {
	case pass < len(in.unsigned):
		return in.unsigned[pass], true
	case len(in.signed) > 0:
		return in.signed[0], false
	}
	return in.unsigned[0], false
}

// readInput makes out what an input is.
func (s *signing) readInput(i int) (input, error) {
	in := &s.tx.Inputs[i]
	coin, err := s.tx.PrevOut(i)
	if err != nil {
		return input{}, signer.E(signer.CodeBadTransaction, "input %d: %w", i, err)
	}
	out := input{coin: coin}
	script, kind, err := innerScript(coin.PkScript, in.RedeemScript, in.WitnessScript)
	out.kind = kind
	switch {
	case err != nil && s.mine(in):
		return input{}, signer.E(signer.CodeBadTransaction, "input %d: %w", i, err)
	case err != nil || in.Finalized():
		out.foreign = true
	case kind == SpendTaproot:
		err = s.taprootKey(in, &out)
	default:
		err = s.ecdsaKeys(in, script, &out)
	}
	if err != nil && !out.foreign {
		return input{}, signer.E(signer.CodeOf(err), "input %d: %w", i, err)
	}
	if out.foreign = out.foreign || !out.ours(); out.foreign {
		return out, s.checkForeign(i, in, out)
	}
	return out, checkSighash(i, in, kind)
}

// mine reports whether a key of the input says that it is the device's.
func (s *signing) mine(in *psbt.Input) bool {
	return slices.ContainsFunc(in.Derivations, func(d psbt.Derivation) bool { return d.Origin.Fingerprint == s.fp })
}

// innerScript follows the hashes of a coin's script to the script that keys stand in, and tells
// the device's word for it. What it cannot follow is an error.
func innerScript(spk, redeem, witness []byte) ([]byte, uint64, error) {
	script, kind := spk, uint64(SpendAddress)
	nested := txscript.IsPayToScriptHash(spk)
	if nested {
		if !bytes.Equal(btc.PayToScriptHash(btc.Hash160(redeem)), spk) {
			return nil, 0, signer.E(signer.CodeBadTransaction, "its redeem script is missing or not the one that the coin commits to")
		}
		script, kind = redeem, SpendMultisig
	}
	version, program, segwit := btc.WitnessProgram(script)
	switch {
	case !segwit:
		return script, kind, nil
	case version == 1 && len(program) == 32 && !nested:
		return script, SpendTaproot, nil
	case version != 0:
		return nil, 0, signer.E(signer.CodeUnavailable, "its segwit version is not one that the device knows")
	}
	kind = SpendWitness
	if nested {
		kind = SpendP2SHWitness
	}
	if len(program) == 20 {
		return script, kind, nil
	}
	if !bytes.Equal(witnessHash(witness), script) {
		return nil, 0, signer.E(signer.CodeBadTransaction, "its witness script is missing or not the one that the coin commits to")
	}
	return witness, kind, nil
}

// ecdsaKeys finds the device's keys in the script of an input.
func (s *signing) ecdsaKeys(in *psbt.Input, script []byte, out *input) error {
	inScript := func(pub []byte) bool { return bytes.Equal(keyScript(pub, out.kind), script) }
	if need, keys, ok := parseMultisig(script); ok {
		if out.kind == SpendAddress {
			if !s.mine(in) {
				return nil
			}
			return s.d.cannot("multisig without a script hash")
		}
		out.many = &multisig{need: need, keys: s.ring.cosigners(keys, in.Derivations)}
		inScript = func(pub []byte) bool {
			return slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, pub) })
		}
	} else if _, program, segwit := btc.WitnessProgram(script); out.kind == SpendMultisig || out.kind != SpendAddress && !(segwit && len(program) == 20) {
		if !s.mine(in) {
			return nil
		}
		return s.d.cannot("miniscript")
	}
	for _, d := range in.Derivations {
		if d.Origin.Fingerprint != s.fp || !inScript(d.PubKey) {
			continue
		}
		key := ownKey{d.Origin.Path, d.PubKey}
		if slices.ContainsFunc(in.PartialSigs, func(p psbt.PartialSig) bool { return bytes.Equal(p.PubKey, d.PubKey) }) {
			out.signed = append(out.signed, key)
		} else {
			out.unsigned = append(out.unsigned, key)
		}
	}
	return nil
}

// keyScript is the script of a single key: what the script of an input of the kind is, once its
// P2SH is opened.
func keyScript(pub []byte, kind uint64) []byte {
	if kind == SpendAddress {
		return btc.PayToPubKeyHash(btc.Hash160(pub))
	}
	return btc.WitnessScript(0, btc.Hash160(pub))
}

// taprootKey finds the device's key of a taproot input that is spent by its key.
func (s *signing) taprootKey(in *psbt.Input, out *input) error {
	for _, d := range in.TapDerivations {
		if d.Origin.Fingerprint != s.fp {
			continue
		}
		if !bytes.Equal(d.XOnly[:], in.TapInternalKey) || len(in.TapMerkleRoot) > 0 || !isTaprootOf(d.XOnly[:], out.coin.PkScript) {
			return s.d.cannot("taproot with scripts")
		}
		if err := s.d.canTaproot(); err != nil {
			return err
		}
		key := ownKey{d.Origin.Path, d.XOnly[:]}
		if len(in.TapKeySig) > 0 {
			out.signed = append(out.signed, key)
		} else {
			out.unsigned = append(out.unsigned, key)
		}
	}
	return nil
}

// checkSighash refuses signatures of another kind than the devices make.
func checkSighash(i int, in *psbt.Input, kind uint64) error {
	if in.SighashType == nil {
		return nil
	}
	t := *in.SighashType
	if t == txscript.SigHashDefault && kind == SpendTaproot || t == txscript.SigHashAll && kind != SpendTaproot {
		return nil
	}
	name, _ := psbt.SighashName(t)
	return signer.E(signer.CodeBadTransaction, "input %d asks for a signature of the kind %s; this device only signs the whole transaction", i, name)
}

// checkForeign refuses an input of somebody else's where the firmware would.
func (s *signing) checkForeign(i int, in *psbt.Input, out input) error {
	name := s.d.dialect.Name
	switch how := s.foreign(); {
	case how == ForeignAsOwn:
		return nil
	case how == ForeignSigned && (in.Finalized() || s.d.features.Safety != 0):
		return nil
	case how == ForeignSigned:
		return signer.E(signer.CodeBadTransaction, "input %d is not this %s's. It signs beside inputs of others only once these are signed and final: let the others sign first", i, name)
	}
	return signer.E(signer.CodeBadTransaction, "input %d is not this %s's, and its firmware refuses transactions with inputs of others", i, name)
}

func (s *signing) foreign() Foreign { return s.d.dialect.Foreign(s.d.features) }

// encodeInput writes TxInputType for a pass.
func (s *signing) encodeInput(i, pass int) protolite.Builder {
	in, from := &s.ins[i], &s.tx.Inputs[i]
	var out protolite.Builder
	kind, many := in.kind, in.many
	switch {
	case !in.foreign:
		key, _ := in.key(pass)
		out = out.Uint32s(1, key.path)
	case s.foreign() == ForeignAsOwn:
		out = out.Uint32s(1, btc.Path{btc.Hardened | 84, btc.Hardened | s.d.opt.Network.CoinType(), btc.Hardened, 0, 0})
		kind, many = SpendWitness, nil
	default:
		kind, many = External, nil
	}
	out = outpoint(out, from.PrevOut).Uint(5, uint64(from.Sequence)).Uint(6, kind)
	if kind == External && len(from.FinalScriptSig) > 0 {
		out = out.Bytes(4, from.FinalScriptSig)
	}
	if many != nil {
		out = out.Message(7, many.encode())
	}
	out = out.Uint(8, uint64(in.coin.Value))
	if kind == External {
		if len(from.FinalScriptWitness) > 0 {
			out = out.Bytes(13, witnessBytes(from.FinalScriptWitness))
		}
		out = out.Bytes(19, in.coin.PkScript)
	}
	return out
}

// outpoint writes what is spent, the txid in the order in which people read it.
func outpoint(b protolite.Builder, o wire.OutPoint) protolite.Builder {
	txid := slices.Clone(o.Hash[:])
	slices.Reverse(txid)
	return b.Bytes(2, txid).Uint(3, uint64(o.Index))
}
