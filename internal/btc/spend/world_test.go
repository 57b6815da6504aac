package spend_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/btc/spend"
)

// kinds are the wallets that every test of a transaction's size and signatures goes through.
var kinds = map[string]struct {
	template string // @ stands for a key with origin and branches
	need     int    // signatures
}{
	"pkh":         {"pkh(@)", 1},
	"wpkh":        {"wpkh(@)", 1},
	"sh-wpkh":     {"sh(wpkh(@))", 1},
	"tr":          {"tr(@)", 1},
	"sh multi":    {"sh(sortedmulti(2,@,@,@))", 2},
	"wsh multi":   {"wsh(sortedmulti(2,@,@,@))", 2},
	"sh-wsh":      {"sh(wsh(sortedmulti(2,@,@,@)))", 2},
	"wsh 3-of-5":  {"wsh(multi(3,@,@,@,@,@))", 3},
	"wsh 15 keys": {"wsh(sortedmulti(8,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@))", 8},
}

// keeper is a wallet with its private keys.
type keeper struct {
	branches []*descriptor.Descriptor
	keys     []psbt.KeySource
	need     int
	outs     map[[2]uint32]*descriptor.Output
	made     uint32
}

func newKeeper(t testing.TB, kind string) *keeper {
	t.Helper()
	k := &keeper{need: kinds[kind].need, outs: map[[2]uint32]*descriptor.Output{}}
	text := kinds[kind].template
	for i := 0; strings.Contains(text, "@"); i++ {
		master, err := btc.NewMaster(chainhash.HashB([]byte{byte(i), 7}), false)
		if err != nil {
			t.Fatal(err)
		}
		path, _ := btc.ParsePath("48h/1h/0h/2h")
		account, err := master.Derive(path)
		if err != nil {
			t.Fatal(err)
		}
		k.keys = append(k.keys, psbt.ExtendedKey(master, btc.KeyOrigin{}))
		text = strings.Replace(text, "@", "["+master.Fingerprint().String()+"/48h/1h/0h/2h]"+account.Public().String()+"/<0;1>/*", 1)
	}
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k.branches = d.Expand()
	return k
}

func (k *keeper) output(t testing.TB, branch, index uint32) *descriptor.Output {
	t.Helper()
	key := [2]uint32{branch, index}
	if k.outs[key] == nil {
		out, err := k.branches[branch].Derive(index)
		if err != nil {
			t.Fatal(err)
		}
		k.outs[key] = out
	}
	return k.outs[key]
}

// coin makes a confirmed coin with the transaction that made it.
func (k *keeper) coin(t testing.TB, amount btcutil.Amount, index uint32) spend.Coin {
	t.Helper()
	k.made++
	out := k.output(t, 0, index)
	prev := wire.NewMsgTx(2)
	var id chainhash.Hash
	binary.BigEndian.PutUint32(id[:], k.made)
	prev.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&id, 0), nil, nil))
	prev.AddTxOut(wire.NewTxOut(4_000, []byte{0x51, 0x52}))
	prev.AddTxOut(wire.NewTxOut(int64(amount), out.Script))
	return spend.Coin{
		OutPoint: wire.OutPoint{Hash: prev.TxHash(), Index: 1}, Amount: amount, Script: out.Script,
		Index: index, Confirmations: 6, PrevTx: prev,
	}
}

func (k *keeper) coins(t testing.TB, amounts ...btcutil.Amount) []spend.Coin {
	t.Helper()
	out := make([]spend.Coin, len(amounts))
	for i, a := range amounts {
		out[i] = k.coin(t, a, uint32(i%20))
	}
	return out
}

func (k *keeper) params(recipients ...spend.Recipient) spend.Params {
	return spend.Params{
		Network: btc.Regtest, Branches: k.branches, ChangeIndex: 3, Recipients: recipients,
		FeeRate: btc.SatPerVB(5), Replaceable: true, Tip: 800_000, Seed: [32]byte{1, 2, 3}, XPubs: true,
	}
}

// sign signs with as many keys as are needed and returns the transaction, which Extract has
// put through the script engine.
func (k *keeper) sign(t testing.TB, p *psbt.Packet) *wire.MsgTx {
	t.Helper()
	raw, err := p.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	if p, err = psbt.Parse(raw); err != nil {
		t.Fatal(err)
	}
	for _, key := range k.keys[:k.need] {
		if _, err := p.Sign(key); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Finalize(); err != nil {
		t.Fatal(err)
	}
	tx, err := p.Extract()
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func vsize(tx *wire.MsgTx) btc.VSize {
	return btc.Weight(3*tx.SerializeSizeStripped() + tx.SerializeSize()).VSize()
}

// stranger is somebody else's P2WPKH script.
func stranger(n byte) []byte {
	return btc.WitnessScript(0, append(make([]byte, 19), n))
}

func pay(amount btcutil.Amount) spend.Recipient {
	return spend.Recipient{Script: stranger(1), Amount: amount}
}

func everything() spend.Recipient { return spend.Recipient{Script: stranger(1), Max: true} }

// as finds a typed error.
func as[E error](err error) (E, bool) {
	var e E
	ok := errors.As(err, &e)
	return e, ok
}
