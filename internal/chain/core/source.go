package core

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

// Source is a node as a chain.Source. It also is a chain.Accepter, Rescanner, Forgetter and
// HeightFinder.
type Source struct {
	c       *client
	log     *slog.Logger
	changed chan struct{}
	poke    chan struct{} // tells the watch to look now
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}

	mu      sync.Mutex
	wallets map[string]*wallet // by the request's name
}

var (
	_ chain.Source       = (*Source)(nil)
	_ chain.Accepter     = (*Source)(nil)
	_ chain.Rescanner    = (*Source)(nil)
	_ chain.Forgetter    = (*Source)(nil)
	_ chain.HeightFinder = (*Source)(nil)
)

// Open makes a source of a node's settings without speaking to the node: it may be away. The
// error is errs.Invalid for settings that make no sense.
func Open(conf Config) (*Source, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	s := &Source{
		c: newClient(conf), log: conf.Log,
		changed: make(chan struct{}, 1), poke: make(chan struct{}, 1),
		done: make(chan struct{}), wallets: map[string]*wallet{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(s.done)
		s.watch(s.ctx)
	}()
	return s, nil
}

// SameConfig reports whether the source was opened with the same place and login.
func (s *Source) SameConfig(o Config) bool {
	a := s.c.c
	return a.url() == o.url() && a.User == o.User && a.Password.Equal(o.Password) &&
		a.CookieFile == o.CookieFile && a.Network == o.Network
}

// Close ends the watch and every running question.
func (s *Source) Close() error {
	s.cancel()
	<-s.done
	s.c.close()
	return nil
}

// bound ends with ctx, or when the source is closed.
func (s *Source) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { cancel(errClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

var errClosed = errs.E(errs.Unavailable, "the connection to the node was closed")

// door gives an error its last words on the way out: a question that ended because the source
// was closed says so.
func (s *Source) door(ctx context.Context, err error) error {
	if err != nil && errors.Is(err, context.Canceled) && ctx.Err() == nil && s.ctx.Err() != nil {
		return errClosed
	}
	return err
}

// Changed receives when another Sync may find news.
func (s *Source) Changed() <-chan struct{} { return s.changed }

func (s *Source) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// lookNow makes the watch look at once.
func (s *Source) lookNow() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// Status asks the node how it stands: one request of three questions.
func (s *Source) Status(ctx context.Context) (chain.Status, error) {
	b, end := s.bound(ctx)
	defer end()
	st, err := s.c.status(b)
	return st, s.door(ctx, err)
}

// Tx finds a transaction in the mempool, in the node's index where it keeps one (txindex), or in
// one of the wallets that Sync has seen. errs.NotFound otherwise.
func (s *Source) Tx(ctx context.Context, id chainhash.Hash) (*wire.MsgTx, error) {
	b, end := s.bound(ctx)
	defer end()
	tx, _, err := s.find(b, id)
	return tx, s.door(ctx, err)
}

// find looks a transaction up and tells its confirmations as a wallet of ours sees them, 0 where
// none does.
func (s *Source) find(ctx context.Context, id chainhash.Hash) (*wire.MsgTx, int32, error) {
	for _, name := range s.names() {
		var t walletTx
		err := s.c.walletCall(ctx, name, "gettransaction", []any{id.String()}, &t)
		if err == nil {
			tx, err := t.tx(id)
			return tx, t.Confirmations, err
		}
		if !isCode(err, codeInvalidAddress, codeWalletNotFound) {
			return nil, 0, err
		}
	}
	var raw string
	err := s.c.call(ctx, "getrawtransaction", []any{id.String()}, &raw)
	if isCode(err, codeInvalidAddress) {
		return nil, 0, errs.E(errs.NotFound, "the node does not know the transaction %s; without txindex=1 it knows those of the mempool and of its wallets alone", id)
	}
	if err != nil {
		return nil, 0, err
	}
	tx, err := decodeTx(raw, id)
	return tx, 0, err
}

// names lists the wallets inside the node that Sync has settled.
func (s *Source) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, w := range s.wallets {
		if w.inNode != "" {
			names = append(names, w.inNode)
		}
	}
	return names
}

// walletTx is what we read of gettransaction.
type walletTx struct {
	Hex           string `json:"hex"`
	Confirmations int32  `json:"confirmations"`
	BlockHash     *hash  `json:"blockhash"`
	BlockHeight   int32  `json:"blockheight"`
	BlockTime     int64  `json:"blocktime"`
	Received      int64  `json:"timereceived"`
}

func (t *walletTx) tx(id chainhash.Hash) (*wire.MsgTx, error) { return decodeTx(t.Hex, id) }

// decodeTx reads a transaction and holds it to its id: a wrong one would become a fact.
func decodeTx(raw string, id chainhash.Hash) (*wire.MsgTx, error) {
	data, err := hex.DecodeString(raw)
	if err != nil {
		return nil, unavailable(err, "the node's transaction %s cannot be read", id)
	}
	tx := new(wire.MsgTx)
	if err := tx.Deserialize(bytes.NewReader(data)); err != nil {
		return nil, unavailable(err, "the node's transaction %s cannot be read", id)
	}
	if got := tx.TxHash(); got != id {
		return nil, errs.E(errs.Unavailable, "the node gave the transaction %s when asked for %s", got, id)
	}
	return tx, nil
}

func encodeTx(tx *wire.MsgTx) (string, error) {
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		return "", errs.E(errs.Invalid, "the transaction cannot be written: %w", err)
	}
	return hex.EncodeToString(b.Bytes()), nil
}

// FeeRate estimates the feerate for a number of blocks, never below what the node's mempool
// takes now. errs.Unavailable when the node has seen too little to tell.
func (s *Source) FeeRate(ctx context.Context, blocks int) (btc.FeeRate, error) {
	b, end := s.bound(ctx)
	defer end()
	rate, err := s.feeRate(b, min(max(blocks, 1), 1008))
	return rate, s.door(ctx, err)
}

func (s *Source) feeRate(ctx context.Context, blocks int) (btc.FeeRate, error) {
	var est struct {
		FeeRate json.Number `json:"feerate"`
		Errors  []string    `json:"errors"`
	}
	var pool mempoolInfo
	calls := []*call{
		{method: "estimatesmartfee", params: []any{blocks}, result: &est},
		{method: "getmempoolinfo", result: &pool},
	}
	if err := s.c.batch(ctx, "", calls); err != nil {
		return 0, err
	}
	for _, q := range calls {
		if q.err != nil {
			return 0, q.err
		}
	}
	if est.FeeRate == "" {
		return 0, errs.E(errs.Unavailable, "the node has no fee estimate yet; type a feerate")
	}
	rate, err := feeRate(est.FeeRate)
	if err != nil {
		return 0, unavailable(err, "the node's fee estimate cannot be understood")
	}
	for _, floor := range []json.Number{pool.MinFee, pool.MinRelay} {
		if f, err := feeRate(floor); err == nil {
			rate = max(rate, f)
		}
	}
	return rate, nil
}
