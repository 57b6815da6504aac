package coretest

import (
	"bytes"
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
)

// Bounds of one filling block and one splitting transaction, well inside consensus.
const (
	perBlock = 4000
	perSplit = 2000
)

// Fill mines count transactions, each of which pays sat to script(i), and nothing else that
// matters: history in bulk, for benchmarks. They are in blocks of 4,000. Some seconds for
// 10,000. It returns the ids in order.
func (n *Node) Fill(count int, sat int64, script func(i int) []byte) []chainhash.Hash {
	n.t.Helper()
	coins := n.split(count, sat+200)
	ids := make([]chainhash.Hash, 0, count)
	var raws []string
	for i := range count {
		tx := wire.NewMsgTx(2)
		in := wire.NewTxIn(&coins[i], nil, wire.TxWitness{{opTrue}})
		tx.AddTxIn(in)
		tx.AddTxOut(wire.NewTxOut(sat, script(i)))
		ids = append(ids, tx.TxHash())
		raws = append(raws, n.raw(tx))
		if len(raws) == perBlock || i == count-1 {
			n.mustRPC("", "generateblock", nil, n.nobody(), raws)
			raws = nil
		}
	}
	return ids
}

const opTrue = 0x51

// anyone is a script that anyone can spend: P2WSH of OP_TRUE.
func anyone() []byte {
	return btc.WitnessScript(0, chainhash.HashB([]byte{opTrue}))
}

// split turns coins of the counterparty into many coins of anyone, confirmed.
func (n *Node) split(count int, sat int64) []wire.OutPoint {
	n.t.Helper()
	var coins []wire.OutPoint
	var utxos []struct {
		TxID   string
		Vout   uint32
		Amount jsonAmount
	}
	n.mustRPC(Counterparty, "listunspent", &utxos, 100)
	for u := 0; len(coins) < count; u++ {
		if u == len(utxos) {
			n.t.Fatal("the counterparty has too few coins for this")
		}
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: n.hash(utxos[u].TxID), Index: utxos[u].Vout}, nil, nil))
		outs := min(count-len(coins), perSplit)
		if int64(outs)*sat > int64(utxos[u].Amount) {
			outs = int(int64(utxos[u].Amount) / sat)
		}
		if outs == 0 {
			continue
		}
		for range outs {
			tx.AddTxOut(wire.NewTxOut(sat, anyone()))
		}
		var signed struct{ Hex string }
		n.mustRPC(Counterparty, "signrawtransactionwithwallet", &signed, n.raw(tx))
		n.mustRPC("", "generateblock", nil, n.nobody(), []string{signed.Hex})
		id := n.decode(signed.Hex).TxHash() // the coin may be of any type: a signature can change the id
		for v := range outs {
			coins = append(coins, wire.OutPoint{Hash: id, Index: uint32(v)})
		}
	}
	return coins
}

func (n *Node) raw(tx *wire.MsgTx) string {
	n.t.Helper()
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		n.t.Fatal(err)
	}
	return hex.EncodeToString(b.Bytes())
}

func (n *Node) decode(raw string) *wire.MsgTx {
	n.t.Helper()
	data, err := hex.DecodeString(raw)
	if err != nil {
		n.t.Fatal(err)
	}
	tx := new(wire.MsgTx)
	if err := tx.Deserialize(bytes.NewReader(data)); err != nil {
		n.t.Fatal(err)
	}
	return tx
}

// jsonAmount is an amount in sat, read from the node's decimals.
type jsonAmount int64

// UnmarshalJSON reads "0.10000000".
func (a *jsonAmount) UnmarshalJSON(b []byte) error {
	v, err := btc.ParseBTC(strings.TrimSpace(string(b)))
	*a = jsonAmount(v)
	return err
}
