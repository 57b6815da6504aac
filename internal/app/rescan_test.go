package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/wallet"
)

// turnstile stands between the program and a node; it can hold the calls of one method back, so
// that a test stops in the middle of a scan.
type turnstile struct {
	*httptest.Server
	held    atomic.Value // method whose calls wait; "": none
	passes  atomic.Int32 // how many of them go through before the others wait
	waiting atomic.Int32
	begins  atomic.Value // first block of the last rescan that went through
}

func newTurnstile(t *testing.T, n *coretest.Node) *turnstile {
	target := &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(n.Port())}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) {
		conn, _, err := w.(http.Hijacker).Hijack() // as a node that is away: no answer at all
		if err == nil {
			_ = conn.Close()
		}
	}
	g := &turnstile{}
	g.held.Store("")
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.waiting.Add(1)
		for held := g.held.Load().(string); held != "" && bytes.Contains(body, []byte(held)); held = g.held.Load().(string) {
			if g.passes.Add(-1) >= 0 {
				break
			}
			g.passes.Store(0)
			select {
			case <-r.Context().Done():
				g.waiting.Add(-1)
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		g.waiting.Add(-1)
		if bytes.Contains(body, []byte("rescanblockchain")) {
			g.begins.Store(string(body))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { g.held.Store(""); g.CloseClientConnections(); g.Close() })
	return g
}

// hold makes all calls of a method wait but the first few.
func (g *turnstile) hold(method string, passes int32) {
	g.passes.Store(passes)
	g.held.Store(method)
}

// old is a chain with wallets whose coins are old: each received twice, sent once, and is then
// deleted; what it had is remembered.
type old struct {
	*house
	n     *coretest.Node
	g     *turnstile
	now   *atomic.Int64
	paid  int32 // height of the first payments
	keys  map[string]string
	devs  map[string]device.Device
	coins map[string][]string
	txs   map[string][]string
}

// openOld makes a house before a node, with a clock that follows the node's.
func openOld(t *testing.T, opts coretest.Options) *old {
	t.Helper()
	o := &old{n: coretest.Start(t, opts), now: new(atomic.Int64), keys: map[string]string{}, devs: map[string]device.Device{}, coins: map[string][]string{}, txs: map[string][]string{}}
	o.now.Store(time.Now().Unix())
	o.g = newTurnstile(t, o.n)
	o.house = open(t, Config{Now: func() time.Time { return time.Unix(o.now.Load(), 0) }})
	at, err := url.Parse(o.g.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(at.Port())
	if _, report, err := o.nodes.Connect(context.Background(), node.Node{Name: "Regtest", Kind: node.Core, Network: btc.Regtest, Protocol: "http",
		Host: "127.0.0.1", Port: port, CookieFile: o.n.CookieFile()}); err != nil {
		t.Fatalf("connect: %v %+v", err, report)
	}
	return o
}

// live makes wallets that receive and send, and deletes them.
func (o *old) live(names ...string) {
	o.t.Helper()
	ctx := context.Background()
	var refs []wallet.Ref
	for i, name := range names {
		d, err := o.devices.CreateHot(ctx, demoOwner, "Key "+name, device.Seed{Words: demoKeys[0].words, Network: btc.Regtest, Account: uint32(i)})
		if err != nil {
			o.t.Fatal(err)
		}
		o.devs[name], o.keys[name] = d, d.KeysFor(btc.Regtest, "wpkh")[0].Expression()
		r, err := o.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: "Then " + name, ScriptType: "wpkh", Keys: []string{o.keys[name]}})
		if err != nil {
			o.t.Fatal(err)
		}
		refs = append(refs, r.Ref())
	}
	for _, ref := range refs {
		for _, amount := range []string{"1", "0.5"} {
			a, err := o.wallets.NewAddress(ctx, ref)
			if err != nil {
				o.t.Fatal(err)
			}
			o.n.Send(a.Address, amount)
		}
	}
	o.n.Mine(1)
	o.paid = o.n.Height()
	for i, ref := range refs {
		o.sync(ref)
		d, err := o.wallets.NewDraft(ctx, ref, wallet.SpendRequest{Recipients: []wallet.Recipient{{Address: o.n.NewAddress(), Amount: 30_000_000}}, FeeRate: 2000})
		if err != nil {
			o.t.Fatal(err)
		}
		d = o.sign(ref, d, o.devs[names[i]])
		if _, err := o.wallets.Broadcast(ctx, ref, d.ID); err != nil {
			o.t.Fatal(err)
		}
	}
	o.n.Mine(1)
	for i, ref := range refs {
		o.sync(ref)
		o.coins[names[i]], o.txs[names[i]] = o.ourCoins(ref), nil
		for _, line := range o.ourHistory(ref) {
			o.txs[names[i]] = append(o.txs[names[i]], strings.Fields(line)[0])
		}
		if len(o.coins[names[i]]) != 2 || len(o.txs[names[i]]) != 3 {
			o.t.Fatalf("%s lived with %q, %q", names[i], o.coins[names[i]], o.txs[names[i]])
		}
		if err := o.wallets.Delete(ctx, ref); err != nil {
			o.t.Fatal(err)
		}
	}
}

