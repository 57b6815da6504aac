package demo

import (
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// faucetSeed makes the faucet's key. It is no secret: the money is worth nothing.
const faucetSeed = "the faucet of the demo chain"

// faucetRate is what the faucet's transactions pay.
const faucetRate = btc.FeeRate(2_000)

// reorgMargin is how much older than mature a coinbase must be for the faucet: what it paid
// would be invalid for a while, and lost, should a reorg make the coinbase too young again.
const reorgMargin = 20

// minerScript is where blocks pay that nobody asked for: the witness program of a script of
// zeros' hash, which nobody knows.
var minerScript = btc.WitnessScript(0, chainhash.HashB([]byte("the miner of the demo chain")))

// wallet is the faucet's single key.
type wallet struct {
	key    *btcec.PrivateKey
	script []byte // P2WPKH
}

func newFaucet() (wallet, error) {
	key, pub := btcec.PrivKeyFromBytes(chainhash.HashB([]byte(faucetSeed)))
	return wallet{key, btc.WitnessScript(0, address.Hash160(pub.SerializeCompressed()))}, nil
}

// fund is a coin of the faucet.
type fund struct {
	op     wire.OutPoint
	amount btcutil.Amount
}

// Faucet pays an amount to an address and returns the transaction, which is in the mempool.
func (c *Chain) Faucet(addr string, amount btcutil.Amount) (*wire.MsgTx, error) {
	a, err := btc.ParseAddress(addr, btc.Regtest)
	if err != nil {
		return nil, err
	}
	return c.Pay(wire.NewTxOut(int64(amount), a.Script))
}

// Pay pays any number of outputs from the faucet in one transaction, which is in the mempool then.
func (c *Chain) Pay(outs ...*wire.TxOut) (*wire.MsgTx, error) {
	if err := c.lock(); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	tx, err := c.payment(outs)
	if err != nil {
		return nil, err
	}
	return tx, c.accept(tx)
}

// payment makes a signed transaction of the faucet.
func (c *Chain) payment(outs []*wire.TxOut) (*wire.MsgTx, error) {
	tx := wire.NewMsgTx(2)
	var need btcutil.Amount
	for _, o := range outs {
		if o.Value <= 0 || o.Value > int64(btc.MaxMoney) {
			return nil, errs.E(errs.Invalid, "the faucet pays amounts of more than 0 BTC")
		}
		need += btcutil.Amount(o.Value)
		tx.AddTxOut(o)
	}
	if len(outs) == 0 || need > btc.MaxMoney {
		return nil, errs.E(errs.Invalid, "the faucet has nothing to pay, or more than there is")
	}
	change := wire.NewTxOut(0, c.faucet.script)
	tx.AddTxOut(change)
	var have btcutil.Amount
	var coins []fund
	enough := func() bool {
		// A signed P2WPKH input weighs at most 272 WU, an unsigned one here 164.
		weight := btc.Weight(4*tx.SerializeSizeStripped() + 2 + 108*len(coins))
		change.Value = int64(have - need - faucetRate.Fee(weight.VSize()))
		return change.Value >= 1_000
	}
	err := c.eachFund(func(f fund) bool {
		in := wire.NewTxIn(&f.op, nil, nil)
		in.Sequence = 0xfffffffd
		tx.AddTxIn(in)
		coins, have = append(coins, f), have+f.amount
		return !enough()
	})
	if err != nil {
		return nil, err
	}
	if change.Value < 1_000 {
		return nil, errs.E(errs.Unavailable, "the faucet has run dry: it holds %s BTC that can be spent now", btc.FormatBTC(have))
	}
	return tx, c.sign(tx, coins)
}

// eachFund offers the faucet's coins, newest first, until use says no. Coins that the mempool
// spends, and young coinbases, are left out.
func (c *Chain) eachFund(use func(fund) bool) error {
	for _, p := range c.index.pool {
		for _, f := range c.fundsOf(p.tx) {
			if c.pool.CheckSpend(f.op) == nil && !use(f) {
				return nil
			}
		}
	}
	next := c.chain.BestSnapshot().Height + 1
	for _, p := range slices.Backward(c.index.byScript[string(c.faucet.script)]) {
		tx, err := c.txAt(p)
		if err != nil {
			return err
		}
		for _, f := range c.fundsOf(tx) {
			entry, err := c.chain.FetchUtxoEntry(f.op)
			if err != nil {
				return err
			}
			if entry == nil || entry.IsSpent() || c.pool.CheckSpend(f.op) != nil {
				continue
			}
			if entry.IsCoinBase() && next-entry.BlockHeight() < int32(c.params.CoinbaseMaturity)+reorgMargin {
				continue
			}
			if !use(f) {
				return nil
			}
		}
	}
	return nil
}

// fundsOf lists the outputs of a transaction that pay the faucet.
func (c *Chain) fundsOf(tx *wire.MsgTx) []fund {
	var out []fund
	id := tx.TxHash()
	for i, o := range tx.TxOut {
		if string(o.PkScript) == string(c.faucet.script) {
			out = append(out, fund{wire.OutPoint{Hash: id, Index: uint32(i)}, btcutil.Amount(o.Value)})
		}
	}
	return out
}

func (c *Chain) sign(tx *wire.MsgTx, coins []fund) error {
	prev := map[wire.OutPoint]*wire.TxOut{}
	for _, f := range coins {
		prev[f.op] = wire.NewTxOut(int64(f.amount), c.faucet.script)
	}
	hashes := txscript.NewTxSigHashes(tx, txscript.NewMultiPrevOutFetcher(prev))
	for i, f := range coins {
		witness, err := txscript.WitnessSignature(tx, hashes, i, int64(f.amount), c.faucet.script, txscript.SigHashAll, c.faucet.key, true)
		if err != nil {
			return err
		}
		tx.TxIn[i].Witness = witness
	}
	return nil
}
