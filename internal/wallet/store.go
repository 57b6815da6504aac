package wallet

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/txgraph"
	"specter/internal/chain"
)

// Store keeps wallets; package store implements it. Each call is one transaction, durable when
// it returns. Errors: errs.NotFound for what is not there, errs.Conflict for what exists
// already, errs.Unavailable for a disk that is full or cannot be written.
type Store interface {
	WalletStore
	FactStore
	ListStore
	WalkStore
	WordStore
	LabelStore
	LabelListStore
	TableStore
	ProofStore
	DraftStore
	TraceStore
	RegistrationStore
}

// WalletStore keeps the wallets themselves. Cosigners come back without their devices.
type WalletStore interface {
	Wallets(ctx context.Context, o Owner, n btc.Network) ([]Record, error) // by name
	WalletIDs(ctx context.Context, o Owner, n btc.Network) ([]ID, error)   // by name
	AllWallets(ctx context.Context) ([]Record, error)
	Wallet(ctx context.Context, ref Ref) (Record, error)
	WalletByID(ctx context.Context, id ID) (Record, error)
	AddWallet(ctx context.Context, r *Record, first []AddressRow) error // sets ID; Conflict when name or alias is taken
	RenameWallet(ctx context.Context, id ID, name string) error
	DeleteWallet(ctx context.Context, id ID) error
	// SetSynced notes the outcome of a sync; zero time: it failed, the last success stays.
	SetSynced(ctx context.Context, id ID, at time.Time, trouble string) error
	// SetScan notes that old blocks are to be scanned, or why that failed; nil: nothing is.
	SetScan(ctx context.Context, id ID, scan *Scan) error
	// ScanPassed notes that a running scan has looked through all blocks below a height.
	ScanPassed(ctx context.Context, id ID, next int32) error
	// SetGap changes how many addresses are looked at beyond the highest used one.
	SetGap(ctx context.Context, id ID, gap uint32) error
	// Losses counts the user's words that go with a wallet.
	Losses(ctx context.Context, id ID) (Losses, error)
	// Rebuild forgets all facts and rows of a wallet, then does as Change does, in one
	// transaction. The user's words stay.
	Rebuild(ctx context.Context, id ID, f func(v View) (*ChangeSet, error)) error
}

// FactStore keeps facts and the rows that follow from them.
type FactStore interface {
	// Change runs f inside one write transaction and saves what it returns; nil saves nothing.
	// f must not wait for anything outside.
	Change(ctx context.Context, id ID, f func(v View) (*ChangeSet, error)) error
	// KnownBlocks lists blocks of the chain as this wallet saw it, newest first: the tip, some
	// older tips, and the blocks of the newest transactions.
	KnownBlocks(ctx context.Context, id ID) ([]chain.Block, error)
	// Unconfirmed lists the transactions that are in no block and expected to confirm.
	Unconfirmed(ctx context.Context, id ID) ([]chainhash.Hash, error)
	// Loose lists the stored transactions that are in no block.
	Loose(ctx context.Context, id ID) ([]LooseTx, error)
	// Unrelated lists facts that touched nothing of the wallet when they came.
	Unrelated(ctx context.Context, id ID) ([]chainhash.Hash, error)
	// RawTx returns the stored bytes of a transaction, readable or not.
	RawTx(ctx context.Context, id ID, txid chainhash.Hash) ([]byte, error)
	// Derived tells how many addresses of a branch are stored.
	Derived(ctx context.Context, id ID, branch uint32) (uint32, error)
	// AddAddresses stores addresses; those that are there stay.
	AddAddresses(ctx context.Context, id ID, rows []AddressRow) error
	// HandOut raises the first index not yet handed out to next, never lowers it.
	HandOut(ctx context.Context, id ID, branch, next uint32) error
}

// View is what Change shows of a wallet, inside the transaction.
type View interface {
	txgraph.Book
	Record() Record
	// Labels finds labels by their keys; absent where there is none.
	Labels(kind LabelKind, keys []string) (map[string]string, error)
}

// ChangeSet is what Change saves.
type ChangeSet struct {
	*txgraph.Changes
	Labels map[chainhash.Hash]string // of Rows, by RowLabel
	Tip    *chain.Block              // nil: unchanged
	Fork   *int32                    // known blocks above are forgotten
	Used   [2]int64                  // highest used index; only ever raised
}

// ListStore answers the pages' lists from indexed rows.
type ListStore interface {
	History(ctx context.Context, ids []ID, p Page) (HistoryPage, error)
	HistoryRow(ctx context.Context, id ID, txid chainhash.Hash) (HistoryRow, error)
	CoinList(ctx context.Context, ids []ID, p Page) (CoinPage, error)
	// CoinsAt finds coins by outpoint, whatever their state; absent where it is none of ours.
	CoinsAt(ctx context.Context, id ID, ops []wire.OutPoint) (map[wire.OutPoint]CoinRow, error)
	// Spendable lists the utxos that are neither frozen nor reserved nor immature, with scripts.
	Spendable(ctx context.Context, id ID) ([]SpendableCoin, error)
	AddressList(ctx context.Context, id ID, p Page) (AddressPage, error)
	AddressAt(ctx context.Context, id ID, branch, index uint32) (AddressRow, error)
	// AddressesOf finds addresses of ours by their scripts.
	AddressesOf(ctx context.Context, id ID, scripts [][]byte) (map[string]AddressRow, error)
}

// SpendableCoin is a coin that a draft may spend.
type SpendableCoin struct {
	OutPoint wire.OutPoint
	Amount   btcutil.Amount
	Script   []byte
	Branch   uint32
	Index    uint32
	Height   int32 // 0: unconfirmed
	Own      bool  // unconfirmed, but made by a transaction that spends only coins of ours
}

