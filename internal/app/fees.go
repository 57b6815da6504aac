package app

import (
	"context"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// viaNode stands before the alias of a stored node in the name of a way to send.
const viaNode = "node:"

// FeeRates asks whom the settings of the user name for feerates.
func (a *App) FeeRates(ctx context.Context, o wallet.Owner) rates.Table {
	s, set := a.rating(ctx, o)
	return s.Table(ctx, set, a.network(ctx))
}

// Price tells what a bitcoin costs where the user's settings name somebody to ask.
func (a *App) Price(ctx context.Context, o wallet.Owner) (rates.Quote, bool) {
	q, err := a.outside.Price(ctx, string(o))
	if err != nil {
		a.c.Log.Debug("no price is known", "error", err)
	}
	return q, err == nil
}

// Senders lists who can send a transaction besides the active node: other stored nodes of the
// network, and explorers that the user's settings allow.
func (a *App) Senders(ctx context.Context, o wallet.Owner, n btc.Network) []wallet.Sender {
	var out []wallet.Sender
	active, err := a.nodes.Active(ctx)
	if err != nil && !errs.Is(err, errs.NotFound) {
		a.c.Log.Warn("which node is active is not known", "error", err)
	}
	nodes, err := a.nodes.List(ctx)
	if err != nil {
		a.c.Log.Warn("the nodes cannot be listed", "error", err)
	}
	for _, other := range nodes {
		if other.Network == n && other.ID != active.ID {
			out = append(out, wallet.Sender{ID: viaNode + other.Alias, Name: other.Name, Node: true, Tor: strings.HasSuffix(other.Host, ".onion")})
		}
	}
	s, set := a.rating(ctx, o)
	for _, e := range s.Explorers(set, n) {
		out = append(out, wallet.Sender{ID: e.ID, Name: e.Name, Tor: e.Tor})
	}
	return out
}

// post hands a transaction to another node or to an explorer.
func (a *App) post(ctx context.Context, o wallet.Owner, n btc.Network, via string, tx *wire.MsgTx) error {
	alias, isNode := strings.CutPrefix(via, viaNode)
	if !isNode {
		s, set := a.rating(ctx, o)
		return s.Post(ctx, set, n, via, tx)
	}
	src, err := a.nodes.Other(ctx, alias)
	if err != nil {
		return err
	}
	defer src.Close()
	st, err := src.Status(ctx)
	if err != nil {
		return err
	}
	if st.Network != n {
		return errs.E(errs.Invalid, "the node %q is on %s, the transaction on %s", alias, st.Network, n)
	}
	return src.Broadcast(ctx, tx)
}

// network is the active node's, or what the configuration says while there is none.
func (a *App) network(ctx context.Context) btc.Network {
	if n, err := a.nodes.Network(ctx); err == nil {
		return n
	}
	if a.c.Network != nil {
		return *a.c.Network
	}
	return btc.Mainnet
}

// rating is whom a user lets the program ask for feerates and prices; the node alone where that
// cannot be read.
func (a *App) rating(ctx context.Context, o wallet.Owner) (*rates.Service, rates.Settings) {
	s, set, _, err := a.outside.wishes(ctx, string(o))
	if err != nil {
		a.c.Log.Error("whom to ask for feerates? The settings cannot be read", "error", err)
		return rates.New(rates.Config{NodeRate: a.feeRate, Now: a.c.Now}), rates.Default()
	}
	return s, set
}
