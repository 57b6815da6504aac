package chaintest

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/chain"
)

// Wallet is a single-key segwit wallet of a test, with its private key: wpkh of a key made from
// its name. Good for regtest alone.
type Wallet struct {
	Name   string
	Next   [2]uint32 // what the requests say
	master btc.XKey
	desc   [2]string
}

// NewWallet makes the wallet of a name. The same name gives the same keys.
func NewWallet(t testing.TB, name string) *Wallet {
	t.Helper()
	seed := sha256.Sum256([]byte("chaintest " + name))
	master, err := btc.NewMaster(seed[:], false)
	if err != nil {
		t.Fatal(err)
	}
	w := &Wallet{Name: "specterdeadbeef/" + btc.Slug(name), master: master}
	for b := range w.desc {
		w.desc[b] = descriptor.AddChecksum(fmt.Sprintf("wpkh(%s/%d/*)", master.Public(), b))
	}
	return w
}

// Key derives the private key of an address; branch 0 receives, 1 is change.
func (w *Wallet) Key(branch, index uint32) (btc.XKey, error) {
	return w.master.Derive(btc.Path{branch, index})
}

// Script is the scriptPubKey of an address.
func (w *Wallet) Script(branch, index uint32) []byte {
	k, err := w.master.Public().Derive(btc.Path{branch, index})
	if err != nil {
		panic(err) // one in 2^127
	}
	return btc.WitnessScript(0, btc.Hash160(k.PublicKey[:]))
}

// Descriptor is the descriptor of a branch, with checksum.
func (w *Wallet) Descriptor(branch int) string { return w.desc[branch] }

// Request asks about the wallet from some blocks on, with a gap of 20.
func (w *Wallet) Request(from ...chain.Block) chain.Request {
	r := chain.Request{Name: w.Name, From: from, Gap: 20}
	for b := range uint32(2) {
		r.Keychains = append(r.Keychains, chain.Keychain{
			ID: fmt.Sprint(b), Descriptor: w.desc[b], Ranged: true, Internal: b == 1, Next: w.Next[b],
			Script: func(i uint32) ([]byte, error) { return w.Script(b, i), nil },
		})
	}
	return r
}

// Coin is an output of the wallet that a test spends.
type Coin struct {
	OutPoint      wire.OutPoint
	Amount        btcutil.Amount
	Branch, Index uint32
}

// CoinOf finds the output of a transaction that pays an address of the wallet.
func (w *Wallet) CoinOf(t testing.TB, tx *wire.MsgTx, branch, index uint32) Coin {
	t.Helper()
	script := string(w.Script(branch, index))
	for v, out := range tx.TxOut {
		if string(out.PkScript) == script {
			return Coin{wire.OutPoint{Hash: tx.TxHash(), Index: uint32(v)}, btcutil.Amount(out.Value), branch, index}
		}
	}
	t.Fatalf("%s does not pay %d/%d", tx.TxHash(), branch, index)
	return Coin{}
}

// Spend signs a transaction that spends a coin to a script, less a fee. It signals BIP125.
func (w *Wallet) Spend(t testing.TB, c Coin, to []byte, fee btcutil.Amount) *wire.MsgTx {
	t.Helper()
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: c.OutPoint, Sequence: wire.MaxTxInSequenceNum - 2})
	tx.AddTxOut(wire.NewTxOut(int64(c.Amount-fee), to))
	key, err := w.Key(c.Branch, c.Index)
	if err != nil {
		t.Fatal(err)
	}
	priv, _ := key.PrivateKey()
	script := w.Script(c.Branch, c.Index)
	fetcher := txscript.NewCannedPrevOutputFetcher(script, int64(c.Amount))
	witness, err := txscript.WitnessSignature(tx, txscript.NewTxSigHashes(tx, fetcher), 0, int64(c.Amount), script, txscript.SigHashAll, priv, true)
	if err != nil {
		t.Fatal(err)
	}
	tx.TxIn[0].Witness = witness
	return tx
}

// Foreign is a script of nobody: a key that is thrown away.
func Foreign(n byte) []byte {
	h := chainhash.HashB([]byte{'f', n})
	return btc.WitnessScript(0, h[:20])
}
