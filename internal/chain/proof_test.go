package chain_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/btcutil/v2/bloom"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"specter/internal/chain"
)

// mined makes a regtest block of n transactions on a parent, with its work.
func mined(n int, parent chainhash.Hash) *wire.MsgBlock {
	b := &wire.MsgBlock{Header: wire.BlockHeader{Version: 4, PrevBlock: parent, Timestamp: time.Unix(1700000000, 0), Bits: chaincfg.RegressionNetParams.PowLimitBits}}
	var txs []*btcutil.Tx
	for i := range n {
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(&wire.TxIn{SignatureScript: binary.LittleEndian.AppendUint64(nil, uint64(i))})
		tx.AddTxOut(wire.NewTxOut(int64(i), make([]byte, 30)))
		b.Transactions = append(b.Transactions, tx)
		txs = append(txs, btcutil.NewTx(tx))
	}
	level := make([]chainhash.Hash, n)
	for i, tx := range txs {
		level[i] = *tx.Hash()
	}
	for len(level) > 1 {
		var up []chainhash.Hash
		for i := 0; i < len(level); i += 2 {
			up = append(up, chainhash.DoubleHashH(append(level[i].CloneBytes(), level[min(i+1, len(level)-1)][:]...)))
		}
		level = up
	}
	b.Header.MerkleRoot = level[0]
	return work(b)
}

// work counts the nonce up until the header carries its work, or does not where easy is false.
func work(b *wire.MsgBlock) *wire.MsgBlock {
	for {
		if h := b.Header.BlockHash(); h[31] < 0x7f {
			return b
		}
		b.Header.Nonce++
	}
}

func TestProofsOfEveryPlaceInABlock(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 100} {
		block := mined(n, chainhash.Hash{})
		for pos := range n {
			m := chain.MerkleProof(block, pos)
			tx := block.Transactions[pos]
			if err := (chain.Proof{Merkle: m}).Check(block.Header, tx); err != nil {
				t.Fatalf("%d of %d: %v", pos, n, err)
			}
			filter := bloom.NewFilter(1, 0, 1e-9, wire.BloomUpdateNone)
			id := tx.TxHash()
			filter.AddHash(&id)
			theirs, found := bloom.NewMerkleBlock(btcutil.NewBlock(block), filter)
			if len(found) == 1 {
				if diff := cmp.Diff(fmt.Sprint(theirs.Hashes, theirs.Flags), fmt.Sprint(m.Hashes, m.Flags)); diff != "" {
					t.Errorf("%d of %d differs from btcd's: %s", pos, n, diff)
				}
			}
		}
	}
}

func TestForgedProofsAreRefused(t *testing.T) {
	block := mined(9, chainhash.Hash{})
	other := mined(3, chainhash.HashH([]byte("elsewhere")))
	tx := block.Transactions[4]
	good := func() chain.Proof {
		return chain.Proof{Merkle: chain.MerkleProof(block, 4)}
	}
	if err := good().Check(block.Header, tx); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(p *chain.Proof){
		"nothing":           func(p *chain.Proof) { p.Merkle = nil },
		"another block":     func(p *chain.Proof) { p.Merkle = chain.MerkleProof(other, 1) },
		"another place":     func(p *chain.Proof) { p.Merkle = chain.MerkleProof(block, 5) },
		"a changed hash":    func(p *chain.Proof) { p.Merkle.Hashes[0] = &chainhash.Hash{1} },
		"a hash more":       func(p *chain.Proof) { p.Merkle.Hashes = append(p.Merkle.Hashes, &chainhash.Hash{}) },
		"a hash less":       func(p *chain.Proof) { p.Merkle.Hashes = p.Merkle.Hashes[1:] },
		"no hashes":         func(p *chain.Proof) { p.Merkle.Hashes = nil },
		"another flag":      func(p *chain.Proof) { p.Merkle.Flags[0] ^= 2 },
		"a flag more":       func(p *chain.Proof) { p.Merkle.Flags = append(p.Merkle.Flags, 0) },
		"padding":           func(p *chain.Proof) { p.Merkle.Flags[len(p.Merkle.Flags)-1] |= 0x80 },
		"no flags":          func(p *chain.Proof) { p.Merkle.Flags = nil },
		"a million of them": func(p *chain.Proof) { p.Merkle.Transactions = 1_000_000 },
		"one more of them":  func(p *chain.Proof) { p.Merkle.Transactions = 17 },
		"none of them":      func(p *chain.Proof) { p.Merkle.Transactions = 0 },
	} {
		p := good()
		change(&p)
		if err := p.Check(block.Header, tx); err == nil {
			t.Errorf("%s was believed", name)
		}
	}
	if err := good().Check(block.Header, block.Transactions[3]); err == nil {
		t.Error("the proof was believed for another transaction")
	}
	if err := good().Check(other.Header, tx); err == nil {
		t.Error("the proof was believed for another block")
	}
	inner := wire.NewMsgTx(1)
	inner.AddTxIn(&wire.TxIn{})
	inner.AddTxOut(wire.NewTxOut(0, make([]byte, 4)))
	if n := inner.SerializeSizeStripped(); n != 64 {
		t.Fatalf("the small transaction has %d bytes", n)
	}
	small := &wire.MsgBlock{Header: block.Header, Transactions: []*wire.MsgTx{inner}}
	small.Header.MerkleRoot = inner.TxHash()
	if err := (chain.Proof{Merkle: chain.MerkleProof(small, 0)}).Check(small.Header, inner); err == nil {
		t.Error("a transaction that could be an inner node was believed")
	}
}

func FuzzMerkleProof(f *testing.F) {
	block := mined(9, chainhash.Hash{})
	m := chain.MerkleProof(block, 4)
	f.Add(uint32(9), m.Flags, 4)
	f.Fuzz(func(t *testing.T, total uint32, flags []byte, hashes int) {
		fake := *m
		fake.Transactions, fake.Flags = total, flags
		fake.Hashes = nil
		for i := range min(max(hashes, 0), 100) {
			fake.Hashes = append(fake.Hashes, m.Hashes[i%len(m.Hashes)])
		}
		err := chain.Proof{Merkle: &fake}.Check(block.Header, block.Transactions[4])
		// How many leaves the tree has is not part of what the header commits to.
		if err == nil && len(fake.Hashes) != len(m.Hashes) {
			t.Error("a forged proof was believed")
		}
	})
}
