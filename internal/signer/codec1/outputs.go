package codec1

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/protolite"
)

// encodeOutput writes TxOutputType: our own output by its path, so that the device sees that it
// is change, any other by its address.
func (s *signing) encodeOutput(ctx context.Context, i int) (protolite.Builder, error) {
	out := &s.tx.Outputs[i]
	own, err := s.ownOutput(ctx, out)
	if err != nil || own != nil {
		return own, err
	}
	if data, ok := opReturn(out.Script); ok {
		if out.Amount != 0 {
			return nil, signer.E(signer.CodeBadTransaction, "output %d is OP_RETURN with an amount; this device signs such outputs only with amount 0", i)
		}
		return protolite.Builder{}.Uint(3, 0).Uint(4, PayToOpReturn).Bytes(6, data), nil
	}
	address, ok := btc.AddressOf(out.Script, s.d.spoken())
	if !ok {
		return nil, signer.E(signer.CodeBadTransaction, "output %d pays to a script that has no address; this device cannot show it", i)
	}
	return protolite.Builder{}.Text(1, address).Uint(3, uint64(out.Amount)).Uint(4, PayToAddress), nil
}

// opReturn takes the data out of an OP_RETURN script that is just as the device would build it.
func opReturn(script []byte) ([]byte, bool) {
	const opReturn = 0x6a
	if len(script) < 2 || script[0] != opReturn {
		return nil, false
	}
	push := txscript.MakeScriptTokenizer(0, script[1:])
	if !push.Next() || !push.Done() || push.Data() == nil {
		return nil, false
	}
	data := push.Data()
	same := append([]byte{opReturn}, pushOf(data)...)
	return data, bytes.Equal(same, script)
}

// pushOf is the push of some data by its length alone, as the devices do it.
func pushOf(data []byte) []byte {
	switch n := len(data); {
	case n <= 75:
		return append([]byte{byte(n)}, data...)
	case n <= 255:
		return append([]byte{0x4c, byte(n)}, data...)
	default:
		return append([]byte{0x4d, byte(n), byte(n >> 8)}, data...)
	}
}

// ownOutput writes an output of the device's own; nil where it is none.
func (s *signing) ownOutput(ctx context.Context, out *psbt.Output) (protolite.Builder, error) {
	script, kind, err := innerScript(out.Script, out.RedeemScript, out.WitnessScript)
	if err != nil {
		return nil, nil // not described well enough: it is shown as an address
	}
	if kind == SpendTaproot {
		return s.ownTaproot(ctx, out)
	}
	need, keys, isMany := parseMultisig(script)
	var many *multisig
	if isMany && kind != SpendAddress {
		many = &multisig{need: need, keys: s.ring.cosigners(keys, out.Derivations), sorted: s.sorted}
		if slices.ContainsFunc(many.keys, cosigner.plain) {
			return nil, nil // the device could not see that it is the same wallet
		}
	}
	for _, d := range out.Derivations {
		inScript := bytes.Equal(keyScript(d.PubKey, kind), script)
		if many != nil {
			inScript = slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, d.PubKey) })
		}
		if d.Origin.Fingerprint != s.fp || !inScript {
			continue
		}
		mine, err := s.derives(ctx, d.Origin.Path, d.PubKey)
		if err != nil {
			return nil, err
		}
		if mine {
			return ownOf(d.Origin.Path, out.Amount, kind, many), nil
		}
	}
	return nil, nil
}

func ownOf(p btc.Path, amount int64, kind uint64, many *multisig) protolite.Builder {
	to := map[uint64]uint64{SpendAddress: PayToAddress, SpendMultisig: PayToMultisig, SpendWitness: PayToWitness,
		SpendP2SHWitness: PayToP2SHWitness, SpendTaproot: PayToTaproot}[kind]
	b := protolite.Builder{}.Uint32s(2, p).Uint(3, uint64(amount)).Uint(4, to)
	if many != nil {
		b = b.Message(5, many.encode())
	}
	return b
}

func (s *signing) ownTaproot(ctx context.Context, out *psbt.Output) (protolite.Builder, error) {
	if len(out.TapTree) > 0 || !isTaprootOf(out.TapInternalKey, out.Script) {
		return nil, nil
	}
	for _, d := range out.TapDerivations {
		if d.Origin.Fingerprint != s.fp || !bytes.Equal(d.XOnly[:], out.TapInternalKey) {
			continue
		}
		mine, err := s.derives(ctx, d.Origin.Path, d.XOnly[:])
		if err != nil || mine {
			return ownOf(d.Origin.Path, out.Amount, SpendTaproot, nil), err
		}
	}
	return nil, nil
}

// derives reports whether the device's master key derives a public key (33 or 32 bytes) at a
// path. A PSBT can claim anything, so the device is asked for the key of the account, once each.
func (s *signing) derives(ctx context.Context, p btc.Path, pub []byte) (bool, error) {
	n := len(p)
	for n > 0 && p[n-1] < btc.Hardened {
		n--
	}
	account, ok := s.accounts[p[:n].String()]
	if !ok {
		key, err := s.d.XPub(ctx, p[:n])
		switch {
		case err == nil:
			account = &key
		case !isFailure(err):
			return false, err
		}
		s.accounts[p[:n].String()] = account
	}
	if account == nil {
		return false, nil // the device does not tell this key: the output is shown as an address
	}
	child, err := account.Derive(p[n:])
	if err != nil {
		return false, nil
	}
	return bytes.Equal(child.PublicKey[:], pub) || bytes.Equal(child.PublicKey[1:], pub), nil
}

// isTaprootOf reports whether a script is BIP86's for an internal key: taproot without scripts.
func isTaprootOf(internal, script []byte) bool {
	key, err := schnorr.ParsePubKey(internal)
	if err != nil {
		return false
	}
	return bytes.Equal(btc.WitnessScript(1, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(key))), script)
}

func witnessHash(script []byte) []byte {
	h := sha256.Sum256(script)
	return btc.WitnessScript(0, h[:])
}

// witnessBytes serialises a witness with the count of its items before.
func witnessBytes(w wire.TxWitness) []byte {
	var buf bytes.Buffer
	_ = wire.WriteVarInt(&buf, 0, uint64(len(w))) // a buffer takes all
	for _, item := range w {
		_ = wire.WriteVarBytes(&buf, 0, item)
	}
	return buf.Bytes()
}
