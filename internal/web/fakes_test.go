package web_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/wallet"
)

// house is a working stand-in for the services: it keeps what it is told in memory and answers
// from there. Its names and labels can be poisoned, to see that no page lets markup through.
type house struct {
	serving  sync.Mutex // held by a request, or by a test that changes the house while pages are open
	mu       sync.Mutex
	poison   string // added to every word that a person or a stranger wrote
	wallets  []wallet.Record
	devices  []device.Device
	nodes    []node.Node
	state    node.State
	drafts   map[wallet.DraftID]wallet.Draft
	labels   map[string]string
	settings map[string]string
	frozen   map[wire.OutPoint]bool
	coins    []wallet.CoinRow
	rows     []wallet.HistoryRow
	asked    wallet.SpendRequest // the last one
	made     wallet.NewWallet    // the last one
	rescan   *int32
	paid     map[string]btcutil.Amount
	fail     error // what the next money call answers
	events   chan wallet.Event
	send     sending
	looked   looked
	setup    setup
	told     map[string][]wallet.Registration // devices that know a wallet, by its alias
}

const (
	testAddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	testXPub    = "tpubDFH9dgzveyD8zTbPUFuLrGmCydNvxehyNdUXKJAQN8x4aZ4j6UZqGfnqFrD4NqyaTVGKbvEW54tsvPTK2UoSbCC1PJY8iCNiwTL3RWZEheQ"
)

var testTime = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func hashOf(n byte) chainhash.Hash { return chainhash.HashH([]byte{n}) }

// newHouse is a house with two wallets, three devices and one node on regtest.
func newHouse(poison string) *house {
	h := &house{poison: poison, drafts: map[wallet.DraftID]wallet.Draft{}, labels: map[string]string{}, settings: map[string]string{},
		frozen: map[wire.OutPoint]bool{}, paid: map[string]btcutil.Amount{}, told: map[string][]wallet.Registration{}, events: make(chan wallet.Event, 8), send: newSending(poison)}
	fp := btc.Fingerprint{0x73, 0xc5, 0xda, 0x0a}
	path, _ := btc.ParsePath("48h/1h/0h/2h")
	single, _ := btc.ParsePath("84h/1h/0h")
	for i, name := range []string{"Cold A", "Trezor B", "Red key"} {
		d := device.Device{ID: int64(i + 1), Owner: "admin", Alias: btc.Slug(name), Name: name + poison, Type: []string{"coldcard", "trezor", "hot"}[i],
			Keys: []device.Key{{Original: testXPub, Fingerprint: fp, Path: path, HasOrigin: true, XPub: testXPub, ScriptType: "wsh", Purpose: poison},
				{Original: testXPub, Fingerprint: fp, Path: single, HasOrigin: true, XPub: testXPub, ScriptType: "wpkh"}}}
		if i == 2 {
			d.Sealed, d.NeedsSecret = []byte{1}, true
		}
		h.devices = append(h.devices, d)
	}
	cosigner := func(i int) wallet.Cosigner {
		d := h.devices[i]
		return wallet.Cosigner{Fingerprint: fp, Path: path, XPub: testXPub, Expression: d.Keys[0].Expression(), DeviceID: d.ID, DeviceName: d.Name,
			DeviceAlias: d.Alias, DeviceType: d.Type, Hot: d.Hot()}
	}
	h.wallets = []wallet.Record{
		{ID: 1, Owner: "admin", Network: btc.Regtest, Alias: "family_vault", Name: "Family Vault" + poison, ScriptType: "wsh", Threshold: 2,
			Descriptor: "wsh(sortedmulti(2," + testXPub + "/<0;1>/*))#abcdefgh", Cosigners: []wallet.Cosigner{cosigner(0), cosigner(1), cosigner(2)},
			NodeName: "specter1234/family_vault", Birthday: testTime, SyncedAt: testTime, TxCount: 5,
			Balance: wallet.Balance{Confirmed: 137_500_000, Pending: 25_000_000, Frozen: 1_000, Reserved: 40_000_000}, SyncError: poison},
		{ID: 2, Owner: "admin", Network: btc.Regtest, Alias: "savings", Name: "Savings", ScriptType: "tr", Threshold: 1,
			Cosigners: []wallet.Cosigner{cosigner(0)}, Descriptor: "tr(" + testXPub + "/<0;1>/*)#abcdefgh"},
	}
	h.nodes = []node.Node{{ID: 1, Alias: "home", Name: "Home Node" + poison, Kind: node.Core, Network: btc.Regtest, Protocol: "http", Host: "127.0.0.1", Port: 18443,
		User: "me" + poison, Password: node.NewSecret("hunter2-secret")}}
	h.state = node.State{Node: h.nodes[0], Active: true, Known: true, At: testTime,
		Status: chain.Status{Network: btc.Regtest, Tip: chain.Block{Height: 244}, Synced: true, Progress: 1, Version: "Bitcoin Core 29.0.0" + poison, Connections: 8, MempoolTxs: 12}}
	h.fill()
	return h
}

