package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/chaintest"
	"specter/internal/chain/core"
	"specter/internal/chain/core/coretest"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/testkit"
)

// memory is a node.Store in memory.
type memory struct {
	mu     sync.Mutex
	nodes  []node.Node
	active int64
	last   int64
	uid    string
}

func (m *memory) Nodes(context.Context) ([]node.Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.nodes)
	slices.SortFunc(out, func(a, b node.Node) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (m *memory) SaveNode(_ context.Context, n *node.Node) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.nodes {
		if o.ID == n.ID && n.ID != 0 {
			m.nodes[i] = *n
			return nil
		}
		if o.Alias == n.Alias {
			return errs.E(errs.Conflict, "alias taken")
		}
	}
	m.last++
	n.ID = m.last
	m.nodes = append(m.nodes, *n)
	return nil
}

func (m *memory) DeleteNode(_ context.Context, id int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes = slices.DeleteFunc(m.nodes, func(n node.Node) bool { return n.ID == id })
	if m.active == id {
		m.active = 0
	}
	return nil
}

func (m *memory) ActiveNode(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.active, nil
}

func (m *memory) SetActiveNode(_ context.Context, id int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = id
	return nil
}

func (m *memory) UID(_ context.Context, fresh string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.uid == "" {
		m.uid = fresh
	}
	return m.uid, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newService(t testing.TB, c node.Config) *node.Service {
	if c.Store == nil {
		c.Store = &memory{}
	}
	s := node.New(c)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// fake answers like a healthy regtest node, or not at all.
type fake struct {
	*httptest.Server
	down  atomic.Bool
	chain atomic.Value // string
	tip   atomic.Int32
}

func newFake(t testing.TB) *fake {
	f := &fake{}
	f.chain.Store("regtest")
	f.tip.Store(100)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.down.Load() {
			hj, _, _ := w.(http.Hijacker).Hijack()
			_ = hj.Close()
			return
		}
		if _, pass, _ := r.BasicAuth(); pass != "right" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var raw json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&raw)
		type q struct {
			ID     int    `json:"id"`
			Method string `json:"method"`
		}
		answer := func(x q) any {
			return map[string]any{"id": x.ID, "result": map[string]any{
				"getblockchaininfo": map[string]any{"chain": f.chain.Load(), "blocks": f.tip.Load(), "headers": f.tip.Load(), "bestblockhash": fmt.Sprintf("%064x", f.tip.Load()), "time": 1_700_000_000},
				"getnetworkinfo":    map[string]any{"version": 290000, "subversion": "/Satoshi:29.0.0/"},
				"getmempoolinfo":    map[string]any{"size": 1, "minrelaytxfee": json.Number("0.00001")},
				"getbestblockhash":  fmt.Sprintf("%064x", f.tip.Load()),
				"listwallets":       []string{},
			}[x.Method]}
		}
		var many []q
		if json.Unmarshal(raw, &many) == nil {
			var out []any
			for _, x := range many {
				out = append(out, answer(x))
			}
			_ = json.NewEncoder(w).Encode(out)
			return
		}
		var one q
		_ = json.Unmarshal(raw, &one)
		_ = json.NewEncoder(w).Encode(answer(one))
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) node(name string) node.Node {
	u, _ := url.Parse(f.URL)
	port, _ := strconv.Atoi(u.Port())
	return node.Node{Name: name, Host: u.Hostname(), Port: port, User: "u", Password: node.NewSecret("right"), Network: btc.Regtest}
}

func TestConnectStoresOnlyWhatWorks(t *testing.T) {
	f := newFake(t)
	s := newService(t, node.Config{})
	ctx := t.Context()
	wrong := f.node("Home Node")
	wrong.Password = node.NewSecret("wrong")
	_, r, err := s.Connect(ctx, wrong)
	if !errs.Is(err, errs.Unavailable) || r.OK || !strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong password: %v, %+v", err, r)
	}
	if list, _ := s.List(ctx); len(list) != 0 {
		t.Errorf("stored %d nodes", len(list))
	}
	good := f.node("Home Node")
	good.Network = btc.Mainnet // the node says what it is
	n, r, err := s.Connect(ctx, good)
	must(t, err)
	if n.Network != btc.Regtest || n.Alias != "home_node" || n.ID == 0 || !r.OK || r.Version != "Bitcoin Core 29.0.0" || len(r.SameNetwork) != 0 {
		t.Errorf("node %+v, report %+v", n, r)
	}
	if a, err := s.Active(ctx); err != nil || a.ID != n.ID {
		t.Errorf("active %v %v", a, err)
	}
	n2, r, err := s.Connect(ctx, f.node("Home-Node"))
	must(t, err)
	if n2.Alias != "home_node_2" || len(r.SameNetwork) != 1 {
		t.Errorf("second %+v, report %+v", n2, r)
	}
}

