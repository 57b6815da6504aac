package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"net/url"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"specter/internal/airgap"
	"specter/internal/airgap/ur"
	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/device"
	"specter/internal/signer/hot"
	"specter/internal/wallet"
)

// airgapped is a device without a cable: a seed, and the codes that its screen shows.
type airgapped struct {
	typ    string
	export airgap.Format // of its keys
	answer airgap.Format // of what it signed
}

var airgappedTypes = []airgapped{
	{"specter", airgap.FormatText, airgap.FormatSpecter},
	{"seedsigner", airgap.FormatSpecter, airgap.FormatUR},
	{"krux", airgap.FormatText, airgap.FormatSpecter},
	{"coldcard", airgap.FormatBBQr, airgap.FormatBBQr},
	{"keystone", airgap.FormatUR, airgap.FormatUR},
	{"passport", airgap.FormatUR, airgap.FormatUR},
	{"jade", airgap.FormatUR, airgap.FormatUR},
	{"keycardshell", airgap.FormatUR, airgap.FormatUR},
	{"cobo", airgap.FormatURLegacy, airgap.FormatURLegacy},
	{"electrum", airgap.FormatText, airgap.FormatBase43},
	{"other", airgap.FormatSpecter, airgap.FormatURNew},
}

// master is the device's seed.
func (d airgapped) master(t *testing.T) (seed []byte, fp btc.Fingerprint, path btc.Path, key btc.XKey) {
	t.Helper()
	sum := sha256.Sum256([]byte("air gap " + d.typ))
	m, err := btc.NewMaster(sum[:], false)
	if err != nil {
		t.Fatal(err)
	}
	path, err = btc.ParsePath("48h/1h/0h/2h")
	if err != nil {
		t.Fatal(err)
	}
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
	slip := k.Encode(btc.VersionFor("wsh", false, false).Bytes)
	quoted := strings.ReplaceAll(path.Full(), "h", "'")
	var v any
	switch {
	case d.typ == "passport": // a resource of bytes with Coldcard's JSON in it
		v = map[string]any{"xfp": strings.ToUpper(fp.String()), "p2wsh_deriv": quoted, "p2wsh": slip}
	case d.export == airgap.FormatUR:
		u, err := ur.NewAccount(fp, []string{"wsh([" + btc.KeyOrigin{Fingerprint: fp, Path: path}.String() + "]" + k.String() + ")"}, ur.Old)
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
			if err := s.Add(readCode(v.t, frame.N, frame.Bits)); err != nil {
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

func readCode(t *testing.T, n int, packed string) string {
	t.Helper()
	bits, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, n+8, n+8))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for i := range n * n {
		if bits[i/8]&(0x80>>(i%8)) != 0 {
			img.SetGray(i%n+4, i/n+4, color.Gray{})
		}
	}
	bmp, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	r, err := qrcode.NewQRCodeReader().Decode(bmp, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	return r.GetText()
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
		t.Run(d.typ, func(t *testing.T) {
			v := traveller{newVisitor(t), h.URL()}
			seed, fp, _, _ := d.master(t)
			v.went("new-device/"+d.typ, url.Values{"name": {"My " + d.typ}, "keys": {v.scan("keys", d.film(t, d.keys(t), d.export))}, "action": {"save"}})
			dev, err := h.devices.Get(ctx, string(demoOwner), btc.Slug("My "+d.typ))
			if err != nil || len(dev.Keys) != 1 || dev.Keys[0].Fingerprint != fp || dev.Keys[0].ScriptType != "wsh" || dev.Type != d.typ {
				t.Fatalf("the device became %+v, %v", dev, err)
			}

			name := "Gap " + d.typ
			v.went("new-wallet/multisig", url.Values{"name": {name}, "device": {dev.Alias, red.Alias}, "script": {"wsh"}, "threshold": {"2"}, "since": {"now"}, "action": {"create"}})
			ref := walletRef(btc.Slug(name))
			rec := h.record(ref)
			if register := airgap.ProfileOf(d.typ).Register; register != "" {
				told := v.watch(fmt.Sprintf("wallets/%s/register?device=%d", ref.Alias, dev.ID))
				back, err := h.wallets.ReadFile(told.Data, btc.Regtest)
				if err != nil || back.Descriptor != rec.Descriptor {
					t.Fatalf("the device is told of %s, %v; the wallet is %s", back.Descriptor, err, rec.Descriptor)
				}
			}

			draft := h.fund(t, ref, red)
			shown := v.watch(fmt.Sprintf("wallets/%s/drafts/%d/qr?device=%d", ref.Alias, draft.ID, dev.ID))
			signed := signAs(t, seed, shown.Data)
			back := v.scan("psbt", d.film(t, airgap.Payload{Kind: airgap.KindPSBT, Data: signed}, d.answer))
			at := fmt.Sprintf("wallets/%s/drafts/%d", ref.Alias, draft.ID)
			v.went(at+"/signatures", url.Values{"psbt": {back}})
			if next := v.went(at+"/broadcast", nil); !strings.Contains(next, "/tx/"+draft.TxID.String()) {
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

// fund pays a wallet, makes a payment from it and signs it with the software key.
func (h *house) fund(t *testing.T, ref wallet.Ref, red device.Device) wallet.Draft {
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
	d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2),
		Recipients: []wallet.Recipient{{Address: "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk", Amount: btcutil.Amount(25_000_000)}}})
	if err != nil {
		t.Fatal(err)
	}
	if d, err = h.wallets.SignHot(ctx, ref, d.ID, red.ID, ""); err != nil {
		t.Fatal(err)
	}
	return d
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
