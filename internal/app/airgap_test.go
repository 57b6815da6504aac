package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/airgap"
	"specter/internal/airgap/ur"
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/device"
	"specter/internal/signer/hot"
	"specter/internal/testkit/codes"
	"specter/internal/wallet"
)

// airgapped is a device without a cable: a seed, and the codes that its screen shows.
type airgapped struct {
	typ    string
	export airgap.Format // of its keys
	answer airgap.Format // of what it signed
	script string        // of a wallet with its key alone; "": a 2-of-2 with a software key
}

// name is the device's in the test.
func (d airgapped) name() string { return strings.TrimSpace("My " + d.typ + " " + d.script) }

// path is the account whose key the device exports, and the script type.
func (d airgapped) path(t *testing.T) (btc.Path, string) {
	t.Helper()
	script := d.script
	if script == "" {
		script = "wsh"
	}
	p, err := btc.ParsePath(map[string]string{"wsh": "48h/1h/0h/2h", "wpkh": "84h/1h/0h", "sh-wpkh": "49h/1h/0h", "tr": "86h/1h/0h"}[script])
	if err != nil {
		t.Fatal(err)
	}
	return p, script
}

var airgappedTypes = []airgapped{
	{"specter", airgap.FormatText, airgap.FormatSpecter, ""},
	{"seedsigner", airgap.FormatSpecter, airgap.FormatUR, ""},
	{"krux", airgap.FormatText, airgap.FormatSpecter, ""},
	{"coldcard", airgap.FormatBBQr, airgap.FormatBBQr, ""},
	{"keystone", airgap.FormatUR, airgap.FormatUR, ""},
	{"passport", airgap.FormatUR, airgap.FormatUR, ""},
	{"jade", airgap.FormatUR, airgap.FormatUR, ""},
	{"keycardshell", airgap.FormatUR, airgap.FormatUR, ""},
	{"cobo", airgap.FormatURLegacy, airgap.FormatURLegacy, ""},
	{"electrum", airgap.FormatText, airgap.FormatBase43, ""},
	{"other", airgap.FormatSpecter, airgap.FormatURNew, ""},
	{"specter", airgap.FormatText, airgap.FormatSpecter, "tr"},
	{"keystone", airgap.FormatUR, airgap.FormatUR, "tr"},
	{"krux", airgap.FormatText, airgap.FormatSpecter, "wpkh"},
	{"jade", airgap.FormatUR, airgap.FormatUR, "sh-wpkh"},
}

// master is the device's seed.
func (d airgapped) master(t *testing.T) (seed []byte, fp btc.Fingerprint, path btc.Path, key btc.XKey) {
	t.Helper()
	sum := sha256.Sum256([]byte("air gap " + d.name()))
	m, err := btc.NewMaster(sum[:], false)
	if err != nil {
		t.Fatal(err)
	}
	path, _ = d.path(t)
	k, err := m.Derive(path)
	if err != nil {
		t.Fatal(err)
	}
	return sum[:], m.Fingerprint(), path, k.Public()
}

