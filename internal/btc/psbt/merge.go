package psbt

import (
	"bytes"
	"errors"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// NewSignature is a signature that Merge took over.
type NewSignature struct {
	Input    int
	PubKey   []byte         // 33 or 65 bytes; 32 in taproot, the output key for the key path
	LeafHash []byte         // nil but for a taproot script path
	Origin   *btc.KeyOrigin // from our own PSBT; nil where it does not tell
	Sighash  txscript.SigHashType
}

// Merge takes a signer's answer into p and returns the result; p itself is not changed. The
// answer may be of either version, stripped of everything but signatures, or final already.
//
// It must be of the same transaction and contradict p in nothing. Only signatures are taken
// over: each must be by a key that the coin commits to, verify, be of the sighash type that p
// asks for, and final scripts must besides pass the script engine. The first thing that is
// wrong is the error, a *MergeError. No new signature at all is no error.
func (p *Packet) Merge(answer *Packet) (*Packet, []NewSignature, error) {
	theirs, err := answer.UnsignedTx()
	if err != nil {
		return nil, nil, err
	}
	m, err := p.merger(theirs)
	if err != nil {
		return nil, nil, err
	}
	if err := m.checkConflicts(answer); err != nil {
		return nil, nil, err
	}
	for i := range m.out.Inputs {
		if err := m.takeInput(i, &answer.Inputs[i]); err != nil {
			return nil, nil, err
		}
	}
	return m.out, m.added, nil
}

// MergeTx is Merge for a signer that answers with a raw transaction. Inputs without scriptSig
// and witness are those that it did not sign.
func (p *Packet) MergeTx(tx *wire.MsgTx) (*Packet, []NewSignature, error) {
	m, err := p.merger(tx)
	if err != nil {
		return nil, nil, err
	}
	for i, in := range tx.TxIn {
		if len(in.SignatureScript) == 0 && len(in.Witness) == 0 {
			continue
		}
		if err := m.takeFinal(i, in.SignatureScript, in.Witness); err != nil {
			return nil, nil, err
		}
	}
	return m.out, m.added, nil
}

// merger builds the result of a merge.
type merger struct {
	s     *spending // of out; coins and scripts are ours
	out   *Packet
	added []NewSignature
}

func (p *Packet) merger(theirs *wire.MsgTx) (*merger, error) {
	out := p.Clone()
	s, err := out.spending()
	if err != nil {
		return nil, err
	}
	if err := compareTx(s.tx, theirs); err != nil {
		return nil, err
	}
	return &merger{s: s, out: out}, nil
}

// compareTx tells how two transactions differ, apart from signatures.
func compareTx(ours, theirs *wire.MsgTx) error {
	refuse := func(r Reason, in, out int) error { return &MergeError{Reason: r, Input: in, Output: out} }
	if !shareInput(ours, theirs) {
		return refuse(ReasonOtherTransaction, -1, -1)
	}
	if ours.Version != theirs.Version {
		return refuse(ReasonVersionChanged, -1, -1)
	}
	if ours.LockTime != theirs.LockTime {
		return refuse(ReasonLockTimeChanged, -1, -1)
	}
	switch n, m := len(ours.TxIn), len(theirs.TxIn); {
	case m > n:
		return refuse(ReasonInputAdded, -1, -1)
	case m < n:
		return refuse(ReasonInputRemoved, -1, -1)
	}
	switch n, m := len(ours.TxOut), len(theirs.TxOut); {
	case m > n:
		return refuse(ReasonOutputAdded, -1, -1)
	case m < n:
		return refuse(ReasonOutputRemoved, -1, -1)
	}
	for i, in := range ours.TxIn {
		if in.PreviousOutPoint != theirs.TxIn[i].PreviousOutPoint {
			return refuse(ReasonInputChanged, i, -1)
		}
		if in.Sequence != theirs.TxIn[i].Sequence {
			return refuse(ReasonSequenceChanged, i, -1)
		}
	}
	for i, o := range ours.TxOut {
		if !bytes.Equal(o.PkScript, theirs.TxOut[i].PkScript) {
			return refuse(ReasonOutputChanged, -1, i)
		}
		if o.Value != theirs.TxOut[i].Value {
			return refuse(ReasonAmountChanged, -1, i)
		}
	}
	return nil
}

func shareInput(a, b *wire.MsgTx) bool {
	ours := make(map[wire.OutPoint]bool, len(a.TxIn))
	for _, in := range a.TxIn {
		ours[in.PreviousOutPoint] = true
	}
	for _, in := range b.TxIn {
		if ours[in.PreviousOutPoint] {
			return true
		}
	}
	return len(a.TxIn) == 0 && len(b.TxIn) == 0
}

// checkConflicts holds every field of the answer against ours, signatures apart.
func (m *merger) checkConflicts(answer *Packet) error {
	ours, theirs := m.globalPairs(m.out), m.globalPairs(answer)
	if field := conflict(ours, theirs, nil); field != "" {
		return &MergeError{Reason: ReasonConflict, Input: -1, Output: -1, Field: field}
	}
	for i := range m.out.Inputs {
		in, their := &m.out.Inputs[i], &answer.Inputs[i]
		if err := m.checkCoin(i, their); err != nil {
			return err
		}
		if err := checkSighashWish(in, their, i); err != nil {
			return err
		}
		if field := conflict(in.canonical(0), their.canonical(0), signatureField); field != "" {
			return &MergeError{Reason: ReasonConflict, Input: i, Output: -1, Field: field}
		}
	}
	for i := range m.out.Outputs {
		if field := conflict(m.out.Outputs[i].canonical(0), answer.Outputs[i].canonical(0), nil); field != "" {
			return &MergeError{Reason: ReasonConflict, Input: -1, Output: i, Field: field}
		}
	}
	return nil
}

// globalPairs lists the global fields that say something beside the transaction.
func (m *merger) globalPairs(p *Packet) []KeyValue {
	var out []KeyValue
	for _, x := range p.XPubs {
		out = append(out, pair(appendOrigin(nil, x.Origin), globalXPub, x.Raw[:]))
	}
	return append(out, p.Unknown...)
}

// conflict finds a field that both have with different values.
func conflict(ours, theirs []KeyValue, skip func(typ byte) bool) string {
	have := make(map[string][]byte, len(ours))
	for _, kv := range ours {
		have[string(kv.Key)] = kv.Value
	}
	for _, kv := range theirs {
		if v, ok := have[string(kv.Key)]; ok && !bytes.Equal(v, kv.Value) && (skip == nil || !skip(kv.Key[0])) {
			return shortHex(kv.Key)
		}
	}
	return ""
}

// signatureField tells the input fields that have checks of their own.
func signatureField(typ byte) bool {
	switch typ {
	case inNonWitnessUTXO, inWitnessUTXO, inSighashType, inPartialSig, inFinalScriptSig, inFinalWitness,
		inTapKeySig, inTapScriptSig:
		return true
	}
	return false
}

// checkCoin refuses an answer that describes the coin of an input otherwise than we do.
func (m *merger) checkCoin(i int, their *Input) error {
	refuse := func(r Reason) error { return &MergeError{Reason: r, Input: i, Output: -1} }
	ours := m.s.prevs[i]
	if their.NonWitnessUTXO != nil {
		if their.checkNonWitnessUTXO(i) != nil || their.PrevOut != m.out.Inputs[i].PrevOut {
			return refuse(ReasonWrongPreviousTx)
		}
		if told := their.NonWitnessUTXO.TxOut[their.PrevOut.Index]; ours != nil && !sameTxOut(ours, told) {
			return refuse(ReasonWrongPreviousTx)
		}
	}
	if w := their.WitnessUTXO; w != nil && ours != nil {
		if !bytes.Equal(w.PkScript, ours.PkScript) {
			return refuse(ReasonCoinScriptChanged)
		}
		if w.Value != ours.Value {
			return refuse(ReasonCoinAmountChanged)
		}
	}
	return nil
}

// checkSighashWish refuses an answer that asks for another sighash type than we did; asking
// for the default in so many words is no change.
func checkSighashWish(ours, their *Input, i int) error {
	if their.SighashType == nil || ours.SighashType != nil && *ours.SighashType == *their.SighashType {
		return nil
	}
	plain := func(t *txscript.SigHashType) bool {
		return t == nil || *t == txscript.SigHashDefault || *t == txscript.SigHashAll
	}
	if plain(ours.SighashType) && plain(their.SighashType) {
		return nil
	}
	return &MergeError{Reason: ReasonSighash, Input: i, Output: -1}
}

// takeInput takes over the verified signatures of one input.
func (m *merger) takeInput(i int, their *Input) error {
	if m.out.Inputs[i].Finalized() {
		return m.checkAgain(i, their)
	}
	for _, ps := range their.PartialSigs {
		if err := m.takePartialSig(i, ps); err != nil {
			return err
		}
	}
	if their.TapKeySig != nil {
		if err := m.takeTapKeySig(i, their.TapKeySig); err != nil {
			return err
		}
	}
	for _, ts := range their.TapScriptSigs {
		if err := m.takeTapScriptSig(i, ts); err != nil {
			return err
		}
	}
	if their.Finalized() {
		return m.takeFinal(i, their.FinalScriptSig, their.FinalScriptWitness)
	}
	return nil
}

// checkAgain looks at an answer for an input that is final with us: nothing is taken over, but
// nothing wrong passes either.
func (m *merger) checkAgain(i int, their *Input) error {
	if !their.Finalized() {
		return nil
	}
	return m.verifyFinal(i, their.FinalScriptSig, their.FinalScriptWitness, nil)
}

func (m *merger) takePartialSig(i int, ps PartialSig) error {
	in := &m.out.Inputs[i]
	t, err := m.s.verifyPartialSig(i, ps)
	if err != nil {
		return asMergeError(i, err)
	}
	if !sighashAllowed(in, t, false) {
		return &MergeError{Reason: ReasonSighash, Input: i, Output: -1, PubKey: ps.PubKey}
	}
	if in.partialSig(ps.PubKey) != nil {
		return nil // ours stays, also where theirs is by another nonce
	}
	in.PartialSigs = append(in.PartialSigs, ps)
	m.added = append(m.added, NewSignature{Input: i, PubKey: ps.PubKey, Origin: in.originOf(ps.PubKey), Sighash: t})
	return nil
}

func (m *merger) takeTapKeySig(i int, sig []byte) error {
	in := &m.out.Inputs[i]
	t, err := m.s.verifyTapKeySig(i, sig)
	if err != nil {
		return asMergeError(i, err)
	}
	if !sighashAllowed(in, t, true) {
		return &MergeError{Reason: ReasonSighash, Input: i, Output: -1}
	}
	if in.TapKeySig != nil {
		return nil
	}
	in.TapKeySig = sig
	n := NewSignature{Input: i, PubKey: m.s.prevs[i].PkScript[2:], Sighash: t}
	if len(in.TapInternalKey) == 32 {
		n.Origin = in.tapOriginOf([32]byte(in.TapInternalKey))
	}
	m.added = append(m.added, n)
	return nil
}

func (m *merger) takeTapScriptSig(i int, ts TapScriptSig) error {
	in := &m.out.Inputs[i]
	t, err := m.s.verifyTapScriptSig(i, ts)
	if err != nil {
		return asMergeError(i, err)
	}
	if !sighashAllowed(in, t, true) {
		return &MergeError{Reason: ReasonSighash, Input: i, Output: -1, PubKey: ts.XOnly[:]}
	}
	if in.tapScriptSig(ts.XOnly, ts.LeafHash) != nil {
		return nil
	}
	in.TapScriptSigs = append(in.TapScriptSigs, ts)
	m.added = append(m.added, NewSignature{Input: i, PubKey: ts.XOnly[:], LeafHash: ts.LeafHash[:], Origin: in.tapOriginOf(ts.XOnly), Sighash: t})
	return nil
}

// takeFinal takes final scripts apart and takes over their signatures. Where our own finalizer
// cannot make final scripts of them (a script that is no miniscript), the given ones are kept.
func (m *merger) takeFinal(i int, scriptSig []byte, witness wire.TxWitness) error {
	in := &m.out.Inputs[i]
	if in.Finalized() {
		return m.verifyFinal(i, scriptSig, witness, nil)
	}
	return m.verifyFinal(i, scriptSig, witness, func(f *findings) error {
		for _, p := range f.preimages {
			if !hasPreimage(in.Preimages, p.Kind, p.Digest) {
				in.Preimages = append(in.Preimages, p)
			}
		}
		m.learnScripts(i, f)
		for _, ps := range f.sigs {
			if err := m.takePartialSig(i, ps); err != nil {
				return err
			}
		}
		if f.keySig != nil {
			if err := m.takeTapKeySig(i, f.keySig); err != nil {
				return err
			}
		}
		for _, ts := range f.leafSigs {
			if err := m.takeTapScriptSig(i, ts); err != nil {
				return err
			}
		}
		if _, err := m.s.satisfy(i); err != nil {
			in.setFinal(solution{orNil(scriptSig), stackOrNil(witness)})
		}
		return nil
	})
}

// learnScripts adds the scripts that final ones reveal where ours lacks them; the coin commits
// to them.
func (m *merger) learnScripts(i int, f *findings) {
	in := &m.out.Inputs[i]
	if in.RedeemScript == nil && f.redeem != nil {
		in.RedeemScript, m.s.locks[i] = f.redeem, nil
	}
	if in.WitnessScript == nil && f.witness != nil {
		in.WitnessScript, m.s.locks[i] = f.witness, nil
	}
	if f.leaf == nil {
		return
	}
	known := slices.ContainsFunc(in.TapLeaves, func(l TapLeaf) bool { return bytes.Equal(l.ControlBlock, f.leaf.ControlBlock) })
	if !known {
		in.TapLeaves, m.s.leafCache[i] = append(in.TapLeaves, *f.leaf), nil
	}
}

// verifyFinal checks final scripts: every signature mapped to a key of the coin, of a sighash
// type that is asked for, and the whole passing the script engine. take is called with what
// they hold, after all checks.
func (m *merger) verifyFinal(i int, scriptSig []byte, witness wire.TxWitness, take func(*findings) error) error {
	in := &m.out.Inputs[i]
	f, err := m.s.dissect(i, in, scriptSig, witness)
	if err != nil {
		return asMergeError(i, err)
	}
	if err := f.checkSighashes(in, i); err != nil {
		return err
	}
	if err := m.s.run(i, scriptSig, witness); err != nil {
		return &MergeError{Reason: ReasonScriptFails, Input: i, Output: -1, Cause: err}
	}
	if take == nil {
		return nil
	}
	return take(f)
}

func (f *findings) checkSighashes(in *Input, i int) error {
	refuse := func(pub []byte) error {
		return &MergeError{Reason: ReasonSighash, Input: i, Output: -1, PubKey: pub}
	}
	for _, ps := range f.sigs {
		if !sighashAllowed(in, txscript.SigHashType(ps.Signature[len(ps.Signature)-1]), false) {
			return refuse(ps.PubKey)
		}
	}
	for _, ts := range f.leafSigs {
		if _, t, _ := splitSchnorr(ts.Signature); !sighashAllowed(in, t, true) {
			return refuse(ts.XOnly[:])
		}
	}
	if f.keySig != nil {
		if _, t, _ := splitSchnorr(f.keySig); !sighashAllowed(in, t, true) {
			return refuse(nil)
		}
	}
	return nil
}

// asMergeError gives a fault of a signature the form of a refused answer.
func asMergeError(i int, err error) error {
	var refused *MergeError
	if errors.As(err, &refused) {
		return refused
	}
	var sig *SignatureError
	if errors.As(err, &sig) {
		return &MergeError{Reason: sig.Reason, Input: i, Output: -1, PubKey: sig.PubKey, Cause: err}
	}
	if c := errs.CodeOf(err); c == errs.Incomplete || c == errs.Mismatch {
		return &MergeError{Reason: ReasonCannotVerify, Input: i, Output: -1, Cause: err}
	}
	return err
}

func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func stackOrNil(w wire.TxWitness) wire.TxWitness {
	if len(w) == 0 {
		return nil
	}
	return w
}
