package bitbox02

import (
	"bytes"
	"context"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// coin is one input as the device signs it.
type coin struct {
	config int // place in job.configs
	path   btc.Path
	key    descriptor.DerivedKey
	out    *descriptor.Output
	value  int64
}

// job is one dialogue: a transaction, the wallets that it spends from and one key per input.
type job struct {
	s       *session
	packet  *psbt.Packet
	tx      *wire.MsgTx
	configs []*config
	others  []protolite.Builder // output script configs: accounts that are only paid to
	coins   []coin
	outputs []protolite.Builder // BTCSignOutputRequest
	prev    bool                // the device wants the previous transactions
	sigs    [][]byte
}

// Sign lets the device sign every input. A wallet of several keys of this device is signed with
// each that is needed, one dialogue after the other.
func (s *session) Sign(ctx context.Context, w signer.Wallet, _ signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	j, err := s.prepare(ctx, w, tx)
	if err != nil {
		return nil, err
	}
	for _, c := range j.configs {
		if err := s.registerAll(ctx, c); err != nil {
			return nil, err
		}
	}
	signed := tx.Clone()
	rounds, err := j.rounds()
	if err != nil {
		return nil, err
	}
	for _, keys := range rounds {
		if err := j.take(keys); err != nil {
			return nil, err
		}
		if err := j.run(ctx); err != nil {
			return nil, err
		}
		for i := range j.coins {
			if err := j.put(&signed.Inputs[i], i); err != nil {
				return nil, err
			}
		}
	}
	return signed, nil
}

// registerAll makes the device know a wallet in the form that it is signed with.
func (s *session) registerAll(ctx context.Context, c *config) error {
	if c.kind != hww.ConfigMultisig {
		return s.register(ctx, c)
	}
	for c.at = range c.ours {
		c.path = c.keys[c.ours[c.at]].Origin.Path
		if err := s.register(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// prepare finds the wallets and the place of every input in them.
func (s *session) prepare(ctx context.Context, w signer.Wallet, p *psbt.Packet) (*job, error) {
	tx, err := p.UnsignedTx()
	if err != nil {
		return nil, signer.E(signer.CodeBadTransaction, "%w", err)
	}
	j := &job{s: s, packet: p, tx: tx, coins: make([]coin, len(p.Inputs)), sigs: make([][]byte, len(p.Inputs))}
	if err := j.checkTx(); err != nil {
		return nil, err
	}
	wallets, err := s.walletsFor(ctx, w, p)
	if err != nil {
		return nil, err
	}
	for _, w := range wallets {
		c, err := s.configOf(w)
		if err != nil {
			return nil, err
		}
		j.configs = append(j.configs, c)
		j.prev = j.prev || !c.taproot
	}
	if err := j.checkMix(); err != nil {
		return nil, err
	}
	for i := range p.Inputs {
		if err := j.placeInput(i); err != nil {
			return nil, err
		}
	}
	return j, j.placeOutputs()
}

// checkTx refuses what the firmware refuses without saying why.
func (j *job) checkTx() error {
	switch {
	case j.packet.PaysSilently():
		return signer.E(signer.CodeUnavailable, "paying silent payment addresses with the BitBox02 is not supported here; sign this transaction with another device, or pay an ordinary address")
	case j.tx.Version != 1 && j.tx.Version != 2:
		return signer.E(signer.CodeUnavailable, "the BitBox02 signs transactions of version 1 and 2; this one has version %d", j.tx.Version)
	case j.tx.LockTime >= txscript.LockTimeThreshold:
		return signer.E(signer.CodeUnavailable, "the BitBox02 signs lock times by block height only, not by date")
	case len(j.tx.TxIn) == 0 || len(j.tx.TxOut) == 0:
		return signer.E(signer.CodeBadTransaction, "the transaction has no inputs or no outputs")
	}
	for i, in := range j.tx.TxIn {
		if in.Sequence < wire.MaxTxInSequenceNum-2 {
			if err := j.s.need(sinceAnySequence, "a sequence number as input "+number(i)+" has it"); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkMix holds that several wallets in one transaction are single keys of one account.
func (j *job) checkMix() error {
	if len(j.configs) == 1 {
		return nil
	}
	for _, c := range j.configs {
		if c.kind != hww.ConfigSimple || c.path[2] != j.configs[0].path[2] {
			return signer.E(signer.CodeBadTransaction, "in one transaction the BitBox02 spends from one wallet only, or from the native segwit, nested segwit and taproot wallets of one account number; split this transaction")
		}
	}
	return nil
}

// placeInput finds where an input stands in the wallets and whether the device can sign it.
func (j *job) placeInput(i int) error {
	in := &j.packet.Inputs[i]
	utxo, err := j.packet.PrevOut(i)
	if err != nil {
		return signer.E(signer.CodeBadTransaction, "input %d does not say which coin it spends: %w", i, err)
	}
	for n, c := range j.configs {
		branch, index, ok := c.find(in.Derivations, in.TapDerivations, utxo.PkScript)
		if !ok {
			continue
		}
		out, err := c.branchy[branch].Derive(index)
		if err != nil {
			return signer.E(signer.CodeBadTransaction, "%w", err)
		}
		j.coins[i] = coin{config: n, out: out, value: utxo.Value}
		return j.checkInput(i, c, index)
	}
	return signer.E(signer.CodeBadTransaction, "input %d is not of this wallet; the BitBox02 signs only transactions whose inputs are all its own", i)
}

func (j *job) checkInput(i int, c *config, index uint32) error {
	in := &j.packet.Inputs[i]
	switch {
	case j.coins[i].value <= 0:
		return signer.E(signer.CodeBadTransaction, "input %d spends a coin without value, which the BitBox02 refuses", i)
	case j.prev && in.NonWitnessUTXO == nil:
		return signer.E(signer.CodeBadTransaction, "input %d comes without the transaction that it spends from, which the BitBox02 needs to know the amount; make the PSBT with full previous transactions", i)
	case index > maxIndex && !j.s.version.atLeast(sinceHighIndexes):
		return j.s.need(sinceHighIndexes, "a coin at address number "+number(int(index)))
	case in.SighashType == nil:
		return nil
	}
	want := txscript.SigHashAll
	if c.taproot {
		want = txscript.SigHashDefault
	}
	if *in.SighashType != want {
		return signer.E(signer.CodeUnavailable, "input %d asks for a signature that covers only parts of the transaction, or covers them in another form; the BitBox02 makes only the usual ones (ALL, in taproot DEFAULT)", i)
	}
	return nil
}

// find reads the branch and index of a script from the derivations of our keys, and believes
// them only if the wallet derives the very script there.
func (c *config) find(plain []psbt.Derivation, tap []psbt.TapDerivation, script []byte) (branch int, index uint32, ok bool) {
	var origins []btc.KeyOrigin
	for _, d := range plain {
		origins = append(origins, d.Origin)
	}
	for _, d := range tap {
		origins = append(origins, d.Origin)
	}
	fp := c.keys[c.ours[0]].Origin.Fingerprint
	for _, o := range origins {
		if o.Fingerprint != fp || len(o.Path) < 2 {
			continue
		}
		index := o.Path[len(o.Path)-1]
		for branch, d := range c.branchy {
			out, err := d.Derive(index)
			if err != nil || !bytes.Equal(out.Script, script) {
				continue
			}
			return branch, index, true
		}
	}
	return 0, 0, false
}

// put writes a signature into the packet.
func (j *job) put(in *psbt.Input, i int) error {
	c, sig := j.coins[i], j.sigs[i]
	if len(sig) != 64 {
		return garbled(errs.E(errs.Invalid, "a signature of %d bytes", len(sig)))
	}
	if !j.configs[c.config].taproot {
		var r, s btcec.ModNScalar
		if r.SetByteSlice(sig[:32]) || s.SetByteSlice(sig[32:]) {
			return garbled(errs.E(errs.Invalid, "a signature beyond the curve's order"))
		}
		der := append(ecdsa.NewSignature(&r, &s).Serialize(), byte(txscript.SigHashAll))
		in.PartialSigs = slices.DeleteFunc(in.PartialSigs, func(p psbt.PartialSig) bool { return bytes.Equal(p.PubKey, c.key.PubKey) })
		in.PartialSigs = append(in.PartialSigs, psbt.PartialSig{PubKey: c.key.PubKey, Signature: der})
		return nil
	}
	if c.key.Internal {
		in.TapKeySig = sig
		return nil
	}
	if len(c.key.LeafHashes) != 1 {
		return signer.E(signer.CodeUnavailable, "the key of input %d stands in %d leaves; the BitBox02 signs for one", i, len(c.key.LeafHashes))
	}
	x := [32]byte(c.key.PubKey[1:33])
	in.TapScriptSigs = slices.DeleteFunc(in.TapScriptSigs, func(t psbt.TapScriptSig) bool { return t.XOnly == x && t.LeafHash == c.key.LeafHashes[0] })
	in.TapScriptSigs = append(in.TapScriptSigs, psbt.TapScriptSig{XOnly: x, LeafHash: c.key.LeafHashes[0], Signature: sig})
	return nil
}
