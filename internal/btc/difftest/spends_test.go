package difftest_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/miniscript"
	"specter/internal/btc/psbt"
)

// Numbers of one round.
const (
	wshRounds    = 40 // descriptors
	trRounds     = 16 // descriptors, of one to four leaves
	pathsOfOne   = 60 // ways that are tried of one descriptor
	coinSat      = 20_000
	feeSat       = 5_000
	numsKey      = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0" // BIP341's point H
	enumerations = 200_000
)

// way is one way to spend a coin of a descriptor: the only keys and preimages that are there, and
// the transaction's clock.
type way struct {
	desc               *descriptor.Descriptor
	out                *descriptor.Output
	keys               []string // as the descriptor writes them
	ring               keyring
	preimages          []psbt.Preimage
	lockTime, sequence uint32
	sighash            txscript.SigHashType
}

func (y *way) String() string {
	return fmt.Sprintf("%s by %v with %d preimages at locktime %d, sequence %d, sighash %d",
		y.desc, y.keys, len(y.preimages), y.lockTime, y.sequence, y.sighash)
}

func spendsInWSH(w *world) {
	spendAll(w, wshRounds, func() []*way {
		a := newAuthor(w, miniscript.WSH)
		n := a.sane()
		form := "wsh(%s)"
		if w.chance(5) {
			form = "sh(wsh(%s))"
		}
		return a.ways(fmt.Sprintf(form, n), n)
	})
}

func spendsInTaproot(w *world) {
	spendAll(w, trRounds, func() []*way {
		a := newAuthor(w, miniscript.Tapscript)
		leaves := make([]*miniscript.Node, 1+w.IntN(4))
		for i := range leaves {
			leaves[i] = a.sane()
		}
		internal := numsKey
		if w.chance(3) {
			internal = a.key()
		}
		text := fmt.Sprintf("tr(%s,%s)", internal, w.tree(leaves))
		ways := a.ways(text, leaves...)
		if internal != numsKey {
			ways = append(ways, a.way(text, []string{internal}, nil))
		}
		return ways
	})
}

// tree puts leaves under a random taproot tree.
func (w *world) tree(leaves []*miniscript.Node) string {
	if len(leaves) == 1 {
		return leaves[0].String()
	}
	cut := 1 + w.IntN(len(leaves)-1)
	return "{" + w.tree(leaves[:cut]) + "," + w.tree(leaves[cut:]) + "}"
}

// ways lists the ways to spend: every set of keys, preimages and clocks that a non-malleable
// witness takes, for each of the scripts.
func (a *author) ways(text string, scripts ...*miniscript.Node) []*way {
	var list []*way
	seen := map[string]bool{}
	for i, n := range scripts {
		e, err := n.Enumerate(miniscript.Search{Limit: enumerations})
		if err != nil {
			a.Logf("%s: %v", n, err) // too many ways: random ones would not be all
			return nil
		}
		if len(e.NonMalleable) == 0 {
			a.Fatalf("%s is said to be satisfiable, but there is no way", n)
		}
		for _, s := range e.NonMalleable {
			var keys []string
			var locks []miniscript.HashLock
			for _, el := range s.Elements {
				switch el.Kind {
				case miniscript.ElementSignature:
					keys = append(keys, el.Key)
				case miniscript.ElementPreimage:
					locks = append(locks, el.Hash)
				}
			}
			if id := fmt.Sprint(i, keys, locks, s.LockTime, s.Sequence); !seen[id] {
				seen[id] = true
				y := a.way(text, keys, locks)
				y.lockTime, y.sequence = s.LockTime, s.Sequence
				list = append(list, y)
			}
		}
	}
	a.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(len(list), pathsOfOne)]
}