func TestSaveRefusesWhatMakesNoSense(t *testing.T) {
	s := newService(t, node.Config{})
	good := node.Node{Name: "A", Host: "h", Port: 1}
	_, err := s.Save(t.Context(), good)
	must(t, err)
	for name, x := range map[string]struct {
		n    node.Node
		kind errs.Kind
	}{
		"no name":       {node.Node{Host: "h"}, errs.Invalid},
		"only signs":    {node.Node{Name: "---", Host: "h"}, errs.Invalid},
		"long name":     {node.Node{Name: strings.Repeat("n", 61), Host: "h"}, errs.Invalid},
		"taken name":    {node.Node{Name: "a", Host: "h"}, errs.Conflict},
		"no host":       {node.Node{Name: "B"}, errs.Invalid},
		"port too high": {node.Node{Name: "B", Host: "h", Port: 65536}, errs.Invalid},
		"odd protocol":  {node.Node{Name: "B", Host: "h", Protocol: "ftp"}, errs.Invalid},
		"odd host":      {node.Node{Name: "B", Host: "u:p@h"}, errs.Invalid},
		"odd kind":      {node.Node{Name: "B", Host: "h", Kind: "liquid"}, errs.Invalid},
	} {
		if _, err := s.Save(t.Context(), x.n); !errs.Is(err, x.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n, err := s.Save(t.Context(), node.Node{Name: "C", Host: "https://node.local:1234/"})
	if err != nil || n.Protocol != "https" || n.Host != "node.local" || n.Port != 1234 || n.Kind != node.Core {
		t.Errorf("%+v %v", n, err)
	}
	must(t, s.Rename(t.Context(), "c", "Another name"))
	if n, err := s.Get(t.Context(), "c"); err != nil || n.Name != "Another name" || n.Host != "node.local" {
		t.Errorf("renamed: %+v %v", n, err)
	}
	if err := s.Rename(t.Context(), "c", "A"); !errs.Is(err, errs.Conflict) {
		t.Errorf("a taken name: %v", err)
	}
	if err := s.Delete(t.Context(), "nobody"); !errs.Is(err, errs.NotFound) {
		t.Errorf("delete of nothing: %v", err)
	}
}

func TestStatusAnswersFromTheLastKnownState(t *testing.T) {
	f := newFake(t)
	now := time.Unix(1_700_000_000, 0)
	s := newService(t, node.Config{Now: func() time.Time { return now }})
	ctx := t.Context()
	if st := s.Status(ctx); st.Active || st.Known {
		t.Errorf("without a node: %+v", st)
	}
	if _, err := s.Source(ctx); !errs.Is(err, errs.Unavailable) {
		t.Errorf("without a node: %v", err)
	}
	f.down.Store(true) // away at the start
	n, err := s.Save(ctx, f.node("N"))
	must(t, err)
	must(t, s.Activate(ctx, n.Alias))
	if st := s.Status(ctx); !st.Active || st.Known || st.Node.Name != "N" {
		t.Errorf("before the first look: %+v", st)
	}
	s.Look(ctx)
	st := s.Status(ctx)
	if !st.Away || st.Known || st.Trouble == "" || !st.Since.Equal(now) {
		t.Errorf("away at the start: %+v", st)
	}
	if _, err := s.Source(ctx); err != nil {
		t.Errorf("a source of a node that is away: %v", err)
	}
	f.down.Store(false)
	now = now.Add(time.Minute)
	s.Look(ctx)
	if st = s.Status(ctx); st.Away || !st.Known || st.Status.Tip.Height != 100 || st.Trouble != "" || st.Age(now) != 0 {
		t.Errorf("back: %+v", st)
	}
	f.down.Store(true) // and away again
	now = now.Add(time.Minute)
	s.Look(ctx)
	now = now.Add(time.Minute)
	s.Look(ctx)
	if st = s.Status(ctx); !st.Away || !st.Known || st.Status.Tip.Height != 100 || st.Age(now) != 2*time.Minute || now.Sub(st.Since) != time.Minute {
		t.Errorf("away again: %+v", st)
	}
	f.down.Store(false)
	f.chain.Store("main") // another node answers at the address
	s.Look(ctx)
	if st = s.Status(ctx); !st.Away || !strings.Contains(st.Trouble, "mainnet") {
		t.Errorf("another network: %+v", st)
	}
}

func TestRunSignalsChanges(t *testing.T) {
	f := newFake(t)
	s := newService(t, node.Config{})
	n, err := s.Save(t.Context(), f.node("N"))
	must(t, err)
	must(t, s.Activate(t.Context(), n.Alias))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	wait := func(what string, ok func(node.State) bool) {
		t.Helper()
		for deadline := time.After(testkit.Patience); ; {
			if ok(s.Status(t.Context())) {
				return
			}
			select {
			case <-s.Changed():
			case <-deadline:
				t.Fatalf("%s was not noticed: %+v", what, s.Status(t.Context()))
			}
		}
	}
	wait("the node", func(st node.State) bool { return st.Known })
	f.tip.Store(101)
	wait("a block", func(st node.State) bool { return st.Status.Tip.Height == 101 })
	f.down.Store(true)
	wait("its absence", func(st node.State) bool { return st.Away })
	cancel()
	must(t, <-done)
}

func TestActivateAndDeleteCloseTheSource(t *testing.T) {
	a, b := newFake(t), newFake(t)
	s := newService(t, node.Config{})
	ctx := t.Context()
	na, err := s.Save(ctx, a.node("A"))
	must(t, err)
	nb, err := s.Save(ctx, b.node("B"))
	must(t, err)
	must(t, s.Activate(ctx, na.Alias))
	one, err := s.Source(ctx)
	must(t, err)
	again, _ := s.Source(ctx)
	if one != again {
		t.Error("a second source was opened")
	}
	must(t, s.Activate(ctx, nb.Alias))
	if _, err := one.Status(ctx); !errs.Is(err, errs.Unavailable) {
		t.Errorf("the old source answers: %v", err)
	}
	two, err := s.Source(ctx)
	must(t, err)
	if st, err := two.Status(ctx); err != nil || st.Tip.Height != 100 {
		t.Errorf("the new source: %v", err)
	}
	nb.Password = node.NewSecret("wrong")
	_, err = s.Save(ctx, nb) // changed settings open the source anew
	must(t, err)
	three, err := s.Source(ctx)
	must(t, err)
	if _, err := three.Status(ctx); err == nil {
		t.Error("the changed settings are not in use")
	}
	must(t, s.Delete(ctx, nb.Alias))
	if n, err := s.Active(ctx); err != nil || n.ID != na.ID {
		t.Errorf("after the active node was deleted: %+v %v", n, err)
	}
	must(t, s.Delete(ctx, na.Alias))
	if _, err := s.Active(ctx); !errs.Is(err, errs.NotFound) {
		t.Errorf("after the last node was deleted: %v", err)
	}
	must(t, s.Close())
	if _, err := s.Source(ctx); err == nil {
		t.Error("a closed service opens a source")
	}
}

func TestDemoNodeIsOpenedByTheHouse(t *testing.T) {
	ctx := t.Context()
	opened := 0
	s := newService(t, node.Config{OpenDemo: func(context.Context) (chain.Source, error) {
		opened++
		return chaintest.NewLiar(10), nil
	}})
	n, r, err := s.Connect(ctx, node.Node{Name: "Demo", Kind: node.Demo})
	must(t, err)
	if n.Network != btc.Regtest || r.Version != "Liar 1" {
		t.Errorf("%+v %+v", n, r)
	}
	s.Look(ctx)
	if st := s.Status(ctx); !st.Known || st.Status.Tip.Height != 10 {
		t.Errorf("%+v", st)
	}
	if opened != 2 { // once for the test, once for good
		t.Errorf("opened %d times", opened)
	}
	without := newService(t, node.Config{})
	if r := without.Test(ctx, node.Node{Name: "Demo", Kind: node.Demo}); r.OK || !strings.Contains(r.Failure(), "specter demo") {
		t.Errorf("without a demo chain: %+v", r)
	}
}

func TestFirstStartTakesTheNodeOfTheEnvironment(t *testing.T) {
	f := newFake(t)
	u, _ := url.Parse(f.URL)
	env := map[string]string{"BTC_RPC_USER": "u", "BTC_RPC_PASSWORD": "right", "BTC_RPC_HOST": u.Hostname(), "BTC_RPC_PORT": u.Port(), "BTC_RPC_PROTOCOL": "http"}
	store := &memory{}
	s := newService(t, node.Config{Store: store, Env: func(k string) string { return env[k] }})
	must(t, s.Bootstrap(t.Context()))
	n, err := s.Active(t.Context())
	if err != nil || n.Name != "Bitcoin Core" || n.Network != btc.Regtest || n.Password.Reveal() != "right" {
		t.Errorf("%+v %v", n, err)
	}
	must(t, s.Bootstrap(t.Context()))
	if list, _ := s.List(t.Context()); len(list) != 1 {
		t.Errorf("%d nodes after the second start", len(list))
	}
	// The node may be away then; its port tells the network.
	env["BTC_RPC_PORT"], env["BTC_RPC_HOST"] = "38332", "127.0.0.1"
	s = newService(t, node.Config{Env: func(k string) string { return env[k] }})
	must(t, s.Bootstrap(t.Context()))
	if n, err := s.Active(t.Context()); err != nil || n.Network != btc.Signet {
		t.Errorf("away: %+v %v", n, err)
	}
}

func TestUIDIsMadeOnce(t *testing.T) {
	s := newService(t, node.Config{})
	a, err := s.UID(t.Context())
	must(t, err)
	b, err := s.UID(t.Context())
	must(t, err)
	if len(a) != 16 || a != b {
		t.Errorf("%q, then %q", a, b)
	}
}

// TestRealNodeIsDetectedAndFollowed: by its data folder, through a restart with another cookie.
func TestRealNodeIsDetectedAndFollowed(t *testing.T) {
	n := coretest.Start(t, coretest.Options{Empty: true})
	must(t, os.WriteFile(filepath.Join(n.Dir(), "bitcoin.conf"), fmt.Appendf(nil, "regtest=1\n[regtest]\nrpcport=%d\n", n.Port()), 0o600))
	s := newService(t, node.Config{})
	ctx := t.Context()
	found := s.DetectIn(ctx, n.Dir())
	if len(found) != 1 || !found[0].Works || found[0].Source != core.FromCookie || found[0].Node.Network != btc.Regtest {
		t.Fatalf("found %+v", found)
	}
	kept, _, err := s.Connect(ctx, found[0].Node)
	must(t, err)
	if !kept.Autodetect || kept.Name != "Bitcoin Core regtest" {
		t.Errorf("kept %+v", kept)
	}
	s.Look(ctx)
	if st := s.Status(ctx); !st.Known || st.Away {
		t.Fatalf("%+v", st)
	}
	n.Stop()
	s.Look(ctx)
	if st := s.Status(ctx); !st.Away || !st.Known {
		t.Errorf("stopped: %+v", st)
	}
	if found := s.DetectIn(ctx, n.Dir()); len(found) != 0 {
		t.Errorf("a stopped node was found: %+v", found)
	}
	n.Start()
	s.Look(ctx)
	if st := s.Status(ctx); st.Away {
		t.Errorf("with a new cookie: %+v", st)
	}
}

// TestAutodetectedNodeIsFoundAgain when its owner has moved it to another port.
func TestAutodetectedNodeIsFoundAgain(t *testing.T) {
	one, two := newFake(t), newFake(t)
	two.tip.Store(222)
	dir := t.TempDir()
	move := func(f *fake) {
		u, _ := url.Parse(f.URL)
		must(t, os.WriteFile(filepath.Join(dir, "bitcoin.conf"), []byte("regtest=1\nregtest.rpcport="+u.Port()+"\n"), 0o600))
	}
	must(t, os.Mkdir(filepath.Join(dir, "regtest"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "regtest", ".cookie"), []byte("__cookie__:right"), 0o600))
	move(one)
	s := newService(t, node.Config{})
	ctx := t.Context()
	_, _, err := s.Connect(ctx, node.Node{Name: "Mine", Autodetect: true, Datadir: dir, Network: btc.Regtest})
	must(t, err)
	s.Look(ctx)
	if st := s.Status(ctx); st.Status.Tip.Height != 100 {
		t.Fatalf("%+v", st)
	}
	one.down.Store(true)
	move(two)
	s.Look(ctx) // notices that it is away, and finds it anew
	s.Look(ctx)
	if st := s.Status(ctx); st.Away || st.Status.Tip.Height != 222 {
		t.Errorf("after the move: %+v", st)
	}
}