// age lets days pass.
func (o *old) age(blocks int, step time.Duration) {
	end := o.n.MineEvery(blocks, time.Unix(o.now.Load(), 0), step)
	o.now.Store(end.Unix())
}

// again makes a wallet of the same key under another name: the node knows nothing of it.
func (o *old) again(name string, w wallet.NewWallet) wallet.Ref {
	o.t.Helper()
	w.Name, w.ScriptType, w.Keys = "Now "+name, "wpkh", []string{o.keys[name]}
	r, err := o.wallets.Create(context.Background(), demoOwner, btc.Regtest, w)
	if err != nil {
		o.t.Fatal(err)
	}
	return r.Ref()
}

// ended waits until a scan has ended and returns its last state.
func (o *old) ended(ref wallet.Ref) *wallet.Scan {
	o.t.Helper()
	eventually(o.t, "the end of the scan of "+ref.Alias, func() (bool, string) {
		r := o.record(ref)
		return r.Scan == nil || !r.Scan.Running, fmt.Sprintf("%+v %s", r.Scan, r.SyncError)
	})
	return o.record(ref).Scan
}

// has tells whether a wallet has all that it had; whole asks for the history too.
func (o *old) has(name string, ref wallet.Ref, whole bool) bool {
	if !slices.Equal(o.ourCoins(ref), o.coins[name]) {
		return false
	}
	var txs []string
	for _, line := range o.ourHistory(ref) {
		txs = append(txs, strings.Fields(line)[0])
	}
	return !whole || slices.Equal(txs, o.txs[name])
}