func (h *house) fill() {
	words := []string{"salary march", "from Bob", "Sold the bicycle", "rent", ""}
	for i, amount := range []btcutil.Amount{25_000_000, 40_000_000, -6_250_141, 12_500_000, 50_000_000} {
		row := wallet.HistoryRow{Wallet: 1, WalletAlias: "family_vault", WalletName: h.wallets[0].Name, TxID: hashOf(byte(i)), Category: wallet.Receive,
			State: wallet.Confirmed, Amount: amount, VSize: 141, Height: int32(240 - i), Confirmations: int32(5 + i), Time: testTime.Add(-time.Duration(i) * time.Hour),
			Label: words[i] + h.poison, Address: testAddress}
		if amount < 0 {
			fee := btcutil.Amount(141)
			row.Category, row.Fee = wallet.Send, &fee
		}
		if i == 0 {
			row.State, row.Height, row.Confirmations, row.Replaceable = wallet.Pending, 0, 0, true
		}
		h.rows = append(h.rows, row)
		h.coins = append(h.coins, wallet.CoinRow{Wallet: 1, WalletAlias: "family_vault", WalletName: h.wallets[0].Name, OutPoint: wire.OutPoint{Hash: hashOf(byte(i)), Index: 1},
			Amount: max(amount, -amount), Address: testAddress, Label: words[i] + h.poison, Height: row.Height, Confirmations: row.Confirmations, Time: row.Time, Frozen: i == 3})
	}
	h.coins[4].ReservedBy = 7
	h.rows = append(h.rows, wallet.HistoryRow{Wallet: 1, WalletAlias: "family_vault", WalletName: "x", TxID: hashOf(99), State: wallet.Broken, Trouble: "The record is cut short." + h.poison})
	h.drafts[8] = wallet.Draft{ID: 8, Wallet: 1, Created: testTime, State: wallet.DraftBroken, Trouble: "The PSBT is cut short." + h.poison}
	h.drafts[9] = wallet.Draft{ID: 9, Wallet: 1, Created: testTime, State: wallet.Expired, Note: h.poison, Recipients: []wallet.Recipient{{Address: testAddress, Amount: 7}}, Need: 2}
	h.drafts[7] = wallet.Draft{ID: 7, Wallet: 1, Created: testTime, Changed: testTime, State: wallet.PartlySig, Note: "for the roof" + h.poison, PSBT: draftPSBT(3), TxID: hashOf(1),
		Recipients: []wallet.Recipient{{Address: testAddress, Amount: 40_000_000, Label: "carpenter" + h.poison}},
		Inputs:     []wallet.DraftInput{{OutPoint: wire.OutPoint{Hash: hashOf(4)}, Amount: 50_000_000, Address: testAddress, Label: h.poison}},
		Outputs:    []wallet.TxOutput{{Amount: 40_000_000, Address: testAddress}, {Amount: 9_999_000, Address: testAddress, Mine: true, Change: true}},
		Change:     9_999_000, Fee: 1000, FeeRate: 5_200, VSize: 192, Replaceable: true, Need: 2, Have: 1, Remarks: []wallet.Remark{{Args: []string{"The fee is high." + h.poison}}},
		Signers: []wallet.DraftSigner{{Cosigner: h.wallets[0].Cosigners[0], Signed: true}, {Cosigner: h.wallets[0].Cosigners[1]}, {Cosigner: h.wallets[0].Cosigners[2]}}}
}

// --- wallets

func (h *house) find(ref wallet.Ref) (*wallet.Record, error) {
	for i := range h.wallets {
		if w := &h.wallets[i]; w.Alias == ref.Alias && w.Owner == ref.Owner && w.Network == ref.Network {
			return w, nil
		}
	}
	return nil, errs.E(errs.NotFound, "there is no wallet %q", ref.Alias)
}

