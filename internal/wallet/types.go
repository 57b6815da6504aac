package wallet

import (
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
)

// Owner is the id of the user to whom a wallet belongs.
type Owner string

// ID is a wallet's row number.
type ID int64

// DraftID is a draft's row number, unique over all wallets.
type DraftID int64

// Ref names one wallet as pages and API do: owner, network and alias.
type Ref struct {
	Owner   Owner
	Network btc.Network
	Alias   string
}

// Record is a wallet as stored, with the totals that pages show.
type Record struct {
	ID         ID
	Owner      Owner
	Network    btc.Network
	Alias      string // slug in URLs and in the node's wallet name; never changes
	Name       string
	Descriptor string // canonical, multipath where it has two branches, with checksum
	ScriptType string // Specter's words: pkh wpkh sh-wpkh tr sh wsh sh-wsh
	Threshold  int    // signatures needed; 1 for a single key
	Cosigners  []Cosigner
	NodeName   string    // name of the watch-only wallet inside Bitcoin Core: specter<uid>/<alias>
	Birthday   time.Time // no coin is older; zero: unknown
	Created    time.Time
	Next       [2]uint32   // first index not yet handed out: receive, change
	Used       [2]int64    // highest used index: receive, change; -1: none
	Tip        chain.Block // newest block that the rows know; zero before the first sync
	SyncedAt   time.Time   // when a sync last succeeded
	SyncError  string      // why the last sync failed, for the person; "" when it did not
	Scan       *Scan       // a scan under way, one that failed, or what the last one found; nil: none
	Gap        uint32      // addresses looked at beyond the highest used or handed-out one
	Balance    Balance
	TxCount    int
}

// Multisig reports whether the wallet has more than one cosigner.
func (r Record) Multisig() bool { return len(r.Cosigners) > 1 }

// Ref returns the wallet's name for calls.
func (r Record) Ref() Ref { return Ref{r.Owner, r.Network, r.Alias} }

// Cosigner is one key of the wallet, and the user's device that holds it, if any.
type Cosigner struct {
	Fingerprint btc.Fingerprint
	Path        btc.Path // origin path
	XPub        string   // canonical
	Expression  string   // as printed in the descriptor, without branches: [fp/path]xpub
	DeviceID    int64    // 0: no device of the user holds this key
	DeviceName  string   // of that device, else Called
	Called      string   // its device as the wallet's file named it; "": it did not
	DeviceAlias string
	DeviceType  string
	Hot         bool // the device is a software signer of this program
	Nobody      bool // BIP341's point H, alone or as an xpub: no private key is known, it cannot sign
}

// Balance is a wallet's money, in sat. Total = Confirmed + Pending + Immature.
type Balance struct {
	Confirmed btcutil.Amount // utxos in blocks, mature
	Pending   btcutil.Amount // utxos of unconfirmed transactions
	Immature  btcutil.Amount // coinbase outputs that Bitcoin Core would not spend yet: 100 confirmations or fewer
	Frozen    btcutil.Amount // of Confirmed+Pending: frozen by the user
	Reserved  btcutil.Amount // of Confirmed+Pending, not frozen: held by drafts
}

// Total is all the wallet's money.
func (b Balance) Total() btcutil.Amount { return b.Confirmed + b.Pending + b.Immature }

// Available is what a new draft may spend: confirmed and pending, not frozen, not reserved.
func (b Balance) Available() btcutil.Amount { return b.Confirmed + b.Pending - b.Frozen - b.Reserved }

// ScanMode is a way to look for older coins.
type ScanMode string

// The ways.
const (
	ScanBlocks ScanMode = ""      // block by block: finds everything
	ScanCoins  ScanMode = "coins" // in the node's set of unspent outputs: finds what is there to spend now
)

// Scan is the state of a scan for older coins.
type Scan struct {
	Running  bool
	Mode     ScanMode
	Progress float64    // 0 to 1
	From     int32      // of ScanBlocks: height
	Next     int32      // of ScanBlocks: all blocks below are looked through; 0: nothing is yet
	Error    string     // for the person; "" unless it failed
	Found    *CoinsScan // of ScanCoins, when it has ended
}

// CoinsScan is what a search in the set of unspent outputs has found.
type CoinsScan struct {
	Height  int32 // the coins are those of this block
	Coins   int
	Amount  btcutil.Amount
	Missing []MissingCoin // of Coins: the node cannot give their transactions, so that the wallet does not count them; at most 1,000
}

// MissingCoin is a coin that was found and cannot be taken in.
type MissingCoin struct {
	OutPoint wire.OutPoint
	Amount   btcutil.Amount
	Height   int32
}

// Losses is what goes with a wallet that is deleted, besides the wallet itself.
type Losses struct {
	Labels int
	Frozen int // coins
	Drafts int // that are not broadcast
	Txs    int // rows of history, which a node can tell again
}

// Query asks for one page of a list.
type Query struct {
	Search string // free text: part of txid, address, label, amount ("> 0.1" in BTC), date "2026-11-21"
	Sort   string // column; "" is the list's default (newest first, index ascending)
	Desc   bool
	Page   int    // from 1
	Size   int    // rows a page, 1 to 500; 0: 25
	Filter string // list's own: history: "", receive, send, unconfirmed, broken; coins: "", unspent, free, frozen, reserved, spent; addresses: "", receive, change, used, unused
}

