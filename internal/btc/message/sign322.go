package message

import (
	"bytes"
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// sign322 signs with BIP322. Simple is for native segwit addresses only.
func (k keyOf) sign322(a btc.Address, message string, f Format) (string, error) {
	tx := toSign(a.Script, message)
	in := tx.TxIn[0]
	var err error
	switch k.use {
	case usePKH, usePKHUncompressed:
		in.SignatureScript, err = txscript.SignatureScript(tx, 0, a.Script, txscript.SigHashAll, k.private, k.use == usePKH)
	case useShWPKH:
		program := scriptOf(useWPKH, k.private.PubKey())
		in.SignatureScript = append([]byte{byte(len(program))}, program...)
		in.Witness, err = k.witness(tx, a.Script, program)
	case useWPKH:
		in.Witness, err = k.witness(tx, a.Script, a.Script)
	case useTR:
		in.Witness, err = k.taproot(tx, a.Script)
	}
	if err != nil {
		return "", errs.E(errs.Internal, "the message could not be signed: %w", err)
	}
	if f == Simple && in.SignatureScript != nil {
		return "", errs.Bad(errs.Unsupported, "BIP322 has no simple signature for an address of type %s; use the full one", a.Type)
	}
	return print322(tx, f)
}

// witness makes the witness of P2WPKH; paid is the address's script, program the segwit one.
func (k keyOf) witness(tx *wire.MsgTx, paid, program []byte) (wire.TxWitness, error) {
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(paid, 0))
	return txscript.WitnessSignature(tx, hashes, 0, 0, program, txscript.SigHashAll, k.private, true)
}

// taproot makes the witness of a BIP86 key-path spend. The nonce is RFC6979's, so that the same
// message always gives the same signature, and no randomness is needed.
func (k keyOf) taproot(tx *wire.MsgTx, script []byte) (wire.TxWitness, error) {
	prevs := txscript.NewCannedPrevOutputFetcher(script, 0)
	hash, err := txscript.CalcTaprootSignatureHash(txscript.NewTxSigHashes(tx, prevs), txscript.SigHashDefault, tx, 0, prevs)
	if err != nil {
		return nil, err
	}
	tweaked := txscript.TweakTaprootPrivKey(*k.private, nil)
	defer tweaked.Zero()
	sig, err := schnorr.Sign(tweaked, hash)
	if err != nil {
		return nil, err
	}
	return wire.TxWitness{sig.Serialize()}, nil
}

// SignMultisig signs a message with BIP322 for the P2WSH address of a bare multisig witnessScript
// ("m <keys> n CHECKMULTISIG"), with at least m of its keys in any order. Simple or Full.
func SignMultisig(keys []*btcec.PrivateKey, witnessScript []byte, message string, f Format) (string, error) {
	threshold, pubs, ok := parseMultisig(witnessScript)
	if !ok {
		return "", errs.Bad(errs.Unsupported, "the witness script is no multisig")
	}
	if f != Simple && f != Full {
		return "", errs.Bad(errs.Unsupported, "a multisig address has BIP322 signatures only")
	}
	program := sha256.Sum256(witnessScript)
	script := btc.WitnessScript(0, program[:])
	tx := toSign(script, message)
	hash, err := txscript.CalcWitnessSigHash(witnessScript, txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(script, 0)), txscript.SigHashAll, tx, 0, 0)
	if err != nil {
		return "", errs.E(errs.Internal, "the message could not be signed: %w", err)
	}
	witness := wire.TxWitness{nil} // what CHECKMULTISIG takes too much
	for _, pub := range pubs {
		for _, key := range keys {
			if len(witness) <= threshold && bytes.Equal(key.PubKey().SerializeCompressed(), pub) {
				witness = append(witness, append(ecdsa.Sign(key, hash).Serialize(), byte(txscript.SigHashAll)))
				break
			}
		}
	}
	if len(witness) != threshold+1 {
		return "", errs.Bad(errs.Incomplete, "the address wants %d signatures, but only %d of its keys are here", threshold, len(witness)-1)
	}
	tx.TxIn[0].Witness = append(witness, witnessScript)
	if err := run(script, tx, requiredFlags|upgradeableFlags); err != nil {
		return "", errs.E(errs.Internal, "the signature that was made does not verify: %w", err)
	}
	return print322(tx, f)
}

// parseMultisig reads "m <33-byte keys> n CHECKMULTISIG".
func parseMultisig(script []byte) (threshold int, pubs [][]byte, ok bool) {
	t := txscript.MakeScriptTokenizer(0, script)
	small := func() int {
		if !t.Next() || !txscript.IsSmallInt(t.Opcode()) {
			return 0
		}
		return txscript.AsSmallInt(t.Opcode())
	}
	if threshold = small(); threshold == 0 {
		return 0, nil, false
	}
	for t.Next() && len(t.Data()) == 33 {
		pubs = append(pubs, t.Data())
	}
	if t.Err() != nil || !txscript.IsSmallInt(t.Opcode()) || txscript.AsSmallInt(t.Opcode()) != len(pubs) {
		return 0, nil, false
	}
	ok = t.Next() && t.Opcode() == txscript.OP_CHECKMULTISIG && !t.Next() && t.Err() == nil
	return threshold, pubs, ok && threshold <= len(pubs)
}
