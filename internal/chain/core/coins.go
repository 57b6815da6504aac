package core

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

var _ chain.CoinFinder = (*Source)(nil)

// Bounds of a search through the set of unspent outputs.
const (
	askEvery     = time.Second      // how far the search is
	peerWait     = 20 * time.Second // for one block from a peer
	peerPoll     = 200 * time.Millisecond
	maxPeerBlock = 300 // blocks that peers are asked for
	setShare     = 90  // per cent of the progress that the search itself is
)

// setCoin is a coin as scantxoutset lists it.
type setCoin struct {
	TxID   hash        `json:"txid"`
	Vout   uint32      `json:"vout"`
	Script string      `json:"scriptPubKey"`
	Amount json.Number `json:"amount"`
	Height int32       `json:"height"`
}

// setAnswer is what scantxoutset answers.
type setAnswer struct {
	Success  bool      `json:"success"`
	Height   int32     `json:"height"`
	Best     hash      `json:"bestblock"`
	Unspents []setCoin `json:"unspents"`
}

// FindCoins looks through the node's set of unspent outputs, some minutes on mainnet, and gives
// the transactions of the coins to the node's watch-only wallet. A block that the node has thrown
// away is asked for once more from its peers.
func (s *Source) FindCoins(ctx context.Context, r chain.Request, end uint32) (chain.CoinReport, error) {
	b, done := s.bound(ctx)
	defer done()
	w := s.wallet(r.Name)
	if err := s.acquire(b, w); err != nil {
		return chain.CoinReport{}, s.door(ctx, err)
	}
	defer func() { <-w.busy }()
	stop, cancel := context.WithCancelCause(b)
	defer cancel(nil)
	s.mu.Lock()
	w.stop = cancel
	s.mu.Unlock()
	rep, err := s.findCoins(stop, w, r, end)
	s.mu.Lock()
	w.stop = nil
	w.listAll = true // even half a search may have brought something
	s.mu.Unlock()
	s.signal()
	if err != nil && errors.Is(context.Cause(stop), errStopped) {
		return rep, &errs.Error{Kind: errs.Conflict, Message: "the search was stopped before its end", Cause: errStopped}
	}
	return rep, s.door(ctx, err)
}

func (s *Source) findCoins(ctx context.Context, w *wallet, r chain.Request, end uint32) (rep chain.CoinReport, err error) {
	if _, err := s.c.chainInfo(ctx); err != nil { // the right network?
		return rep, err
	}
	for _, k := range r.Keychains {
		end = max(end, k.Next+r.Gap)
	}
	set, err := s.scanSet(ctx, r, end)
	if err != nil {
		return rep, err
	}
	if rep, err = s.report(r, set, end); err != nil {
		return rep, err
	}
	r.Keychains = slices.Clone(r.Keychains)
	for i, k := range r.Keychains {
		if used, ok := rep.Used[k.ID]; ok {
			r.Keychains[i].Next = max(k.Next, used+1)
		}
	}
	holds, err := s.settle(ctx, w, r)
	if err != nil {
		return rep, err
	}
	if _, err := s.importHeld(ctx, w, r, narrow(r, holds)); err != nil {
		return rep, err
	}
	if rep.Missing, err = s.bring(ctx, w, r, set); err != nil {
		return rep, err
	}
	// Since the search began coins may have come and gone: look through the blocks since, then
	// through the mempool, which an import does.
	r.Passed, r.Progress = nil, nil
	if err := s.scan(ctx, w, r, max(set.Height, 0), toTip); err != nil {
		return rep, err
	}
	if holds, err = s.settle(ctx, w, r); err != nil {
		return rep, err
	}
	if _, err := s.importHeld(ctx, w, r, holds); err != nil {
		return rep, err
	}
	return rep, s.setMark(ctx, w, holds)
}

// scanSet asks the node to look through its set. It does one such search at a time, for anybody.
func (s *Source) scanSet(ctx context.Context, r chain.Request, end uint32) (set setAnswer, err error) {
	var what []args
	for _, k := range r.Keychains {
		q := args{"desc": k.Descriptor}
		if k.Ranged {
			q["range"] = []int64{0, int64(end) - 1}
		}
		what = append(what, q)
	}
	for {
		watch, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.followSet(watch, r.Progress)
		}()
		err = s.c.longCall(ctx, "", "scantxoutset", []any{"start", what}, &set)
		stop()
		<-ended
		if isCode(err, codeInvalidParam) && says(err, "in progress") {
			if err := pause(ctx, askEvery); err != nil {
				return set, err
			}
			continue
		}
		if ctx.Err() != nil { // nobody waits any longer: the node need not go on
			s.abortSet(context.WithoutCancel(ctx))
			return set, ctx.Err()
		}
		if err == nil && !set.Success {
			return set, errs.E(errs.Conflict, "the search through the unspent outputs was stopped inside the node; begin it again")
		}
		return set, badDescriptor(err)
	}
}

// followSet tells how far the node's search is, until ctx ends.
func (s *Source) followSet(ctx context.Context, progress func(done, total int)) {
	if progress == nil {
		return
	}
	for pause(ctx, askEvery) == nil {
		var st *struct {
			Progress json.Number `json:"progress"`
		}
		if err := s.c.call(ctx, "scantxoutset", []any{"status"}, &st); err != nil || st == nil {
			continue
		}
		whole, _, _ := strings.Cut(st.Progress.String(), ".")
		if n, ok := smallNumber(whole); ok {
			progress(n*setShare/100, 100)
		}
	}
}

