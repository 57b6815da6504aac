package wallet

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

// Proof tells whether a confirmed transaction was proved to be in its block.
type Proof struct {
	Proved  bool
	Trouble string // why not; for the person
	Checked time.Time
}

// Unproved is a confirmed transaction whose block is still to be proved.
type Unproved struct {
	TxID  chainhash.Hash
	Block chain.Block
}

// ProofStore keeps proofs.
type ProofStore interface {
	// Unproved lists at most n confirmed transactions without a proof for the block that they
	// are in, the newest first, and those whose proof failed before a moment.
	Unproved(ctx context.Context, id ID, failedBefore time.Time, n int) ([]Unproved, error)
	PutProof(ctx context.Context, id ID, txid chainhash.Hash, b chain.Block, at time.Time, trouble string) error
	// Proofs finds proofs for the blocks that the transactions are in now; absent: none yet.
	Proofs(ctx context.Context, id ID, ids []chainhash.Hash) (map[chainhash.Hash]Proof, error)
}

// HeaderChain is the program's own chain of block headers, the one with the most work of all that
// it was told of. chain/ownchain keeps one.
type HeaderChain interface {
	// Follow brings it up to what a source tells. errs.Unavailable where the source is away or
	// cannot tell, errs.Invalid where what it tells breaks the rules or has less work.
	Follow(ctx context.Context, n btc.Network, src chain.Source) error
	// Header finds the header at a height. errs.NotFound above the tip, errs.Unavailable while
	// the chain is not complete enough to be believed.
	Header(n btc.Network, height int32) (wire.BlockHeader, error)
	// State tells how it stands; it never waits.
	State(n btc.Network) HeaderState
}

// HeaderState tells how the chain of headers stands.
type HeaderState = chain.HeaderState

// Headers tells how the program's own chain of block headers stands; it never waits.
func (s *Service) Headers(n btc.Network) HeaderState {
	if s.c.Headers == nil {
		return HeaderState{Height: -1}
	}
	return s.c.Headers.State(n)
}

// Bounds of proving: so many at a time, a failed one again after a while, a look at all wallets
// every so often.
const (
	proveChunk = 100
	proveAgain = 10 * time.Minute
	proveEvery = 30 * time.Second
)

// ProofReport is what proving a wallet came to.
type ProofReport struct {
	Proved int
	Failed int // the node has no proof, or a wrong one
}

// Proofs tells of the transactions of a page whether they are proved; absent: not looked at yet.
func (s *Service) Proofs(ctx context.Context, ref Ref, ids []chainhash.Hash) (map[chainhash.Hash]Proof, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	if len(ids) > maxSize {
		return nil, errs.E(errs.Invalid, "at most %d transactions at a time", maxSize)
	}
	return s.c.Store.Proofs(ctx, r.ID, ids)
}

// Prove asks the node to prove every confirmed transaction of a wallet that is not proved yet, and
// checks each proof against the program's own chain of headers, which it brings up to date first.
// errs.Unavailable where the node is away or cannot prove, or where the chain of headers is not
// complete; errs.Invalid where the node's headers do not hold.
func (s *Service) Prove(ctx context.Context, ref Ref) (ProofReport, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return ProofReport{}, err
	}
	source, err := s.c.Sources.Source(ctx)
	if err != nil {
		return ProofReport{}, err
	}
	st, err := source.Status(ctx)
	if err != nil {
		return ProofReport{}, err
	}
	if st.Network != r.Network {
		return ProofReport{}, errs.E(errs.Unavailable, "the node is of another network than the wallet")
	}
	if err := s.followHeaders(ctx, r.Network, source); err != nil {
		return ProofReport{}, err
	}
	return s.prove(ctx, r, source, st)
}

// followHeaders brings the chain of headers up to the node's.
func (s *Service) followHeaders(ctx context.Context, n btc.Network, source chain.Source) error {
	if s.c.Headers == nil {
		return errs.E(errs.Unavailable, "this program keeps no chain of block headers")
	}
	return s.c.Headers.Follow(ctx, n, source)
}

