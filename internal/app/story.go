package app

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/wallet"
)

// The demo's story: three software keys that stand for signing devices, a single-key wallet
// and a 2-of-3 with coins of some age. The seeds are the well-known ones of BIP39's and other
// projects' tests: whoever sends real money to them loses it at once.

// demoOwner is the only user of the demo.
const demoOwner = "admin"

// demoKeys are the software keys; none has a password, so that signing is one click.
var demoKeys = []struct{ name, words string }{
	{"Red key", "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"},
	{"Green key", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"},
	{"Blue key", "legal winner thank year wave sausage worth useful legal winner thank yellow"},
}

// activateDemo stores the demo chain as the active node, once.
func (a *App) activateDemo(ctx context.Context) error {
	nodes, err := a.nodes.List(ctx)
	if err != nil || len(nodes) > 0 {
		return err
	}
	n, err := a.nodes.Save(ctx, node.Node{Name: "Demo chain", Kind: node.Demo, Network: btc.Regtest})
	if err != nil {
		return err
	}
	return a.nodes.Activate(ctx, n.Alias)
}

// tellStory prepares keys, wallets and coins in a fresh demo; one that exists is left alone.
func (a *App) tellStory(ctx context.Context) error {
	existing, err := a.devices.List(ctx, demoOwner)
	if err != nil || len(existing) > 0 {
		return err
	}
	var multi []string
	var single string
	for i, k := range demoKeys {
		d, err := a.devices.CreateHot(ctx, demoOwner, k.name, device.Seed{Words: k.words, Network: btc.Regtest})
		if err != nil {
			return err
		}
		multi = append(multi, d.KeysFor(btc.Regtest, "wsh")[0].Expression())
		if i == 0 {
			single = d.KeysFor(btc.Regtest, "wpkh")[0].Expression()
		}
	}
	spending, err := a.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: "Spending", ScriptType: "wpkh", Keys: []string{single}})
	if err != nil {
		return err
	}
	savings, err := a.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: "Savings 2 of 3", ScriptType: "wsh", Threshold: 2, Keys: multi})
	if err != nil {
		return err
	}
	return a.payStory(ctx, spending.Ref(), savings.Ref())
}

// payStory lets the faucet pay into the wallets, with blocks between.
func (a *App) payStory(ctx context.Context, spending, savings wallet.Ref) error {
	for _, p := range []struct {
		to     wallet.Ref
		amount btcutil.Amount
		label  string
		blocks int
	}{
		{savings, 150_000_000, "Sold the bicycle", 6},
		{savings, 42_000_000, "Salary, October", 3},
		{spending, 5_000_000, "Pocket money", 2},
		{savings, 42_000_000, "Salary, November", 2},
		{spending, 1_234_567, "From Alice, for lunch", 1},
		{savings, 21_000_000, "From Bob", 0},
	} {
		address, err := a.wallets.NewAddress(ctx, p.to)
		if err != nil {
			return err
		}
		if err := a.wallets.SetLabel(ctx, p.to, wallet.LabelAddress, address.Address, p.label); err != nil {
			return err
		}
		if _, err := a.chain.Faucet(address.Address, p.amount); err != nil {
			return err
		}
		if p.blocks > 0 {
			if _, err := a.chain.Mine(p.blocks, nil); err != nil {
				return err
			}
		}
	}
	wait, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, ref := range []wallet.Ref{spending, savings} {
		if err := a.wallets.Sync(wait, ref); err != nil {
			return err
		}
	}
	return nil
}
