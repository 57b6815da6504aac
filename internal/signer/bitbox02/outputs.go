package bitbox02

import (
	"bytes"

	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// placeOutputs says of every output what the device is told: that it is the wallet's own, of
// another account of the device, or a payment, which its person must confirm.
func (j *job) placeOutputs() error {
	j.outputs, j.others = nil, nil
	for i := range j.packet.Outputs {
		o := &j.packet.Outputs[i]
		b, ok, err := j.ownOutput(o)
		if err == nil && !ok {
			b, ok = j.otherAccount(o)
		}
		if err == nil && !ok {
			b, err = j.payment(i, o)
		}
		if err != nil {
			return err
		}
		j.outputs = append(j.outputs, b)
	}
	return nil
}

// ownOutput knows change, and from sinceOwnOutputs on receiving addresses of the wallet.
func (j *job) ownOutput(o *psbt.Output) (protolite.Builder, bool, error) {
	for n, c := range j.configs {
		branch, index, ok := c.find(o.Derivations, o.TapDerivations, o.Script)
		if !ok || index > maxIndex || branch != 1 && !j.s.version.atLeast(sinceOwnOutputs) {
			continue
		}
		path, _, err := c.pathOf(c.ours[c.at], uint32(branch), index)
		if err != nil {
			return nil, false, err
		}
		return protolite.Builder{}.Bool(hww.OutOurs, true).Uint(hww.OutValue, uint64(o.Amount)).
			Uint32s(hww.OutPath, path).Uint(hww.OutConfig, uint64(n)), true, nil
	}
	return nil, false, nil
}

// otherAccount knows outputs to accounts of the device that the transaction does not spend from:
// its screen names them instead of showing a bare address.
func (j *job) otherAccount(o *psbt.Output) (protolite.Builder, bool) {
	if !j.s.version.atLeast(sinceOtherAccounts) {
		return nil, false
	}
	simple, path, ok := j.s.singleKey(o)
	if !ok {
		return nil, false
	}
	config := protolite.Builder{}.Message(hww.WithPathConfig, protolite.Builder{}.Uint(hww.ConfigSimple, uint64(simple))).Uint32s(hww.WithPathPath, path[:3])
	place := -1
	for n, other := range j.others {
		if bytes.Equal(other, config) {
			place = n
		}
	}
	if place < 0 {
		place, j.others = len(j.others), append(j.others, config)
	}
	return protolite.Builder{}.Bool(hww.OutOurs, true).Uint(hww.OutValue, uint64(o.Amount)).
		Uint32s(hww.OutPath, path).Uint(hww.OutOtherAccount, uint64(place)), true
}

// singleKey recognizes an output of a standard account of this device by the key that the PSBT
// names; the key must be the one that the script pays. That it is the device's, the device
// finds out itself: else its signatures would not fit.
func (s *session) singleKey(o *psbt.Output) (hww.Simple, btc.Path, bool) {
	fits := func(simple hww.Simple, origin btc.KeyOrigin) bool {
		p := origin.Path
		return origin.Fingerprint == s.info.Fingerprint && len(p) == 5 && s.isSimplePath(simple, p[:3]) && p[3] <= 1 && p[4] <= maxIndex
	}
	for _, d := range o.Derivations {
		wpkh := btc.WitnessScript(0, btc.Hash160(d.PubKey))
		if fits(hww.WPKH, d.Origin) && bytes.Equal(o.Script, wpkh) {
			return hww.WPKH, d.Origin.Path, true
		}
		if fits(hww.WrappedWPKH, d.Origin) && bytes.Equal(o.Script, btc.PayToScriptHash(btc.Hash160(wpkh))) {
			return hww.WrappedWPKH, d.Origin.Path, true
		}
	}
	for _, d := range o.TapDerivations {
		if t, err := descriptor.NewTaproot(d.XOnly, nil); err == nil && fits(hww.TR, d.Origin) && bytes.Equal(o.Script, btc.WitnessScript(1, t.OutputKey[:])) {
			return hww.TR, d.Origin.Path, true
		}
	}
	return 0, nil, false
}

// payment is an output to somebody else.
func (j *job) payment(i int, o *psbt.Output) (protolite.Builder, error) {
	kind, payload, err := j.payload(i, o.Script)
	switch {
	case err != nil:
		return nil, err
	case kind == hww.OutOpReturn && o.Amount != 0:
		return nil, signer.E(signer.CodeUnavailable, "output %d burns money with its note (OP_RETURN); the BitBox02 wants such outputs to be of 0", i)
	case kind != hww.OutOpReturn && o.Amount <= 0:
		return nil, signer.E(signer.CodeUnavailable, "output %d pays nothing, which the BitBox02 refuses", i)
	}
	return protolite.Builder{}.Uint(hww.OutType, uint64(kind)).Uint(hww.OutValue, uint64(o.Amount)).Bytes(hww.OutPayload, payload), nil
}

func (j *job) payload(i int, script []byte) (kind int, payload []byte, err error) {
	version, program, witness := btc.WitnessProgram(script)
	switch {
	case witness && version == 0 && len(program) == 20:
		return hww.OutP2WPKH, program, nil
	case witness && version == 0 && len(program) == 32:
		return hww.OutP2WSH, program, nil
	case witness && version == 1 && len(program) == 32:
		return hww.OutP2TR, program, j.s.need(sincePayTaproot, "paying a taproot address")
	case txscript.IsPayToPubKeyHash(script):
		return hww.OutP2PKH, script[3:23], nil
	case txscript.IsPayToScriptHash(script):
		return hww.OutP2SH, script[2:22], nil
	case len(script) > 0 && script[0] == txscript.OP_RETURN:
		payload, err := note(i, script)
		if err == nil {
			err = j.s.need(sinceOpReturn, "a note in the transaction (OP_RETURN)")
		}
		return hww.OutOpReturn, payload, err
	}
	return 0, nil, signer.E(signer.CodeUnavailable, "output %d pays a script that the BitBox02 does not know", i)
}

// note reads the only form of OP_RETURN that the device writes: one push in its shortest form.
func note(i int, script []byte) ([]byte, error) {
	t := txscript.MakeScriptTokenizer(0, script[1:])
	if t.Next() && (t.Data() != nil || t.Opcode() == txscript.OP_0) {
		data := t.Data()
		again, err := txscript.NewScriptBuilder().AddOp(txscript.OP_RETURN).AddFullData(data).Script()
		if t.Done() && err == nil && bytes.Equal(again, script) {
			return data, nil
		}
	}
	return nil, signer.E(signer.CodeUnavailable, "the note in output %d (OP_RETURN) is not of the one form that the BitBox02 knows: a single piece of data", i)
}
