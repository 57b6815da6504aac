package legacy

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/psbt"
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
	o, err := b.export(u, r)
	if o == nil {
		return err
	}
	delete(o, "labels")
	folder := path.Join(b.folder("wallets", u.ID), r.Network.CoreName())
	alias := b.oldAlias("wallet", u.ID, int64(r.ID), folder, r.Alias)
	file := path.Join(folder, alias)
	wrote := b.wrote(file + ".json")
	o.put("alias", alias)
	labels, frozen, err := b.r.Wallets.Words(b.ctx, r.Ref())
	if err != nil {
		return err
	}
	coins := frozenAsWritten(wrote.Raw.outpoints("frozen_utxo"), frozen)
	o.put("frozen_utxo", coins)
	pending, err := b.pending(r, wrote.Raw.object("pending_psbts"), before.Drafts)
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
	if err := b.json(file+".json", walletAsWritten(wrote, o, len(r.Cosigners)).Raw); err != nil {
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
	b.tellWallet(u, r, alias, txs, len(labels)-other, other, len(coins), len(pending))
	return nil
}

// export is a wallet in its export form, with its keys and devices; nil where the old program cannot
// have it, which is told.
func (b *back) export(u auth.User, r wallet.Record) (object, error) {
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
		return nil, nil
	}
	return o, b.signers(u, r, o)
}

// fixed are the fields of a wallet that never change, however they are written.
var fixed = []string{"description", "address_type", "recv_descriptor", "change_descriptor", "sigs_required", "blockheight"}

// walletAsWritten lays what a wallet is here over what the old program wrote of it.
func walletAsWritten(w written, now object, keys int) written {
	for _, key := range fixed {
		if w.Raw.has(key) {
			delete(now, key)
		}
	}
	if was, ok := w.Raw.objects("keys"); ok && len(was) == keys && !slices.ContainsFunc(was, func(k object) bool { return k.text("original") == "" }) {
		delete(now, "keys")
	}
	for _, key := range sortedKeys(now) {
		w.put(key, now[key])
	}
	return w
}

// frozenAsWritten are the frozen coins in the order in which the old program had them.
func frozenAsWritten(before []string, frozen []wire.OutPoint) []string {
	coins, left := []string{}, map[string]bool{}
	for _, op := range frozen {
		left[op.String()] = true
	}
	for _, text := range before {
		if text = strings.ToLower(text); left[text] {
			coins = append(coins, text)
			delete(left, text)
		}
	}
	return append(coins, sortedKeys(left)...)
}

func (b *back) tellWallet(u auth.User, r wallet.Record, alias string, txs, labels, other, frozen, pending int) {
	parts := []string{r.Network.String() + ": " + plural(txs, "transaction", "transactions"), plural(labels, "label", "labels"),
		plural(frozen, "frozen coin", "frozen coins"), plural(pending, "pending payment", "pending payments")}
	if other > 0 {
		parts = append(parts, plural(other, "label stands", "labels stand")+" on transactions, outputs or keys, where the old program has none")
	}
	if want := "specter" + b.uid + "/" + alias; r.NodeName != want {
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
			holds := func(d device.Device) bool {
				return slices.ContainsFunc(d.Keys, func(k device.Key) bool { return k.XPub == c.XPub })
			}
			if at = slices.IndexFunc(list, func(d device.Device) bool { return d.Name == c.Called && holds(d) }); at < 0 {
				at = slices.IndexFunc(list, holds)
			}
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
		keys, aliases = append(keys, key), append(aliases, b.aliases["device "+strconv.FormatInt(d.ID, 10)])
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

// samePSBT reports whether a PSBT as the old program wrote it is the one that is here: one that
// everybody has signed is stored here in its final form.
func samePSBT(text string, here []byte) bool {
	p, err := psbt.Decode(text)
	if err != nil {
		return false
	}
	if raw, err := p.Serialize(); err == nil && bytes.Equal(raw, here) {
		return true
	}
	if p.Finalize() != nil {
		return false
	}
	raw, err := p.Serialize()
	return err == nil && bytes.Equal(raw, here)
}

// finalTx is the signed transaction of a PSBT that everybody has signed, else nil.
func finalTx(text []byte) []byte {
	p, err := psbt.Parse(text)
	if err != nil || p.Finalize() != nil {
		return nil
	}
	tx, err := p.Extract()
	if err != nil {
		return nil
	}
	return psbt.SerializeTx(tx)
}

// pending are the drafts that wait for signatures, by their txid. One that is as the old program
// had it stands as it wrote it, and so does one that could not be taken over.
func (b *back) pending(r wallet.Record, before object, taken []string) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for id := range before {
		txid, err := chainhash.NewHashFromStr(id)
		if slices.Contains(taken, id) || err != nil {
			continue
		}
		if _, err := b.facts.RawTx(b.ctx, r.ID, *txid); err != nil { // else it was sent
			out[id] = before[id]
		}
	}
	list, err := b.r.Wallets.Drafts(b.ctx, r.Ref())
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		if d.State == wallet.Broadcast || len(d.PSBT) == 0 || d.Trouble != "" {
			continue
		}
		id := d.TxID.String()
		if p, err := psbt.Parse(d.PSBT); err == nil { // its name there is that of the unsigned transaction
			if tx, err := p.UnsignedTx(); err == nil {
				id = tx.TxHash().String()
			}
		}
		if samePSBT(before.object(id).text("base64"), d.PSBT) {
			out[id] = before[id]
			continue
		}
		o := object{}
		o.put("base64", base64.StdEncoding.EncodeToString(d.PSBT))
		o.put("time", float64(d.Created.UnixMilli())/1000)
		o.put("tx", map[string]string{"txid": id})
		o.put("sigs_count", d.Have)
		o.put("fee_sat", int64(d.Fee))
		if raw := finalTx(d.PSBT); raw != nil {
			o.put("raw", hex.EncodeToString(raw)) // by which the old program knows that it can be sent
		}
		out[id] = marshal(o)
	}
	return out, nil
}
