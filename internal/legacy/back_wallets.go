package legacy

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/wallet"
)

// wallets writes the wallets of all users and networks.
func (b *back) wallets() error {
	before := map[string]said{}
	err := b.facts.ImportedOf(b.ctx, "wallet", func(_, _, ref string, value []byte) error {
		var s said
		if json.Unmarshal(value, &s) == nil {
			before[ref] = s
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, u := range b.users {
		for _, n := range btc.Networks() {
			list, err := b.r.Wallets.List(b.ctx, wallet.Owner(u.ID), n)
			if err != nil {
				return err
			}
			for _, r := range list {
				if err := b.wallet(u, r, before[strconv.FormatInt(int64(r.ID), 10)]); err != nil {
					return fmt.Errorf("write the wallet %q: %w", shown(r.Name), err)
				}
			}
		}
	}
	return nil
}

func (b *back) wallet(u auth.User, r wallet.Record, before said) error {
	f, err := b.r.Wallets.Export(b.ctx, r.Ref(), "specter")
	var o object
	if err == nil {
		err = unmarshal(f.Data, &o, nil)
	}
	if err == nil {
		err = fits(r, o)
	}
	if err != nil {
		b.line("wallet", u.Name, r.Name, LeftOut, "%s", strings.TrimSuffix(shownText(err.Error()), "."))
		return nil
	}
	delete(o, "labels")
	file := path.Join(b.folder("wallets", u.ID), r.Network.CoreName(), r.Alias)
	if err := b.signers(u, r, o); err != nil {
		return err
	}
	labels, frozen, err := b.r.Wallets.Words(b.ctx, r.Ref())
	if err != nil {
		return err
	}
	coins := []string{}
	for _, op := range frozen {
		coins = append(coins, op.String())
	}
	o.put("frozen_utxo", coins)
	pending, err := b.pending(r)
	if err != nil {
		return err
	}
	o.put("pending_psbts", pending)
	if before.Height > 0 {
		o.put("blockheight", before.Height)
	}
	o.put("last_block", nil)
	if r.Tip.Hash != [32]byte{} {
		o.put("last_block", r.Tip.Hash.String())
	} else if before.Block != "" {
		o.put("last_block", before.Block)
	}
	if err := b.json(file+".json", o); err != nil {
		return err
	}
	other, err := b.addressTable(r, file, labels)
	if err != nil {
		return err
	}
	txs, err := b.txTable(r, file)
	if err != nil {
		return err
	}
	b.tellWallet(u, r, txs, len(labels)-other, other, len(coins), len(pending))
	return nil
}

func (b *back) tellWallet(u auth.User, r wallet.Record, txs, labels, other, frozen, pending int) {
	parts := []string{r.Network.String() + ": " + plural(txs, "transaction", "transactions"), plural(labels, "label", "labels"),
		plural(frozen, "frozen coin", "frozen coins"), plural(pending, "pending payment", "pending payments")}
	if other > 0 {
		parts = append(parts, plural(other, "label stands", "labels stand")+" on transactions, outputs or keys, where the old program has none")
	}
	if want := "specter" + b.uid + "/" + r.Alias; r.NodeName != want {
		parts = append(parts, "the old program makes a wallet of its own inside the node, and has to look through old blocks")
	}
	b.line("wallet", u.Name, r.Name, Written, "%s", strings.Join(parts, ", "))
}

// fits refuses what the old program cannot open: it knows single keys and one multisig of them.
func fits(r wallet.Record, o object) error {
	recv, _, _ := strings.Cut(o.text("recv_descriptor"), "#")
	change, _, _ := strings.Cut(o.text("change_descriptor"), "#")
	if strings.ReplaceAll(recv, "/0/*", "/1/*") != change || !strings.Contains(recv, "/0/*") {
		return errors.New("the old program needs receive addresses below /0/* and change below /1/*")
	}
	inner := recv
	for _, wrap := range []string{"sh(", "wsh(", "wpkh(", "pkh(", "tr("} {
		inner = strings.TrimPrefix(inner, wrap)
	}
	single := len(r.Cosigners) == 1 && !strings.ContainsAny(inner, ",{") && strings.Count(inner, "(") == 0
	multi := strings.HasPrefix(inner, "sortedmulti(") || strings.HasPrefix(inner, "multi(")
	if !single && (!multi || strings.Count(inner, "(") != 1 || r.ScriptType == "tr") {
		return errors.New("the old program knows single keys and plain multisig alone; it cannot open this wallet")
	}
	return nil
}

// signers writes the wallet's keys and devices. A key without a device gets one, without which the
// old program would not open the wallet.
func (b *back) signers(u auth.User, r wallet.Record, o object) error {
	list, err := b.r.Devices.List(b.ctx, u.ID)
	if err != nil {
		return err
	}
	keys, aliases := []object{}, []string{}
	written, _ := o.objects("keys")
	for i, c := range r.Cosigners {
		at := slices.IndexFunc(list, func(d device.Device) bool { return d.ID == c.DeviceID && c.DeviceID != 0 })
		if at < 0 {
			at = slices.IndexFunc(list, func(d device.Device) bool {
				return slices.ContainsFunc(d.Keys, func(k device.Key) bool { return k.XPub == c.XPub })
			})
		}
		if at < 0 {
			k := device.Key{Original: c.XPub, Fingerprint: c.Fingerprint, Path: c.Path, HasOrigin: !c.Fingerprint.IsZero(), XPub: c.XPub, ScriptType: r.ScriptType}
			alias, err := b.stray(u, c, k, list)
			if err != nil {
				return err
			}
			keys, aliases = append(keys, keyObject(k)), append(aliases, alias)
			continue
		}
		d := list[at]
		key := written[i]
		if j := slices.IndexFunc(d.Keys, func(k device.Key) bool { return k.XPub == c.XPub }); j >= 0 {
			k := d.Keys[j]
			if typed := slices.IndexFunc(d.Keys, func(k device.Key) bool { return k.XPub == c.XPub && k.ScriptType == r.ScriptType }); typed >= 0 {
				k = d.Keys[typed]
			}
			key = keyObject(k)
		}
		keys, aliases = append(keys, key), append(aliases, d.Alias)
	}
	o.put("keys", keys)
	o.put("devices", aliases)
	return nil
}

// stray writes a device for a key that nobody's device has.
func (b *back) stray(u auth.User, c wallet.Cosigner, k device.Key, list []device.Device) (string, error) {
	name := c.Called
	if name == "" {
		name = "Key " + c.Fingerprint.String()
	}
	base := btc.Slug(name)
	if base == "" || len(base) > 60 {
		base = "key"
	}
	alias := base
	for i := 2; b.has(path.Join(b.folder("devices", u.ID), alias+".json")) ||
		slices.ContainsFunc(list, func(d device.Device) bool { return d.Alias == alias }); i++ {
		alias = fmt.Sprintf("%s_%d", base, i)
	}
	if alias != base {
		name += " (" + alias + ")" // two of one name hide each other there
	}
	b.line("device", u.Name, name, Written, "made for a key of a wallet that no device here has")
	return alias, b.device(u.ID, alias, name, "other", []device.Key{k})
}

// pending are the drafts that wait for signatures, by their txid.
func (b *back) pending(r wallet.Record) (map[string]object, error) {
	out := map[string]object{}
	list, err := b.r.Wallets.Drafts(b.ctx, r.Ref())
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		if d.State == wallet.Broadcast || len(d.PSBT) == 0 || d.Trouble != "" {
			continue
		}
		o := object{}
		o.put("base64", base64.StdEncoding.EncodeToString(d.PSBT))
		o.put("time", float64(d.Created.UnixMilli())/1000)
		o.put("tx", map[string]string{"txid": d.TxID.String()})
		o.put("sigs_count", d.Have)
		o.put("fee_sat", int64(d.Fee))
		out[d.TxID.String()] = o
	}
	return out, nil
}

// tableAt is how many rows are read at once.
const tableAt = 1000

// table opens a CSV file with its head.
func (b *back) table(name string, head ...string) (*csv.Writer, func() error, error) {
	f, err := b.create(name)
	if err != nil {
		return nil, nil, err
	}
	w := csv.NewWriter(f)
	w.UseCRLF = true
	if err := w.Write(head); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return w, func() error {
		w.Flush()
		return errors.Join(w.Error(), f.Close())
	}, nil
}

// addressTable writes the addresses with their labels. other counts the labels that stand on
// other things.
func (b *back) addressTable(r wallet.Record, file string, labels []wallet.Label) (other int, err error) {
	words := map[string]string{}
	for _, l := range labels {
		if l.Kind != wallet.LabelAddress {
			other++
			continue
		}
		words[l.Key] = l.Label
	}
	services := b.serviceIDs(file + "_addr.csv")
	w, done, err := b.table(file+"_addr.csv", "address", "index", "change", "label", "used", "service_id")
	if err != nil {
		return 0, err
	}
	flag := map[uint32]string{0: "False", 1: "True"}
	for branch := uint32(0); branch < 2; branch++ {
		for from := uint32(0); ; {
			rows, err := b.facts.AddressesFrom(b.ctx, r.ID, branch, from, tableAt)
			if err != nil {
				return 0, errors.Join(err, done())
			}
			for _, a := range rows {
				used := ""
				if a.Used {
					used = "True"
				}
				if err := w.Write([]string{a.Address, strconv.Itoa(int(a.Index)), flag[branch], words[a.Address], used, services[a.Address]}); err != nil {
					return 0, errors.Join(err, done())
				}
				delete(words, a.Address)
			}
			if len(rows) < tableAt {
				break
			}
			from = rows[len(rows)-1].Index + 1
		}
	}
	for _, address := range sortedKeys(words) { // other people's
		if err := w.Write([]string{address, "", "", words[address], "", services[address]}); err != nil {
			return 0, errors.Join(err, done())
		}
	}
	return other, done()
}

// serviceIDs reads which addresses services had, from the table that was kept.
func (b *back) serviceIDs(name string) map[string]string {
	out := map[string]string{}
	raw := b.kept[name]
	if raw == nil {
		return out
	}
	s := &Source{files: map[string]file{name: {int64(len(raw)), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(raw))), nil }}}}
	_ = s.table(name, func(r row) error { // what breaks off was told when it was taken over
		if id := r.text("service_id"); id != "" {
			out[strings.Clone(r.text("address"))] = strings.Clone(id)
		}
		return nil
	})
	delete(b.kept, name)
	return out
}