func (a *author) way(text string, keys []string, locks []miniscript.HashLock) *way {
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		a.Fatalf("%s: %v", text, err)
	}
	out, err := d.Derive(index)
	a.must(err)
	y := &way{desc: d, out: out, keys: keys, ring: keyring{}}
	for _, k := range keys {
		if a.keys[k] == nil {
			a.Fatalf("%s needs a key %s that nobody has", text, k)
		}
		y.ring.add(a.keys[k])
	}
	for _, l := range locks {
		y.preimages = append(y.preimages, psbt.Preimage{Kind: l.Kind, Digest: l.Digest, Value: a.images[l.String()]})
	}
	if a.chance(4) {
		y.sighash = []txscript.SigHashType{
			txscript.SigHashAll, txscript.SigHashNone, txscript.SigHashSingle, txscript.SigHashAll | txscript.SigHashAnyOneCanPay,
			txscript.SigHashNone | txscript.SigHashAnyOneCanPay, txscript.SigHashSingle | txscript.SigHashAnyOneCanPay,
		}[a.IntN(6)]
	}
	return y
}

// spendAll funds the ways of random descriptors, lets their timelocks pass and spends each.
func spendAll(w *world, count int, random func() []*way) {
	var all []*way
	var scripts [][]byte
	for found := 0; found < count*w.rounds; {
		ways := random()
		if len(ways) > 0 {
			found++
		}
		for _, y := range ways {
			all, scripts = append(all, y), append(scripts, y.out.Script)
		}
	}
	w.sameScripts(all)
	coins, prev := w.fund(coinSat, scripts)
	w.node.MineEvery(ripeBlocks, w.clock(), ripeStep)
	var blocked []string
	for i, y := range all {
		tx := w.spend(y, coins[i], prev[i])
		if tx == nil {
			continue
		}
		err := w.node.RPC("", "sendrawtransaction", nil, rawHex(tx), 0)
		switch {
		case err != nil && strings.Contains(err.Error(), ownPolicy) && branchesInLeaf(tx):
			blocked = append(blocked, rawHex(tx))
		case err != nil:
			w.Errorf("the node refuses: %v: %s: %s", err, y, rawHex(tx))
		}
	}
	w.mineAll(blocked)
	w.Logf("%d ways to spend %d descriptors; %d of them by blocks, for a rule of the node's own", len(all), count*w.rounds, len(blocked))
}

// mineAll mines what is in the mempool, and in further blocks what the node only takes there.
func (w *world) mineAll(blocked []string) {
	w.Helper()
	w.mine()
	for list := range slices.Chunk(blocked, 50) {
		if err := w.node.RPC("", "generateblock", nil, w.node.NewAddress(), list); err != nil {
			w.Errorf("the node refuses a block: %v", err)
		}
	}
}

// branchesInLeaf reports whether a transaction spends by a taproot leaf with OP_IF or OP_NOTIF.
func branchesInLeaf(tx *wire.MsgTx) bool {
	witness := tx.TxIn[0].Witness
	if len(witness) < 2 || len(tx.TxIn[0].SignatureScript) > 0 {
		return false
	}
	t := txscript.MakeScriptTokenizer(0, witness[len(witness)-2])
	for t.Next() {
		if t.Opcode() == txscript.OP_IF || t.Opcode() == txscript.OP_NOTIF {
			return true
		}
	}
	return false
}

// clock is the time from which blocks may go on: that of the tip, or now.
func (w *world) clock() time.Time {
	w.Helper()
	var info struct{ Time int64 }
	w.ask(&info, "getblockchaininfo")
	return time.Unix(max(info.Time, time.Now().Unix()), 0)
}

// Bitcoin Knots from version 29.4 neither derives nor relays taproot leaves with OP_IF: it foresees a
// fork without that opcode. No BIP that we follow knows the rule, and the node takes such spends in
// blocks while the fork is not active. These are in its answers.
const (
	ownRule   = "under reduced-data"
	ownPolicy = "OP_IF/NOTIF argument must be minimal in tapscript"
)

