package difftest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/chain/core/coretest"
)

// sortedMulti is a multisig of as many new keys as people have it, with one branch.
func sortedMulti(b *testing.B, need, of int) (text string, masters []btc.XKey) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, uint64(of)))
	path := btc.Path{48 | btc.Hardened, 1 | btc.Hardened, btc.Hardened, 2 | btc.Hardened}
	var keys []string
	for range of {
		seed := make([]byte, 32)
		for i := range seed {
			seed[i] = byte(r.Uint32())
		}
		m, err := btc.NewMaster(seed, false)
		check(b, err)
		account, err := m.Derive(path)
		check(b, err)
		keys = append(keys, fmt.Sprintf("[%s]%s/0/*", btc.KeyOrigin{Fingerprint: m.Fingerprint(), Path: path}, account.Public()))
		masters = append(masters, m)
	}
	return descriptor.AddChecksum(fmt.Sprintf("wsh(sortedmulti(%d,%s))", need, strings.Join(keys, ","))), masters
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// The node's figures hold its JSON and HTTP, as whoever asks a node pays for them.

func BenchmarkDerive1000Of3of5(b *testing.B) {
	text, _ := sortedMulti(b, 3, 5)
	b.Run("specter", func(b *testing.B) {
		for b.Loop() {
			d, err := descriptor.Parse(text, descriptor.Options{})
			check(b, err)
			for i := range uint32(1000) {
				o, err := d.Derive(i)
				check(b, err)
				if _, ok := o.Address(btc.Regtest); !ok {
					b.Fatal("no address")
				}
			}
		}
	})
	node := coretest.Start(b, coretest.Options{Empty: true})
	b.Run("bitcoind", func(b *testing.B) {
		for b.Loop() {
			var list []string
			check(b, node.RPC("", "deriveaddresses", &list, text, []int{0, 999}))
			if len(list) != 1000 {
				b.Fatal(len(list))
			}
		}
	})
}

// bigPSBT spends 500 coins of a 2 of 3 and was signed by two people apart.
func bigPSBT(b *testing.B) (first, second *psbt.Packet) {
	b.Helper()
	text, masters := sortedMulti(b, 2, 3)
	d, err := descriptor.Parse(text, descriptor.Options{})
	check(b, err)
	const inputs = 500
	tx := wire.NewMsgTx(2)
	var outs []*descriptor.Output
	var prevs []*wire.MsgTx
	for i := range uint32(inputs) {
		out, err := d.Derive(i)
		check(b, err)
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: [32]byte{1}, Index: i}})
		prev.AddTxOut(wire.NewTxOut(100_000, out.Script))
		prev.AddTxOut(wire.NewTxOut(50_000, btc.WitnessScript(0, make([]byte, 20))))
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: prev.TxHash()}, Sequence: wire.MaxTxInSequenceNum - 2})
		outs, prevs = append(outs, out), append(prevs, prev)
	}
	tx.AddTxOut(wire.NewTxOut(inputs*99_000, btc.WitnessScript(0, make([]byte, 20))))
	p, err := psbt.New(tx)
	check(b, err)
	for i := range outs {
		check(b, p.UpdateInput(i, prevs[i], nil, outs[i]))
	}
	signed := [2]*psbt.Packet{p.Clone(), p.Clone()}
	for i, s := range signed {
		_, err := s.Sign(psbt.ExtendedKey(masters[i], btc.KeyOrigin{}))
		check(b, err)
	}
	return signed[0], signed[1]
}

func BenchmarkPSBTOf500Inputs(b *testing.B) {
	first, second := bigPSBT(b)
	texts := make([]string, 2)
	var err error
	texts[0], err = first.Base64()
	check(b, err)
	texts[1], err = second.Base64()
	check(b, err)
	combined, err := psbt.Combine(first, second)
	check(b, err)
	whole, err := combined.Base64()
	check(b, err)
	b.Run("parse and combine/specter", func(b *testing.B) {
		for b.Loop() {
			x, err := psbt.Decode(texts[0])
			check(b, err)
			y, err := psbt.Decode(texts[1])
			check(b, err)
			z, err := psbt.Combine(x, y)
			check(b, err)
			_, err = z.Base64()
			check(b, err)
		}
	})
	b.Run("parse, finalize and extract/specter", func(b *testing.B) {
		for b.Loop() {
			p, err := psbt.Decode(whole)
			check(b, err)
			check(b, p.Finalize())
			_, err = p.Extract()
			check(b, err)
		}
	})
	node := coretest.Start(b, coretest.Options{Empty: true})
	b.Run("parse and combine/bitcoind", func(b *testing.B) {
		for b.Loop() {
			var out string
			check(b, node.RPC("", "combinepsbt", &out, texts))
		}
	})
	b.Run("parse, finalize and extract/bitcoind", func(b *testing.B) {
		for b.Loop() {
			var out struct{ Complete bool }
			check(b, node.RPC("", "finalizepsbt", &out, whole))
			if !out.Complete {
				b.Fatal("not complete")
			}
		}
	})
}