func TestOlderCoinsAreFoundInEveryWay(t *testing.T) {
	o := openOld(t, coretest.Options{})
	ctx := context.Background()
	names := []string{"height", "day", "whole", "coins", "made", "late", "early"}
	o.live(names...)
	day := time.Unix(o.now.Load(), 0)
	o.age(80, 6*time.Hour)

	from := func(h int32) wallet.ScanRequest { return wallet.ScanRequest{FromHeight: &h} }
	for name, x := range map[string]struct {
		q     wallet.ScanRequest
		found bool
	}{
		"height": {from(o.paid), true},
		"early":  {from(1), true},
		"late":   {from(o.paid + 10), false},
		"day":    {wallet.ScanRequest{Since: day}, true},
		"whole":  {wallet.ScanRequest{Whole: true}, true},
		"coins":  {wallet.ScanRequest{Coins: true}, true},
	} {
		ref := o.again(name, wallet.NewWallet{})
		o.sync(ref)
		if o.has(name, ref, false) {
			t.Fatalf("%s: found before anybody looked", name)
		}
		if err := o.wallets.StartScan(ctx, ref, x.q); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		scan := o.ended(ref)
		if o.has(name, ref, name != "coins") != x.found {
			t.Errorf("%s: has %q, history %q; scan %+v", name, o.ourCoins(ref), o.ourHistory(ref), scan)
		}
		if x.found && !slices.Equal(coreCoins(t, o.n, o.record(ref).NodeName), o.ourCoins(ref)) {
			t.Errorf("%s: the node has %q", name, coreCoins(t, o.n, o.record(ref).NodeName))
		}
		switch {
		case name != "coins" && scan != nil:
			t.Errorf("%s: the scan left %+v", name, scan)
		case name == "coins" && (scan == nil || scan.Found == nil || scan.Found.Coins != 2 || len(scan.Found.Missing) != 0):
			t.Errorf("coins: the scan left %+v", scan)
		case name == "coins" && (o.record(ref).Next[0] < 1 || o.record(ref).Next[1] != 1):
			t.Errorf("coins: addresses with coins are handed out again: %d", o.record(ref).Next)
		}
	}
	ref := o.again("made", wallet.NewWallet{FindCoins: true})
	o.ended(ref)
	if !o.has("made", ref, false) {
		t.Errorf("found with the wallet: %q", o.ourCoins(ref))
	}
	o.moveOn("coins", walletRef("now_coins"))
}

// moveOn spends all that a wallet has and holds it to the node's own answers.
func (o *old) moveOn(name string, ref wallet.Ref) {
	o.t.Helper()
	ctx := context.Background()
	d, err := o.wallets.NewDraft(ctx, ref, wallet.SpendRequest{Recipients: []wallet.Recipient{{Address: o.n.NewAddress(), Max: true}}, FeeRate: 2000})
	if err != nil {
		o.t.Fatal(err)
	}
	d = o.sign(ref, d, o.devs[name])
	if _, err := o.wallets.Broadcast(ctx, ref, d.ID); err != nil {
		o.t.Fatal(err)
	}
	o.n.Mine(1)
	o.sync(ref)
	if got := o.record(ref).Balance.Total(); got != 0 || len(coreCoins(o.t, o.n, o.record(ref).NodeName)) != 0 {
		o.t.Errorf("after all was sent %d sat are left, the node has %q", got, coreCoins(o.t, o.n, o.record(ref).NodeName))
	}
}

func TestAScanIsRefusedWhereItMakesNoSense(t *testing.T) {
	o := openOld(t, coretest.Options{})
	ctx := context.Background()
	o.live("a")
	ref := o.again("a", wallet.NewWallet{})
	minus, one := int32(-1), int32(1)
	for name, q := range map[string]wallet.ScanRequest{"no way": {}, "two ways": {Whole: true, Coins: true}, "below the chain": {FromHeight: &minus},
		"a day to come": {Since: time.Unix(o.now.Load(), 0).Add(48 * time.Hour)}} {
		if err := o.wallets.StartScan(ctx, ref, q); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	o.g.hold("rescanblockchain", 0)
	if err := o.wallets.StartScan(ctx, ref, wallet.ScanRequest{FromHeight: &one}); err != nil {
		t.Fatal(err)
	}
	if err := o.wallets.StartScan(ctx, ref, wallet.ScanRequest{Coins: true}); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a second scan: %v", err)
	}
}

