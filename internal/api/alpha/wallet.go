package alpha

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/auth"
	"specter/internal/btc/descriptor"
	"specter/internal/wallet"
)

// getWallet answers all that is known of a wallet, in the old Specter's shape: the wallet object
// under its alias, its transactions, its coins that can be spent.
func (s *Server) getWallet(w http.ResponseWriter, r *http.Request, c call) error {
	ref, rec, err := s.ref(r, c, auth.Read)
	if err != nil {
		return err
	}
	drafts, err := s.c.Wallets.Drafts(r.Context(), ref)
	if err != nil {
		return err
	}
	a := &walletAnswer{rec: rec, drafts: pending(drafts), object: s.spool(), txlist: s.spool(), utxo: s.spool()}
	if c.IsOwner() {
		a.fullpath = s.c.DataDir
	}
	defer a.object.close()
	defer a.txlist.close()
	defer a.utxo.close()
	err = s.aside(r.Context(), func() error {
		return s.c.Wallets.Walk(r.Context(), ref, a.write)
	})
	if err != nil {
		return err
	}
	return send(w, a.object, a.txlist, a.utxo)
}

// walletAnswer is written in three parts at once, so that every row is read once.
type walletAnswer struct {
	rec      wallet.Record // with devices and the scan
	drafts   []wallet.Draft
	fullpath string

	object, txlist, utxo *spool

	address   [2]string // that is shown next, of receive and change
	addresses [2]int    // how many are known
	frozen    []string
	trusted   btcutil.Amount
	untrusted btcutil.Amount
	b         []byte
}

// write fills the parts from the wallet's rows at one moment.
func (a *walletAnswer) write(k wallet.Walk) error {
	records := k.Records()
	if len(records) != 1 {
		return refuse(http.StatusForbidden, foreign) // deleted a moment ago
	}
	now := records[0]
	now.Cosigners, now.Scan, now.SyncedAt = a.rec.Cosigners, a.rec.Scan, a.rec.SyncedAt
	a.rec = now
	a.object.text("{")
	a.member(a.rec.Alias, "{")
	for _, part := range []func(wallet.Walk) error{a.writeAddresses, a.writeCoins, a.writeTxs} {
		if err := part(k); err != nil {
			return err
		}
	}
	return a.writeWords()
}

// member begins a member of an object.
func (a *walletAnswer) member(name, begin string) {
	a.b = append(append(appendText(a.b[:0], name), ':'), begin...)
	_, _ = a.object.Write(a.b)
}

func (a *walletAnswer) writeAddresses(k wallet.Walk) error {
	a.member("_addresses", "{")
	first := true
	for branch := range uint32(2) {
		current := uint32(shown(a.rec, int(branch)))
		err := k.EachAddress(branch, func(r wallet.AddressRow) error {
			if a.addresses[branch]++; r.Index == current || a.address[branch] == "" {
				a.address[branch] = r.Address
			}
			b := a.b[:0]
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(appendText(b, r.Address), `:{"address":`...)
			b = append(appendText(b, r.Address), `,"index":`...)
			b = append(strconv.AppendUint(b, uint64(r.Index), 10), `,"change":`...)
			b = append(strconv.AppendBool(b, branch == 1), `,"label":`...)
			b = append(appendText(b, r.Label), `,"used":`...)
			b = append(strconv.AppendBool(b, r.Used), `,"service_id":null}`...)
			a.b = b
			_, err := a.object.Write(b)
			return err
		})
		if err != nil {
			return err
		}
	}
	a.object.text("},")
	return nil
}

// shown is the index of the address that the wallet shows on a branch: the last that was
// handed out, or the first that was never used.
func shown(r wallet.Record, branch int) int64 {
	return max(int64(r.Next[branch])-1, r.Used[branch]+1, 0)
}

func (a *walletAnswer) writeCoins(k wallet.Walk) error {
	a.member("_full_utxo", "[")
	a.utxo.text(`,"scan":` + scanOf(a.rec) + `,"address_index":` + strconv.FormatInt(shown(a.rec, 0), 10) + `,"utxo":[`)
	full, free := 0, 0
	err := k.EachCoin(func(c wallet.CoinRow, t wallet.WalkTx) error {
		locked := c.Frozen || c.ReservedBy != 0
		a.count(c, t)
		b := appendCoin(a.b[:0], &c, &t, a.rec.Tip.Height, locked)
		a.b = b
		if full++; full > 1 {
			a.object.text(",")
		}
		if _, err := a.object.Write(b); err != nil || locked {
			return err
		}
		if free++; free > 1 {
			a.utxo.text(",")
		}
		_, err := a.utxo.Write(b)
		return err
	})
	a.object.text("],")
	a.utxo.text("]}\n")
	return err
}

