package ownchain

import (
	"context"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/headers"
	"specter/internal/chain"
	"specter/internal/errs"
)

// spare is how many headers a branch may have beyond the end of the chain that it wants to
// replace before it has more work: it is held in memory so long.
const spare = 10 * chunk

// syncEvery is after how many headers the file is written through to the disk. What is lost by
// a power cut is only asked for again.
const syncEvery = 20 * chunk

// Follow brings a network's chain up to what a source tells. What was taken stays when it fails
// half way. errs.Unavailable where the source is away or cannot tell headers, errs.Invalid where
// it tells headers that break the rules, or a chain with less work than ours: the source is of
// another network, or behind, or it lies.
func (k *Keeper) Follow(ctx context.Context, n btc.Network, src chain.Source) (err error) {
	teller, ok := src.(chain.HeaderTeller)
	if !ok {
		return errs.E(errs.Unavailable, "this node cannot tell block headers")
	}
	c, end, err := k.of(ctx, n)
	if err != nil {
		return err
	}
	defer end()
	defer func() {
		trouble := ""
		if err != nil && ctx.Err() == nil {
			trouble = err.Error()
		}
		k.mu.Lock()
		c.state.Trouble = trouble
		k.mu.Unlock()
	}()
	if err := k.ready(ctx, n, c); err != nil {
		return err
	}
	st, err := src.Status(ctx)
	if err != nil {
		return err
	}
	if st.Network != n {
		return errs.E(errs.Unavailable, "the node is of another network")
	}
	k.mu.Lock()
	c.state.Target = st.Tip.Height
	k.mu.Unlock()
	if err = k.follow(ctx, c, teller); errs.Is(err, errs.Invalid) {
		err = k.follow(ctx, c, teller) // a reorg may have come in between
	}
	return err
}

// follow finds where the source's chain leaves ours and goes on from there.
func (k *Keeper) follow(ctx context.Context, c *kept, teller chain.HeaderTeller) error {
	fork, err := k.fork(ctx, c, teller)
	if err != nil {
		return err
	}
	if fork < c.tip.Height() {
		return k.replace(ctx, c, teller, fork)
	}
	return k.extend(ctx, c, teller)
}

// fork finds the highest header that the source's chain and ours have in common, in few
// questions: from the tip down in growing steps, then by halves.
func (k *Keeper) fork(ctx context.Context, c *kept, teller chain.HeaderTeller) (int32, error) {
	same := func(height int32) (bool, error) {
		theirs, err := teller.Headers(ctx, height, 1)
		if err != nil || len(theirs) == 0 {
			return false, err
		}
		ours, err := c.read(height)
		return err == nil && theirs[0].BlockHash() == ours.BlockHash(), err
	}
	high := c.tip.Height() + 1 // not in common
	low := c.tip.Height()
	for step := int32(1); ; step *= 2 {
		is, err := same(low)
		if err != nil {
			return 0, err
		}
		if is {
			break
		}
		if low == 0 {
			return 0, errs.E(errs.Invalid, "the node's chain begins with another block: it is of another network")
		}
		high, low = low, max(low-step, 0)
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		is, err := same(middle)
		if err != nil {
			return 0, err
		}
		if is {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}

// extend takes what lies above the tip, chunk by chunk.
func (k *Keeper) extend(ctx context.Context, c *kept, teller chain.HeaderTeller) error {
	for unsynced := 0; ; {
		tip := c.tip
		more, err := k.ask(ctx, &tip, teller)
		if len(more) > 0 {
			if err := k.put(c, c.tip.Height(), tip, more); err != nil {
				return err
			}
		}
		unsynced += len(more)
		done := err != nil || len(more) < chunk
		if unsynced >= syncEvery || done && unsynced > 0 {
			unsynced = 0
			if err := c.file.Sync(); err != nil {
				return errs.E(errs.Unavailable, "the file of block headers cannot be written: %w", err)
			}
		}
		if done {
			return err
		}
	}
}

// replace takes the source's branch above the fork where that has more work than ours.
func (k *Keeper) replace(ctx context.Context, c *kept, teller chain.HeaderTeller, fork int32) error {
	branch, err := c.tip.Back(fork, c.read)
	if err != nil {
		return err
	}
	ours := c.tip.Work()
	var all []wire.BlockHeader
	for bound := int(c.tip.Height()-fork) + spare; len(all) < bound; {
		more, err := k.ask(ctx, &branch, teller)
		all = append(all, more...)
		if branch.Work().Cmp(ours) > 0 {
			k.c.Log.Info("block headers are replaced by a branch with more work", "fork", fork, "height", branch.Height())
			if err := k.put(c, fork, branch, all); err != nil {
				return err
			}
			return k.extend(ctx, c, teller)
		}
		if err != nil {
			return err
		}
		if len(more) < chunk {
			break
		}
	}
	return errs.E(errs.Invalid, "the node's chain leaves ours after block %d and has less work: it is behind, or it is not the network's", fork)
}

// ask asks for the chunk above a tip and extends that by it; what held is returned beside the
// error of what did not.
func (k *Keeper) ask(ctx context.Context, tip *headers.Tip, teller chain.HeaderTeller) ([]wire.BlockHeader, error) {
	got, err := teller.Headers(ctx, tip.Height()+1, chunk)
	if err != nil {
		return nil, err
	}
	if len(got) > chunk {
		return nil, errs.E(errs.Invalid, "the node tells more headers than were asked for")
	}
	now := k.c.Now()
	for i, h := range got {
		if err := tip.Extend(h, now); err != nil {
			return got[:i], err
		}
	}
	return got, nil
}

// put writes headers behind a height and makes their tip the chain's.
func (k *Keeper) put(c *kept, after int32, tip headers.Tip, hs []wire.BlockHeader) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errs.E(errs.Unavailable, "the program is closing")
	}
	end := (int64(after) + 1) * headers.Size
	if after < c.tip.Height() {
		if err := c.file.Truncate(end); err != nil {
			return errs.E(errs.Unavailable, "the file of block headers cannot be cut: %w", err)
		}
	}
	if _, err := c.file.WriteAt(encode(hs...), end); err != nil {
		// What is in the file is unknown now: the next one who asks looks through it.
		c.opened = false
		_ = c.file.Close() // the first error says more
		return errs.E(errs.Unavailable, "the file of block headers cannot be written: %w", err)
	}
	c.tip = tip
	c.show()
	if c.state.Target < tip.Height() {
		c.state.Target = tip.Height()
	}
	return nil
}