// Category says what a transaction did to the wallet, in the old Specter's words.
type Category string

// The categories.
const (
	Receive      Category = "receive"
	Send         Category = "send"
	SelfTransfer Category = "selftransfer"
	Mixed        Category = "mixed" // some inputs are ours, some are not
	Generate     Category = "generate"
)

// TxState says how a transaction stands.
type TxState string

// The states.
const (
	Confirmed  TxState = "confirmed"
	Pending    TxState = "pending"
	Conflicted TxState = "conflicted" // another transaction spent its inputs
	Dropped    TxState = "dropped"    // left the mempool without confirming; may come back
	Broken     TxState = "broken"     // the stored record cannot be read; repair fetches it again
)

// HistoryRow is one transaction of one wallet.
type HistoryRow struct {
	Wallet        ID
	WalletAlias   string
	WalletName    string
	TxID          chainhash.Hash
	Category      Category
	State         TxState
	Amount        btcutil.Amount  // net effect on the wallet, negative when sent (fee included)
	Fee           *btcutil.Amount // whole fee where all inputs are known to us; nil: unknown
	VSize         btc.VSize
	Height        int32 // 0: unconfirmed
	BlockHash     chainhash.Hash
	Confirmations int32
	Time          time.Time // block time, else first seen
	Label         string    // the transaction's label, else those of its addresses of ours
	Address       string    // the address that matters: ours when received, the recipient when sent
	Replaceable   bool      // signals BIP125 and is pending
	ReplacedBy    *chainhash.Hash
	Abandoned     bool   // Dropped, and given up by the user: no alarm, never sent again by us
	Trouble       string // for Broken: why
}

// HistoryPage is one page of history.
type HistoryPage struct {
	Rows  []HistoryRow
	Total int  // rows that match the query
	More  bool // Total is where counting stopped: there are more
	Page  int
	Size  int
}

// TxDetail is a transaction with all that is known of it.
type TxDetail struct {
	HistoryRow
	Raw     []byte
	Tx      *wire.MsgTx // nil when Broken
	Inputs  []TxInput
	Outputs []TxOutput
	FeeRate btc.FeeRate // 0: unknown
	// Conflicts lists the other transactions known that spend one of its inputs.
	Conflicts []chainhash.Hash
}

// TxInput is an input as the transaction page shows it.
type TxInput struct {
	OutPoint wire.OutPoint
	Amount   btcutil.Amount // -1: unknown
	Address  string
	Label    string
	Mine     bool
	Sequence uint32
}

// TxOutput is an output as the transaction page shows it.
type TxOutput struct {
	Amount  btcutil.Amount
	Address string // "" where the script has none
	Script  []byte
	Label   string
	Mine    bool
	Change  bool
	SpentBy *chainhash.Hash
}

// CoinRow is an output of ours.
type CoinRow struct {
	Wallet        ID
	WalletAlias   string
	WalletName    string
	OutPoint      wire.OutPoint
	Amount        btcutil.Amount
	Address       string
	Label         string // of the address, else of the transaction
	Branch        uint32
	Index         uint32
	Height        int32 // 0: unconfirmed
	Confirmations int32
	Time          time.Time
	Coinbase      bool
	Immature      bool
	SpentBy       *chainhash.Hash // nil: a utxo
	Frozen        bool
	ReservedBy    DraftID // 0: free
	Reused        bool    // its address received other coins too
	Dust          bool    // spending it costs more than it brings at today's feerate; false while that is not known
	Suspect       Suspect // "" unless the coin looks like bait
}

// Suspect says why a coin looks like bait: spending or answering it may harm.
type Suspect string

// What a coin may be suspected of.
const (
	DustAttack Suspect = "dust"       // a few sat on an address that was used before, sent to link coins
	Poisoned   Suspect = "look-alike" // it came with an address made to be taken for one that the wallet knows
)

// CoinPage is one page of coins.
type CoinPage struct {
	Rows   []CoinRow
	Total  int
	More   bool           // Total is where counting stopped: there are more
	Amount btcutil.Amount // sum over the rows counted in Total
	Page   int
	Size   int
}

// AddressRow is an address that the wallet has handed out or looks ahead to.
type AddressRow struct {
	Branch  uint32 // 0 receive, 1 change
	Index   uint32
	Address string
	Script  []byte
	Label   string
	Used    bool
	Coins   int            // utxos
	Amount  btcutil.Amount // in utxos
	Path    string         // derivation path of the first cosigner's key, for people
}

// AddressPage is one page of addresses.
type AddressPage struct {
	Rows  []AddressRow
	Total int
	Page  int
	Size  int
}

// Recipient is one output that the user asks for.
type Recipient struct {
	Address string
	Amount  btcutil.Amount // ignored when Max
	Label   string
	Max     bool // all that is left goes here (at most one recipient)
}