// TestAScanStopsAndGoesOn: stopped by a person, cut off by the end of this program and of the
// node, each time in the middle.
func TestAScanStopsAndGoesOn(t *testing.T) {
	o := openOld(t, coretest.Options{})
	ctx := context.Background()
	o.live("stopped", "resumed", "coins")
	o.age(20, 6*time.Hour)
	for range 3 { // several steps of a scan
		o.n.Mine(500)
	}
	o.age(12, 2*time.Hour)
	whole := wallet.ScanRequest{Whole: true}
	half := func(ref wallet.Ref) {
		t.Helper()
		eventually(t, "the middle of the scan", func() (bool, string) {
			r, err := o.db.Wallet(ctx, ref)
			return err == nil && r.Scan != nil && r.Scan.Next == 500, fmt.Sprintf("%+v", r.Scan)
		})
	}

	fresh := func(name string) wallet.Ref {
		t.Helper()
		ref := o.again(name, wallet.NewWallet{})
		o.sync(ref)
		if len(o.ourCoins(ref)) > 0 {
			t.Fatalf("%s: found before anybody looked", name)
		}
		return ref
	}
	ref := fresh("stopped")
	o.g.hold("rescanblockchain", 1)
	if err := o.wallets.StartScan(ctx, ref, whole); err != nil {
		t.Fatal(err)
	}
	half(ref)
	if r := o.record(ref); r.Scan == nil || !r.Scan.Running || r.Scan.Progress <= 0 || r.Scan.Progress >= 1 {
		t.Errorf("in the middle the page says %+v", r.Scan)
	}
	if err := o.wallets.AbortRescan(ctx, ref); err != nil {
		t.Fatal(err)
	}
	o.g.hold("", 0)
	if o.ended(ref) != nil {
		t.Errorf("a stopped scan leaves %+v", o.record(ref).Scan)
	}
	eventually(t, "what the stopped scan found", func() (bool, string) { return o.has("stopped", ref, true), fmt.Sprint(o.ourCoins(ref)) })

	ref = fresh("resumed")
	o.g.hold("rescanblockchain", 1)
	if err := o.wallets.StartScan(ctx, ref, whole); err != nil {
		t.Fatal(err)
	}
	half(ref)
	o.house = o.house.reopen() // this program ends; the calls still wait
	o.g.hold("rescanblockchain", 1)
	half2 := func() (bool, string) {
		r, err := o.db.Wallet(ctx, ref)
		return err == nil && r.Scan != nil && r.Scan.Next == 1000, fmt.Sprintf("%+v", r.Scan)
	}
	eventually(t, "the second stretch", half2)
	if body := o.g.begins.Load().(string); !strings.Contains(body, "[500,999]") {
		t.Errorf("after a restart the scan went on with %s", body)
	}
	o.n.Stop() // and the node, with a step under way
	o.n.Start("-mocktime=" + fmt.Sprint(o.now.Load()))
	o.g.hold("", 0)
	if scan := o.ended(ref); scan != nil {
		t.Errorf("the scan ended as %+v", scan)
	}
	if !o.has("resumed", ref, true) {
		t.Errorf("resumed: %q, %q", o.ourCoins(ref), o.ourHistory(ref))
	}

	ref = fresh("coins")
	o.g.hold(`"start"`, 0)
	if err := o.wallets.StartScan(ctx, ref, wallet.ScanRequest{Coins: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a search that waits", func() (bool, string) { return o.g.waiting.Load() > 0, "" })
	o.house = o.house.reopen()
	if r := o.record(ref); r.Scan == nil || !r.Scan.Running || r.Scan.Mode != wallet.ScanCoins {
		t.Errorf("after a restart the search is %+v", r.Scan)
	}
	if err := o.wallets.AbortRescan(ctx, ref); err != nil {
		t.Fatal(err)
	}
	if o.ended(ref) != nil || len(o.ourCoins(ref)) != 0 {
		t.Errorf("a stopped search leaves %+v and %q", o.record(ref).Scan, o.ourCoins(ref))
	}
	if err := o.wallets.StartScan(ctx, ref, wallet.ScanRequest{Coins: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a search that waits", func() (bool, string) { return o.g.waiting.Load() > 0, "" })
	o.house = o.house.reopen()
	o.g.hold("", 0)
	if scan := o.ended(ref); scan == nil || scan.Found == nil || !o.has("coins", ref, false) {
		t.Errorf("after a restart the search found %+v, %q", scan, o.ourCoins(ref))
	}
}

// TestAPrunedNodeFindsWhatIsThereToSpend: old blocks are refused with the way out, the search for
// coins says what it cannot take in, and a peer with all blocks gives the rest.
func TestAPrunedNodeFindsWhatIsThereToSpend(t *testing.T) {
	o := openOld(t, coretest.Options{Prune: true})
	ctx := context.Background()
	o.live("old", "peer")
	o.age(400, 6*time.Hour)

	peerAt := freePort(t)
	args := []string{"-listen=1", "-bind=" + peerAt, "-mocktime=" + fmt.Sprint(o.now.Load())}
	peer := coretest.Start(t, coretest.Options{Empty: true, Args: args})
	for h := int32(1); h <= o.n.Height(); h++ { // a pruned node does not serve them itself
		var id, raw string
		if err := o.n.RPC("", "getblockhash", &id, h); err != nil {
			t.Fatal(err)
		}
		if err := o.n.RPC("", "getblock", &raw, id, 0); err != nil {
			t.Fatal(err)
		}
		if err := peer.RPC("", "submitblock", nil, raw); err != nil {
			t.Fatal(err)
		}
	}
	meet := func() {
		t.Helper()
		if err := o.n.RPC("", "addnode", nil, peerAt, "onetry"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a peer with all blocks", func() (bool, string) {
			var best int
			err := peer.RPC("", "getblockcount", &best)
			var peers []any
			_ = o.n.RPC("", "getpeerinfo", &peers)
			return err == nil && int32(best) == o.n.Height() && len(peers) > 0, fmt.Sprint(best)
		})
	}
	peer.Stop()
	if err := o.n.RPC("", "pruneblockchain", nil, 300); err != nil {
		t.Fatal(err)
	}

	ref := o.again("old", wallet.NewWallet{ScanAll: true})
	if err := o.wallets.StartScan(ctx, ref, wallet.ScanRequest{Whole: true}); err != nil {
		t.Fatal(err)
	}
	if scan := o.ended(ref); scan == nil || !strings.Contains(scan.Error, "thrown away the blocks below") {
		t.Errorf("a scan over blocks that are gone ended as %+v", scan)
	}
	recent := o.n.Send(o.firstAddress("old", 2), "0.25")
	o.n.Mine(1)
	if err := o.wallets.StartScan(ctx, ref, wallet.ScanRequest{Coins: true}); err != nil {
		t.Fatal(err)
	}
	scan := o.ended(ref)
	if scan == nil || scan.Found == nil || scan.Found.Coins != 3 || len(scan.Found.Missing) != 2 || scan.Found.Missing[0].Height != o.paid {
		t.Fatalf("without the old blocks the search found %+v", scan)
	}
	if coins := o.ourCoins(ref); len(coins) != 1 || !strings.HasPrefix(coins[0], recent.String()) {
		t.Errorf("the wallet has %q", coins)
	}
	eventually(t, "a sync without trouble", func() (bool, string) { // it comes after the search, and takes back what the refused scan left
		r := o.record(ref)
		return r.SyncError == "" && r.Next[0] >= 3, fmt.Sprintf("%q, next %v", r.SyncError, r.Next)
	})

	peer.Start()
	meet()
	ref = o.again("peer", wallet.NewWallet{FindCoins: true})
	if scan = o.ended(ref); scan == nil || scan.Found == nil || len(scan.Found.Missing) != 0 {
		t.Fatalf("with a peer the search found %+v", scan)
	}
	if !o.has("peer", ref, false) {
		t.Errorf("with a peer the wallet has %q", o.ourCoins(ref))
	}
	o.moveOn("peer", ref)
}

// firstAddress derives an address of a wallet's key without telling anybody.
func (o *old) firstAddress(name string, index uint32) string {
	o.t.Helper()
	rows, err := o.wallets.Addresses(context.Background(), walletRef("now_"+name), wallet.Query{Filter: "receive", Size: 100})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, r := range rows.Rows {
		if r.Index == index {
			return r.Address
		}
	}
	o.t.Fatalf("no address %d", index)
	return ""
}
