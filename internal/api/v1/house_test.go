package v1_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/api/v1"
	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/chain"
	"specter/internal/chain/demo"
	"specter/internal/chain/ownchain"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/setting"
	"specter/internal/signer/hot"
	"specter/internal/store"
	"specter/internal/wallet"
)

const (
	ownerPassword  = "correct horse battery"
	memberPassword = "staple of bob's"
)

// house is the API on a real database, with real logins and the demo chain.
type house struct {
	t       testing.TB
	db      *store.DB
	chain   *demo.Chain
	auth    *auth.Service
	wallets *wallet.Service
	devices *device.Service
	nodes   *node.Service
	api     *v1.Server
	gate    *gatehouse
	vault   *vault
	server  *httptest.Server
	ahead   atomic.Int64 // nanoseconds that the clock is ahead
	away    atomic.Bool  // the node does not answer

	owner, member string // tokens that may do everything
	movers        *movers
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

// Source is the node as the wallets see it: it can be taken away.
func (h *house) Source(ctx context.Context) (chain.Source, error) {
	if h.away.Load() {
		return nil, errs.E(errs.Unavailable, "the node does not answer")
	}
	return h.nodes.Source(ctx)
}

type unclosed struct{ *demo.Chain }

func (unclosed) Close() error { return nil }

func newHouse(t testing.TB) *house {
	t.Helper()
	ctx := context.Background()
	h := &house{t: t}
	var err error
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h.chain, err = demo.Open("", demo.Options{})
	must(err)
	t.Cleanup(func() { h.chain.Close() })
	h.db, err = store.Open(ctx, filepath.Join(t.TempDir(), "specter.db"))
	must(err)
	t.Cleanup(func() { h.db.Close() })
	h.nodes = node.New(node.Config{Store: h.db, OpenDemo: func(context.Context) (chain.Source, error) { return unclosed{h.chain}, nil }})
	t.Cleanup(func() { h.nodes.Close() })
	_, err = h.nodes.Save(ctx, node.Node{Name: "Demo", Kind: node.Demo, Network: btc.Regtest})
	must(err)
	must(h.nodes.Activate(ctx, "demo"))
	h.wallets = wallet.New(wallet.Config{Store: h.db, Sources: h, UID: "0011", FeeRate: h.chain.FeeRate, SignHot: h.signHot, Post: h.post, Devices: h.keys, Now: h.now, Headers: h.headers()})
	h.devices = device.New(device.Config{Store: h.db, Now: h.now, Seal: hot.Seal, Uses: h.wallets.Uses})
	h.auth, err = auth.New(ctx, auth.Config{Store: h.db, Now: h.now, Hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}, Forget: h.forget})
	must(err)
	must(h.auth.SetOwner(ctx, "admin", ownerPassword))
	o, err := h.auth.User(ctx, auth.OwnerID)
	must(err)
	must(h.auth.SetSettings(ctx, auth.Identity{User: o}, auth.Settings{Method: auth.MethodUsers}, ownerPassword))
	_, err = h.auth.AddUser(ctx, auth.Identity{User: o}, "bob", memberPassword)
	must(err)
	h.gate, h.vault, h.movers = &gatehouse{}, &vault{}, &movers{}
	usb := &drivers{settings: setting.New(h.db), agents: []v1.BridgeAgent{{ID: "desk", Name: "Desk", Created: time.Unix(1_800_000_000, 0), Connected: true, Since: time.Unix(1_800_000_100, 0)}}}
	h.api, err = v1.New(v1.Config{Remote: h.gate.remote(), USB: usb, Secrets: h.vault, BackupFiles: handout{}, Demo: play{h.chain}, Auth: h.auth, Wallets: h.wallets, Devices: h.devices, Nodes: h.nodes, Settings: h.db, Idempotency: h.db, Fees: outside{},
		Imports: h.movers, Backups: &safekeeper{settings: setting.New(h.db)}, Program: &steward{settings: setting.New(h.db)}, Price: tellPrice, PastPrices: tellPast,
		RequestID: func(*http.Request) string { return "req-1" }, Version: "test", Now: h.now})
	must(err)
	h.server = httptest.NewServer(h.api)
	t.Cleanup(h.server.Close)
	t.Cleanup(h.api.Close)
	h.owner = h.basicToken("admin", ownerPassword, `{"description":"all","life":"30 days"}`)
	h.member = h.basicToken("bob", memberPassword, `{"description":"all","life":"30 days"}`)
	return h
}

