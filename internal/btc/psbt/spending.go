package psbt

import (
	"bytes"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
)

// spending is the unsigned transaction of a packet with what is known of the coins that it
// spends. Hashes that inputs share are computed once.
type spending struct {
	p      *Packet
	tx     *wire.MsgTx
	prevs  []*wire.TxOut // nil where unknown
	faults []error       // why a coin is unknown
	all    bool          // every coin is known
	fetch  prevFetcher
	hashes *txscript.TxSigHashes
	locks  []*lock

	leafCache []*leafCache
}

// prevFetcher gives the script library the coins; an unknown one is empty, never nil, because
// the library would stumble over nil. Hashes that need all coins are asked for only when all
// are known.
type prevFetcher map[wire.OutPoint]*wire.TxOut

var noCoin = &wire.TxOut{}

// FetchPrevOutput implements txscript.PrevOutputFetcher.
func (f prevFetcher) FetchPrevOutput(op wire.OutPoint) *wire.TxOut {
	if out := f[op]; out != nil {
		return out
	}
	return noCoin
}

func (p *Packet) spending() (*spending, error) {
	tx, err := p.UnsignedTx()
	if err != nil {
		return nil, err
	}
	n := len(p.Inputs)
	s := &spending{
		p: p, tx: tx, all: true, prevs: make([]*wire.TxOut, n), faults: make([]error, n),
		fetch: make(prevFetcher, n), locks: make([]*lock, n), leafCache: make([]*leafCache, n),
	}
	for i := range p.Inputs {
		s.prevs[i], s.faults[i] = p.PrevOut(i)
		s.fetch[p.Inputs[i].PrevOut] = s.prevs[i]
		s.all = s.all && s.faults[i] == nil
	}
	s.hashes = txscript.NewTxSigHashes(tx, s.fetch)
	return s, nil
}

// PrevOut returns the coin that input i spends, from the previous transaction or the witness
// UTXO. Where both are there they must agree. The error has code incomplete where neither is.
func (p *Packet) PrevOut(i int) (*wire.TxOut, error) {
	in := &p.Inputs[i]
	if in.NonWitnessUTXO == nil {
		if in.WitnessUTXO == nil {
			return nil, errs.Bad(errs.Incomplete, "the coin that input %d spends is not described", i)
		}
		return in.WitnessUTXO, nil
	}
	if err := in.checkNonWitnessUTXO(i); err != nil {
		return nil, err
	}
	prev := in.NonWitnessUTXO.TxOut[in.PrevOut.Index]
	if in.WitnessUTXO != nil && !sameTxOut(prev, in.WitnessUTXO) {
		return nil, errs.Bad(errs.Mismatch, "input %d describes its coin twice, and differently", i)
	}
	return prev, nil
}

func sameTxOut(a, b *wire.TxOut) bool {
	return a.Value == b.Value && bytes.Equal(a.PkScript, b.PkScript)
}

// lock returns the lock of input i, worked out once.
func (s *spending) lock(i int) (*lock, error) {
	if s.faults[i] != nil {
		return nil, s.faults[i]
	}
	if s.locks[i] == nil {
		l, err := lockOf(&s.p.Inputs[i], i, s.prevs[i])
		if err != nil {
			return nil, err
		}
		s.locks[i] = l
	}
	return s.locks[i], nil
}

// ecdsaHash returns the hash that an ECDSA signature of input i signs. SIGHASH_SINGLE without
// an output at the input's place is refused: it would sign nothing, or in a legacy input the
// number one.
func (s *spending) ecdsaHash(i int, l *lock, t txscript.SigHashType) ([]byte, error) {
	if !definedSighash(t) {
		return nil, errs.Bad(errs.Malformed, "the sighash type %#02x is not defined", uint32(t))
	}
	if err := s.checkSingle(i, t); err != nil {
		return nil, err
	}
	if l.segwit() {
		return txscript.CalcWitnessSigHash(l.script, s.hashes, t, s.tx, i, l.prev.Value)
	}
	return txscript.CalcSignatureHash(l.script, t, s.tx, i)
}

func (s *spending) checkSingle(i int, t txscript.SigHashType) error {
	if t&^txscript.SigHashAnyOneCanPay == txscript.SigHashSingle && i >= len(s.tx.TxOut) {
		return errs.Bad(errs.Malformed, "input %d signs with SIGHASH_SINGLE but there is no output %d", i, i)
	}
	return nil
}

// schnorrHash returns the hash that a Schnorr signature of input i signs; leaf is nil for the
// key path. Every coin of the transaction must be known (BIP341).
func (s *spending) schnorrHash(i int, leaf *TapLeaf, t txscript.SigHashType) ([]byte, error) {
	if !s.all {
		return nil, errs.Bad(errs.Incomplete, "a taproot signature needs the coins of all inputs; some are not described")
	}
	if t != txscript.SigHashDefault && !definedSighash(t) {
		return nil, errs.Bad(errs.Malformed, "the sighash type %#02x is not defined", uint32(t))
	}
	if err := s.checkSingle(i, t); err != nil {
		return nil, err
	}
	if leaf == nil {
		return txscript.CalcTaprootSignatureHash(s.hashes, t, s.tx, i, s.fetch)
	}
	if txscript.TapscriptLeafVersion(leaf.Version) != txscript.BaseLeafVersion {
		return nil, errs.Bad(errs.Unsupported, "leaf version %#02x is not known", leaf.Version)
	}
	return txscript.CalcTapscriptSignaturehash(s.hashes, t, s.tx, i, s.fetch,
		txscript.NewTapLeaf(txscript.BaseLeafVersion, leaf.Script))
}

// run executes input i with given final scripts in the script engine under the standard
// policy flags.
func (s *spending) run(i int, scriptSig []byte, witness wire.TxWitness) error {
	if s.faults[i] != nil {
		return s.faults[i]
	}
	if s.isTaproot(i) && !s.all {
		return errs.Bad(errs.Incomplete, "a taproot input needs the coins of all inputs; some are not described")
	}
	in := s.tx.TxIn[i]
	in.SignatureScript, in.Witness = scriptSig, witness
	defer func() { in.SignatureScript, in.Witness = nil, nil }()
	vm, err := txscript.NewEngine(s.prevs[i].PkScript, s.tx, i, txscript.StandardVerifyFlags, nil, s.hashes, s.prevs[i].Value, s.fetch)
	if err == nil {
		err = vm.Execute()
	}
	if err != nil {
		return errs.Bad(errs.Mismatch, "input %d does not satisfy the script of the coin that it spends: %w", i, err)
	}
	return nil
}

func (s *spending) isTaproot(i int) bool {
	return s.prevs[i] != nil && txscript.IsPayToTaproot(s.prevs[i].PkScript)
}

// CheckScripts runs every input through the script engine with the standard policy flags. All
// inputs must be final and all coins described.
func (p *Packet) CheckScripts() error {
	s, err := p.spending()
	if err != nil {
		return err
	}
	for i := range p.Inputs {
		in := &p.Inputs[i]
		if !in.Finalized() {
			return errs.Bad(errs.Incomplete, "input %d is not final yet", i)
		}
		if err := s.run(i, in.FinalScriptSig, in.FinalScriptWitness); err != nil {
			return err
		}
	}
	return nil
}
