package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/chain/core/coretest"
	"specter/internal/signer"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/keepkey/keepkeytest"
	"specter/internal/signer/signertest"
	"specter/internal/signer/specterdiy/specterdiytest"
	"specter/internal/wallet"
)

// allSockets are places for one device of each family, each with a phrase or passphrase of its own.
func allSockets(t *testing.T) map[string]*socket {
	all := usbSockets(t)
	all["keepkey"] = &socket{packet: 64, serve: keepkeytest.Serve, port: signer.Port{Path: "webusb:001:5", Way: signer.WebUSB, Vendor: 0x2b24, Product: 2}, device: signertest.Device{Master: signertest.Master(t, signertest.Zoo, "keep")}}
	all["specter"] = &socket{serve: specterdiytest.Serve, port: signer.Port{Path: "/dev/ttyACM0", Way: signer.Serial, Vendor: 0xf055}, device: signertest.Device{Master: signertest.Master(t, signertest.Legal, "diy")}}
	for _, s := range all {
		s.t, s.device.Network, s.device.Person = t, btc.Regtest, &signertest.Person{}
		s.port.Open = s.open
	}
	// These two remember wallets from one connection to the next, as the real ones do.
	card, diy := coldcardtest.New(all["coldcard"].device, coldcardtest.Model{}), specterdiytest.New(all["specter"].device)
	all["coldcard"].serve = func(ctx context.Context, c signer.Conn, _ signertest.Device) error { return card.Serve(ctx, c) }
	all["specter"].serve = func(ctx context.Context, c signer.Conn, _ signertest.Device) error { return diy.Serve(ctx, c) }
	return all
}

// at does something with the family's device, through the Hub as the bridge does.
func (h *house) at(family string, f func(context.Context, signer.Signer) error) {
	h.t.Helper()
	err := h.hub.Do(context.Background(), signer.Select{Kind: family}, signer.Ask{Network: btc.Regtest, Pair: true}, f)
	if err != nil {
		h.t.Fatalf("%s: %v", family, err)
	}
}

// keyOf asks a device for the key that a kind of wallet takes.
func (h *house) keyOf(family, scriptType string) string {
	h.t.Helper()
	var text string
	h.at(family, func(ctx context.Context, s signer.Signer) error {
		path := signertest.AccountPath(h.t, scriptType)
		fp, err := s.Fingerprint(ctx)
		if err != nil {
			return err
		}
		key, err := s.XPub(ctx, path)
		text = "[" + btc.KeyOrigin{Fingerprint: fp, Path: path}.String() + "]" + key.String()
		return err
	})
	return text
}

// byCable takes a wallet of devices through its life on a real node: its address is shown on each
// device and is ours, a coin comes, m devices sign a payment, and it confirms.
func (h *house) byCable(n *coretest.Node, name, scriptType string, m int, families ...string) {
	h.t.Helper()
	ctx := context.Background()
	var keys []string
	for _, f := range families {
		keys = append(keys, h.keyOf(f, scriptType))
	}
	r, err := h.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: name, ScriptType: scriptType, Threshold: m, Keys: keys})
	if err != nil {
		h.t.Fatalf("%s: %v", name, err)
	}
	d, err := descriptor.Parse(r.Descriptor, descriptor.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	w := signer.Wallet{Name: name, Descriptor: d}
	known := map[string]signer.Registration{}
	row, err := h.wallets.NewAddress(ctx, r.Ref())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		h.at(f, func(ctx context.Context, s signer.Signer) error {
			if s.NeedsRegistration(w) {
				reg, err := s.Register(ctx, w)
				if err != nil {
					return fmt.Errorf("register: %w", err)
				}
				known[f] = reg
			}
			shown, err := s.ShowAddress(ctx, w, known[f], 0, uint32(row.Index))
			if err == nil && shown != row.Address {
				err = fmt.Errorf("it shows %s, the wallet has %s", shown, row.Address)
			}
			return err
		})
	}
	n.Send(row.Address, "0.5")
	n.Mine(1)
	h.sync(r.Ref())
	draft, err := h.wallets.NewDraft(ctx, r.Ref(), wallet.SpendRequest{FeeRate: btc.SatPerVB(4), Recipients: []wallet.Recipient{{Address: n.NewAddress(), Amount: 20_000_000}}})
	if err != nil {
		h.t.Fatalf("%s: %v", name, err)
	}
	for _, f := range families[:m] {
		h.at(f, func(ctx context.Context, s signer.Signer) error {
			tx, err := psbt.Parse(draft.PSBT)
			if err != nil {
				return err
			}
			signed, err := s.Sign(ctx, w, known[f], tx)
			if err != nil {
				return err
			}
			raw, err := signed.Serialize()
			if err != nil {
				return err
			}
			draft, err = h.wallets.AddSignatures(ctx, r.Ref(), draft.ID, raw)
			return err
		})
	}
	if draft.State != wallet.Complete {
		h.t.Fatalf("%s: after %d devices the draft is %s", name, m, draft.State)
	}
	if _, err := h.wallets.Broadcast(ctx, r.Ref(), draft.ID); err != nil {
		h.t.Fatalf("%s: broadcast: %v", name, err)
	}
	n.Mine(1)
	h.sync(r.Ref())
	if got, want := h.record(r.Ref()).Balance.Confirmed, btcutil.Amount(30_000_000)-draft.Fee; got != want {
		h.t.Errorf("%s: %d sat are left, want %d", name, got, want)
	}
}

// Every family on a real node: single keys of each kind that it signs, and 2-of-3 of three
// different families, so that each family signs beside others. Whoever is shown a payment sees its
// amount on the device's screen.
func TestEveryFamilySignsOnARealNode(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	at := allSockets(t)
	var sockets []*socket
	for _, s := range at {
		sockets = append(sockets, s)
	}
	h := usbHouse(t, sockets...)
	h.connect(n)
	singles := map[string][]string{
		"trezor": {"wpkh", "sh-wpkh", "pkh", "tr"}, "keepkey": {"wpkh", "sh-wpkh", "pkh"}, "ledger": {"wpkh", "sh-wpkh", "pkh", "tr"},
		"coldcard": {"wpkh", "sh-wpkh", "pkh"}, "bitbox02": {"wpkh", "sh-wpkh", "tr"}, "jade": {"wpkh", "sh-wpkh", "pkh"}, "specter": {"wpkh", "sh-wpkh"},
	}
	if len(singles) != len(drivers()) || len(singles) != len(at) {
		t.Fatalf("%d families here, %d drivers, %d devices", len(singles), len(drivers()), len(at))
	}
	for family, kinds := range singles {
		for _, kind := range kinds {
			h.byCable(n, strings.ToUpper(family[:1])+family[1:]+" "+kind, kind, 1, family)
		}
	}
	for i, mix := range [][]string{{"trezor", "ledger", "coldcard"}, {"bitbox02", "jade", "specter"}, {"keepkey", "specter", "ledger"}, {"coldcard", "jade", "keepkey"}} {
		kind := []string{"wsh", "wsh", "wsh", "sh-wsh"}[i]
		h.byCable(n, fmt.Sprintf("Mix %d", i), kind, 2, mix...)
	}
	for family, s := range at {
		payments := 0
		for _, screen := range s.device.Person.Seen() {
			if screen.Kind == signertest.ShowOutput && strings.Contains(screen.Text, "20000000") {
				payments++
			}
		}
		if least := len(singles[family]); payments < least {
			t.Errorf("the person at %s saw %d payments, want at least %d", family, payments, least)
		}
	}
}
