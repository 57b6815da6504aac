package v1

import (
	"context"

	"specter/internal/auth"
	"specter/internal/wallet"
)

// walletSetup is what the API asks about making and keeping wallets.
type walletSetup interface {
	StartScan(ctx context.Context, ref wallet.Ref, q wallet.ScanRequest) error
	SetGap(ctx context.Context, ref wallet.Ref, gap int) error
	KeyPool(ctx context.Context, ref wallet.Ref) (derived [2]uint32, err error)
	Losses(ctx context.Context, ref wallet.Ref) (wallet.Losses, error)
	Rebuild(ctx context.Context, ref wallet.Ref) error
	BackupSheet(ctx context.Context, ref wallet.Ref) (wallet.File, error)
}

// setupRoutes keep a wallet, and say whether software keys may be made.
func setupRoutes() []Route {
	const one = "/wallets/{alias}"
	return []Route{
		{"GET", one + "/backup-sheet", auth.Read, AnyUser, OneWallet, "readBackupSheet", getBackupSheet, options{file: "application/pdf"}},
		{"GET", one + "/losses", auth.Read, AnyUser, OneWallet, "readLosses", getLosses, options{out: lossesView{}}},
		{"GET", one + "/key-pool", auth.Read, AnyUser, OneWallet, "readKeyPool", getKeyPool, options{out: keyPoolView{}}},
		{"PUT", one + "/key-pool", auth.Manage, AnyUser, OneWallet, "changeKeyPool", putKeyPool, options{in: keyPoolInput{}, out: keyPoolView{}}},
		{"POST", one + "/rebuild", auth.Manage, AnyUser, OneWallet, "rebuildWallet", postRebuild, options{out: walletView{}, slow: true}},
		{"GET", "/hot-keys", auth.Read, AnyUser, Whole, "readHotKeys", getHotKeys, options{out: hotKeysView{}}},
		{"PUT", "/hot-keys", auth.Admin, OwnerOnly, Whole, "changeHotKeys", putHotKeys, options{in: hotKeysView{}, out: hotKeysView{}}},
	}
}

// missingView is a coin that was found and cannot be taken in.
type missingView struct {
	OutPoint  string `json:"outpoint"`
	AmountSat int64  `json:"amount_sat"`
	Height    int32  `json:"height"`
}

// foundView is what a search for unspent coins found.
type foundView struct {
	Height    int32         `json:"height"`
	Coins     int           `json:"coins"`
	AmountSat int64         `json:"amount_sat"`
	Missing   []missingView `json:"missing"`
}

func scanOf(s *wallet.Scan) *scanView {
	if s == nil {
		return nil
	}
	v := &scanView{Running: s.Running, Mode: "blocks", ProgressPercent: int(s.Progress * 100), FromHeight: s.From, NextHeight: s.Next, Error: maybe(s.Error)}
	if s.Mode == wallet.ScanCoins {
		v.Mode = "coins"
	}
	if f := s.Found; f != nil {
		v.Found = &foundView{Height: f.Height, Coins: f.Coins, AmountSat: int64(f.Amount), Missing: mapped(f.Missing, func(m wallet.MissingCoin) missingView {
			return missingView{m.OutPoint.String(), int64(m.Amount), m.Height}
		})}
	}
	return v
}

// findingView is what to know of a wallet before it is made.
type findingView struct {
	Level string `json:"level"`
	Code  string `json:"code"`
	Text  string `json:"text"`
}

// fileView is what a wallet file told besides the descriptor.
type fileView struct {
	Format     string `json:"format"`
	Labels     int    `json:"labels"`
	FromHeight *int32 `json:"from_height"`
}

func findingOf(f wallet.Finding) findingView {
	return findingView{string(f.Level), f.Code, f.Text()}
}

func fileOf(f *wallet.FileWords) *fileView {
	if f == nil {
		return nil
	}
	return &fileView{Format: f.Format, Labels: f.Labels, FromHeight: maybe(f.FromHeight)}
}

// rescanInput asks to look for older coins, in one of the ways.
type rescanInput struct {
	FromHeight *int32  `json:"from_height"`
	Since      *string `json:"since"`
	Whole      bool    `json:"whole"`
	Coins      bool    `json:"coins"`
}

func postRescan(c *call) (any, error) {
	var in rescanInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	q := wallet.ScanRequest{FromHeight: in.FromHeight, Whole: in.Whole, Coins: in.Coins}
	if in.Since != nil {
		var err error
		if q.Since, err = readTime("since", *in.Since); err != nil {
			return nil, err
		}
	}
	return c.again(c.s.c.Wallets.StartScan(c.ctx(), c.ref(), q))
}

func getBackupSheet(c *call) (any, error) { return c.s.c.Wallets.BackupSheet(c.ctx(), c.ref()) }

// lossesView is what goes with a wallet that is deleted.
type lossesView struct {
	Labels      int `json:"labels"`
	FrozenCoins int `json:"frozen_coins"`
	Drafts      int `json:"drafts"`
}

func getLosses(c *call) (any, error) {
	l, err := c.s.c.Wallets.Losses(c.ctx(), c.ref())
	return lossesView{l.Labels, l.Frozen, l.Drafts}, err
}

// keyPoolView is how many addresses are derived, and how many are looked ahead.
type keyPoolView struct {
	GapLimit       uint32 `json:"gap_limit"`
	DerivedReceive uint32 `json:"derived_receive"`
	DerivedChange  uint32 `json:"derived_change"`
}

// keyPoolInput changes how many addresses are looked ahead.
type keyPoolInput struct {
	GapLimit int `json:"gap_limit" need:"yes"`
}

func getKeyPool(c *call) (any, error) {
	r, err := c.s.c.Wallets.Get(c.ctx(), c.ref())
	if err != nil {
		return nil, err
	}
	derived, err := c.s.c.Wallets.KeyPool(c.ctx(), c.ref())
	return keyPoolView{r.Gap, derived[0], derived[1]}, err
}

func putKeyPool(c *call) (any, error) {
	var in keyPoolInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if err := c.s.c.Wallets.SetGap(c.ctx(), c.ref(), in.GapLimit); err != nil {
		return nil, err
	}
	return getKeyPool(c)
}

func postRebuild(c *call) (any, error) { return c.again(c.s.c.Wallets.Rebuild(c.ctx(), c.ref())) }

// settingHotKeys is the program's setting under which the owner has turned software keys on.
const settingHotKeys = "hot-keys"

// hotKeysView tells whether software keys may be made.
type hotKeysView struct {
	Allowed bool `json:"allowed" need:"yes"`
}

func getHotKeys(c *call) (any, error) {
	v, err := c.s.c.Settings.Setting(c.ctx(), "", settingHotKeys)
	return hotKeysView{v == "yes"}, err
}

func putHotKeys(c *call) (any, error) {
	var in hotKeysView
	if err := c.take(&in); err != nil {
		return nil, err
	}
	value := ""
	if in.Allowed {
		value = "yes"
	}
	if err := c.s.c.Settings.PutSetting(c.ctx(), "", settingHotKeys, value); err != nil {
		return nil, err
	}
	return getHotKeys(c)
}