// txTable writes the cached transactions, so that the old program shows them at once.
func (b *back) txTable(r wallet.Record, file string) (n int, err error) {
	ids := []wallet.ID{r.ID}
	rows, err := b.facts.HistoryRows(b.ctx, ids, wallet.Page{})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	w, done, err := b.table(file+"_txs.csv", "txid", "fee", "blockhash", "blockheight", "time", "blocktime", "bip125-replaceable", "conflicts",
		"vsize", "address", "category", "flow_amount", "utxo_amount", "ismine")
	if err != nil {
		return 0, err
	}
	for len(rows) > 0 {
		part := rows[:min(len(rows), tableAt)]
		rows = rows[len(part):]
		list, err := b.facts.HistoryAt(b.ctx, ids, part)
		if err != nil {
			return n, errors.Join(err, done())
		}
		for _, h := range list {
			if h.State != wallet.Confirmed && h.State != wallet.Pending {
				continue // the node tells of others, should they come back
			}
			raw, err := b.facts.RawTx(b.ctx, r.ID, h.TxID)
			if err == nil {
				err = b.file(file+"_txs_raw/"+h.TxID.String()+".bin", raw)
			}
			if err == nil {
				err = w.Write(txFields(h))
			}
			if err != nil {
				return n, errors.Join(err, done())
			}
			n++
		}
	}
	return n, done()
}

// txFields is a row as the old program writes it: empty is "not known", and so are fee and size of
// what was received.
func txFields(h wallet.HistoryRow) []string {
	block, height, at := "", "", ""
	time := strconv.FormatInt(h.Time.Unix(), 10)
	if h.Height > 0 {
		block, height, at = h.BlockHash.String(), strconv.Itoa(int(h.Height)), time
	}
	size, replaceable := "", "no"
	if h.Category != wallet.Receive {
		size = strconv.FormatInt(int64(h.VSize), 10)
	}
	if h.Replaceable {
		replaceable = "yes"
	}
	amount := strconv.FormatFloat(h.Amount.ToBTC(), 'f', -1, 64)
	if !strings.Contains(amount, ".") {
		amount += ".0"
	}
	return []string{h.TxID.String(), "", block, height, time, at, replaceable, "[]", size, h.Address, string(h.Category), amount, "", "True"}
}
