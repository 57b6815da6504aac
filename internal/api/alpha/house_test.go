package alpha

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/chain"
	"specter/internal/chain/demo"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/store"
	"specter/internal/wallet"
)

// people of the tests: the owner and a member, with passwords of the vectors.
const (
	ownerPassword  = "adminpassword"
	memberPassword = "somepassword"
)

// house is the API on a real database, real services and the demo chain.
type house struct {
	t       testing.TB
	path    string
	db      *store.DB
	chain   *demo.Chain
	wallets *wallet.Service
	devices *device.Service
	nodes   *node.Service
	auth    *guard
	member  string // id of someuser
	api     *Server
	now     func() time.Time
	last    answer // of play
}

func newHouse(t testing.TB) *house {
	t.Helper()
	c, err := demo.Open("", demo.Options{})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	h := &house{t: t, path: filepath.Join(t.TempDir(), "specter.db"), chain: c, now: time.Now}
	h.db, err = store.Open(context.Background(), h.path)
	must(t, err)
	t.Cleanup(func() { h.db.Close() })
	h.nodes = node.New(node.Config{Store: h.db, OpenDemo: func(context.Context) (chain.Source, error) { return unclosed{c}, nil }})
	t.Cleanup(func() { h.nodes.Close() })
	n, err := h.nodes.Save(context.Background(), node.Node{Name: "Demo chain", Kind: node.Demo, Network: btc.Regtest})
	must(t, err)
	must(t, h.nodes.Activate(context.Background(), n.Alias))
	h.nodes.Look(context.Background())
	h.wallets = wallet.New(wallet.Config{Store: h.db, Sources: h.nodes, UID: "0011", FeeRate: c.FeeRate, Devices: knownKeys, SignHot: signHot})
	h.devices = device.New(device.Config{Store: h.db, Now: time.Now, Uses: h.wallets.Uses})
	h.enrol()
	h.open()
	return h
}

// unclosed keeps the chain open when the node room closes its source.
type unclosed struct{ *demo.Chain }

func (unclosed) Close() error { return nil }

// open makes the API anew.
func (h *house) open() {
	h.t.Helper()
	var err error
	h.api, err = New(Config{Auth: h.auth, Wallets: h.wallets, Devices: h.devices, Nodes: h.nodes, Settings: h.db, DataDir: filepath.Dir(h.path),
		Network: btc.Regtest, Version: "test", Now: func() time.Time { return h.now() }})
	must(h.t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// guard is the real thing, that can be made to say that everybody is too fast.
type guard struct {
	*auth.Service
	hurried bool
}

func (g *guard) Basic(ctx context.Context, name, password, client string) (auth.Identity, error) {
	if g.hurried {
		return auth.Identity{}, &auth.TooFast{Wait: 1500 * time.Millisecond}
	}
	return g.Service.Basic(ctx, name, password, client)
}

// enrol makes the owner and a member.
func (h *house) enrol() {
	h.t.Helper()
	ctx := context.Background()
	s, err := auth.New(ctx, auth.Config{Store: h.db, Now: func() time.Time { return h.now() }, Hash: auth.HashParams{Memory: 8, Passes: 1, Lanes: 1},
		Forget: func(context.Context, string) error { return nil }})
	must(h.t, err)
	h.auth = &guard{Service: s}
	if _, needed, err := s.SetupLink(ctx); err != nil || !needed {
		return // a second start
	}
	must(h.t, s.SetOwner(ctx, "admin", ownerPassword))
	admin, err := s.User(ctx, auth.OwnerID)
	must(h.t, err)
	m, err := s.AddUser(ctx, auth.Identity{User: admin}, "someuser", memberPassword)
	must(h.t, err)
	h.member = m.ID
}

// token makes a token behind the API's back.
func (h *house) token(userID string, scope auth.Scope) string {
	h.t.Helper()
	u, err := h.auth.User(context.Background(), userID)
	must(h.t, err)
	_, text, err := h.auth.NewToken(context.Background(), auth.Identity{User: u}, auth.TokenRequest{Description: "t" + time.Now().String(), Life: time.Hour, Scope: scope})
	must(h.t, err)
	return text
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// ask sends a request. who is "", "name:password" or a token; what is nil, a text (sent as a
// form), or a value (sent as JSON).
func (h *house) ask(method, path, who string, what any) answer {
	h.t.Helper()
	var body io.Reader = http.NoBody
	typ := ""
	switch v := what.(type) {
	case nil:
	case string:
		body, typ = strings.NewReader(v), typeForm
	case []byte:
		body, typ = bytes.NewReader(v), typeJSON
	default:
		b, err := json.Marshal(v)
		must(h.t, err)
		body, typ = bytes.NewReader(b), typeJSON
	}
	r := httptest.NewRequest(method, path, body)
	if typ != "" {
		r.Header.Set("Content-Type", typ)
	}
	if name, password, ok := strings.Cut(who, ":"); ok {
		r.SetBasicAuth(name, password)
	} else if who != "" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	return answer{h.t, w.Code, w.Header(), w.Body.Bytes()}
}

// want holds the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %.300s", a.status, status, a.body)
	}
	return a
}

// says holds the message.
func (a answer) says(text string) {
	a.t.Helper()
	var m map[string]string
	if err := json.Unmarshal(a.body, &m); err != nil || len(m) != 1 || m["message"] != text {
		a.t.Errorf("the answer is %.300s, want the message %q", a.body, text)
	}
}

// object reads the answer, numbers as they are written.
func (a answer) object() map[string]any {
	a.t.Helper()
	m, ok := decode(a.t, a.body).(map[string]any)
	if !ok {
		a.t.Fatalf("no object: %.200s", a.body)
	}
	return m
}

func decode(t testing.TB, data []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("no JSON (%v): %.300s", err, data)
	}
	return v
}

