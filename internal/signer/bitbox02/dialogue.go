package bitbox02

import (
	"context"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
)

// next is what the device wants (BTCSignNextResponse).
type next struct{ protolite.Message }

func (n next) kind() int  { return int(n.Uint32(hww.NextType)) }
func (n next) index() int { return int(n.Uint32(hww.NextIndex)) }

// run has the dialogue of signing. Its order is the firmware's and nothing else is followed:
// every input with its previous transaction, every output, every input again for its signature.
func (j *job) run(ctx context.Context) error {
	j.s.options.Tell(signer.Notice{Kind: signer.NoticeConfirm})
	n, err := j.initialize(ctx)
	for i := 0; err == nil && i < len(j.coins); i++ {
		n, err = j.tellInput(ctx, n, i)
	}
	for i := 0; err == nil && i < len(j.outputs); i++ {
		if err = j.want(n, hww.WantOutput, i); err == nil {
			n, err = j.direct(ctx, hww.ReqSignOutput, j.outputs[i])
		}
	}
	for i := 0; err == nil && i < len(j.coins); i++ {
		n, err = j.signInput(ctx, n, i)
	}
	if err == nil && n.kind() != hww.WantNothing {
		err = j.confused(n, "the end")
	}
	if numberOf(err) == hww.ErrUserAbort {
		return signer.Declined("the transaction")
	}
	return err
}

func (j *job) initialize(ctx context.Context) (next, error) {
	b := protolite.Builder{}.Uint(hww.InitCoin, uint64(j.s.coinFor(j.configs[0].kind)))
	for _, c := range j.configs {
		m, err := c.withPath()
		if err != nil {
			return next{}, err
		}
		b = b.Message(hww.InitConfigs, m)
	}
	b = b.Uint(hww.InitVersion, uint64(uint32(j.tx.Version))).Uint(hww.InitInputs, uint64(len(j.coins))).
		Uint(hww.InitOutputs, uint64(len(j.outputs))).Uint(hww.InitLockTime, uint64(j.tx.LockTime))
	if j.s.sats && j.s.version.atLeast(sinceUnits) {
		b = b.Uint(hww.InitUnit, 1)
	}
	for _, m := range j.others {
		b = b.Message(hww.InitOutputConfigs, m)
	}
	return j.direct(ctx, hww.ReqSignInit, b)
}

// direct sends a message that stands in Request itself, nested one that stands in BTCRequest.
func (j *job) direct(ctx context.Context, field int, m protolite.Builder) (next, error) {
	return j.send(ctx, protolite.Builder{}.Message(field, m))
}

func (j *job) nested(ctx context.Context, field int, m protolite.Builder) (next, error) {
	return j.direct(ctx, hww.ReqBTC, protolite.Builder{}.Message(field, m))
}

// send sends a step. The answer stands in Response or in BTCResponse, after the form of the
// request before, so both are read.
func (j *job) send(ctx context.Context, request protolite.Builder) (next, error) {
	r, err := j.s.exchange(ctx, request)
	if err != nil {
		return next{}, err
	}
	if !r.Has(hww.RspBTC) {
		m, err := j.s.pick(r, hww.RspSignNext)
		return next{m}, err
	}
	m, err := j.s.pick(r, hww.RspBTC)
	if err == nil {
		m, err = j.s.pick(m, hww.BTCSignNext)
	}
	return next{m}, err
}

// want holds the device to the order of the dialogue.
func (j *job) want(n next, kind, index int) error {
	if n.kind() != kind || n.index() != index {
		return j.confused(n, "step "+number(kind)+" of "+number(index))
	}
	return nil
}

func (j *job) confused(n next, expected string) error {
	j.s.paired = false // the device is in the middle of something else; begin anew
	return garbled(errs.E(errs.Invalid, "it asks for step %d of %d instead of %s", n.kind(), n.index(), expected))
}

func (j *job) input(i int) protolite.Builder {
	c, in := j.coins[i], j.tx.TxIn[i]
	return protolite.Builder{}.Bytes(hww.InHash, in.PreviousOutPoint.Hash[:]).
		Uint(hww.InIndex, uint64(in.PreviousOutPoint.Index)).Uint(hww.InValue, uint64(c.value)).
		Uint(hww.InSequence, uint64(in.Sequence)).Uint32s(hww.InPath, c.path).Uint(hww.InConfig, uint64(c.config))
}

