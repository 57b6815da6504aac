package web_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/airgap"
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/btc/spend"
)

// manyCoins is an unsigned payment as the wallet's own planner makes it: n coins of a 2-of-3 with
// their previous transactions, one recipient, change, the cosigners' xpubs.
func manyCoins(t *testing.T, n int) []byte {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	path, err := btc.ParsePath("48h/1h/0h/2h")
	check(err)
	var keys []string
	for i := range 3 {
		master, err := btc.NewMaster(chainhash.HashB([]byte{byte(i), 60}), false)
		check(err)
		account, err := master.Derive(path)
		check(err)
		keys = append(keys, "["+btc.KeyOrigin{Fingerprint: master.Fingerprint(), Path: path}.String()+"]"+account.Public().String()+"/<0;1>/*")
	}
	d, err := descriptor.Parse("wsh(sortedmulti(2,"+strings.Join(keys, ",")+"))", descriptor.Options{})
	check(err)
	branches := d.Expand()
	var coins []spend.Coin
	for i := range uint32(n) {
		out, err := branches[0].Derive(i)
		check(err)
		prev := wire.NewMsgTx(2)
		source := chainhash.HashH([]byte{byte(i), byte(i >> 8), 61})
		prev.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&source, i%3), nil, wire.TxWitness{chainhash.HashB(source[:]), source[:]}))
		prev.AddTxOut(wire.NewTxOut(1_000_000+int64(i)*777, out.Script))
		prev.AddTxOut(wire.NewTxOut(2_345_678, append([]byte{0, 20}, source[:20]...)))
		hash := prev.TxHash()
		coins = append(coins, spend.Coin{OutPoint: *wire.NewOutPoint(&hash, 0), Amount: btcutil.Amount(prev.TxOut[0].Value), Script: out.Script, Index: i, Confirmations: 100, PrevTx: prev})
	}
	to := chainhash.HashH([]byte("recipient"))
	plan, err := spend.Plan(spend.Params{Network: btc.Regtest, Branches: branches, ChangeIndex: 3, Recipients: []spend.Recipient{{Script: append([]byte{0, 20}, to[:20]...), Amount: 40_000_000}},
		FeeRate: btc.SatPerVB(5), Replaceable: true, Tip: 800_000, Seed: [32]byte{6}, XPubs: true, Chosen: true}, coins)
	check(err)
	raw, err := plan.Packet.Serialize()
	check(err)
	return raw
}

// shown are the codes that a page of the browser's house shows in a round and a quarter, as a
// camera sees them.
func (c *camera) shown(path string) (frames []*frame, total int) {
	c.t.Helper()
	for total == 0 || len(frames) < total*5/4 {
		r, err := http.Get(c.base + path + "&frames=" + itoa(len(frames)))
		if err != nil {
			c.t.Fatal(err)
		}
		var f film
		err = json.NewDecoder(r.Body).Decode(&f)
		_ = r.Body.Close()
		if err != nil || len(f.Frames) == 0 {
			c.t.Fatalf("%s answers %s: %v", path, r.Status, err)
		}
		total = f.Total
		for _, code := range f.Frames {
			bits, err := base64.StdEncoding.DecodeString(code.Bits)
			if err != nil {
				c.t.Fatal(err)
			}
			frames = append(frames, picture(code.N, func(x, y int) bool {
				i := y*code.N + x
				return x >= 0 && y >= 0 && x < code.N && y < code.N && bits[i/8]&(0x80>>(i%8)) != 0
			}))
		}
	}
	return frames[:total*5/4], total
}

// A payment of 60 coins of a 2-of-3, as the page of one Specter shows it to a Keystone, is read by
// the camera of another in under 20 seconds at 10 codes a second.
func TestTheCameraReadsALargePayment(t *testing.T) {
	c := openCamera(t)
	const coins = 60
	whole := manyCoins(t, coins)
	c.change(func(h *house) {
		d := h.drafts[7]
		d.PSBT = whole
		h.drafts[7] = d
	})
	want, err := airgap.Cut(whole, airgap.ProfileOf("keystone").QR, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := psbt.Parse(want); err != nil || len(p.Inputs) != coins || len(p.Inputs[coins-1].Derivations) != 3 || p.Inputs[coins-1].WitnessScript == nil {
		t.Fatalf("that is no payment of %d coins: %v", coins, err)
	}
	const path = "/wallets/family_vault/drafts/7/qr?type=keystone"
	frames, total := c.shown(path)
	c.record(10, frames...) // and again from the beginning
	var said []string
	for range 3 { // a machine that is busy with something else gets another chance, not another measure
		began := time.Now()
		if got := c.scan(pasteField, "psbt"); got != base64.StdEncoding.EncodeToString(want) {
			t.Fatalf("%.60s came in", got)
		}
		took := time.Since(began)
		said = append(said, fmt.Sprintf("%d bytes in %d codes at 10 a second: %.1f s from opening the page", len(want), total, took.Seconds()))
		if took < 20*time.Second {
			t.Log(strings.Join(said, "; "))
			c.quiet("the scanner")
			return
		}
	}
	t.Error(strings.Join(said, "; "))
}
