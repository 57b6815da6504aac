// Package ownchain keeps the program's own chain of block headers: told by any source that can
// (chain.HeaderTeller), held to the rules by btc/headers, and kept in one file for each network,
// 80 bytes a header, by height. A branch takes the place of another only when it has more work.
//
// The file is a cache: what is in it is looked through again when it is opened, what does not
// hold is cut off, and what is missing is asked for again. It may be deleted at any time.
package ownchain

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/headers"
	"specter/internal/chain"
	"specter/internal/errs"
)

// File is where the headers of a network lie. *os.File is one.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Config is what the keeper needs.
type Config struct {
	// Open opens the file of a network, and makes it where it is missing.
	Open func(n btc.Network) (File, error)
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger     // nil: nothing is logged
}

// Keeper keeps the chains of all networks. It is safe for concurrent use.
type Keeper struct {
	c Config

	mu     sync.Mutex // over chains and their fields, for memory and the file; never over the network
	chains map[btc.Network]*kept
	closed bool
}

// kept is one network's chain.
type kept struct {
	turn   chan struct{} // held by who follows a source; nothing else changes tip and file
	file   File          // nil: not opened yet
	tip    headers.Tip
	opened bool
	state  chain.HeaderState
}

// New makes a keeper. Nothing is opened before it is asked for.
func New(c Config) *Keeper {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{c: c, chains: map[btc.Network]*kept{}}
}

// Close closes the files. Calls after it fail.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	var all []error
	for _, c := range k.chains {
		if c.file != nil {
			all = append(all, c.file.Sync(), c.file.Close())
		}
	}
	return errors.Join(all...)
}

// State tells how a network's chain stands; it never waits.
func (k *Keeper) State(n btc.Network) chain.HeaderState {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.chains[n]; c != nil {
		return c.state
	}
	return chain.HeaderState{Height: -1}
}

// Header returns the header at a height of the chain with the most work. errs.NotFound above its
// tip, errs.Unavailable where the chain is not ready: not followed yet since the start, or with
// less work than the network is known to have.
func (k *Keeper) Header(n btc.Network, height int32) (wire.BlockHeader, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.chains[n]
	switch {
	case k.closed || c == nil || !c.opened:
		return wire.BlockHeader{}, errs.E(errs.Unavailable, "this program's own chain of headers is not ready")
	case !c.tip.Enough():
		return wire.BlockHeader{}, errs.E(errs.Unavailable, "this program's own chain of headers has less work than the %s chain is known to have; it is complete up to block %d", n, c.tip.Height())
	case height < 0 || height > c.tip.Height():
		return wire.BlockHeader{}, errs.E(errs.NotFound, "this program's own chain of headers ends at block %d", c.tip.Height())
	}
	return c.read(height)
}

// read reads a header from the file.
func (c *kept) read(height int32) (h wire.BlockHeader, err error) {
	var raw [headers.Size]byte
	if _, err := c.file.ReadAt(raw[:], int64(height)*headers.Size); err != nil {
		return h, errs.E(errs.Unavailable, "the file of block headers cannot be read: %w", err)
	}
	err = h.Deserialize(bytes.NewReader(raw[:]))
	return h, err
}

// of returns a network's chain and the right to change it; end gives that back.
func (k *Keeper) of(ctx context.Context, n btc.Network) (c *kept, end func(), err error) {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil, nil, errs.E(errs.Unavailable, "the program is closing")
	}
	if c = k.chains[n]; c == nil {
		c = &kept{turn: make(chan struct{}, 1), state: chain.HeaderState{Height: -1}}
		k.chains[n] = c
	}
	k.mu.Unlock()
	select {
	case c.turn <- struct{}{}:
		return c, func() { <-c.turn }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// ready opens a chain's file and looks through it. The caller has the turn.
func (k *Keeper) ready(ctx context.Context, n btc.Network, c *kept) error {
	if c.opened {
		return nil
	}
	file, err := k.c.Open(n)
	if err != nil {
		return errs.E(errs.Unavailable, "the file of block headers cannot be opened: %w", err)
	}
	tip, err := k.look(ctx, n, file, func(t headers.Tip) { k.note(c, t, "") })
	if err != nil {
		return errors.Join(err, file.Close())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errors.Join(errs.E(errs.Unavailable, "the program is closing"), file.Close())
	}
	c.file, c.tip, c.opened = file, tip, true
	c.show()
	return nil
}

// show brings the state up to the tip. The caller holds the lock.
func (c *kept) show() {
	c.state.Height, c.state.Time, c.state.Enough = c.tip.Height(), c.tip.Time(), c.tip.Enough()
	c.state.Bytes = (int64(c.tip.Height()) + 1) * headers.Size
}

// note tells how far a look through the file is.
func (k *Keeper) note(c *kept, t headers.Tip, trouble string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.state.Height, c.state.Time, c.state.Trouble = t.Height(), t.Time(), trouble
}

// chunk is how many headers are read or written at a time.
const chunk = chain.MaxHeaders

// look reads a file from its beginning, holds every header to the rules, and cuts the file off
// behind the last one that holds: a crash may have torn it. An empty file gets the genesis.
func (k *Keeper) look(ctx context.Context, n btc.Network, file File, progress func(headers.Tip)) (headers.Tip, error) {
	tip := headers.Of(n).Begin()
	first := encode(headers.Of(n).Genesis())
	buf := make([]byte, chunk*headers.Size)
	for at := int64(0); ; at += int64(len(buf)) {
		if err := ctx.Err(); err != nil {
			return tip, err
		}
		got, err := file.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return tip, errs.E(errs.Unavailable, "the file of block headers cannot be read: %w", err)
		}
		broken := k.take(&tip, buf[:got-got%headers.Size], first, at == 0)
		progress(tip)
		if end := (int64(tip.Height()) + 1) * headers.Size; broken != nil || got < len(buf) {
			if broken != nil {
				k.c.Log.Warn("the kept block headers do not hold; they are fetched again from there on", "height", tip.Height(), "error", broken)
			}
			if _, err := file.WriteAt(first, 0); err != nil {
				return tip, errs.E(errs.Unavailable, "the file of block headers cannot be written: %w", err)
			}
			if err := file.Truncate(end); err != nil {
				return tip, errs.E(errs.Unavailable, "the file of block headers cannot be cut: %w", err)
			}
			return tip, nil
		}
	}
}

// take extends a chain by the headers of a piece of the file.
func (k *Keeper) take(tip *headers.Tip, piece, genesis []byte, begins bool) error {
	if begins && len(piece) > 0 {
		if !bytes.Equal(piece[:headers.Size], genesis) {
			return errs.E(errs.Invalid, "the file does not begin with the network's first header")
		}
		piece = piece[headers.Size:]
	}
	r := bytes.NewReader(piece)
	for r.Len() > 0 {
		var h wire.BlockHeader
		if err := h.Deserialize(r); err != nil {
			return err
		}
		if err := tip.Extend(h, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// encode writes headers as they lie in the file.
func encode(hs ...wire.BlockHeader) []byte {
	var b bytes.Buffer
	b.Grow(len(hs) * headers.Size)
	for i := range hs {
		_ = hs[i].Serialize(&b) // a buffer takes everything
	}
	return b.Bytes()
}
