// Package difftest_test holds the pure rooms against a real bitcoind: random descriptors, addresses, PSBTs,
// messages and spends, of which node and program must say the same.
//
// The seed is printed; SPECTER_SEED repeats a run, SPECTER_DIFF_ROUNDS multiplies its numbers (default 1).
package difftest_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/chain/core/coretest"
)

// world is a node with the randomness and the keys of a test.
type world struct {
	*testing.T
	*rand.Rand
	node    *coretest.Node
	master  btc.XKey // with its private part
	account btc.XKey // of master at accountPath
	rounds  int
}

var accountPath = btc.Path{48 | btc.Hardened, 1 | btc.Hardened, 7}

func TestAgainstBitcoind(t *testing.T) {
	node := coretest.Start(t, coretest.Options{Args: policy(t)})
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SPECTER_SEED"); s != "" {
		seed = number(t, s)
	}
	rounds := 1
	if s := os.Getenv("SPECTER_DIFF_ROUNDS"); s != "" {
		rounds = int(number(t, s))
	}
	t.Logf("SPECTER_SEED=%d repeats this run", seed)
	for i, part := range []struct {
		name string
		run  func(*world)
	}{
		{"spends in wsh", spendsInWSH}, {"spends in tr", spendsInTaproot}, {"descriptors", descriptors},
		{"addresses", addresses}, {"PSBTs", psbts}, {"messages", messages},
	} {
		t.Run(part.name, func(t *testing.T) {
			w := &world{T: t, Rand: rand.New(rand.NewPCG(seed, uint64(i))), node: node, rounds: rounds}
			w.master = w.newMaster()
			w.account = w.derive(w.master, accountPath)
			part.run(w)
		})
	}
}

// policy asks Bitcoin Knots for Bitcoin Core's rules of relay; it has a narrower limit for scripts.
func policy(t *testing.T) []string {
	t.Helper()
	bin := coretest.Find()
	if bin == "" {
		return nil // Start will say so
	}
	version, err := exec.Command(bin, "-version").Output()
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(version), "\n")
	t.Log(line)
	if strings.Contains(line, "Knots") {
		return []string{"-corepolicy=1"}
	}
	return nil
}

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// ask calls the node, which must not refuse.
func (w *world) ask(result any, method string, params ...any) {
	w.Helper()
	w.must(w.node.RPC("", method, result, params...))
}

func (w *world) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.Uint32())
	}
	return b
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.IntN(n) == 0 }

func (w *world) newMaster() btc.XKey {
	w.Helper()
	k, err := btc.NewMaster(w.bytes(32), false)
	w.must(err)
	return k
}

func (w *world) derive(k btc.XKey, p btc.Path) btc.XKey {
	w.Helper()
	child, err := k.Derive(p)
	w.must(err)
	return child
}

func (w *world) newPrivate() *btcec.PrivateKey {
	key, _ := btcec.PrivKeyFromBytes(w.bytes(32))
	return key
}

// keyring is a psbt.KeySource of some keys, by compressed and by x-only public key.
type keyring map[string]*btcec.PrivateKey

func (r keyring) add(keys ...*btcec.PrivateKey) {
	for _, k := range keys {
		pub := k.PubKey().SerializeCompressed()
		r[string(pub)], r[string(pub[1:])] = k, k
	}
}

func (r keyring) PrivateKey(pub []byte, _ *btc.KeyOrigin) (*btcec.PrivateKey, bool) {
	k, ok := r[string(pub)]
	return k, ok
}

// fund pays sat to every script in as few transactions as relay allows, confirmed, and returns
// the coins with the transactions that made them.
func (w *world) fund(sat int64, scripts [][]byte) (coins []wire.OutPoint, prev []*wire.MsgTx) {
	w.Helper()
	for len(scripts) > 0 {
		n := min(len(scripts), 1000)
		tx := w.pay(sat, scripts[:n])
		for i := range n {
			coins = append(coins, wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)})
			prev = append(prev, tx)
		}
		scripts = scripts[n:]
	}
	w.mine()
	return coins, prev
}

// mine mines the whole mempool, of which a block may hold a part.
func (w *world) mine() {
	w.Helper()
	var left []string
	for range 20 {
		w.node.Mine(1)
		w.ask(&left, "getrawmempool")
		if len(left) == 0 {
			return
		}
	}
	w.Errorf("%d transactions are not mined", len(left))
}

// pay makes and sends a transaction of the counterparty.
func (w *world) pay(sat int64, scripts [][]byte) *wire.MsgTx {
	w.Helper()
	tx := wire.NewMsgTx(2)
	for _, s := range scripts {
		tx.AddTxOut(wire.NewTxOut(sat, s))
	}
	var funded struct{ Hex string }
	o := map[string]any{"changePosition": len(scripts), "fee_rate": 5}
	w.must(w.node.RPC(coretest.Counterparty, "fundrawtransaction", &funded, rawHex(tx), o, false))
	var signed struct{ Hex string }
	w.must(w.node.RPC(coretest.Counterparty, "signrawtransactionwithwallet", &signed, funded.Hex))
	w.ask(nil, "sendrawtransaction", signed.Hex)
	out, err := psbt.DecodeTx(signed.Hex)
	w.must(err)
	return out
}

func rawHex(tx *wire.MsgTx) string {
	var b bytes.Buffer
	_ = tx.Serialize(&b) // a buffer takes everything
	return hex.EncodeToString(b.Bytes())
}
