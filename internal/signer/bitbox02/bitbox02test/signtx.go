package bitbox02test

import (
	"bytes"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/signer/bitbox02/hww"
	"specter/internal/signer/protolite"
	"specter/internal/signer/signertest"
)

// signing is the state of one dialogue.
type signing struct {
	b       *Box
	t       *task
	coin    coin
	ins     []*account
	others  []*account
	tx      *wire.MsgTx
	coins   *txscript.MultiPrevOutFetcher
	values  []int64
	wrap    bool              // the answer stands in BTCResponse, as the request did
	more    protolite.Builder // what the next answer carries besides
	in, out int64
	change  int64
}

// ask sends what is wanted next and reads it. field names it in Request, or in BTCRequest.
func (s *signing) ask(kind, index, prev, field int, nested bool) (protolite.Message, error) {
	m, err := s.b.next(s.t, s.answer(kind, index, prev))
	if err != nil {
		return m, err
	}
	s.wrap = nested
	if nested {
		m, _, err = m.Message(hww.ReqBTC)
	}
	if err != nil || !m.Has(field) {
		return m, fault(hww.ErrState)
	}
	m, _, err = m.Message(field)
	if err != nil {
		return m, invalid
	}
	return m, nil
}

func (s *signing) answer(kind, index, prev int) protolite.Builder {
	b := protolite.Builder{}
	if kind != 0 {
		b = b.Uint(hww.NextType, uint64(kind))
	}
	if index != 0 {
		b = b.Uint(hww.NextIndex, uint64(index))
	}
	b = append(b, s.more...)
	if prev != 0 {
		b = b.Uint(hww.NextPrevIndex, uint64(prev))
	}
	s.more = nil
	if s.wrap {
		return protolite.Builder{}.Message(hww.RspBTC, protolite.Builder{}.Message(hww.BTCSignNext, b))
	}
	return protolite.Builder{}.Message(hww.RspSignNext, b)
}

func (b *Box) signTx(t *task, m protolite.Message) (protolite.Builder, error) {
	c, err := coinIn(m, hww.InitCoin)
	if err != nil {
		return nil, err
	}
	version, lock := m.Uint32(hww.InitVersion), m.Uint32(hww.InitLockTime)
	ins, outs := int(m.Uint32(hww.InitInputs)), int(m.Uint32(hww.InitOutputs))
	if version < 1 || version > 2 || lock >= txscript.LockTimeThreshold || ins < 1 || outs < 1 {
		return nil, invalid
	}
	s := &signing{b: b, t: t, coin: c, tx: wire.NewMsgTx(int32(version)), coins: txscript.NewMultiPrevOutFetcher(nil)}
	s.tx.LockTime = lock
	if s.ins, err = s.accounts(m.All(hww.InitConfigs)); err == nil {
		s.others, err = s.accounts(m.All(hww.InitOutputConfigs))
	}
	if err != nil {
		return nil, err
	}
	if err := s.mix(); err != nil {
		return nil, err
	}
	if err := s.readInputs(ins); err != nil {
		return nil, err
	}
	if err := s.readOutputs(outs); err != nil {
		return nil, err
	}
	if err := s.signAll(); err != nil {
		return nil, err
	}
	return s.answer(hww.WantNothing, 0, 0), nil
}

