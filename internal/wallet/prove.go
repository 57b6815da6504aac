package wallet

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

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

// Prove asks the node to prove every confirmed transaction of a wallet that is not proved yet,
// and checks each proof. errs.Unavailable where the node is away or cannot prove.
func (s *Service) Prove(ctx context.Context, ref Ref) (ProofReport, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return ProofReport{}, err
	}
	source, err := s.c.Sources.Source(ctx)
	if err != nil {
		return ProofReport{}, err
	}
	return s.prove(ctx, r, source)
}

func (s *Service) prove(ctx context.Context, r Record, source chain.Source) (out ProofReport, err error) {
	p, ok := source.(chain.Prover)
	if !ok {
		return out, errs.E(errs.Unavailable, "this node cannot prove transactions")
	}
	started := s.c.Now()
	st, err := source.Status(ctx)
	if err != nil {
		return out, err
	}
	if st.Network != r.Network {
		return out, errs.E(errs.Unavailable, "the node is of another network than the wallet")
	}
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
	if err := proof.Check(r.Network, tx, u.Block); err != nil {
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
	var network btc.Network
	wants := map[Owner]bool{}
	for _, r := range all {
		want, asked := wants[r.Owner]
		if !asked {
			want = wanted(ctx, r.Owner)
			wants[r.Owner] = want
		}
		if !want || r.TxCount == 0 {
			continue
		}
		if source == nil {
			if source, err = s.c.Sources.Source(ctx); err != nil {
				return err
			}
			st, err := source.Status(ctx)
			if err != nil {
				return err
			}
			network = st.Network
		}
		if network != r.Network {
			continue
		}
		if _, err := s.prove(ctx, r, source); err != nil {
			return err
		}
	}
	return nil
}