// Page is a Query that has been understood.
type Page struct {
	Find   Find
	Sort   string // a column, "" is the default
	Desc   bool
	Number int // from 1
	Size   int
	Filter string
}

// Find is a search that has been understood. The zero value finds everything.
type Find struct {
	Text    string          // lower case; part of a txid, address or label
	Over    *btcutil.Amount // magnitude greater than
	Under   *btcutil.Amount // magnitude less than
	Exactly *btcutil.Amount // magnitude equal, or Text matches
	From    time.Time       // Time not before; zero: open
	To      time.Time       // Time before; zero: open
}

// TraceStore answers what is asked after sending.
type TraceStore interface {
	// Rivals lists the other transactions that spend what a transaction spends.
	Rivals(ctx context.Context, id ID, txid chainhash.Hash) ([]chainhash.Hash, error)
	// Spenders lists the transactions known that spend an output of a transaction.
	SpendersOf(ctx context.Context, id ID, txid chainhash.Hash) ([]chainhash.Hash, error)
	// Dropped lists pending transactions that left the mempool, without those given up.
	Dropped(ctx context.Context, id ID) ([]HistoryRow, error)
	// SetAbandoned gives a dropped transaction up, or takes that back.
	SetAbandoned(ctx context.Context, id ID, txid chainhash.Hash, abandoned bool) error
	// Ending finds addresses in the history, and of ours, that end with a text of four
	// characters or more; at most limit.
	Ending(ctx context.Context, id ID, text string, limit int) ([]string, error)
	// Days sums what transactions that count did to the balance, by UTC day, in order.
	Days(ctx context.Context, id ID) ([]Day, error)
}

// Day is what a day did to a balance.
type Day struct {
	Day   int64 // days since 1 January 1970, UTC
	Delta btcutil.Amount
}

// WordStore keeps what the user says about coins, addresses and transactions.
type WordStore interface {
	SetFrozen(ctx context.Context, id ID, coins []wire.OutPoint, frozen bool) error
	SetLabel(ctx context.Context, id ID, kind LabelKind, key, label string) error
	LabelsOf(ctx context.Context, id ID, kind LabelKind) (map[string]string, error)
	LabelsAt(ctx context.Context, id ID, kind LabelKind, keys []string) (map[string]string, error)
}

// DraftStore keeps drafts with the coins that they hold.
type DraftStore interface {
	Drafts(ctx context.Context, id ID) ([]StoredDraft, error) // newest first
	Draft(ctx context.Context, id ID, d DraftID) (StoredDraft, error)
	DraftByToken(ctx context.Context, id ID, token string) (StoredDraft, error)
	// AddDraft stores a draft, holds its coins and hands out its change index. When the token
	// exists already, d becomes the stored draft and made is false. Conflict when a coin was
	// frozen, reserved or spent meanwhile; an imported draft (Import) takes what it finds.
	AddDraft(ctx context.Context, d *StoredDraft) (made bool, err error)
	// PutDraft replaces PSBT, state, final transaction, txid and note of a draft, if the stored
	// one is still the revision that d was read as; Conflict otherwise. It raises the revision.
	PutDraft(ctx context.Context, d *StoredDraft) error
	// MendDraft replaces the recipients and remarks of a draft.
	MendDraft(ctx context.Context, d *StoredDraft) error
	// ExpireDraft releases the coins and leaves the draft as a row in state Expired. Conflict
	// when the draft was changed after the given revision.
	ExpireDraft(ctx context.Context, id ID, d DraftID, revision int64) error
	// RenewDraft holds the coins of an expired draft again and gives it a state. Conflict when a
	// coin was frozen, reserved or spent meanwhile.
	RenewDraft(ctx context.Context, d *StoredDraft) error
	// IdleDrafts lists drafts of a wallet that hold coins, are not broadcast, and have not changed
	// since a time.
	IdleDrafts(ctx context.Context, id ID, since time.Time) ([]StoredDraft, error)
	// DeleteDraft releases the coins, and the change index where it was the last handed out.
	DeleteDraft(ctx context.Context, id ID, d DraftID) error
}

// StoredDraft is a draft as the store keeps it: the PSBT and the words around it.
type StoredDraft struct {
	ID         DraftID
	Wallet     ID
	Revision   int64
	Created    time.Time
	Changed    time.Time
	State      DraftState
	Note       string
	Token      string
	PSBT       []byte
	Final      []byte // the signed transaction; nil: not complete
	TxID       chainhash.Hash
	Recipients []Recipient
	Remarks    []Remark
	Spoilt     bool            // the stored recipients or remarks cannot be read
	Coins      []wire.OutPoint // held
	Branch     uint32          // that Change is on: the wallet's last
	Change     int64           // index handed out for change; -1: none
	Import     bool            // came as a PSBT from outside
	Replaces   *chainhash.Hash // the transaction whose place it takes: coins that it spends may be held
	Parents    bool            // spends outputs of transactions that left the mempool: they may be held
}

// RowLabel is what history shows for a transaction: its own label, else those of its addresses.
func RowLabel(tx string, addresses []string) string {
	if tx != "" {
		return tx
	}
	out := ""
	for _, a := range addresses {
		switch {
		case a == "":
		case out == "":
			out = a
		case len(out) < maxLabel:
			out += ", " + a
		}
	}
	return out
}

// CoinLabel is what a coin shows: its own label, its address's, its transaction's.
func CoinLabel(output, address, tx string) string {
	switch {
	case output != "":
		return output
	case address != "":
		return address
	}
	return tx
}