func (s *signing) accounts(list [][]byte) ([]*account, error) {
	var all []*account
	for _, raw := range list {
		m, err := protolite.Parse(raw)
		if err != nil {
			return nil, invalid
		}
		config, ok, err := m.Message(hww.WithPathConfig)
		if err != nil || !ok {
			return nil, invalid
		}
		path, err := pathIn(m, hww.WithPathPath)
		if err != nil {
			return nil, err
		}
		a, err := s.b.accountOf(s.coin, config, path)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// mix allows several configs only if they are single keys of one account.
func (s *signing) mix() error {
	if len(s.ins) == 0 {
		return invalid
	}
	for _, a := range s.ins {
		if len(s.ins) > 1 && (a.kind != hww.ConfigSimple || a.path[2] != s.ins[0].path[2]) {
			return invalid
		}
	}
	return nil
}

func (a *account) isTaproot() bool {
	if a.kind == hww.ConfigPolicy {
		return a.policy[0].Type() == "tr"
	}
	return a.kind == hww.ConfigSimple && a.simple == hww.TR
}

func pick(list []*account, m protolite.Message, field int) (*account, error) {
	if n := m.Uint(field); n < uint64(len(list)) {
		return list[n], nil
	}
	return nil, invalid
}

// readInput reads an input and what it spends.
func (s *signing) readInput(i int) (*account, protolite.Message, scripts, error) {
	m, err := s.ask(hww.WantInput, i, 0, hww.ReqSignInput, false)
	if err != nil {
		return nil, m, scripts{}, err
	}
	a, err := pick(s.ins, m, hww.InConfig)
	if err != nil {
		return nil, m, scripts{}, err
	}
	path, err := pathIn(m, hww.InPath)
	if err != nil || len(path) < 3 || m.Uint(hww.InValue) == 0 || len(m.Bytes(hww.InHash)) != 32 {
		return nil, m, scripts{}, invalid
	}
	if err := a.checkPath(path, false); err != nil {
		return nil, m, scripts{}, err
	}
	sc, err := a.script(path)
	return a, m, sc, err
}

func (s *signing) readInputs(n int) error {
	plain := false
	for _, a := range s.ins {
		plain = plain || !a.isTaproot()
	}
	for i := range n {
		_, m, sc, err := s.readInput(i)
		if err != nil {
			return err
		}
		point := wire.OutPoint{Hash: chainhash.Hash(m.Bytes(hww.InHash)), Index: m.Uint32(hww.InIndex)}
		in := wire.NewTxIn(&point, nil, nil)
		in.Sequence = m.Uint32(hww.InSequence)
		s.tx.AddTxIn(in)
		value := int64(m.Uint(hww.InValue))
		s.coins.AddPrevOut(point, wire.NewTxOut(value, sc.spk))
		s.values, s.in = append(s.values, value), s.in+value
		if plain {
			if err := s.readPrev(i, point, wire.NewTxOut(value, sc.spk)); err != nil {
				return err
			}
		}
	}
	return nil
}

// readPrev rebuilds the previous transaction and holds it to its hash and to the coin.
func (s *signing) readPrev(i int, point wire.OutPoint, coin *wire.TxOut) error {
	m, err := s.ask(hww.WantPrevInit, i, 0, hww.BTCPrevInit, true)
	if err != nil {
		return err
	}
	ins, outs := m.Uint32(hww.PrevInputs), m.Uint32(hww.PrevOutputs)
	prev := wire.NewMsgTx(int32(m.Uint32(hww.PrevVersion)))
	prev.LockTime = m.Uint32(hww.PrevLockTime)
	if ins < 1 || outs <= point.Index {
		return invalid
	}
	for k := range int(ins) {
		if m, err = s.ask(hww.WantPrevInput, i, k, hww.BTCPrevInput, true); err != nil {
			return err
		}
		if len(m.Bytes(hww.PrevInHash)) != 32 {
			return invalid
		}
		in := wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash(m.Bytes(hww.PrevInHash)), Index: m.Uint32(hww.PrevInIndex)}, m.Bytes(hww.PrevInScript), nil)
		in.Sequence = m.Uint32(hww.PrevInSequence)
		prev.AddTxIn(in)
	}
	for k := range int(outs) {
		if m, err = s.ask(hww.WantPrevOutput, i, k, hww.BTCPrevOutput, true); err != nil {
			return err
		}
		prev.AddTxOut(wire.NewTxOut(int64(m.Uint(hww.PrevOutValue)), m.Bytes(hww.PrevOutScript)))
	}
	spent := prev.TxOut[point.Index]
	if prev.TxHash() != point.Hash || spent.Value != coin.Value || !bytes.Equal(spent.PkScript, coin.PkScript) {
		return invalid
	}
	return nil
}

func (s *signing) readOutputs(n int) error {
	for i := range n {
		m, err := s.ask(hww.WantOutput, i, 0, hww.ReqSignOutput, false)
		if err != nil {
			return err
		}
		value := int64(m.Uint(hww.OutValue))
		script, change, prefix, err := s.outputOf(m)
		if err != nil {
			return err
		}
		if (m.Uint(hww.OutType) == hww.OutOpReturn) != (value == 0) {
			return invalid
		}
		if change {
			s.change += value
		} else {
			s.out += value
			if !s.b.ask(s.t, signertest.ShowOutput, fmt.Sprintf("%s%s %d", prefix, recipient(script, s.coin.network), value)) {
				return aborted
			}
		}
		s.tx.AddTxOut(wire.NewTxOut(value, script))
	}
	fee := s.in - s.change - s.out
	if fee < 0 {
		return invalid
	}
	if !s.b.ask(s.t, signertest.ShowFee, fmt.Sprint(fee)) {
		return aborted
	}
	if s.b.d.Lie.Amount {
		s.tx.TxOut[0].Value--
	}
	return nil
}

// outputOf is an output's script, and whether it is change that is not shown.
func (s *signing) outputOf(m protolite.Message) (script []byte, change bool, prefix string, err error) {
	if !m.Bool(hww.OutOurs) {
		script, err := outputScript(m)
		return script, false, "", err
	}
	list, field, prefix := s.ins, hww.OutConfig, "This BitBox (same account): "
	other := m.Has(hww.OutOtherAccount)
	if other {
		list, field, prefix = s.others, hww.OutOtherAccount, "This BitBox: "
	}
	a, err := pick(list, m, field)
	if err != nil {
		return nil, false, "", err
	}
	path, err := pathIn(m, hww.OutPath)
	if err != nil || len(path) < 3 {
		return nil, false, "", invalid
	}
	if err := a.checkPath(path, true); err != nil {
		return nil, false, "", err
	}
	sc, err := a.script(path)
	return sc.spk, sc.change && !other, prefix, err
}

// signAll is the second pass over the inputs.
func (s *signing) signAll() error {
	hashes := txscript.NewTxSigHashes(s.tx, s.coins)
	for i := range s.tx.TxIn {
		a, m, sc, err := s.readInput(i)
		if err != nil {
			return err
		}
		path, err := pathIn(m, hww.InPath)
		if err != nil {
			return err
		}
		key, err := s.b.signingKey(path)
		if err != nil {
			return err
		}
		var sig []byte
		if a.isTaproot() {
			if m.Has(hww.InCommitment) {
				return invalid
			}
			sig, err = s.schnorr(hashes, i, sc, key)
		} else {
			sig, err = s.ecdsa(hashes, i, m, sc, key)
		}
		if err != nil {
			return err
		}
		s.more = protolite.Builder{}.Bool(hww.NextHasSignature, true).Bytes(hww.NextSignature, sig[:64])
	}
	return nil
}
