package wallet

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

// BroadcastVia is Broadcast by somebody else than the active node: via names another node or an
// explorer as Config.Post knows them; "" is the active node. The draft is checked as always, and
// whoever took it must have named its txid.
func (s *Service) BroadcastVia(ctx context.Context, ref Ref, id DraftID, via string) (chainhash.Hash, error) {
	return s.broadcast(ctx, ref, id, via)
}

// RebroadcastVia is Rebroadcast by somebody else than the active node, as BroadcastVia.
func (s *Service) RebroadcastVia(ctx context.Context, ref Ref, txid chainhash.Hash, via string) error {
	return s.rebroadcast(ctx, ref, txid, via)
}

// post hands a transaction, and before it the parents that had left the mempool, to somebody
// outside, one by one: explorers take no packages.
func (s *Service) post(ctx context.Context, r Record, tx *wire.MsgTx, via string) ([]*wire.MsgTx, error) {
	if s.c.Post == nil {
		return nil, errs.E(errs.Unavailable, "there is nobody but the node to send it with")
	}
	parents, err := s.looseParents(ctx, r, tx)
	if err != nil {
		return nil, err
	}
	all := append(parents, tx)
	for _, t := range all {
		if err := s.c.Post(ctx, r.Owner, r.Network, via, t); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// submit gives a transaction to the node, which tests it first where it can.
func submit(ctx context.Context, src chain.Source, tx *wire.MsgTx) error {
	if a, ok := src.(chain.Accepter); ok {
		if err := a.TestAccept(ctx, tx); err != nil {
			return err
		}
	}
	return src.Broadcast(ctx, tx)
}

// Sender is somebody besides the active node who can send a transaction.
type Sender struct {
	ID   string // the via of BroadcastVia
	Name string // for the person: a node's name or an explorer's host
	Node bool   // one of the owner's own nodes
	Tor  bool   // it is reached over Tor
}
