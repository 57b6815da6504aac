package bridge_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
	"specter/internal/signer/signertest"
)

// desk is a Hub over things that sign with real keys, without cables.
type desk struct {
	mu     sync.Mutex
	things []*thing
	asked  []signer.Ask
}

// thing is a device of a family that can be chosen freely.
type thing struct {
	info      signer.Info
	master    btc.XKey
	registers bool
	network   btc.Network

	mu       sync.Mutex
	lock     sync.Mutex // one call at a time
	notify   func(signer.Notice)
	wait     chan struct{} // nil: answers at once; else a person who answers when it closes
	fail     error
	enrolled int
	forgets  bool // does not know registrations from before
	pin      string
}

func (d *desk) Enumerate(_ context.Context, a signer.Ask) ([]signer.Info, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, a)
	var out []signer.Info
	for _, t := range d.things {
		out = append(out, t.info)
	}
	return out, nil
}

func (d *desk) Do(ctx context.Context, s signer.Select, a signer.Ask, f func(context.Context, signer.Signer) error) error {
	d.mu.Lock()
	d.asked = append(d.asked, a)
	var found *thing
	for _, t := range d.things {
		if (s.Kind == "" || s.Kind == t.info.Kind) && (s.Path == "" || s.Path == t.info.Path) && (!s.Known || s.Fingerprint == t.info.Fingerprint) {
			found = t
			break
		}
	}
	d.mu.Unlock()
	if found == nil {
		return signer.E(signer.CodeUnknownDevice, "no such device")
	}
	found.lock.Lock()
	defer found.lock.Unlock()
	found.notify, found.network = a.Notify, a.Network
	return f(ctx, found)
}

func (t *thing) Info() signer.Info { return t.info }
func (t *thing) Fingerprint(context.Context) (btc.Fingerprint, error) {
	return t.master.Fingerprint(), nil
}
func (t *thing) XPub(_ context.Context, p btc.Path) (btc.XKey, error) {
	if t.fail != nil {
		return btc.XKey{}, t.fail
	}
	x, err := t.master.Derive(p)
	x = x.Public()
	x.Main = t.network.IsMain()
	return x, err
}