// prove proves a wallet's transactions against the chain of headers as it is.
func (s *Service) prove(ctx context.Context, r Record, source chain.Source, st chain.Status) (out ProofReport, err error) {
	p, ok := source.(chain.Prover)
	if !ok {
		return out, errs.E(errs.Unavailable, "this node cannot prove transactions")
	}
	started := s.c.Now()
	for {
		list, err := s.c.Store.Unproved(ctx, r.ID, started.Add(-proveAgain), proveChunk)
		if err != nil || len(list) == 0 {
			return out, err
		}
		for _, u := range list {
			trouble, err := s.proveOne(ctx, r, p, u, st)
			if err != nil {
				return out, err
			}
			if err := s.c.Store.PutProof(ctx, r.ID, u.TxID, u.Block, s.c.Now(), trouble); err != nil {
				return out, err
			}
			if trouble == "" {
				out.Proved++
			} else {
				out.Failed++
			}
		}
		s.tell(r, "wallet")
	}
}

// proveOne returns why a transaction is not proved, "" where it is. An error ends the work: the
// node is away.
func (s *Service) proveOne(ctx context.Context, r Record, p chain.Prover, u Unproved, st chain.Status) (string, error) {
	raw, err := s.c.Store.RawTx(ctx, r.ID, u.TxID)
	if err != nil {
		return "", err
	}
	tx, err := ReadTx(raw, u.TxID)
	if err != nil {
		return "the stored transaction cannot be read; repair fetches it again from the node", nil
	}
	header, err := s.c.Headers.Header(r.Network, u.Block.Height)
	switch {
	case errs.Is(err, errs.NotFound):
		return "the block is above the end of the chain with the most work", nil
	case err != nil:
		return "", err
	case header.BlockHash() != u.Block.Hash:
		return "the block is not in the chain with the most work", nil
	}
	if st.PrunedTo > u.Block.Height {
		return "the node has pruned the block, so it cannot prove what is in it", nil
	}
	proof, err := p.Proof(ctx, u.TxID, u.Block)
	switch {
	case errs.Is(err, errs.NotFound):
		return err.Error(), nil
	case err != nil:
		return "", err
	}
	if err := proof.Check(header, tx); err != nil {
		s.c.Log.Warn("a proof of the node is wrong", "wallet", int64(r.ID), "error", err)
		return err.Error(), nil
	}
	return "", nil
}

// RunProofs proves the transactions of all wallets whose owner wants it, until ctx ends. app
// starts it; with a nil wanted nobody does.
func (s *Service) RunProofs(ctx context.Context, wanted func(ctx context.Context, o Owner) bool) error {
	if wanted == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	tick := time.NewTicker(proveEvery)
	defer tick.Stop()
	trouble := ""
	for {
		now := ""
		if err := s.proveAll(ctx, wanted); err != nil && ctx.Err() == nil {
			now = err.Error()
		}
		if now != "" && now != trouble {
			s.c.Log.Info("transactions are not proved", "error", now)
		}
		trouble = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *Service) proveAll(ctx context.Context, wanted func(ctx context.Context, o Owner) bool) error {
	all, err := s.c.Store.AllWallets(ctx)
	if err != nil {
		return err
	}
	var source chain.Source
	var st chain.Status
	followed := false
	wants := map[Owner]bool{}
	for _, r := range all {
		want, asked := wants[r.Owner]
		if !asked {
			want = wanted(ctx, r.Owner)
			wants[r.Owner] = want
		}
		if !want {
			continue
		}
		if source == nil {
			if source, err = s.c.Sources.Source(ctx); err != nil {
				return err
			}
			if st, err = source.Status(ctx); err != nil {
				return err
			}
		}
		if st.Network != r.Network {
			continue
		}
		if !followed {
			if err := s.followHeaders(ctx, r.Network, source); err != nil {
				return err
			}
			followed = true
		}
		if r.TxCount == 0 {
			continue
		}
		if _, err := s.prove(ctx, r, source, st); err != nil {
			return err
		}
	}
	return nil
}