func (h *house) keys(ctx context.Context, o wallet.Owner, n btc.Network) ([]wallet.KnownKey, error) {
	devices, err := h.db.Devices(ctx, string(o))
	var out []wallet.KnownKey
	for _, d := range devices {
		for _, k := range d.Keys {
			if x, _, err := btc.ParseXKey(k.XPub); err == nil && k.For(n) {
				out = append(out, wallet.KnownKey{XKey: x, DeviceID: d.ID, DeviceName: d.Name, DeviceAlias: d.Alias, DeviceType: d.Type, Hot: d.Hot()})
			}
		}
	}
	return out, err
}

// forget removes what belongs to a user.
func (h *house) forget(ctx context.Context, user string) error {
	list, err := h.wallets.List(ctx, wallet.Owner(user), btc.Regtest)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := h.wallets.Delete(ctx, r.Ref()); err != nil {
			return err
		}
	}
	devices, err := h.devices.List(ctx, user)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if err := h.devices.Forget(ctx, user, d.Alias); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) signHot(ctx context.Context, o wallet.Owner, id int64, password string, p *psbt.Packet) error {
	d, err := h.db.DeviceByID(ctx, string(o), id)
	if err != nil {
		return err
	}
	keys, err := hot.Open(d.Sealed, password)
	if err != nil {
		return err
	}
	_, err = keys.Sign(p)
	return err
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

// str, num and list read a field.
func (a answer) str(name string) string { s, _ := a.json[name].(string); return s }

func (a answer) num(name string) int64 {
	n, _ := a.json[name].(json.Number)
	v, err := n.Int64()
	if err != nil {
		return -1 << 62
	}
	return v
}

func (a answer) list(name string) []any { l, _ := a.json[name].([]any); return l }

// request is one more than the common ones.
type request struct {
	method, path, token, body string
	kind                      string // content type; "": application/json where there is a body
	key                       string // Idempotency-Key
	basic                     [2]string
}

// send asks, and holds every answer against openapi.json.
func (h *house) send(q request) answer {
	h.t.Helper()
	a, err := h.try(q)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := conforms(q, a); err != nil {
		h.t.Errorf("%s %s: %v\n%s", q.method, q.path, err, a.body)
	}
	return a
}

func (h *house) try(q request) (answer, error) {
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r, err := http.NewRequest(q.method, h.server.URL+v1.Root+q.path, body)
	if err != nil {
		return answer{}, err
	}
	if q.kind == "" && q.body != "" {
		q.kind = "application/json"
	}
	if q.kind != "" {
		r.Header.Set("Content-Type", q.kind)
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	if q.basic[0] != "" {
		r.SetBasicAuth(q.basic[0], q.basic[1])
	}
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); strings.HasSuffix(kind, "json") {
		dec := json.NewDecoder(bytes.NewReader(a.body))
		dec.UseNumber()
		_ = dec.Decode(&a.json) // a list or a text stays nil
	}
	return a, nil
}

// floaty finds a number that is not whole, anywhere in JSON.
func floaty(body []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		if n, ok := token.(json.Number); ok && strings.ContainsAny(n.String(), ".eE") {
			return true
		}
	}
}

// conforms holds an answer against the description of its operation.
func conforms(q request, a answer) error {
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		return fmt.Errorf("the headers of private answers are missing: %v", a.header)
	}
	if strings.HasSuffix(kind, "json") && q.path != "/openapi.json" && floaty(a.body) {
		return errors.New("the answer holds a number that is not whole")
	}
	op, known := doc.operationOf(q.method, v1.Root+q.path)
	if a.status >= 400 {
		if kind != "application/problem+json" || a.num("status") != int64(a.status) {
			return fmt.Errorf("status %d has a body of type %s", a.status, kind)
		}
		return doc.check(any(a.json), doc.Components.Schemas["Problem"], "problem")
	}
	if !known {
		return fmt.Errorf("status %d of an operation that is not described", a.status)
	}
	want, ok := op.Responses[fmt.Sprint(a.status)]
	if !ok {
		return fmt.Errorf("%s: status %d is not described", op.ID, a.status)
	}
	if len(want.Content) == 0 {
		if len(a.body) > 0 {
			return fmt.Errorf("%s: there is a body where none is described", op.ID)
		}
		return nil
	}
	m, ok := want.Content[kind]
	if _, any := want.Content["*/*"]; any {
		return nil
	}
	if !ok {
		return fmt.Errorf("%s: type %s is not described", op.ID, kind)
	}
	if a.status == 201 && !strings.HasPrefix(a.header.Get("Location"), v1.Root+"/") {
		return fmt.Errorf("%s: what was made has no address: %q", op.ID, a.header.Get("Location"))
	}
	if kind != "application/json" {
		return nil
	}
	return doc.check(any(a.json), m.Schema, op.ID)
}