// keys is the device's key export in the form that this type writes.
func (d airgapped) keys(t *testing.T) airgap.Payload {
	t.Helper()
	_, fp, path, k := d.master(t)
	_, script := d.path(t)
	slip := k.Encode(btc.VersionFor(script, false, false).Bytes)
	quoted := strings.ReplaceAll(path.Full(), "h", "'")
	var v any
	switch {
	case d.typ == "passport": // a resource of bytes with Coldcard's JSON in it
		v = map[string]any{"xfp": strings.ToUpper(fp.String()), "p2wsh_deriv": quoted, "p2wsh": slip}
	case d.export == airgap.FormatUR:
		u, err := ur.NewAccount(fp, []string{wrapped(script, "["+btc.KeyOrigin{Fingerprint: fp, Path: path}.String()+"]"+k.String())}, ur.Old)
		if err != nil {
			t.Fatal(err)
		}
		return airgap.Payload{UR: &u}
	case d.typ == "coldcard":
		v = map[string]any{"xfp": strings.ToUpper(fp.String()), "account": 0, "bip48_2": map[string]any{"deriv": quoted, "xpub": k.String(), "_pub": slip}}
	case d.typ == "cobo":
		v = map[string]any{"xfp": strings.ToUpper(fp.String()), "xpub": slip, "path": quoted}
	case d.typ == "electrum":
		v = map[string]any{"keystore": map[string]any{"root_fingerprint": fp.String(), "derivation": quoted, "xpub": slip}}
	default:
		return airgap.Payload{Kind: airgap.KindText, Data: []byte("[" + btc.KeyOrigin{Fingerprint: fp, Path: path}.String() + "]" + slip)}
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return airgap.Payload{Kind: airgap.KindText, Data: data, FileType: 'J'}
}

// wrapped is a key as accounts tell it.
func wrapped(script, key string) string {
	if inner, nested := strings.CutPrefix(script, "sh-"); nested {
		return "sh(" + inner + "(" + key + "))"
	}
	return script + "(" + key + ")"
}

// film is how the device's screen reaches the page: as codes, out of order.
func (d airgapped) film(t *testing.T, p airgap.Payload, f airgap.Format) []string {
	t.Helper()
	a, err := airgap.NewEncoder(p, airgap.Options{Format: f, Density: airgap.Sparse})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range a.Len() {
		out = append(out, a.Part(a.Len()-1-i))
	}
	return out
}

// traveller is a visitor with a camera.
type traveller struct {
	visitor
	base string
}

// scan is the page's scanner, three codes at a time.
func (v traveller) scan(question string, codes []string) string {
	v.t.Helper()
	var a struct {
		Session, Text, Problem string
		Done                   bool
	}
	for len(codes) > 0 {
		n := min(3, len(codes))
		status, _, body := v.post(v.base+"airgap/scan", url.Values{"session": {a.Session}, "for": {question}, "part": codes[:n]})
		codes = codes[n:]
		if err := json.Unmarshal([]byte(body), &a); status != 200 || err != nil || a.Problem != "" {
			v.t.Fatalf("the scanner answers %d %s", status, body)
		}
	}
	if !a.Done {
		v.t.Fatal("the codes give nothing")
	}
	return a.Text
}

// watch is the device's camera in front of a page: another program's reader joins its codes.
func (v traveller) watch(path string) airgap.Payload {
	v.t.Helper()
	var s airgap.Scanner
	for from, total := 0, 1; from < total; {
		status, _, body := v.get(v.base + path + "&frames=" + fmt.Sprint(from))
		var f struct {
			Total  int
			Frames []struct {
				N    int
				Bits string
			}
		}
		if err := json.Unmarshal([]byte(body), &f); status != 200 || err != nil {
			v.t.Fatalf("%s answers %d %.300s", path, status, body)
		}
		for _, frame := range f.Frames {
			if err := s.Add(codes.Read(v.t, frame.N, frame.Bits)); err != nil {
				v.t.Fatal(err)
			}
		}
		from, total = from+len(f.Frames), f.Total
	}
	p, ok := s.Payload()
	if !ok {
		v.t.Fatalf("%s: the codes give nothing", path)
	}
	return p
}

// went follows a form to the page that it leads to.
func (v traveller) went(path string, form url.Values) string {
	v.t.Helper()
	status, header, body := v.post(v.base+path, form)
	if status != 303 {
		at := strings.Index(body, `data-test="error"`)
		v.t.Fatalf("%s answers %d %.600s", path, status, body[max(at, 0):])
	}
	return strings.TrimPrefix(header.Get("Location"), "/")
}

// TestEveryAirGappedDeviceGoesRound: keys in by codes, a 2-of-2 with a software key, the wallet
// told to the device, coins, the PSBT out in the device's variant, its signature in, broadcast.
func TestEveryAirGappedDeviceGoesRound(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	red, err := h.devices.Get(ctx, string(demoOwner), "red_key")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range airgappedTypes {
		t.Run(d.name(), func(t *testing.T) {
			v := traveller{newVisitor(t), h.URL()}
			seed, fp, _, _ := d.master(t)
			_, script := d.path(t)
			v.went("new-device/"+d.typ, url.Values{"name": {d.name()}, "keys": {v.scan("keys", d.film(t, d.keys(t), d.export))}, "action": {"save"}})
			dev, err := h.devices.Get(ctx, string(demoOwner), btc.Slug(d.name()))
			if err != nil || len(dev.Keys) != 1 || dev.Keys[0].Fingerprint != fp || dev.Keys[0].ScriptType != script || dev.Type != d.typ {
				t.Fatalf("the device became %+v, %v", dev, err)
			}

			name := "Gap of " + d.name()
			if d.script == "" {
				v.went("new-wallet/multisig", url.Values{"name": {name}, "device": {dev.Alias, red.Alias}, "script": {"wsh"}, "threshold": {"2"}, "since": {"now"}, "action": {"create"}})
			} else {
				v.went("new-wallet/single", url.Values{"name": {name}, "device": {dev.Alias}, "script": {script}, "since": {"now"}, "action": {"create"}})
			}
			ref := walletRef(btc.Slug(name))
			rec := h.record(ref)
			if p := airgap.ProfileOf(d.typ); p.Register != "" && (d.script == "" || p.RegisterSingle) {
				told := v.watch(fmt.Sprintf("wallets/%s/register?device=%d", ref.Alias, dev.ID))
				back, err := h.wallets.ReadFile(told.Data, btc.Regtest)
				if err != nil || back.Descriptor != rec.Descriptor {
					t.Fatalf("the device is told of %s, %v; the wallet is %s", back.Descriptor, err, rec.Descriptor)
				}
			}
			v.checksAddress(h, ref, rec.Descriptor, dev)

			draft := h.fund(t, ref)
			if d.script == "" {
				if draft, err = h.wallets.SignHot(ctx, ref, draft.ID, red.ID, ""); err != nil {
					t.Fatal(err)
				}
			}
			shown := v.watch(fmt.Sprintf("wallets/%s/drafts/%d/qr?device=%d", ref.Alias, draft.ID, dev.ID))
			signed := signAs(t, seed, shown.Data)
			if d.typ == "specter" {
				otherIsDescribed(t, shown.Data)
			}
			back := v.scan("psbt", d.film(t, airgap.Payload{Kind: airgap.KindPSBT, Data: signed}, d.answer))
			at := fmt.Sprintf("wallets/%s/drafts/%d", ref.Alias, draft.ID)
			v.went(at+"/signatures", url.Values{"psbt": {back}})
			if next := v.went(at+"/broadcast", nil); !strings.Contains(next, "/tx/") || d.script != "sh-wpkh" && !strings.HasSuffix(next, draft.TxID.String()) { // nested inputs change the txid when they are signed
				t.Errorf("the broadcast leads to %s", next)
			}
			mine(t, h)
			h.sync(ref)
			if b := h.record(ref).Balance; b.Confirmed < 70_000_000 || b.Confirmed >= 75_000_000 {
				t.Errorf("after the payment the wallet holds %d", b.Confirmed)
			}
		})
	}
}

// checksAddress is the device in front of the page that has an address checked: it reads the code,
// derives the address itself, and compares.
func (v traveller) checksAddress(h *house, ref wallet.Ref, known string, dev device.Device) {
	v.t.Helper()
	row, err := h.wallets.ReceiveAddress(context.Background(), ref)
	if err != nil {
		v.t.Fatal(err)
	}
	status, _, body := v.get(fmt.Sprintf("%swallets/%s/addresses/%s/check", v.base, ref.Alias, row.Address))
	if status != 200 {
		v.t.Fatalf("the page of the check answers %d %.300s", status, body)
	}
	if airgap.ProfileOf(dev.Type).Address && !strings.Contains(body, "</svg>"+dev.Name+"</h3>") {
		v.t.Errorf("the page does not tell how %s checks an address", dev.Name)
	}
	u, err := btc.ParseURI(readSVG(v.t, body))
	if err != nil {
		v.t.Fatal(err)
	}
	d, err := descriptor.Parse(known, descriptor.Options{})
	if err != nil {
		v.t.Fatal(err)
	}
	receive, err := d.Branch(0)
	if err != nil {
		v.t.Fatal(err)
	}
	out, err := receive.Derive(row.Index)
	if err != nil {
		v.t.Fatal(err)
	}
	if own, ok := out.Address(btc.Regtest); !ok || own != u.Address {
		v.t.Errorf("the code says %q, the device derives %q", u.Address, own)
	}
	if index, _ := u.Param("index"); index != strconv.Itoa(int(row.Index)) {
		v.t.Errorf("the code names index %q, want %d", index, row.Index)
	}
}

var (
	svgBox = regexp.MustCompile(`viewBox="0 0 (\d+) \d+" role="img"`)
	svgRun = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`)
)

// readSVG reads the one code that is drawn in a page with another program's reader.
func readSVG(t *testing.T, page string) string {
	t.Helper()
	box := svgBox.FindStringSubmatch(page)
	if box == nil {
		t.Fatal("the page shows no code")
	}
	side, _ := strconv.Atoi(box[1])
	n := side - 8
	bits := make([]byte, (n*n+7)/8)
	for _, run := range svgRun.FindAllStringSubmatch(page, -1) {
		x, _ := strconv.Atoi(run[1])
		y, _ := strconv.Atoi(run[2])
		length, _ := strconv.Atoi(run[3])
		for i := (y-4)*n + x - 4; length > 0; i, length = i+1, length-1 {
			bits[i/8] |= 0x80 >> (i % 8)
		}
	}
	return codes.Read(t, n, base64.StdEncoding.EncodeToString(bits))
}

// fund pays a wallet and makes a payment from it to another wallet of the same user.
func (h *house) fund(t *testing.T, ref wallet.Ref) wallet.Draft {
	t.Helper()
	ctx := context.Background()
	for range 2 {
		a, err := h.wallets.NewAddress(ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.chain.Faucet(a.Address, 50_000_000); err != nil {
			t.Fatal(err)
		}
	}
	mine(t, h)
	h.sync(ref)
	to, err := h.wallets.NewAddress(ctx, walletRef("spending"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Recipients: []wallet.Recipient{{Address: to.Address, Amount: btcutil.Amount(25_000_000)}}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// otherIsDescribed holds that the device can tell the other wallet that is paid.
func otherIsDescribed(t *testing.T, raw []byte) {
	t.Helper()
	p, err := psbt.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i, out := range p.Outputs {
		if len(out.Derivations)+len(out.TapDerivations) != 1 {
			t.Errorf("output %d has %d derivations, want one", i, len(out.Derivations)+len(out.TapDerivations))
		}
	}
}

// signAs is the device: it knows its seed and the PSBT that it was shown, nothing else.
func signAs(t *testing.T, seed, raw []byte) []byte {
	t.Helper()
	p, err := psbt.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range p.Inputs {
		if in.NonWitnessUTXO != nil {
			t.Errorf("input %d carries its previous transaction over the air", i)
		}
	}
	k, err := hot.FromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	if made, err := k.Sign(p); err != nil || made != len(p.Inputs) {
		t.Fatalf("%d of %d inputs were signed: %v", made, len(p.Inputs), err)
	}
	signed, err := p.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
