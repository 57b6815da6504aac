package app

import (
	"context"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/chain/demo"
	"specter/internal/errs"
	"specter/internal/signer/hot"
	"specter/internal/wallet"
)

// The ties are functions that one room hands to another through app, so that they need not
// know each other.

// deviceKeys lists the keys of the owner's devices for naming cosigners.
func (a *App) deviceKeys(ctx context.Context, o wallet.Owner, n btc.Network) ([]wallet.KnownKey, error) {
	devices, err := a.db.Devices(ctx, string(o))
	if err != nil {
		return nil, err
	}
	var out []wallet.KnownKey
	for _, d := range devices {
		for _, k := range d.Keys {
			if !k.For(n) {
				continue
			}
			x, _, err := btc.ParseXKey(k.XPub)
			if err != nil {
				continue // one unreadable key must not hide the others
			}
			out = append(out, wallet.KnownKey{XKey: x, DeviceID: d.ID, DeviceName: d.Name, DeviceAlias: d.Alias, DeviceType: d.Type, Hot: d.Hot()})
		}
	}
	return out, nil
}

// feeRate asks the node.
func (a *App) feeRate(ctx context.Context, blocks int) (btc.FeeRate, error) {
	source, err := a.nodes.Source(ctx)
	if err != nil {
		return 0, err
	}
	return source.FeeRate(ctx, blocks)
}

// draftDays is after how many days a user's drafts expire; 0 never, also where the setting
// cannot be read: nothing is lost by a draft that stays.
func (a *App) draftDays(ctx context.Context, o wallet.Owner) int {
	u, err := a.settings.User(ctx, string(o))
	if err != nil {
		a.c.Log.Error("after how many days do drafts expire? The setting cannot be read", "error", err)
		return 0
	}
	return u.DraftDays
}

// wantsProofs tells whose transactions are proved to be in their blocks.
func (a *App) wantsProofs(ctx context.Context, o wallet.Owner) bool {
	u, err := a.settings.User(ctx, string(o))
	if err != nil {
		a.c.Log.Error("are transactions to be proved? The setting cannot be read", "error", err)
	}
	return err == nil && u.Proofs
}

// signHot opens a software key and signs with it.
func (a *App) signHot(ctx context.Context, o wallet.Owner, deviceID int64, password string, p *psbt.Packet) error {
	d, err := a.db.DeviceByID(ctx, string(o), deviceID)
	if err != nil {
		return err
	}
	if !d.Hot() {
		return errs.E(errs.Invalid, "%q is no software key; sign on the device itself", d.Name)
	}
	keys, err := hot.Open(d.Sealed, password)
	if err != nil {
		return err
	}
	made, err := keys.Sign(p)
	if err != nil {
		return err
	}
	if made == 0 {
		return errs.E(errs.Conflict, "%q has nothing to sign here: it has signed already, or none of the inputs is its own", d.Name)
	}
	return nil
}

// settingHotKeys is the program's setting under which the owner has turned software keys on.
const settingHotKeys = "hot-keys"

// hotAllowed tells whether software keys may be made: where the owner turned them on, and on the
// demo chain, whose coins are play money.
func (a *App) hotAllowed(ctx context.Context) (bool, error) {
	if a.chain != nil {
		return true, nil
	}
	v, err := a.db.Setting(ctx, "", settingHotKeys)
	return v == "yes", err
}

// faucet is the demo chain as the pages see it.
type faucet struct{ chain *demo.Chain }

// Faucet pays play money.
func (f faucet) Faucet(_ context.Context, address string, amount btcutil.Amount) error {
	_, err := f.chain.Faucet(address, amount)
	return err
}

// Mine adds blocks.
func (f faucet) Mine(_ context.Context, n int) error {
	_, err := f.chain.Mine(n, nil)
	return err
}
