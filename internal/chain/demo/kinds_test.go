package demo_test

import (
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/btc/spend"
	"specter/internal/chain/chaintest"
	"specter/internal/chain/demo"
)

// The seven kinds of wallets; @ stands for a key.
var kinds = map[string]string{
	"pkh": "pkh(@)", "wpkh": "wpkh(@)", "sh-wpkh": "sh(wpkh(@))", "tr": "tr(@)",
	"sh": "sh(sortedmulti(2,@,@,@))", "wsh": "wsh(sortedmulti(2,@,@,@))", "sh-wsh": "sh(wsh(sortedmulti(2,@,@,@)))",
}

// owner is a wallet with its private keys on the demo chain.
type owner struct {
	c        *demo.Chain
	branches []*descriptor.Descriptor
	keys     []psbt.KeySource
}

func newOwner(t *testing.T, c *demo.Chain, kind string) *owner {
	t.Helper()
	o := &owner{c: c}
	text := kinds[kind]
	for i := 0; strings.Contains(text, "@"); i++ {
		master, err := btc.NewMaster(chainhash.HashB([]byte{byte(i), 'd'}), false)
		must(t, err)
		text = strings.Replace(text, "@", master.Public().String()+"/<0;1>/*", 1)
		o.keys = append(o.keys, psbt.ExtendedKey(master, btc.KeyOrigin{}))
	}
	d, err := descriptor.Parse(text, descriptor.Options{})
	must(t, err)
	o.branches = d.Expand()
	return o
}

func (o *owner) script(t *testing.T, branch, index uint32) []byte {
	t.Helper()
	out, err := o.branches[branch].Derive(index)
	must(t, err)
	return out.Script
}

// coin finds an output of ours in a transaction.
func (o *owner) coin(t *testing.T, tx *wire.MsgTx, branch, index uint32, confirmations int32) spend.Coin {
	t.Helper()
	script := o.script(t, branch, index)
	for i, out := range tx.TxOut {
		if string(out.PkScript) == string(script) {
			return spend.Coin{
				OutPoint: wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)}, Amount: btcutil.Amount(out.Value), Script: script,
				Branch: branch, Index: index, Confirmations: confirmations, Own: branch == 1, PrevTx: tx,
			}
		}
	}
	t.Fatalf("%s pays nothing to %d/%d", tx.TxHash(), branch, index)
	return spend.Coin{}
}

func (o *owner) params(t *testing.T, rate int64, seed byte) spend.Params {
	return spend.Params{
		Network: btc.Regtest, Branches: o.branches, FeeRate: btc.SatPerVB(rate), Replaceable: true,
		Tip: tipOf(t, o.c).Height, MinRelay: 1_000, Seed: [32]byte{seed},
	}
}

// send signs with two keys at most, tests and broadcasts.
func (o *owner) send(t *testing.T, p *psbt.Packet) *wire.MsgTx {
	t.Helper()
	for _, key := range o.keys[:min(2, len(o.keys))] {
		_, err := p.Sign(key)
		must(t, err)
	}
	must(t, p.Finalize())
	tx, err := p.Extract()
	must(t, err)
	must(t, o.c.TestAccept(t.Context(), tx))
	must(t, o.c.Broadcast(t.Context(), tx))
	return tx
}

func (o *owner) inChain(t *testing.T, tx *wire.MsgTx) bool {
	t.Helper()
	_, err := o.c.Tx(t.Context(), tx.TxHash())
	return err == nil
}

// Each kind of wallet receives, sends, replaces what it sent, pulls it along, and has it
// confirmed, all under consensus and standard policy.
func TestWalletsOfAllKindsOnTheChain(t *testing.T) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			c := open(t, "")
			o := newOwner(t, c, kind)
			var coins []spend.Coin
			for i := range uint32(3) {
				tx, err := c.Pay(wire.NewTxOut(coin/10, o.script(t, 0, i)))
				must(t, err)
				coins = append(coins, o.coin(t, tx, 0, i, 1))
			}
			mine(t, c, 1, nil)

			p := o.params(t, 2, 1)
			p.Recipients = []spend.Recipient{{Script: chaintest.Foreign(1), Amount: coin / 8}}
			first, err := spend.Plan(p, coins)
			must(t, err)
			sent := o.send(t, first.Packet)

			bump := spend.Bump{Params: o.params(t, 6, 2), Original: sent, Spent: first.Inputs}
			bump.Change = []spend.OwnOutput{{Vout: first.ChangeVout, Branch: 1, Index: 0}}
			second, err := spend.BumpFee(bump, nil)
			must(t, err)
			replacement := o.send(t, second.Packet)
			if o.inChain(t, sent) {
				t.Error("the original is still in the mempool")
			}

			child := spend.Child{Params: o.params(t, 20, 3), ParentFee: second.Fee, ParentVSize: second.VSize}
			child.ChangeIndex = 1
			third, err := spend.ChildPaysForParent(child, []spend.Coin{o.coin(t, replacement, 1, 0, 0)}, nil)
			must(t, err)
			pulled := o.send(t, third.Packet)

			mine(t, c, 1, nil)
			for _, tx := range []*wire.MsgTx{replacement, pulled} {
				if !o.inChain(t, tx) {
					t.Errorf("%s did not confirm", tx.TxHash())
				}
			}
			st, err := c.Status(t.Context())
			must(t, err)
			if st.MempoolTxs != 0 {
				t.Errorf("%d transactions are left in the mempool", st.MempoolTxs)
			}
		})
	}
}

// The least replacement that BumpFee plans is one that the chain's mempool takes, for a payment
// and for its cancellation.
func TestLeastReplacementIsAccepted(t *testing.T) {
	for _, cancel := range []bool{false, true} {
		for kind := range kinds {
			c := open(t, "")
			o := newOwner(t, c, kind)
			tx, err := c.Pay(wire.NewTxOut(coin/10, o.script(t, 0, 0)))
			must(t, err)
			mine(t, c, 1, nil)
			p := o.params(t, 3, 1)
			p.Recipients = []spend.Recipient{{Script: chaintest.Foreign(1), Amount: coin / 20}}
			r, err := spend.Plan(p, []spend.Coin{o.coin(t, tx, 0, 0, 1)})
			must(t, err)
			sent := o.send(t, r.Packet)
			bump := spend.Bump{Params: o.params(t, 0, 2), Original: sent, Spent: r.Inputs, Cancel: cancel}
			bump.Change = []spend.OwnOutput{{Vout: r.ChangeVout, Branch: 1, Index: 0}}
			b, err := spend.BumpFee(bump, nil)
			must(t, err)
			o.send(t, b.Packet)
			if o.inChain(t, sent) {
				t.Errorf("%s: the original was not replaced", kind)
			}
		}
	}
}