// tellInput is an input's first pass, with the transaction that it spends from where the device
// asks for it.
func (j *job) tellInput(ctx context.Context, n next, i int) (next, error) {
	if err := j.want(n, hww.WantInput, i); err != nil {
		return next{}, err
	}
	n, err := j.direct(ctx, hww.ReqSignInput, j.input(i))
	if err != nil || n.kind() != hww.WantPrevInit {
		return n, err
	}
	prev := j.packet.Inputs[i].NonWitnessUTXO
	if err := j.want(n, hww.WantPrevInit, i); err != nil {
		return next{}, err
	}
	if prev == nil {
		return next{}, signer.E(signer.CodeBadTransaction, "the BitBox02 asks for the transaction that input %d spends from; make the PSBT with full previous transactions", i)
	}
	return j.tellPrev(ctx, i, prev)
}

func (j *job) tellPrev(ctx context.Context, i int, prev *wire.MsgTx) (next, error) {
	n, err := j.nested(ctx, hww.BTCPrevInit, protolite.Builder{}.Uint(hww.PrevVersion, uint64(uint32(prev.Version))).
		Uint(hww.PrevInputs, uint64(len(prev.TxIn))).Uint(hww.PrevOutputs, uint64(len(prev.TxOut))).Uint(hww.PrevLockTime, uint64(prev.LockTime)))
	for k := 0; err == nil && k < len(prev.TxIn); k++ {
		in := prev.TxIn[k]
		if err = j.wantPrev(n, hww.WantPrevInput, i, k); err == nil {
			n, err = j.nested(ctx, hww.BTCPrevInput, protolite.Builder{}.Bytes(hww.PrevInHash, in.PreviousOutPoint.Hash[:]).
				Uint(hww.PrevInIndex, uint64(in.PreviousOutPoint.Index)).Bytes(hww.PrevInScript, in.SignatureScript).Uint(hww.PrevInSequence, uint64(in.Sequence)))
		}
	}
	for k := 0; err == nil && k < len(prev.TxOut); k++ {
		out := prev.TxOut[k]
		if err = j.wantPrev(n, hww.WantPrevOutput, i, k); err == nil {
			n, err = j.nested(ctx, hww.BTCPrevOutput, protolite.Builder{}.Uint(hww.PrevOutValue, uint64(out.Value)).Bytes(hww.PrevOutScript, out.PkScript))
		}
	}
	return n, err
}

func (j *job) wantPrev(n next, kind, index, prev int) error {
	if int(n.Uint32(hww.NextPrevIndex)) != prev {
		return j.confused(n, "part "+number(prev)+" of a previous transaction")
	}
	return j.want(n, kind, index)
}

// signInput is an input's second pass. ECDSA signatures are made with our randomness in them;
// for Schnorr signatures the firmware has no such protocol.
func (j *job) signInput(ctx context.Context, n next, i int) (next, error) {
	if err := j.want(n, hww.WantInput, i); err != nil {
		return next{}, err
	}
	if j.configs[j.coins[i].config].taproot || !j.s.version.atLeast(sinceKlepto) {
		n, err := j.direct(ctx, hww.ReqSignInput, j.input(i))
		if err != nil {
			return next{}, err
		}
		return n, j.keep(n, i)
	}
	nonce, err := j.s.hostNonce()
	if err != nil {
		return next{}, err
	}
	n, err = j.direct(ctx, hww.ReqSignInput, j.input(i).Message(hww.InCommitment, commitment(nonce)))
	if err != nil {
		return next{}, err
	}
	if err := j.want(n, hww.WantHostNonce, i); err != nil {
		return next{}, err
	}
	promised, err := j.s.pick(n.Message, hww.NextCommitment)
	if err != nil {
		return next{}, err
	}
	if n, err = j.nested(ctx, hww.BTCHostNonce, protolite.Builder{}.Bytes(1, nonce[:])); err != nil {
		return next{}, err
	}
	if err := j.keep(n, i); err != nil {
		return next{}, err
	}
	return n, j.s.contributed(promised.Bytes(1), j.sigs[i], nonce)
}

// keep takes the signature that an answer carries.
func (j *job) keep(n next, i int) error {
	sig := n.Bytes(hww.NextSignature)
	if !n.Bool(hww.NextHasSignature) || len(sig) != 64 {
		return j.confused(n, "the signature of input "+number(i))
	}
	j.sigs[i] = sig
	return nil
}