// count adds a coin to the balance as Bitcoin Core reckons: change of our own payments is
// trusted before it confirms.
func (a *walletAnswer) count(c wallet.CoinRow, t wallet.WalkTx) {
	if c.Frozen {
		a.frozen = append(a.frozen, c.OutPoint.String())
	}
	switch {
	case c.Immature:
	case c.Height > 0 || t.Category == wallet.Send || t.Category == wallet.SelfTransfer:
		a.trusted += c.Amount
	default:
		a.untrusted += c.Amount
	}
}

// appendCoin writes a utxo: its transaction's record, and what is the coin's own.
func appendCoin(b []byte, c *wallet.CoinRow, t *wallet.WalkTx, tip int32, locked bool) []byte {
	own := *t
	own.Address, own.Label = c.Address, c.Label
	b = appendRecord(b, &own, tip)
	b = strconv.AppendUint(append(b, `,"vout":`...), uint64(c.OutPoint.Index), 10)
	b = appendCoins(append(b, `,"amount":`...), c.Amount)
	b = strconv.AppendBool(append(b, `,"locked":`...), locked)
	return append(b, '}')
}

// writeTxs writes every transaction to both places that tell of it.
func (a *walletAnswer) writeTxs(k wallet.Walk) error {
	a.member("_transactions", "{")
	a.txlist.text(`,"txlist":[`)
	n := 0
	err := k.EachTx(func(t wallet.WalkTx) error {
		b := a.b[:0]
		if n++; n > 1 {
			b = append(b, ',')
			a.txlist.text(",")
		}
		b = appendHash(append(b, '"'), &t.TxID)
		b = append(b, `":`...)
		begin := len(b)
		b = append(appendRecord(b, &t, a.rec.Tip.Height), '}')
		a.b = b
		if _, err := a.object.Write(b); err != nil {
			return err
		}
		_, err := a.txlist.Write(b[begin:])
		return err
	})
	a.object.text("},")
	a.txlist.text("]")
	return err
}

// words are the members of the wallet object that do not grow with the wallet.
type words struct {
	Name             string            `json:"name"`
	Alias            string            `json:"alias"`
	Description      string            `json:"description"`
	AddressType      string            `json:"address_type"`
	Address          string            `json:"address"`
	AddressIndex     int64             `json:"address_index"`
	ChangeAddress    string            `json:"change_address"`
	ChangeIndex      int64             `json:"change_index"`
	Keypool          int               `json:"keypool"`
	ChangeKeypool    int               `json:"change_keypool"`
	RecvDescriptor   string            `json:"recv_descriptor"`
	ChangeDescriptor string            `json:"change_descriptor"`
	Descriptor       string            `json:"descriptor"`
	Keys             []string          `json:"keys"`
	Devices          []string          `json:"_devices"`
	Threshold        int               `json:"sigs_required"`
	BlockHeight      int32             `json:"blockheight"`
	PSBTs            map[string]string `json:"pending_psbts"`
	Frozen           []string          `json:"frozen_utxo"`
	LastBlock        *string           `json:"last_block"`
	Path             string            `json:"fullpath"`
	Network          string            `json:"network"`
	Balance          balance           `json:"balance"`
	Info             walletInfo        `json:"info"`
	RPC              string            `json:"_rpc"`
	Manager          string            `json:"manager"`
	ManagerRPC       string            `json:"manager_rpc"`
	DeviceManager    string            `json:"device_manager"`
}

// balance is Bitcoin Core's.
type balance struct {
	Trusted   json.RawMessage `json:"trusted"`
	Untrusted json.RawMessage `json:"untrusted_pending"`
	Immature  json.RawMessage `json:"immature"`
}

// walletInfo is what getwalletinfo answers, from our own rows.
type walletInfo struct {
	Name        string          `json:"walletname"`
	Version     int             `json:"walletversion"`
	Format      string          `json:"format"`
	Balance     json.RawMessage `json:"balance"`
	Unconfirmed json.RawMessage `json:"unconfirmed_balance"`
	Immature    json.RawMessage `json:"immature_balance"`
	TxCount     int             `json:"txcount"`
	Keypool     int             `json:"keypoolsize"`
	KeypoolHD   int             `json:"keypoolsize_hd_internal"`
	PayTxFee    json.RawMessage `json:"paytxfee"`
	PrivateKeys bool            `json:"private_keys_enabled"`
	AvoidReuse  bool            `json:"avoid_reuse"`
	Scanning    json.RawMessage `json:"scanning"`
	Descriptors bool            `json:"descriptors"`
	External    bool            `json:"external_signer"`
	Blank       bool            `json:"blank"`
	Birthtime   int64           `json:"birthtime"`
	Processed   *processed      `json:"lastprocessedblock,omitempty"`
}

type processed struct {
	Hash   string `json:"hash"`
	Height int32  `json:"height"`
}

// walletVersion is the format of all of Bitcoin Core's wallets since 0.17.
const walletVersion = 169900