// sameScripts has the node derive the descriptors.
func (w *world) sameScripts(all []*way) {
	w.Helper()
	own := 0
	for i, y := range all {
		if i > 0 && all[i-1].desc.String() == y.desc.String() {
			continue
		}
		params := []any{y.desc.String()}
		if y.desc.IsRanged() {
			params = append(params, []int{index, index})
		}
		var want []string
		if err := w.node.RPC("", "deriveaddresses", &want, params...); err != nil {
			if strings.Contains(err.Error(), ownRule) {
				own++
			} else {
				w.Errorf("the node refuses %s: %v", y.desc, err)
			}
			continue
		}
		if got, _ := y.out.Address(btc.Regtest); !slices.Equal(want, []string{got}) {
			w.Errorf("%s: the node derives %v, we %s", y.desc, want, got)
		}
	}
	if own > 0 {
		w.Logf("%d descriptors the node will not derive for a rule of its own: %q", own, ownRule)
	}
}

// spend makes the transaction through every role of a PSBT.
func (w *world) spend(y *way, coin wire.OutPoint, prev *wire.MsgTx) *wire.MsgTx {
	w.Helper()
	tx := wire.NewMsgTx(2)
	tx.LockTime = y.lockTime
	sequence := y.sequence
	if sequence == 0 {
		sequence = wire.MaxTxInSequenceNum - 1 - w.Uint32N(2)
	}
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: coin, Sequence: sequence})
	tx.AddTxOut(wire.NewTxOut(coinSat-feeSat, btc.WitnessScript(0, w.bytes(20))))
	p, err := psbt.New(tx)
	w.must(err)
	if w.chance(2) {
		p, err = p.Convert(2)
		w.must(err)
	}
	w.must(p.UpdateInput(0, prev, nil, y.out))
	p.Inputs[0].Preimages = y.preimages
	p.SetSighash(0, y.sighash)
	for _, k := range w.shuffled(y.ring) { // one signer after the other
		if _, err := p.Sign(keyring{string(k.PubKey().SerializeCompressed()): k, string(k.PubKey().SerializeCompressed()[1:]): k}); err != nil {
			w.Errorf("sign %s: %v", y, err)
			return nil
		}
		p = w.reread(p)
	}
	if err := p.Finalize(); err != nil {
		w.Errorf("finalize %s: %v", y, err)
		return nil
	}
	p = w.reread(p)
	signed, err := p.Extract()
	if err != nil {
		w.Errorf("extract %s: %v", y, err)
		return nil
	}
	w.checkWeight(y, signed)
	return signed
}

func (w *world) shuffled(r keyring) []*btcec.PrivateKey {
	var list []*btcec.PrivateKey
	for pub, k := range r {
		if len(pub) == 33 {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b *btcec.PrivateKey) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	w.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func (w *world) reread(p *psbt.Packet) *psbt.Packet {
	w.Helper()
	text, err := p.Base64()
	w.must(err)
	q, err := psbt.Decode(text)
	w.must(err)
	return q
}

// checkWeight holds the planned weight of the input against the real one. Signatures may be
// some bytes shorter than planned.
func (w *world) checkWeight(y *way, tx *wire.MsgTx) {
	w.Helper()
	plan, err := y.desc.Plan(descriptor.Assets{
		CanSign: func(k descriptor.Key) bool {
			return slices.ContainsFunc(y.keys, func(s string) bool { return k.Text == s })
		},
		Preimage: func(_ miniscript.HashKind, digest []byte) bool {
			return slices.ContainsFunc(y.preimages, func(p psbt.Preimage) bool { return string(p.Digest) == string(digest) })
		},
		After:   func(n uint32) bool { return n <= y.lockTime && (n < 500_000_000) == (y.lockTime < 500_000_000) },
		Older:   func(n uint32) bool { return n&0xffff <= y.sequence&0xffff && n>>22 == y.sequence>>22 },
		SigHash: y.sighash != txscript.SigHashDefault,
	})
	if err != nil {
		w.Errorf("no plan for %s: %v", y, err)
		return
	}
	in := tx.TxIn[0]
	real := btc.Weight(4*in.SerializeSize() + in.Witness.SerializeSize())
	if slack := plan.Weight - real; slack < 0 || slack > btc.Weight(4*len(y.keys)) {
		w.Errorf("%s: planned %d WU, real %d: %s", y, plan.Weight, real, hex.EncodeToString(in.SignatureScript))
	}
}
