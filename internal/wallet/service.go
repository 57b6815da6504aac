// Package wallet keeps the user's wallets: it copies what a chain.Source tells into facts and
// rows, hands out addresses, keeps labels, frozen coins and drafts, takes signatures and
// broadcasts. Pages and API call Service; what SQL there is lives in package store, what a
// transaction means to a wallet is decided by btc/txgraph, what a payment looks like by
// btc/spend, and what a signature is worth by btc/psbt.
//
// Facts come from the chain and are only added; the user's words (names, labels, frozen coins,
// drafts) are ordinary rows. Every list that a page shows is read from indexed rows that were
// brought up to date in the same transaction as the facts.
package wallet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/chain"
)

// Sources gives the active node's source. node.Service implements it; errs.Unavailable when
// there is no node. The caller does not close what it gets.
type Sources interface {
	Source(ctx context.Context) (chain.Source, error)
}

// KnownKey is a key of one of the user's devices, by which cosigners are named.
type KnownKey struct {
	XKey        btc.XKey
	DeviceID    int64
	DeviceName  string
	DeviceAlias string
	DeviceType  string
	Hot         bool // a software signer of this program
}

// Config is what the service needs. Store and Sources are required; a nil func means that the
// ability is missing, which is told to the person where it is asked for.
type Config struct {
	Store   Store
	Sources Sources
	// Devices lists the keys of the owner's devices that fit a network.
	Devices func(ctx context.Context, o Owner, n btc.Network) ([]KnownKey, error)
	// FeeRate estimates the feerate that confirms within a number of blocks.
	FeeRate func(ctx context.Context, blocks int) (btc.FeeRate, error)
	// Limits tells what a device of a type cannot do with a wallet: a stable word and an English
	// sentence, or "" where it can.
	Limits func(deviceType string, d *descriptor.Descriptor) (code, text string)
	// SignHot adds the signatures of a software key to a packet.
	SignHot func(ctx context.Context, o Owner, deviceID int64, passphrase string, p *psbt.Packet) error
	// Post hands a transaction to somebody else than the active node: another node or an explorer,
	// named by via. It fails unless that one took it and named its txid.
	Post func(ctx context.Context, o Owner, n btc.Network, via string, tx *wire.MsgTx) error
	// Headers is the program's own chain of block headers, against which transactions are proved.
	Headers HeaderChain
	// UID is part of the names of the node's watch-only wallets: "specter<uid>/<alias>", until SetUID.
	UID string
	// DraftDays is after how many days without a signature a draft lets its coins go; nil: 30,
	// 0 or less: never.
	DraftDays func(ctx context.Context, o Owner) int
	Now       func() time.Time
	Log       *slog.Logger
}

// Service is the door to the wallets. It is safe for concurrent use.
type Service struct {
	c Config

	mu     sync.Mutex // over open and jobs, never over the store
	open   map[ID]*openWallet
	named  string // the uid, once SetUID was told another one
	jobs   jobs
	bus    bus
	prices marketBox
	series seriesBox
	wake   chan struct{} // a wallet was made or wants something: the loop looks
}

// New makes the service. Run starts its background work.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		c: c, open: map[ID]*openWallet{}, wake: make(chan struct{}, 1),
	}
}

// SetUID names the watch-only wallets inside nodes that are made from now on by another uid, as when
// an old Specter was taken over. Those that are there keep their names.
func (s *Service) SetUID(uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named = uid
}

// uid is the part of the names of the node's watch-only wallets that holds now.
func (s *Service) uid() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named != "" {
		return s.named
	}
	return s.c.UID
}

// Proposal is the wallet that Create would make of a request.
type Proposal struct {
	Name         string
	Descriptor   string // canonical, with checksum
	ScriptType   string
	Threshold    int
	Cosigners    []Cosigner
	FirstAddress string     // receive address 0, to compare on the devices' screens
	Findings     []Finding  // what to know before, the gravest first
	Warnings     []string   // the findings but notices, as English sentences, and what the file's reader says
	File         *FileWords // what the wallet file told; nil: there was none
	FromHeight   *int32     // old coins are looked for from this block on; nil: the request says how
}