// writeWords ends the wallet object.
func (a *walletAnswer) writeWords() error {
	r := a.rec
	v := words{
		Name: r.Name, Alias: r.Alias, Description: describe(r), Address: a.address[0], AddressIndex: shown(r, 0),
		ChangeAddress: a.address[1], ChangeIndex: shown(r, 1), Keypool: a.addresses[0], ChangeKeypool: a.addresses[1], Descriptor: r.Descriptor,
		Keys: []string{}, Devices: []string{}, Threshold: max(r.Threshold, 1), PSBTs: map[string]string{}, Frozen: []string{},
		Path: a.fullpath, Network: r.Network.CoreName(), RPC: "BitcoinRPC", Manager: "WalletManager", ManagerRPC: "BitcoinRPC", DeviceManager: "DeviceManager",
		Balance: balance{coins(a.trusted), coins(a.untrusted), coins(r.Balance.Immature)}, Info: a.info(),
	}
	v.Frozen = append(v.Frozen, a.frozen...)
	for _, c := range r.Cosigners {
		v.Keys = append(v.Keys, "Key")
		if c.DeviceAlias != "" {
			v.Devices = append(v.Devices, c.DeviceAlias)
		}
	}
	for _, d := range a.drafts {
		v.PSBTs[d.TxID.String()] = "SpecterPSBT"
	}
	if !r.Tip.Time.IsZero() {
		hash := r.Tip.Hash.String()
		v.LastBlock = &hash
	}
	v.describe(r)
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write a wallet: %w", err)
	}
	_, err = a.object.Write(append(b[1:len(b)-1], '}')) // the members alone: the object has begun
	return err
}

// describe tells the descriptors of the two branches; a wallet whose descriptor cannot be read
// has none.
func (v *words) describe(r wallet.Record) {
	d, err := descriptor.Parse(r.Descriptor, descriptor.Options{Network: &r.Network})
	if err != nil {
		return
	}
	v.AddressType = d.OutputType()
	if receive, err := d.Branch(0); err == nil {
		v.RecvDescriptor = receive.String()
	}
	if d.Branches() > 1 {
		if change, err := d.Branch(1); err == nil {
			v.ChangeDescriptor = change.String()
		}
		return
	}
	// a wallet with one branch takes its change where it receives
	v.ChangeDescriptor, v.ChangeAddress, v.ChangeIndex, v.ChangeKeypool = v.RecvDescriptor, v.Address, v.AddressIndex, v.Keypool
}

func (a *walletAnswer) info() walletInfo {
	r := a.rec
	i := walletInfo{
		Name: r.NodeName, Version: walletVersion, Format: "sqlite", Balance: coins(a.trusted), Unconfirmed: coins(a.untrusted), Immature: coins(r.Balance.Immature),
		TxCount: r.TxCount, Keypool: a.addresses[0], KeypoolHD: a.addresses[1], PayTxFee: coins(0), Scanning: json.RawMessage("false"), Descriptors: true,
	}
	if !r.Birthday.IsZero() {
		i.Birthtime = r.Birthday.Unix()
	}
	if r.Scan != nil && r.Scan.Running {
		i.Scanning = json.RawMessage(`{"duration":0,"progress":` + fraction(r.Scan.Progress) + `}`)
	}
	if !r.Tip.Time.IsZero() {
		i.Processed = &processed{r.Tip.Hash.String(), r.Tip.Height}
	}
	return i
}

// scanOf is how far a scan is, as JSON.
func scanOf(r wallet.Record) string {
	if r.Scan == nil || !r.Scan.Running {
		return "null"
	}
	return fraction(r.Scan.Progress)
}

func fraction(f float64) string {
	if !(f >= 0 && f <= 1) { // not a number is neither
		f = 0
	}
	return strconv.FormatFloat(f, 'f', 4, 64)
}

// describe names a wallet's kind as the old Specter does.
func describe(r wallet.Record) string {
	kind := map[string]string{"wpkh": "Segwit", "sh-wpkh": "Nested", "tr": "Taproot", "pkh": "Legacy", "wsh": "Segwit", "sh-wsh": "Nested", "sh": "Legacy"}[r.ScriptType]
	if kind == "" {
		kind = "Custom"
	}
	if r.Multisig() {
		return fmt.Sprintf("%d of %d Multisig (%s)", r.Threshold, len(r.Cosigners), kind)
	}
	return "Single (" + kind + ")"
}

// names lists the names of wallets with their aliases.
func names(list []wallet.Record) (all []string, aliases []string, byAlias, byName map[string]string) {
	all, aliases, byAlias, byName = []string{}, []string{}, map[string]string{}, map[string]string{}
	for _, r := range list {
		all, aliases = append(all, r.Name), append(aliases, r.Alias)
		byAlias[r.Alias], byName[r.Name] = r.Name, r.Alias
	}
	return all, aliases, byAlias, byName
}