// ok asks and wants a success.
func (h *house) ok(token, method, path, body string) answer {
	h.t.Helper()
	a := h.send(request{method: method, path: path, token: token, body: body})
	if a.status >= 300 {
		h.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return a
}

// no asks and wants a refusal with a status and a code.
func (h *house) no(q request, status int, code string) answer {
	h.t.Helper()
	a := h.send(q)
	if a.status != status || a.str("code") != code {
		h.t.Errorf("%s %s %.200s: got %d %s, want %d %s", q.method, q.path, q.body, a.status, a.body, status, code)
	}
	return a
}

func (h *house) basicToken(name, password, body string) string {
	h.t.Helper()
	a := h.send(request{method: "POST", path: "/tokens", body: body, basic: [2]string{name, password}})
	if a.status != 201 || a.str("jwt") == "" {
		h.t.Fatalf("token: %d %s", a.status, a.body)
	}
	return a.str("jwt")
}

// token makes a token with rights and wallets.
func (h *house) token(with string, rights []string, wallets ...int64) string {
	h.t.Helper()
	rights, wallets = append([]string{}, rights...), append([]int64{}, wallets...) // a list, not null
	in, _ := json.Marshal(map[string]any{"description": fmt.Sprint(rights, wallets, time.Now().UnixNano()), "life": "1 hour", "rights": rights, "wallet_ids": wallets})
	return h.ok(with, "POST", "/tokens", string(in)).str("jwt")
}

// hotWallet makes software keys and a wallet of them; its alias and its number come back.
func (h *house) hotWallet(token, name string, threshold, cosigners int) (alias string, id int64) {
	h.t.Helper()
	kind := "wsh"
	if cosigners == 1 {
		kind = "wpkh"
	}
	var keys []string
	for i := range cosigners {
		words := h.ok(token, "POST", "/seed-words", `{"count":12}`).str("words")
		d := h.ok(token, "POST", "/hot-devices", fmt.Sprintf(`{"name":"%s key %d","words":%q,"password":"pin %d"}`, name, i+1, words, i+1))
		for _, k := range d.list("keys") {
			if k := k.(map[string]any); k["script_type"] == kind {
				keys = append(keys, k["key"].(string))
			}
		}
	}
	in, _ := json.Marshal(map[string]any{"name": name, "script_type": kind, "threshold": threshold, "keys": keys})
	p := h.ok(token, "POST", "/wallet-checks", string(in))
	w := h.ok(token, "POST", "/wallets", string(in))
	if w.str("descriptor") != p.str("descriptor") || w.num("threshold") != int64(max(1, threshold)) || len(w.list("cosigners")) != cosigners {
		h.t.Fatalf("proposed %s, made %s", p.body, w.body)
	}
	return w.str("alias"), w.num("id")
}

// pay lets the faucet pay a wallet, which learns of it.
func (h *house) pay(token, alias string, sat int64) {
	h.t.Helper()
	a := h.ok(token, "GET", "/wallets/"+alias+"/receive-address", "")
	if _, err := h.chain.Faucet(a.str("address"), amount(sat)); err != nil {
		h.t.Fatal(err)
	}
	h.ok(token, "POST", "/wallets/"+alias+"/sync", "")
}

func (h *house) mine(n int) {
	h.t.Helper()
	if _, err := h.chain.Mine(n, nil); err != nil {
		h.t.Fatal(err)
	}
}

// headers is a chain of headers in a folder of the test.
func (h *house) headers() *ownchain.Keeper {
	dir := h.t.TempDir()
	k := ownchain.New(ownchain.Config{Open: func(n btc.Network) (ownchain.File, error) {
		return os.OpenFile(filepath.Join(dir, n.String()), os.O_RDWR|os.O_CREATE, 0o600)
	}})
	h.t.Cleanup(func() { k.Close() })
	return k
}