// confirm asks the person.
func (t *thing) confirm(ctx context.Context, kind signer.NoticeKind, code string) error {
	t.notify(signer.Notice{Kind: kind, Code: code})
	if t.wait != nil {
		select {
		case <-t.wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return t.fail
}
func (t *thing) NeedsRegistration(w signer.Wallet) bool {
	_, _, multi := w.Descriptor.Threshold()
	return t.registers && multi
}
func (t *thing) Register(ctx context.Context, w signer.Wallet) (signer.Registration, error) {
	t.enrolled++
	t.forgets = false
	return signer.Registration{Name: w.Name, ID: []byte{1}, Proof: []byte{2, 3}}, t.confirm(ctx, signer.NoticeRegister, "")
}
func (t *thing) known(w signer.Wallet, r signer.Registration) error {
	if t.NeedsRegistration(w) && (t.forgets || string(r.Proof) != "\x02\x03" || r.Name != w.Name) {
		return signer.E(signer.CodeNotRegistered, "this wallet is not known here")
	}
	return nil
}
func (t *thing) ShowAddress(ctx context.Context, w signer.Wallet, r signer.Registration, branch, index uint32) (string, error) {
	if err := t.known(w, r); err != nil {
		return "", err
	}
	d, err := w.Descriptor.Branch(int(branch))
	if err != nil {
		return "", err
	}
	o, err := d.Derive(index)
	if err != nil {
		return "", err
	}
	address, _ := o.Address(t.network)
	return address, t.confirm(ctx, signer.NoticeConfirm, "")
}
func (t *thing) Sign(ctx context.Context, w signer.Wallet, r signer.Registration, tx *psbt.Packet) (*psbt.Packet, error) {
	if w.Descriptor != nil {
		if err := t.known(w, r); err != nil {
			return nil, err
		}
	}
	if err := t.confirm(ctx, signer.NoticeConfirm, ""); err != nil {
		return nil, err
	}
	out := tx.Clone()
	_, err := out.Sign(psbt.ExtendedKey(t.master, btc.KeyOrigin{}))
	return out, err
}
func (t *thing) SignMessage(ctx context.Context, p btc.Path, text []byte) ([]byte, error) {
	if err := t.confirm(ctx, signer.NoticeConfirm, ""); err != nil {
		return nil, err
	}
	x, err := t.master.Derive(p)
	if err != nil {
		return nil, err
	}
	key, _ := x.PrivateKey()
	sig, err := message.Sign(key, p2pkh(x), btc.Regtest, string(text), message.Legacy)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(sig)
}
func (t *thing) Close() error { return nil }

func (t *thing) AskPIN(context.Context) error { t.info.NeedsPIN = true; return nil }
func (t *thing) SendPIN(_ context.Context, positions string) error {
	if positions != t.pin {
		return signer.E(signer.CodeNotReady, "%w", signer.ErrWrongPIN)
	}
	return nil
}
func (t *thing) TogglePassphrase(context.Context) (bool, error) { return true, t.fail }

func p2pkh(x btc.XKey) string {
	script := append(append([]byte{0x76, 0xa9, 0x14}, btc.Hash160(x.PublicKey[:])...), 0x88, 0xac)
	address, _ := btc.AddressOf(script, btc.Regtest)
	return address
}

// newThing is a device with the keys of a public test phrase.
func newThing(t *testing.T, kind, path string) *thing {
	m := signertest.Master(t, signertest.Abandon, "")
	return &thing{info: signer.Info{Kind: kind, Model: kind + "_t", Path: path, Fingerprint: m.Fingerprint(), Known: true}, master: m, pin: "1234"}
}

// office is a bridge at work, with who may come in.
type office struct {
	*desk
	*bridge.Service
	t      *testing.T
	rules  bridge.Rules
	near   bool
	user   string // logged in by the session; "" nobody
	away   *bridge.Client
	memory signertest.Drawer
	clock  time.Time
}

func open(t *testing.T, things ...*thing) *office {
	t.Helper()
	o := &office{t: t, desk: &desk{things: things}, rules: bridge.Rules{Origins: []string{bridge.DefaultOrigin}, Token: "letmein"}, near: true, clock: time.Unix(1700000000, 0)}
	o.hub(o.desk)
	return o
}

// within ties a request to a context.
func within(ctx context.Context) func(*http.Request) {
	return func(r *http.Request) { *r = *r.WithContext(ctx) }
}

// hub makes the bridge over a hub.
func (o *office) hub(h bridge.Hub) {
	o.t.Helper()
	s, err := bridge.New(bridge.Config{Hub: h, Memory: &o.memory, Version: "1.2.3",
		Rules: func(context.Context) (bridge.Rules, error) { return o.rules, nil },
		User: func(*http.Request) (string, error) {
			if o.user == "" {
				return "", errs.E(errs.Denied, "nobody")
			}
			return o.user, nil
		},
		Bearer: func(_ context.Context, token string) (string, error) {
			if token != "api-token" {
				return "", errs.E(errs.Denied, "no such token")
			}
			return "carol", nil
		},
		Near:      func(*http.Request) bool { return o.near },
		Elsewhere: func(context.Context, string) (*bridge.Client, error) { return o.away, nil },
		Now:       func() time.Time { return o.clock }})
	if err != nil {
		o.t.Fatal(err)
	}
	o.Service = s
}

// post sends a body from an origin ("" none) and returns status, answer and headers.
func (o *office) post(origin, body string, change ...func(*http.Request)) (int, string, http.Header) {
	o.t.Helper()
	r := httptest.NewRequest("POST", "http://127.0.0.1:25441/hwi/api/", strings.NewReader(body))
	r.Host = "127.0.0.1:25441"
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return w.Code, string(text), w.Header()
}

// call asks as an old Specter's page would and returns result or error.
func (o *office) call(method, params string) (result json.RawMessage, code int, text string) {
	o.t.Helper()
	_, body, _ := o.post("http://localhost:25441", `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`,"forwarded_request":true}`)
	var a struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		o.t.Fatalf("%s: %s: %v", method, body, err)
	}
	if a.Error != nil {
		return nil, a.Error.Code, a.Error.Message
	}
	return a.Result, 0, ""
}
