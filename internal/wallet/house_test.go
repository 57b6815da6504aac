package wallet_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/btc/txgraph"
	"specter/internal/chain"
	"specter/internal/chain/demo"
	"specter/internal/chain/ownchain"
	"specter/internal/errs"
	"specter/internal/store"
	"specter/internal/testkit"
	"specter/internal/wallet"
)

const admin wallet.Owner = "admin"

// house is a wallet service on a real database and the demo chain.
type house struct {
	t     *testing.T
	path  string
	db    *store.DB
	chain *demo.Chain
	s     *wallet.Service
	src   *switchable
}

// switchable is a node that can be taken away.
type switchable struct {
	mu     sync.Mutex
	source chain.Source
	away   bool
}

func (s *switchable) Source(context.Context) (chain.Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away || s.source == nil {
		return nil, errs.E(errs.Unavailable, "the node does not answer")
	}
	return s.source, nil
}

func (s *switchable) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func newHouse(t *testing.T) *house {
	t.Helper()
	c, err := demo.Open("", demo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	h := &house{t: t, path: freshFile(t), chain: c, src: &switchable{source: c}}
	h.open()
	t.Cleanup(func() { h.db.Close() })
	return h
}

// emptyFile is a database with nothing in it, made once for all tests.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "specter")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "specter.db")
	db, err := store.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// freshFile is a database of its own for a test.
func freshFile(tb testing.TB) string {
	tb.Helper()
	data, err := emptyFile()
	path := filepath.Join(tb.TempDir(), "specter.db")
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// open opens database and service; after a call of it everything in memory is new.
func (h *house) open() {
	h.t.Helper()
	db, err := store.Open(context.Background(), h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	h.db = db
	h.s = wallet.New(wallet.Config{Store: db, Sources: h.src, UID: "0011", FeeRate: h.chain.FeeRate, SignHot: signHot, Devices: devices, Headers: headerChain(h.t)})
}

// headerChain is a chain of headers in a folder of the test.
func headerChain(t *testing.T) *ownchain.Keeper {
	t.Helper()
	dir := t.TempDir()
	k := ownchain.New(ownchain.Config{Open: func(n btc.Network) (ownchain.File, error) {
		return os.OpenFile(filepath.Join(dir, n.String()), os.O_RDWR|os.O_CREATE, 0o600)
	}})
	t.Cleanup(func() { k.Close() })
	return k
}

// reopen does what kill -9 and a new start do to memory: nothing of it is left.
func (h *house) reopen() {
	h.t.Helper()
	h.db.Close()
	h.open()
}

// raw runs SQL behind the store's back, as a broken disk would.
func (h *house) raw(query string, args ...any) {
	h.t.Helper()
	db, err := sql.Open("sqlite", h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query, args...); err != nil {
		h.t.Fatal(err)
	}
}

func master(name string) btc.XKey {
	seed := sha256.Sum256([]byte("wallet test " + name))
	k, err := btc.NewMaster(seed[:], false)
	if err != nil {
		panic(err)
	}
	return k
}

var accountPath = map[string]string{"wpkh": "84h/1h/0h", "sh-wpkh": "49h/1h/0h", "tr": "86h/1h/0h", "pkh": "44h/1h/0h", "wsh": "48h/1h/0h/2h", "sh-wsh": "48h/1h/0h/1h", "sh": "45h"}

func account(name, scriptType string) (btc.XKey, btc.KeyOrigin) {
	path, err := btc.ParsePath(accountPath[scriptType])
	if err != nil {
		panic(err)
	}
	m := master(name)
	k, err := m.Derive(path)
	if err != nil {
		panic(err)
	}
	return k.Public(), btc.KeyOrigin{Fingerprint: m.Fingerprint(), Path: path}
}

func expression(name, scriptType string) string {
	k, o := account(name, scriptType)
	return "[" + o.String() + "]" + k.String()
}

// people are the cosigners of the tests; their device ids are their places from 1.
var people = []string{"alice", "bob", "carol"}

func devices(context.Context, wallet.Owner, btc.Network) ([]wallet.KnownKey, error) {
	var out []wallet.KnownKey
	for i, name := range people {
		for typ := range accountPath {
			k, _ := account(name, typ)
			out = append(out, wallet.KnownKey{XKey: k, DeviceID: int64(i + 1), DeviceName: name, DeviceAlias: name, DeviceType: "hot", Hot: true})
		}
	}
	return out, nil
}

// signHot signs with a person's key; carol's has a password.
func signHot(_ context.Context, _ wallet.Owner, id int64, password string, p *psbt.Packet) error {
	if id == 3 && password != "secret" {
		return errs.E(errs.Denied, "the password is wrong")
	}
	m := master(people[id-1])
	_, err := p.Sign(psbt.ExtendedKey(m, btc.KeyOrigin{Fingerprint: m.Fingerprint()}))
	return err
}

func (h *house) create(name, scriptType string, threshold int, who ...string) wallet.Record {
	h.t.Helper()
	w := wallet.NewWallet{Name: name, ScriptType: scriptType, Threshold: threshold}
	for _, p := range who {
		w.Keys = append(w.Keys, expression(p, scriptType))
	}
	r, err := h.s.Create(context.Background(), admin, btc.Regtest, w)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) get(ref wallet.Ref) wallet.Record {
	h.t.Helper()
	r, err := h.s.Get(context.Background(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) sync(ref wallet.Ref) wallet.Record {
	h.t.Helper()
	if err := h.s.Sync(context.Background(), ref); err != nil {
		h.t.Fatal(err)
	}
	h.check(ref)
	return h.get(ref)
}

// pay lets the faucet pay a wallet and returns the transaction.
func (h *house) pay(ref wallet.Ref, amount btcutil.Amount) *wire.MsgTx {
	h.t.Helper()
	a, err := h.s.ReceiveAddress(context.Background(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	tx, err := h.chain.Faucet(a.Address, amount)
	if err != nil {
		h.t.Fatal(err)
	}
	return tx
}

func (h *house) mine(n int) {
	h.t.Helper()
	if _, err := h.chain.Mine(n, nil); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) send(ref wallet.Ref, to string, amount btcutil.Amount, token string) wallet.Draft {
	h.t.Helper()
	d, err := h.s.NewDraft(context.Background(), ref, wallet.SpendRequest{
		Recipients: []wallet.Recipient{{Address: to, Amount: amount}}, FeeRate: btc.SatPerVB(3), Token: token})
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func (h *house) sign(ref wallet.Ref, d wallet.Draft, who ...int64) wallet.Draft {
	h.t.Helper()
	for _, id := range who {
		var err error
		if d, err = h.s.SignHot(context.Background(), ref, d.ID, id, "secret"); err != nil {
			h.t.Fatal(err)
		}
	}
	return d
}

func (h *house) history(ref wallet.Ref, q wallet.Query) wallet.HistoryPage {
	h.t.Helper()
	p, err := h.s.History(context.Background(), ref, q)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *house) coins(ref wallet.Ref, q wallet.Query) wallet.CoinPage {
	h.t.Helper()
	p, err := h.s.Coins(context.Background(), ref, q)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// stranger is a regtest address that is nobody's in the tests.
func stranger(n byte) string {
	hash := sha256.Sum256([]byte{n})
	a, _ := btc.AddressOf(btc.WitnessScript(0, hash[:20]), btc.Regtest)
	return a
}

// check holds the stored totals against the coins, the addresses against the coins, and the
// history against the balance.
func (h *house) check(ref wallet.Ref) {
	h.t.Helper()
	r := h.get(ref)
	var sum txgraph.Balance
	perAddress := map[string]wallet.AddressRow{}
	for page := 1; ; page++ {
		p := h.coins(ref, wallet.Query{Size: 500, Page: page})
		for _, c := range p.Rows {
			g := txgraph.Coin{Amount: c.Amount, Live: true, Height: c.Height, Coinbase: c.Coinbase, SpentBy: c.SpentBy, Frozen: c.Frozen, Reserved: c.ReservedBy != 0}
			sum = sum.Plus(g.Balance(r.Tip.Height))
			if g.UTXO() {
				a := perAddress[c.Address]
				a.Coins++
				a.Amount += c.Amount
				perAddress[c.Address] = a
			}
		}
		if len(p.Rows) < 500 {
			break
		}
	}
	if got := (txgraph.Balance{Confirmed: r.Balance.Confirmed, Pending: r.Balance.Pending, Immature: r.Balance.Immature, Frozen: r.Balance.Frozen, Reserved: r.Balance.Reserved}); got != sum {
		h.t.Errorf("stored balance %+v, sum of coins %+v", got, sum)
	}
	var net btcutil.Amount
	count := 0
	for page := 1; ; page++ {
		p := h.history(ref, wallet.Query{Size: 500, Page: page})
		for _, row := range p.Rows {
			count++
			if row.State == wallet.Confirmed || row.State == wallet.Pending {
				net += row.Amount
			}
		}
		if len(p.Rows) < 500 {
			break
		}
	}
	if net != r.Balance.Total() || count != r.TxCount {
		h.t.Errorf("history adds up to %d in %d rows, the wallet says %d in %d", net, count, r.Balance.Total(), r.TxCount)
	}
	for _, q := range []string{"receive", "change"} {
		p, err := h.s.Addresses(context.Background(), ref, wallet.Query{Filter: q, Size: 500})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, a := range p.Rows {
			if want := perAddress[a.Address]; want.Coins != a.Coins || want.Amount != a.Amount {
				h.t.Errorf("address %d/%d holds %d coins of %d, its coins say %d of %d", a.Branch, a.Index, a.Coins, a.Amount, want.Coins, want.Amount)
			}
		}
	}
}

func wantKind(t *testing.T, err error, kind errs.Kind, what string) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: got error %v (%v), want one of kind %v", what, err, errs.KindOf(err), kind)
	}
}

// soon waits until something is so; the sync loop runs beside the test.
func soon(t *testing.T, what string, so func() bool) {
	t.Helper()
	testkit.Soon(t, what, func() (bool, string) { return so(), "" })
}

func descriptorOf(t *testing.T, text string) *descriptor.Descriptor {
	t.Helper()
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func parse(text string) (*descriptor.Descriptor, error) {
	return descriptor.Parse(text, descriptor.Options{})
}