type wallets struct{ *house }

func (h wallets) List(_ context.Context, o wallet.Owner, n btc.Network) (out []wallet.Record, err error) {
	for _, w := range h.wallets {
		if w.Owner == o && w.Network == n {
			out = append(out, w)
		}
	}
	return out, nil
}
func (h wallets) Get(_ context.Context, ref wallet.Ref) (wallet.Record, error) {
	w, err := h.find(ref)
	if err != nil {
		return wallet.Record{}, err
	}
	return *w, nil
}
func (h wallets) Check(_ context.Context, _ wallet.Owner, _ btc.Network, w wallet.NewWallet) (wallet.Proposal, error) {
	if w.Name == "" {
		return wallet.Proposal{}, errs.E(errs.Invalid, "give the wallet a name")
	}
	if w.Descriptor != "" && !strings.Contains(w.Descriptor, "(") {
		return wallet.Proposal{}, errs.Bad(errs.Malformed, "%q is no descriptor", w.Descriptor)
	}
	p := wallet.Proposal{Name: w.Name, Descriptor: "wsh(…)", ScriptType: w.ScriptType, Threshold: w.Threshold, FirstAddress: testAddress, Warnings: []string{"An odd path." + h.poison}, Findings: h.setup.findings}
	for range w.Keys {
		p.Cosigners = append(p.Cosigners, h.wallets[0].Cosigners[0])
	}
	return p, nil
}
func (h wallets) Create(_ context.Context, o wallet.Owner, n btc.Network, w wallet.NewWallet) (wallet.Record, error) {
	h.made = w
	r := wallet.Record{ID: 9, Owner: o, Network: n, Alias: btc.Slug(w.Name), Name: w.Name, ScriptType: w.ScriptType, Threshold: w.Threshold}
	h.wallets = append(h.wallets, r)
	return r, nil
}
func (h wallets) Rename(_ context.Context, ref wallet.Ref, name string) error {
	w, err := h.find(ref)
	if err != nil {
		return err
	}
	if strings.TrimSpace(name) == "" {
		return errs.E(errs.Invalid, "give the wallet a name")
	}
	w.Name = name
	return nil
}
func (h wallets) Delete(_ context.Context, ref wallet.Ref) error {
	if _, err := h.find(ref); err != nil {
		return err
	}
	for i, w := range h.wallets {
		if w.Alias == ref.Alias {
			h.wallets = append(h.wallets[:i:i], h.wallets[i+1:]...)
		}
	}
	return nil
}
func (h wallets) Export(_ context.Context, ref wallet.Ref, format string) (wallet.File, error) {
	w, err := h.find(ref)
	if err != nil {
		return wallet.File{}, err
	}
	if format != "descriptor" && format != "specter" {
		return wallet.File{}, errs.E(errs.Invalid, "there is no export %q", format)
	}
	return wallet.File{Name: w.Name + ".txt", Type: "text/plain", Data: []byte(w.Descriptor)}, nil
}
func (h wallets) Addresses(_ context.Context, ref wallet.Ref, q wallet.Query) (wallet.AddressPage, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.AddressPage{}, err
	}
	return wallet.AddressPage{Rows: []wallet.AddressRow{h.address()}, Total: 1, Page: q.Page, Size: q.Size}, nil
}
func (h *house) address() wallet.AddressRow {
	return wallet.AddressRow{Index: 11, Address: testAddress, Label: h.labels[testAddress] + h.poison, Used: true, Coins: 2, Amount: 5000, Path: "m/48h/1h/0h/2h/0/11"}
}
func (h wallets) History(_ context.Context, ref wallet.Ref, q wallet.Query) (wallet.HistoryPage, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.HistoryPage{}, err
	}
	var out []wallet.HistoryRow
	for _, r := range h.rows {
		if ref.Alias == r.WalletAlias && strings.Contains(r.Label, q.Search) {
			out = append(out, r)
		}
	}
	total := len(out)
	from := min((q.Page-1)*q.Size, total)
	return wallet.HistoryPage{Rows: out[from:min(from+q.Size, total)], Total: total, Page: q.Page, Size: q.Size}, nil
}
func (h wallets) HistoryAll(ctx context.Context, o wallet.Owner, n btc.Network, q wallet.Query) (wallet.HistoryPage, error) {
	return h.History(ctx, wallet.Ref{Owner: o, Network: n, Alias: "family_vault"}, q)
}
func (h wallets) Transaction(_ context.Context, ref wallet.Ref, id chainhash.Hash) (wallet.TxDetail, error) {
	for _, r := range h.rows {
		if r.TxID == id && r.WalletAlias == ref.Alias {
			return wallet.TxDetail{HistoryRow: r, Raw: []byte{1, 2}, FeeRate: 1000, Inputs: []wallet.TxInput{{Amount: -1, Address: testAddress, Label: h.poison}},
				Outputs: []wallet.TxOutput{{Amount: 40_000_000, Address: testAddress, Mine: true, Label: h.poison}}}, nil
		}
	}
	return wallet.TxDetail{}, errs.E(errs.NotFound, "this wallet has no transaction %s", id)
}
func (h wallets) Coins(_ context.Context, ref wallet.Ref, q wallet.Query) (wallet.CoinPage, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.CoinPage{}, err
	}
	p := wallet.CoinPage{Page: q.Page, Size: q.Size}
	for _, c := range h.coins {
		if c.WalletAlias == ref.Alias {
			p.Rows, p.Total, p.Amount = append(p.Rows, c), p.Total+1, p.Amount+c.Amount
		}
	}
	return p, nil
}
func (h wallets) CoinsAll(ctx context.Context, o wallet.Owner, n btc.Network, q wallet.Query) (wallet.CoinPage, error) {
	return h.Coins(ctx, wallet.Ref{Owner: o, Network: n, Alias: "family_vault"}, q)
}
func (h wallets) ReceiveAddress(_ context.Context, ref wallet.Ref) (wallet.AddressRow, error) {
	if _, err := h.find(ref); err != nil {
		return wallet.AddressRow{}, err
	}
	return h.address(), nil
}
func (h wallets) NewAddress(ctx context.Context, ref wallet.Ref) (wallet.AddressRow, error) {
	return h.ReceiveAddress(ctx, ref)
}
func (h wallets) AddressInfo(_ context.Context, _ wallet.Ref, address string) (wallet.AddressRow, error) {
	if address != testAddress {
		return wallet.AddressRow{}, errs.E(errs.NotFound, "the address is not of this wallet")
	}
	return h.address(), nil
}
func (h wallets) SetLabel(_ context.Context, ref wallet.Ref, _ wallet.LabelKind, key, label string) error {
	if _, err := h.find(ref); err != nil {
		return err
	}
	h.labels[key] = label
	return nil
}
func (h wallets) Freeze(_ context.Context, ref wallet.Ref, coins []wire.OutPoint, frozen bool) error {
	if _, err := h.find(ref); err != nil {
		return err
	}
	for _, c := range coins {
		h.frozen[c] = frozen
	}
	return nil
}
func (h wallets) Preview(_ context.Context, _ wallet.Ref, r wallet.SpendRequest) (wallet.Preview, error) {
	h.asked = r
	if h.fail != nil {
		return wallet.Preview{}, h.fail
	}
	return wallet.Preview{Inputs: h.coins[:1], Recipients: r.Recipients, Change: 500, Fee: 141, FeeRate: 1000, VSize: 141, Remarks: h.send.remarks}, nil
}
func (h wallets) NewDraft(_ context.Context, _ wallet.Ref, r wallet.SpendRequest) (wallet.Draft, error) {
	h.asked = r
	h.send.made++
	return h.drafts[7], h.fail
}
func (h wallets) ImportPSBT(_ context.Context, _ wallet.Ref, data []byte) (wallet.Draft, error) {
	if !strings.HasPrefix(string(data), "cHNidP8") {
		return wallet.Draft{}, errs.Bad(errs.Malformed, "this is no PSBT: %s", data)
	}
	return h.drafts[7], nil
}
func (h wallets) Drafts(_ context.Context, ref wallet.Ref) (out []wallet.Draft, err error) {
	if ref.Alias == "family_vault" {
		for _, d := range h.drafts {
			out = append(out, d)
		}
		slices.SortFunc(out, func(a, b wallet.Draft) int { return int(b.ID - a.ID) })
	}
	return out, nil
}
func (h wallets) Draft(_ context.Context, _ wallet.Ref, id wallet.DraftID) (wallet.Draft, error) {
	d, ok := h.drafts[id]
	if !ok {
		return d, errs.E(errs.NotFound, "there is no draft %d", id)
	}
	return d, nil
}
func (h wallets) DeleteDraft(_ context.Context, _ wallet.Ref, id wallet.DraftID) error {
	delete(h.drafts, id)
	return nil
}
func (h wallets) AddSignatures(_ context.Context, _ wallet.Ref, id wallet.DraftID, data []byte) (wallet.Draft, error) {
	d := h.drafts[id]
	if string(data) != "good" {
		return d, errs.Bad(errs.Mismatch, "the PSBT %q is for another transaction", data)
	}
	d.Have, d.State = 2, wallet.Complete
	h.drafts[id] = d
	return d, nil
}
func (h wallets) SignHot(_ context.Context, _ wallet.Ref, id wallet.DraftID, dev int64, password string) (wallet.Draft, error) {
	d := h.drafts[id]
	if dev != 3 || password != "right" {
		return d, errs.E(errs.Denied, "the password is wrong")
	}
	d.Have, d.State = 2, wallet.Complete
	h.drafts[id] = d
	return d, nil
}
func (h wallets) BroadcastVia(_ context.Context, _ wallet.Ref, id wallet.DraftID, via string) (chainhash.Hash, error) {
	h.send.via = via
	d := h.drafts[id]
	if d.State != wallet.Complete {
		return chainhash.Hash{}, errs.E(errs.Invalid, "signatures are missing")
	}
	d.State = wallet.Broadcast
	h.drafts[id] = d
	return hashOf(1), nil
}
func (h wallets) SetNote(_ context.Context, _ wallet.Ref, id wallet.DraftID, note string) error {
	d := h.drafts[id]
	d.Note = note
	h.drafts[id] = d
	return nil
}
func (h wallets) Sync(context.Context, wallet.Ref) error                   { return h.fail }
func (h wallets) Repair(context.Context, wallet.Ref, chainhash.Hash) error { return h.fail }
func (h wallets) Rescan(_ context.Context, _ wallet.Ref, from int32) error {
	h.rescan = &from
	return h.fail
}
func (h wallets) AbortRescan(context.Context, wallet.Ref) error { return h.fail }
func (h wallets) Subscribe(wallet.Owner) (<-chan wallet.Event, func()) {
	return h.events, func() {}
}

