package core_test

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/chaintest"
	"specter/internal/chain/core"
	"specter/internal/chain/core/coretest"
)

// world is a real node as the suite's harness. It is shared by the tests of one Run: each of
// them has keys of its own.
type world struct {
	n   *coretest.Node
	src *core.Source
}

func newWorld(t testing.TB, opts coretest.Options) *world {
	w := &world{n: coretest.Start(t, opts)}
	w.open(t)
	t.Cleanup(func() { _ = w.src.Close() })
	return w
}

func conf(n *coretest.Node) core.Config {
	return core.Config{Host: "127.0.0.1", Port: n.Port(), CookieFile: n.CookieFile(), Network: btc.Regtest}
}

func (w *world) open(t testing.TB) {
	t.Helper()
	src, err := core.Open(conf(w.n))
	if err != nil {
		t.Fatal(err)
	}
	w.src = src
}

func (w *world) Network() btc.Network { return btc.Regtest }
func (w *world) Source() chain.Source { return w.src }

func (w *world) Reopen(t testing.TB) chain.Source {
	t.Helper()
	if err := w.src.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	return w.src
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) Pay(t testing.TB, script []byte, amount btcutil.Amount) chainhash.Hash {
	t.Helper()
	address, ok := btc.AddressOf(script, btc.Regtest)
	if !ok {
		t.Fatalf("the script %x has no address", script)
	}
	return w.n.Send(address, btc.FormatBTC(amount))
}

func (w *world) Mine(t testing.TB, n int) { t.Helper(); w.n.Mine(n) }

func (w *world) MineTo(t testing.TB, script []byte) {
	t.Helper()
	address, _ := btc.AddressOf(script, btc.Regtest)
	w.n.MineTo(address, 1)
}

func (w *world) Reorg(t testing.TB, depth int, keep bool) {
	t.Helper()
	if keep {
		w.n.Reorg(depth, true)
		return
	}
	w.n.Invalidate(depth)
	var pool []string
	must(t, w.n.RPC("", "getrawmempool", &pool))
	for _, id := range pool {
		h, err := chainhash.NewHashFromStr(id)
		must(t, err)
		w.Evict(t, *h)
	}
	w.n.Mine(depth + 1)
}

// Evict replaces a transaction of the counterparty by one that spends its first input back to
// the counterparty at a higher fee.
func (w *world) Evict(t testing.TB, id chainhash.Hash) {
	t.Helper()
	tx := w.Tx(t, id)
	in := tx.TxIn[0].PreviousOutPoint
	var prev struct {
		Hex string
	}
	must(t, w.n.RPC(coretest.Counterparty, "gettransaction", &prev, in.Hash.String()))
	amount := decode(t, prev.Hex).TxOut[in.Index].Value
	var raw string
	must(t, w.n.RPC("", "createrawtransaction", &raw,
		[]any{map[string]any{"txid": in.Hash.String(), "vout": in.Index}},
		[]any{map[string]any{w.n.NewAddress(): btc.FormatBTC(btcutil.Amount(amount - 200_000))}}))
	var signed struct{ Hex string }
	must(t, w.n.RPC(coretest.Counterparty, "signrawtransactionwithwallet", &signed, raw))
	must(t, w.n.RPC("", "sendrawtransaction", nil, signed.Hex, 0))
}

func decode(t testing.TB, raw string) *wire.MsgTx {
	t.Helper()
	data, err := hex.DecodeString(raw)
	must(t, err)
	tx := new(wire.MsgTx)
	must(t, tx.Deserialize(bytes.NewReader(data)))
	return tx
}

func (w *world) Tx(t testing.TB, id chainhash.Hash) *wire.MsgTx {
	t.Helper()
	var out struct{ Hex string }
	must(t, w.n.RPC(coretest.Counterparty, "gettransaction", &out, id.String()))
	return decode(t, out.Hex)
}

func (w *world) Tip(t testing.TB) chain.Block {
	t.Helper()
	var best string
	must(t, w.n.RPC("", "getbestblockhash", &best))
	var head struct {
		Height int32
		Time   int64
	}
	must(t, w.n.RPC("", "getblockheader", &head, best))
	h, err := chainhash.NewHashFromStr(best)
	must(t, err)
	return chain.Block{Height: head.Height, Hash: *h, Time: time.Unix(head.Time, 0).UTC()}
}

func (w *world) Away(t testing.TB) func() {
	t.Helper()
	w.n.Stop()
	return func() { t.Helper(); w.n.Start() }
}

func TestSuite(t *testing.T) {
	w := newWorld(t, coretest.Options{})
	chaintest.Run(t, func(t testing.TB) chaintest.Harness { return w })
}