func master(name string) btc.XKey {
	seed := sha256.Sum256([]byte("api test " + name))
	k, err := btc.NewMaster(seed[:], false)
	if err != nil {
		panic(err)
	}
	return k
}

var accounts = map[string]string{"wpkh": "84h/1h/0h", "sh-wpkh": "49h/1h/0h", "tr": "86h/1h/0h", "pkh": "44h/1h/0h", "wsh": "48h/1h/0h/2h", "sh-wsh": "48h/1h/0h/1h"}

var cosigners = []string{"alice", "bob", "carol"}

func expression(name, scriptType string) (string, btc.XKey) {
	path, err := btc.ParsePath(accounts[scriptType])
	if err != nil {
		panic(err)
	}
	m := master(name)
	k, err := m.Derive(path)
	if err != nil {
		panic(err)
	}
	return "[" + btc.KeyOrigin{Fingerprint: m.Fingerprint(), Path: path}.String() + "]" + k.Public().String(), k.Public()
}

func knownKeys(context.Context, wallet.Owner, btc.Network) (out []wallet.KnownKey, _ error) {
	for i, name := range cosigners {
		for typ := range accounts {
			_, k := expression(name, typ)
			out = append(out, wallet.KnownKey{XKey: k, DeviceID: int64(i + 1), DeviceName: strings.ToUpper(name), DeviceAlias: name, DeviceType: "hot", Hot: true})
		}
	}
	return out, nil
}

func signHot(_ context.Context, _ wallet.Owner, id int64, _ string, p *psbt.Packet) error {
	m := master(cosigners[id-1])
	_, err := p.Sign(psbt.ExtendedKey(m, btc.KeyOrigin{Fingerprint: m.Fingerprint()}))
	return err
}

// create makes a wallet; several people make a multisig of all but one.
func (h *house) create(owner, name, scriptType string, who ...string) wallet.Record {
	h.t.Helper()
	w := wallet.NewWallet{Name: name, ScriptType: scriptType, Threshold: max(1, len(who)-1)}
	for _, p := range who {
		x, _ := expression(p, scriptType)
		w.Keys = append(w.Keys, x)
	}
	r, err := h.wallets.Create(context.Background(), wallet.Owner(owner), btc.Regtest, w)
	must(h.t, err)
	return r
}

// fund pays a wallet, each amount to a fresh address, and mines.
func (h *house) fund(ref wallet.Ref, amounts ...btcutil.Amount) {
	h.t.Helper()
	for _, a := range amounts {
		to, err := h.wallets.NewAddress(context.Background(), ref)
		must(h.t, err)
		_, err = h.chain.Faucet(to.Address, a)
		must(h.t, err)
	}
	_, err := h.chain.Mine(1, nil)
	must(h.t, err)
	h.sync(ref)
}

func (h *house) sync(ref wallet.Ref) {
	h.t.Helper()
	must(h.t, h.wallets.Sync(context.Background(), ref))
}

// stranger is a regtest address that is nobody's.
func stranger(n byte) string {
	hash := sha256.Sum256([]byte{n})
	a, _ := btc.AddressOf(btc.WitnessScript(0, hash[:20]), btc.Regtest)
	return a
}
