package v1

import (
	"net/url"
	"strconv"
	"time"

	"specter/internal/wallet"
)

// balanceView is a wallet's money.
type balanceView struct {
	TotalSat     int64 `json:"total_sat"`
	AvailableSat int64 `json:"available_sat"`
	ConfirmedSat int64 `json:"confirmed_sat"`
	PendingSat   int64 `json:"pending_sat"`
	ImmatureSat  int64 `json:"immature_sat"`
	FrozenSat    int64 `json:"frozen_sat"`
	ReservedSat  int64 `json:"reserved_sat"`
}

// cosignerView is one key of a wallet, with the device that holds it.
type cosignerView struct {
	Fingerprint string  `json:"fingerprint"`
	Path        string  `json:"path"`
	XPub        string  `json:"xpub"`
	Key         string  `json:"key"`
	Device      *string `json:"device"`
	DeviceID    *int64  `json:"device_id"`
	DeviceName  *string `json:"device_name"`
	DeviceType  *string `json:"device_type"`
	Hot         bool    `json:"hot"`
}

// scanView is how a scan of old blocks goes.
type scanView struct {
	Running         bool       `json:"running"`
	Mode            string     `json:"mode"`
	ProgressPercent int        `json:"progress_percent"`
	FromHeight      int32      `json:"from_height"`
	NextHeight      int32      `json:"next_height"`
	Error           *string    `json:"error"`
	Found           *foundView `json:"found"`
}

// walletView is a wallet.
type walletView struct {
	ID          int64          `json:"id"`
	Alias       string         `json:"alias"`
	Name        string         `json:"name"`
	Network     string         `json:"network"`
	Descriptor  string         `json:"descriptor"`
	ScriptType  string         `json:"script_type"`
	Threshold   int            `json:"threshold"`
	Multisig    bool           `json:"multisig"`
	Cosigners   []cosignerView `json:"cosigners"`
	Created     moment         `json:"created"`
	Birthday    moment         `json:"birthday"`
	NextReceive uint32         `json:"next_receive_index"`
	NextChange  uint32         `json:"next_change_index"`
	GapLimit    uint32         `json:"gap_limit"`
	TipHeight   int32          `json:"tip_height"`
	TipHash     *string        `json:"tip_hash"`
	SyncedAt    moment         `json:"synced_at"`
	SyncError   *string        `json:"sync_error"`
	Scan        *scanView      `json:"scan"`
	Balance     balanceView    `json:"balance"`
	TxCount     int            `json:"tx_count"`
}

// walletPage is a page of wallets.
type walletPage struct {
	Items []walletView `json:"items"`
	paging
}

// walletInput asks for a wallet: by descriptor, or by script type and keys.
type walletInput struct {
	Name       string   `json:"name" need:"yes"`
	Descriptor string   `json:"descriptor"`
	ScriptType string   `json:"script_type"`
	Threshold  int      `json:"threshold"`
	Keys       []string `json:"keys"`
	Unsorted   bool     `json:"unsorted"`
	Birthday   *string  `json:"birthday"`
	ScanAll    bool     `json:"scan_all"`
	FromHeight *int32   `json:"from_height"`
	FindCoins  bool     `json:"find_coins"`
	GapLimit   uint32   `json:"gap_limit"`
	File       string   `json:"file"`
}

// proposalView is the wallet that would be made.
type proposalView struct {
	Name         string         `json:"name"`
	Descriptor   string         `json:"descriptor"`
	ScriptType   string         `json:"script_type"`
	Threshold    int            `json:"threshold"`
	Cosigners    []cosignerView `json:"cosigners"`
	FirstAddress string         `json:"first_address"`
	Warnings     []string       `json:"warnings"`
	Findings     []findingView  `json:"findings"`
	File         *fileView      `json:"file"`
}

// nameInput gives a thing another name.
type nameInput struct {
	Name string `json:"name" need:"yes"`
}

func cosigner(c wallet.Cosigner) cosignerView {
	v := cosignerView{Path: c.Path.Full(), XPub: c.XPub, Key: c.Expression, DeviceID: maybe(c.DeviceID), Device: maybe(c.DeviceAlias),
		DeviceName: maybe(c.DeviceName), DeviceType: maybe(c.DeviceType), Hot: c.Hot}
	if !c.Fingerprint.IsZero() {
		v.Fingerprint = c.Fingerprint.String()
	}
	return v
}

func balance(b wallet.Balance) balanceView {
	return balanceView{TotalSat: int64(b.Total()), AvailableSat: int64(b.Available()), ConfirmedSat: int64(b.Confirmed),
		PendingSat: int64(b.Pending), ImmatureSat: int64(b.Immature), FrozenSat: int64(b.Frozen), ReservedSat: int64(b.Reserved)}
}