// --- devices

type devices struct{ *house }

func (h devices) List(context.Context, string) ([]device.Device, error) { return h.devices, nil }
func (h devices) Get(_ context.Context, owner, alias string) (device.Device, error) {
	for _, d := range h.devices {
		if d.Alias == alias && d.Owner == owner {
			return d, nil
		}
	}
	return device.Device{}, errs.E(errs.NotFound, "there is no device %q", alias)
}
func (h devices) ParseKeys(data []byte) (device.Parsed, error) {
	return device.New(device.Config{}).ParseKeys(data)
}
func (h devices) Uses(_ context.Context, _ string, d device.Device) ([]string, error) {
	if d.Alias == "cold_a" {
		return []string{h.wallets[0].Name}, nil
	}
	return nil, nil
}
func (h devices) Create(_ context.Context, owner, name, typ string, keys []device.Key) (device.Device, error) {
	if btc.Slug(name) == "" {
		return device.Device{}, errs.E(errs.Invalid, "give the device a name")
	}
	d := device.Device{ID: 9, Owner: owner, Name: name, Alias: btc.Slug(name), Type: typ, Keys: keys}
	h.devices = append(h.devices, d)
	return d, nil
}
func (h devices) CreateHot(ctx context.Context, owner, name string, seed device.Seed) (device.Device, error) {
	d, err := h.Create(ctx, owner, name, "hot", nil)
	h.labels["seed"] = seed.Words + "|" + seed.Password
	return d, err
}
func (h devices) change(alias string, do func(*device.Device)) (device.Device, error) {
	for i := range h.devices {
		if h.devices[i].Alias == alias {
			do(&h.devices[i])
			return h.devices[i], nil
		}
	}
	return device.Device{}, errs.E(errs.NotFound, "there is no device %q", alias)
}
func (h devices) AddKeys(_ context.Context, _, alias string, keys []device.Key) (device.Device, error) {
	return h.change(alias, func(d *device.Device) { d.Keys = append(d.Keys, keys...) })
}
func (h devices) RemoveKey(_ context.Context, _, alias, xpub, _ string) (device.Device, error) {
	if alias == "cold_a" {
		return device.Device{}, errs.E(errs.Conflict, "this key is used by the wallet %q", h.wallets[0].Name)
	}
	return h.change(alias, func(d *device.Device) { d.Keys = d.Keys[1:] })
}
func (h devices) Rename(_ context.Context, _, alias, name string) (device.Device, error) {
	if name == "Cold A" {
		return device.Device{}, errs.E(errs.Conflict, "you have a device named %q already", name)
	}
	return h.change(alias, func(d *device.Device) { d.Name = name })
}
func (h devices) SetType(_ context.Context, _, alias, typ string) (device.Device, error) {
	return h.change(alias, func(d *device.Device) { d.Type = typ })
}
func (h devices) Forget(_ context.Context, _, alias string) error {
	_, err := h.change(alias, func(d *device.Device) { d.Alias = "gone" })
	return err
}

