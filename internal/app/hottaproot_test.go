package app

import (
	"context"
	"fmt"
	"testing"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// bip341H is BIP341's point H, whose private key nobody knows: the key path cannot be used.
const bip341H = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

// TestSoftwareKeysSignTaprootMultisig pays from taproot wallets of several software keys, key by
// key, in every order of keys that can, and holds that one key less cannot.
func TestSoftwareKeysSignTaprootMultisig(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	var devices []device.Device // the demo's own
	for _, alias := range []string{"red_key", "green_key", "blue_key"} {
		d, err := h.devices.Get(ctx, demoOwner, alias)
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, d)
	}
	var tr, wsh [3]string
	for i, d := range devices {
		tr[i] = d.KeysFor(btc.Regtest, "tr")[0].Expression()
		wsh[i] = d.KeysFor(btc.Regtest, "wsh")[0].Expression()
	}
	const own = "/<0;1>/*"
	for _, c := range []struct {
		name       string
		descriptor string
		signers    []int // in order; the last one makes it complete
		cosigners  int
	}{
		{"multi_a", fmt.Sprintf("tr(%s,multi_a(2,%s,%s,%s))", bip341H, wsh[0]+own, wsh[1]+own, wsh[2]+own), []int{0, 1}, 3},
		{"multi_a, last keys first", fmt.Sprintf("tr(%s,multi_a(2,%s,%s,%s))", bip341H, tr[0]+own, tr[1]+own, tr[2]+own), []int{2, 1}, 3},
		{"sortedmulti_a", fmt.Sprintf("tr(%s,sortedmulti_a(2,%s,%s,%s))", bip341H, wsh[2]+own, wsh[1]+own, wsh[0]+own), []int{1, 0}, 3},
		{"three of three", fmt.Sprintf("tr(%s,sortedmulti_a(3,%s,%s,%s))", bip341H, wsh[0]+own, wsh[1]+own, wsh[2]+own), []int{2, 0, 1}, 3},
		{"a key that can alone: by the others", fmt.Sprintf("tr(%s,multi_a(2,%s,%s))", tr[0]+own, wsh[1]+own, wsh[2]+own), []int{1, 2}, 3},
		{"a key that can alone", fmt.Sprintf("tr(%s,sortedmulti_a(2,%s,%s))", tr[1]+own, wsh[0]+own, wsh[2]+own), []int{1}, 3},
		{"two leaves", fmt.Sprintf("tr(%s,{pk(%s),sortedmulti_a(2,%s,%s)})", bip341H, tr[2]+own, wsh[0]+own, wsh[1]+own), []int{0, 1}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := h.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: "Hot " + c.name, Descriptor: c.descriptor})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				address, err := h.wallets.NewAddress(ctx, w.Ref())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := h.chain.Faucet(address.Address, 500_000); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := h.chain.Mine(1, nil); err != nil {
				t.Fatal(err)
			}
			h.sync(w.Ref())
			named := 0
			for _, k := range h.record(w.Ref()).Cosigners {
				if k.DeviceName != "" && k.Hot {
					named++
				}
			}
			if named != c.cosigners {
				t.Errorf("%d cosigners are known as software keys, want %d: %+v", named, c.cosigners, h.record(w.Ref()).Cosigners)
			}
			h.payByKeys(t, w.Ref(), devices, c.signers)
		})
	}
}

// payByKeys pays with both coins of a wallet and has keys sign in turn.
func (h *house) payByKeys(t *testing.T, ref wallet.Ref, devices []device.Device, signers []int) {
	t.Helper()
	ctx := context.Background()
	to, err := h.wallets.NewAddress(ctx, walletRef("spending"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(3), Recipients: []wallet.Recipient{{Address: to.Address, Amount: 700_000}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, who := range signers {
		dev := devices[who]
		shown := 0
		for _, s := range d.Signers {
			if s.DeviceID == dev.ID && s.Hot && !s.Signed {
				shown++
			}
		}
		if shown != 1 || len(d.Signers) != len(devices) {
			t.Errorf("%s has no button to sign with: %+v", dev.Name, d.Signers)
		}
		if d, err = h.wallets.SignHot(ctx, ref, d.ID, dev.ID, ""); err != nil {
			t.Fatalf("%s signs: %v", dev.Name, err)
		}
		want := wallet.PartlySig
		if i == len(signers)-1 {
			want = wallet.Complete
		}
		if d.State != want || d.Have != i+1 {
			t.Errorf("after %s the draft is %s with %d of %d signatures", dev.Name, d.State, d.Have, d.Need)
		}
		if want == wallet.PartlySig {
			if _, err := h.wallets.SignHot(ctx, ref, d.ID, dev.ID, ""); !errs.Is(err, errs.Conflict) {
				t.Errorf("%s signs again: %v", dev.Name, err)
			}
			if _, err := h.wallets.Broadcast(ctx, ref, d.ID); err == nil {
				t.Error("it was sent with too few signatures")
			}
		}
	}
	id, err := h.wallets.Broadcast(ctx, ref, d.ID)
	if err != nil {
		t.Fatalf("broadcast: %v", err)
	}
	if _, err := h.chain.Mine(1, nil); err != nil {
		t.Fatal(err)
	}
	h.sync(ref)
	row, err := h.wallets.Transaction(ctx, ref, id)
	if err != nil || row.State != wallet.Confirmed || row.Fee == nil || row.Amount != -700_000-*row.Fee {
		t.Fatalf("the payment reads %+v, %v", row.HistoryRow, err)
	}
	if r := h.record(ref); r.Balance.Confirmed != 300_000-*row.Fee {
		t.Errorf("%d sat are left, the fee was %d", r.Balance.Confirmed, *row.Fee)
	}
	// The fee is reckoned for the cheapest way to spend; a way that shows more pays less a byte.
	if rate := btc.RateOf(*row.Fee, row.VSize); rate < btc.SatPerVB(2) || rate > btc.SatPerVB(3)*3/2 {
		t.Errorf("it paid %s sat/vB", rate)
	}
}