func walletOf(r wallet.Record) walletView {
	v := walletView{ID: int64(r.ID), Alias: r.Alias, Name: r.Name, Network: r.Network.String(), Descriptor: r.Descriptor,
		ScriptType: r.ScriptType, Threshold: r.Threshold, Multisig: r.Multisig(), Cosigners: mapped(r.Cosigners, cosigner),
		Created: moment(r.Created), Birthday: moment(r.Birthday), NextReceive: r.Next[0], NextChange: r.Next[1],
		TipHeight: r.Tip.Height, SyncedAt: moment(r.SyncedAt), SyncError: maybe(r.SyncError), Balance: balance(r.Balance), TxCount: r.TxCount}
	if !r.Tip.Time.IsZero() || r.Tip.Height > 0 {
		v.TipHash = maybe(r.Tip.Hash.String())
	}
	v.Scan, v.GapLimit = scanOf(r.Scan), r.Gap
	return v
}

func walletPath(alias string) string { return "/wallets/" + url.PathEscape(alias) }

// getWallets lists what a token reaches.
func getWallets(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Wallets.List(c.ctx(), c.owner(), c.network)
	if err != nil {
		return nil, err
	}
	reached := all[:0:0]
	for _, r := range all {
		if c.id.Scope.Reaches(int64(r.ID)) {
			reached = append(reached, r)
		}
	}
	rows, p, err := sliced(l, reached, func(r wallet.Record) string { return strconv.FormatInt(int64(r.ID), 10) })
	return walletPage{mapped(rows, walletOf), p}, err
}

// request reads a walletInput into what the wallet room is asked.
func (in walletInput) request() (wallet.NewWallet, error) {
	w := wallet.NewWallet{Name: in.Name, Descriptor: in.Descriptor, ScriptType: in.ScriptType, Threshold: in.Threshold, Keys: in.Keys,
		Unsorted: in.Unsorted, ScanAll: in.ScanAll, FromHeight: in.FromHeight, FindCoins: in.FindCoins, Gap: in.GapLimit, File: []byte(in.File)}
	if in.Descriptor != "" && (len(in.Keys) > 0 || in.ScriptType != "") {
		return w, invalid("descriptor", "give a descriptor, or a script type and keys, not both")
	}
	if in.File != "" && (in.Descriptor != "" || len(in.Keys) > 0 || in.ScriptType != "") {
		return w, invalid("file", "give a wallet file, or a descriptor, or a script type and keys, not several of them")
	}
	if in.Birthday != nil {
		t, err := readTime("birthday", *in.Birthday)
		if err != nil {
			return w, err
		}
		w.Birthday = t
	}
	ways := 0
	for _, said := range []bool{in.Birthday != nil, in.ScanAll, in.FromHeight != nil, in.FindCoins} {
		if said {
			ways++
		}
	}
	if ways > 1 {
		return w, invalid("birthday", "say once since when the wallet may have coins: birthday, from_height, scan_all or find_coins")
	}
	return w, nil
}

// readTime reads a moment (RFC 3339) or a day (UTC).
func readTime(name, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse(time.DateOnly, text)
	}
	if err != nil || t.Year() < 1970 {
		return time.Time{}, invalid(name, "%s is a time such as 2026-01-31T00:00:00Z, or a day such as 2026-01-31", name)
	}
	return t, nil
}

func postWalletCheck(c *call) (any, error) {
	var in walletInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	w, err := in.request()
	if err != nil {
		return nil, err
	}
	p, err := c.s.c.Wallets.Check(c.ctx(), c.owner(), c.network, w)
	return proposalView{Name: p.Name, Descriptor: p.Descriptor, ScriptType: p.ScriptType, Threshold: p.Threshold,
		Cosigners: mapped(p.Cosigners, cosigner), FirstAddress: p.FirstAddress, Warnings: texts(p.Warnings),
		Findings: mapped(p.Findings, findingOf), File: fileOf(p.File)}, err
}

func texts(in []string) []string { return mapped(in, func(s string) string { return s }) }

func postWallet(c *call) (any, error) {
	var in walletInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	w, err := in.request()
	if err != nil {
		return nil, err
	}
	r, err := c.s.c.Wallets.Create(c.ctx(), c.owner(), c.network, w)
	return created{walletPath(r.Alias), walletOf(r)}, err
}

func getWallet(c *call) (any, error) { return walletOf(c.wallet), nil }

// again answers with the wallet as it is after a change.
func (c *call) again(err error) (any, error) {
	if err != nil {
		return nil, err
	}
	r, err := c.s.c.Wallets.Get(c.ctx(), c.ref())
	return walletOf(r), err
}

func patchWallet(c *call) (any, error) {
	var in nameInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	return c.again(c.s.c.Wallets.Rename(c.ctx(), c.ref(), in.Name))
}

func deleteWallet(c *call) (any, error) { return nil, c.s.c.Wallets.Delete(c.ctx(), c.ref()) }

func postSync(c *call) (any, error) { return c.again(c.s.c.Wallets.Sync(c.ctx(), c.ref())) }

func deleteRescan(c *call) (any, error) {
	return c.again(c.s.c.Wallets.AbortRescan(c.ctx(), c.ref()))
}