// smallNumber reads 0 to 100.
func smallNumber(text string) (n int, ok bool) {
	if text == "" || len(text) > 3 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return min(n, 100), true
}

func (s *Source) abortSet(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := s.c.call(ctx, "scantxoutset", []any{"abort"}, nil); err != nil {
		s.log.Debug("abort a search through the unspent outputs", "error", err)
	}
}

// report counts what was found and finds its places by our own derivation.
func (s *Source) report(r chain.Request, set setAnswer, end uint32) (chain.CoinReport, error) {
	rep := chain.CoinReport{Tip: chain.Block{Height: set.Height, Hash: set.Best.Hash}, Coins: len(set.Unspents), Used: map[string]uint32{}}
	scripts := map[string]bool{}
	for _, u := range set.Unspents {
		amount, err := btc.ParseBTC(plain(u.Amount.String()))
		if err != nil {
			return rep, unavailable(err, "the node's list of coins cannot be understood")
		}
		rep.Amount += amount
		scripts[u.Script] = true
	}
	for _, k := range r.Keychains {
		if !k.Ranged || len(scripts) == 0 {
			continue
		}
		for i := range end {
			script, err := k.Script(i)
			if err != nil {
				return rep, err
			}
			if scripts[hex.EncodeToString(script)] {
				rep.Used[k.ID] = i
			}
		}
	}
	return rep, nil
}

// bring gives the transactions of coins to the node's wallet, as far as they can be had; the
// coins of the others come back.
func (s *Source) bring(ctx context.Context, w *wallet, r chain.Request, set setAnswer) (missing []chain.MissingCoin, err error) {
	byTx := map[chainhash.Hash][]setCoin{}
	var ids []chainhash.Hash
	for _, u := range set.Unspents {
		if byTx[u.TxID.Hash] == nil {
			ids = append(ids, u.TxID.Hash)
		}
		byTx[u.TxID.Hash] = append(byTx[u.TxID.Hash], u)
	}
	slices.SortFunc(ids, func(a, b chainhash.Hash) int { return int(byTx[a][0].Height) - int(byTx[b][0].Height) })
	asked := map[int32]bool{}
	for i, id := range ids {
		u := byTx[id][0]
		have, err := s.bringOne(ctx, w, id, u.Height)
		if err != nil {
			return nil, err
		}
		if !have && !asked[u.Height] && len(asked) < maxPeerBlock {
			asked[u.Height] = true
			if have, err = s.askPeers(ctx, w, id, u.Height); err != nil {
				return nil, err
			}
		}
		if !have {
			for _, c := range byTx[id] {
				amount, err := btc.ParseBTC(plain(c.Amount.String()))
				if err != nil {
					return nil, err
				}
				missing = append(missing, chain.MissingCoin{OutPoint: wire.OutPoint{Hash: id, Index: c.Vout}, Amount: btcutil.Amount(amount), Height: c.Height})
			}
		}
		if r.Progress != nil {
			r.Progress(setShare+(100-setShare)*i/len(ids), 100)
		}
	}
	return missing, nil
}

// bringOne makes the node's wallet know a transaction; have is false where its block is not there.
func (s *Source) bringOne(ctx context.Context, w *wallet, id chainhash.Hash, height int32) (have bool, err error) {
	s.mu.Lock()
	inNode := w.inNode
	s.mu.Unlock()
	var known walletTx
	if err := s.c.walletCall(ctx, inNode, "gettransaction", []any{id.String()}, &known); err == nil && known.Confirmations > 0 {
		return true, nil
	}
	var block string
	if err := s.c.call(ctx, "getblockhash", []any{height}, &block); err != nil {
		return false, err
	}
	var raw, proof string
	calls := []*call{{method: "getrawtransaction", params: []any{id.String(), false, block}, result: &raw},
		{method: "gettxoutproof", params: []any{[]string{id.String()}, block}, result: &proof}}
	if err := s.c.batch(ctx, "", calls); err != nil {
		return false, err
	}
	for _, q := range calls {
		if isCode(q.err, codeMisc, codeInvalidAddress) { // the block is not there (any more)
			return false, nil
		}
		if q.err != nil {
			return false, q.err
		}
	}
	err = s.untilFree(ctx, func() error {
		return s.c.walletCall(ctx, inNode, "importprunedfunds", []any{raw, proof}, nil)
	})
	return err == nil, err
}

// askPeers has the node fetch a block once more from a peer that keeps all of them, and brings
// the transaction while the block is there.
func (s *Source) askPeers(ctx context.Context, w *wallet, id chainhash.Hash, height int32) (have bool, err error) {
	var peers []struct {
		ID       int64    `json:"id"`
		Services []string `json:"servicesnames"`
	}
	if err := s.c.call(ctx, "getpeerinfo", nil, &peers); err != nil {
		return false, err
	}
	var block string
	if err := s.c.call(ctx, "getblockhash", []any{height}, &block); err != nil {
		return false, err
	}
	tried := 0
	for _, p := range peers {
		if !slices.Contains(p.Services, "NETWORK") {
			continue
		}
		if tried++; tried > 2 {
			break
		}
		if err := s.c.call(ctx, "getblockfrompeer", []any{block, p.ID}, nil); err != nil && !says(err, "already downloaded") {
			if _, refused := asRPC(err); refused {
				continue // an old node, or a peer that has just left
			}
			return false, err
		}
		for deadline := time.Now().Add(peerWait); time.Now().Before(deadline); {
			if have, err := s.bringOne(ctx, w, id, height); err != nil || have {
				return have, err
			}
			if err := pause(ctx, peerPoll); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}