// --- nodes

type nodes struct{ *house }

func (h nodes) Status(context.Context) node.State { return h.state }
func (h nodes) Network(context.Context) (btc.Network, error) {
	if !h.state.Active {
		return 0, errs.E(errs.NotFound, "no node is connected yet")
	}
	return h.state.Node.Network, nil
}
func (h nodes) List(context.Context) ([]node.Node, error) { return h.nodes, nil }
func (h nodes) Get(_ context.Context, alias string) (node.Node, error) {
	for _, n := range h.nodes {
		if n.Alias == alias {
			return n, nil
		}
	}
	return node.Node{}, errs.E(errs.NotFound, "there is no node %q", alias)
}
func (h nodes) Detect(context.Context) []node.Candidate {
	return []node.Candidate{{Node: node.Node{Name: "Bitcoin Core", Kind: node.Core, Host: "127.0.0.1", Port: 8332, Password: node.NewSecret("cookie-secret")}, Source: "cookie", Works: true, Version: "Bitcoin Core 29.0.0" + h.poison},
		{Node: node.Node{Name: "Bitcoin Core", Host: "127.0.0.1"}, Source: "bitcoin.conf", Trouble: "It refuses the login." + h.poison}}
}
func (h nodes) Test(_ context.Context, n node.Node) node.Report {
	ok := n.Host == "127.0.0.1"
	return node.Report{OK: ok, SameNetwork: []string{"Other" + h.poison}, Steps: []node.Step{{Name: "address", Title: "Find the host", OK: true}, {Name: "port", Title: "Reach the port", OK: ok,
		Detail: "nobody answers at " + n.Host, Cure: "Start Bitcoin Core." + h.poison}, {Name: "login", Title: "Log in", Skipped: !ok, OK: ok}}}
}
func (h nodes) Connect(ctx context.Context, n node.Node) (node.Node, node.Report, error) {
	r := h.Test(ctx, n)
	if !r.OK {
		return n, r, errs.E(errs.Unavailable, "nobody answers there")
	}
	n, err := h.Save(ctx, n)
	return n, r, err
}
func (h nodes) Save(_ context.Context, n node.Node) (node.Node, error) {
	n.Alias = btc.Slug(n.Name)
	h.nodes = append(h.nodes, n)
	return n, nil
}
func (h nodes) Rename(ctx context.Context, alias, _ string) error { return h.Activate(ctx, alias) }
func (h nodes) Delete(ctx context.Context, alias string) error    { return h.Activate(ctx, alias) }
func (h nodes) Activate(ctx context.Context, alias string) error {
	_, err := h.Get(ctx, alias)
	return err
}

// --- settings and the demo

func (h *house) Setting(_ context.Context, owner, name string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.settings[owner+"/"+name], nil
}
func (h *house) PutSetting(_ context.Context, owner, name, value string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settings[owner+"/"+name] = value
	return nil
}
func (h *house) Settings(_ context.Context, owner string) (map[string]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string]string{}
	for k, v := range h.settings {
		if name, ok := strings.CutPrefix(k, owner+"/"); ok && v != "" {
			out[name] = v
		}
	}
	return out, nil
}
func (h *house) PutSettings(ctx context.Context, owner string, values map[string]string) error {
	for name, v := range values {
		if err := h.PutSetting(ctx, owner, name, v); err != nil {
			return err
		}
	}
	return nil
}
func (h *house) Faucet(_ context.Context, address string, amount btcutil.Amount) error {
	h.paid[address] += amount
	return nil
}
func (h *house) Mine(_ context.Context, n int) error {
	h.labels["mined"] = fmt.Sprint(n)
	return nil
}