// SpendRequest is what the send form says.
type SpendRequest struct {
	Recipients  []Recipient
	FeeRate     btc.FeeRate     // 0: estimate for Blocks
	Blocks      int             // confirmation target when FeeRate is 0; 0: 6
	Coins       []wire.OutPoint // chosen by hand; empty: choose for me
	SubtractFee []int           // recipients (by place) who pay the fee in equal parts
	NoRBF       bool            // default is replaceable
	LockTime    *uint32         // nil: tip height against fee sniping
	Note        string
	Token       string // of the form: the same token twice makes one draft, not two
	// Replaces is a transaction of ours, pending or dropped, that this payment takes the place
	// of (BIP125): its coins are spent again. Chosen Coins must hold one of them at least.
	Replaces *chainhash.Hash
	// Instead is a draft whose place this one takes: its coins may be spent, and it goes when the
	// new one is stored; 0: none.
	Instead DraftID
	// MaxFee raises the cap on the fee (0.1 BTC) where the user insists; 0: the cap stays.
	MaxFee btcutil.Amount
	Care   Care
}

// Preview is what NewDraft would make.
type Preview struct {
	Inputs     []CoinRow
	Recipients []Recipient // with final amounts
	Change     btcutil.Amount
	ChangeAddr string
	Fee        btcutil.Amount
	FeeRate    btc.FeeRate
	VSize      btc.VSize // of the signed transaction, worst case
	Remarks    []Remark
	Warnings   []string // Remarks as English sentences
	How        string   // the selector that found the coins
}

// DraftState says how far a draft is.
type DraftState string

// The states of a draft.
const (
	Unsigned    DraftState = "unsigned"
	PartlySig   DraftState = "partly-signed"
	Complete    DraftState = "complete"
	Broadcast   DraftState = "broadcast"
	DraftBroken DraftState = "broken"  // the stored PSBT cannot be read
	Expired     DraftState = "expired" // nobody signed for long: it holds no coins; Renew brings it back
)

// Draft is a PSBT on its way.
type Draft struct {
	ID          DraftID
	Wallet      ID
	Created     time.Time
	Changed     time.Time
	State       DraftState
	Note        string
	PSBT        []byte         // version 0, binary
	TxID        chainhash.Hash // of the unsigned transaction; of segwit spends also the final one
	Recipients  []Recipient
	Inputs      []DraftInput
	Outputs     []TxOutput
	Change      btcutil.Amount
	Fee         btcutil.Amount
	FeeRate     btc.FeeRate
	VSize       btc.VSize
	LockTime    uint32
	Replaceable bool
	Signers     []DraftSigner
	Need        int    // signatures needed
	Have        int    // cosigners who signed every input
	Final       []byte // the signed transaction, when Complete or Broadcast
	Remarks     []Remark
	Warnings    []string        // Remarks as English sentences
	Trouble     string          // for DraftBroken
	Lost        string          // what of its words cannot be read while its PSBT is good: RepairDraft mends it; "": nothing
	Replaces    *chainhash.Hash // the transaction whose place it takes
	Expires     time.Time       // when it lets its coins go unless somebody signs; zero: never
}

// DraftInput is an input of a draft.
type DraftInput struct {
	OutPoint wire.OutPoint
	Amount   btcutil.Amount
	Address  string
	Label    string
	Sigs     int
	SpentBy  *chainhash.Hash // another transaction took this coin: the draft is dead
}

// DraftSigner is a cosigner's part in a draft.
type DraftSigner struct {
	Cosigner
	Signed bool
}

// LabelKind says what a label stands on (BIP329 words).
type LabelKind string

// The kinds of label.
const (
	LabelTx      LabelKind = "tx"
	LabelAddress LabelKind = "addr"
	LabelOutput  LabelKind = "output"
	LabelInput   LabelKind = "input"
	LabelPubKey  LabelKind = "pubkey"
	LabelXPub    LabelKind = "xpub" // a cosigner's key
)

// NewWallet asks for a wallet.
type NewWallet struct {
	Name       string
	Descriptor string    // any output descriptor; or empty and the fields below
	ScriptType string    // wpkh sh-wpkh tr pkh | wsh sh-wsh sh
	Threshold  int       // for several keys
	Keys       []string  // key expressions [fp/path]xpub, one or several
	Unsorted   bool      // multi() instead of sortedmulti()
	Birthday   time.Time // zero with ScanAll false: now, nothing old is looked for
	ScanAll    bool      // look through the whole chain
	FromHeight *int32    // look from this block on
	FindCoins  bool      // look in the node's set of unspent outputs instead of through blocks
	Gap        uint32    // addresses to look ahead; 0: 20
	// File is a wallet file of any program that interop reads; it gives descriptor, and where
	// the request has none, name and block to look from. Its labels come along.
	File []byte
}

// Event tells a page that something of a wallet changed.
type Event struct {
	Owner   Owner
	Network btc.Network
	Alias   string // "": the node or several wallets
	Kind    string // "wallet" (rows), "draft", "node" (status), "scan", "dropped" (a transaction left the mempool)
	TxID    string // of "dropped"
}

// File is something to download.
type File struct {
	Name string
	Type string // MIME
	Data []byte
}
