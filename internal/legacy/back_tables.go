package legacy

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"

	"specter/internal/btc/txgraph"
	"specter/internal/wallet"
)

// tableAt is how many rows are read at once.
const tableAt = 1000

// The columns of the old program's tables.
var (
	addressColumns = []string{"address", "index", "change", "label", "used", "service_id"}
	txColumns      = []string{"txid", "fee", "blockhash", "blockheight", "time", "blocktime", "bip125-replaceable", "conflicts",
		"vsize", "address", "category", "flow_amount", "utxo_amount", "ismine"}
)

// sheet is a table that is written, as Python writes it: quotes where they are needed, and lines
// within quotes as they are.
type sheet struct {
	f io.WriteCloser
	w *bufio.Writer
}

// table opens a table with its head.
func (b *back) table(name string, head []string) (*sheet, error) {
	f, err := b.create(name)
	if err != nil {
		return nil, err
	}
	s := &sheet{f, bufio.NewWriter(f)}
	return s, s.write(head)
}

func (s *sheet) write(fields []string) error {
	for i, f := range fields {
		if strings.ContainsAny(f, ",\"\r\n") || f == "" && len(fields) == 1 {
			f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
		}
		if i > 0 {
			f = "," + f
		}
		if _, err := s.w.WriteString(f); err != nil {
			return err
		}
	}
	_, err := s.w.WriteString("\r\n")
	return err
}

// done closes the table after an error or none.
func (s *sheet) done(err error) error {
	return errors.Join(err, s.w.Flush(), s.f.Close())
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
	s, err := b.table(file+"_addr.csv", addressColumns)
	if err != nil {
		return 0, err
	}
	t := addressSheet{s: s, r: r, words: words, wrote: b.wroteRows(file+"_addr.csv", "address"), services: b.serviceIDs(file + "_addr.csv")}
	for branch := uint32(0); err == nil && branch < 2; branch++ {
		for from := uint32(0); err == nil; {
			var rows []wallet.AddressRow
			if rows, err = b.facts.AddressesFrom(b.ctx, r.ID, branch, from, tableAt); err != nil {
				break
			}
			for _, a := range rows {
				if err = t.own(a); err != nil {
					break
				}
			}
			if len(rows) < tableAt {
				break
			}
			from = rows[len(rows)-1].Index + 1
		}
	}
	if err == nil {
		err = t.others()
	}
	return other, s.done(err)
}

// addressSheet writes a table of addresses over what the old program had there.
type addressSheet struct {
	s        *sheet
	r        wallet.Record
	words    map[string]string // labels that are not written yet
	wrote    map[string]row    // rows that are not written yet
	services map[string]string
}

// own writes an address of the wallet.
func (t *addressSheet) own(a wallet.AddressRow) error {
	was := t.wrote[a.Address]
	used := ""
	if a.Used {
		used = "True"
	} else if !was.yes("used") {
		used = was.text("used")
	}
	if usual := usualLabel(txgraph.Place{Branch: a.Branch, Index: a.Index}); t.words[a.Address] == "" && was.text("label") == usual {
		t.words[a.Address] = usual
	}
	change := "False"
	if a.Branch == 1 {
		change = "True"
	}
	return t.write(a.Address, strconv.Itoa(int(a.Index)), change, used)
}

// write writes a row with the label that holds here. It stays as it was written there, where ours
// is the same without line breaks, or where nobody can have one here.
func (t *addressSheet) write(address, index, change, used string) error {
	was, label := t.wrote[address], t.words[address]
	if text := was.text("label"); text != label {
		clean, err := wallet.CleanLabelOf(t.r.Network, wallet.Label{Kind: wallet.LabelAddress, Key: address, Label: clip(text, maxLabel)})
		if err != nil || clean.Label == label {
			label = text
		}
	}
	service := t.services[address]
	if service == "" {
		service = was.text("service_id")
	}
	delete(t.words, address)
	delete(t.wrote, address)
	return t.s.write([]string{address, index, change, label, used, service})
}

// others writes other people's addresses, and what cannot have a label here.
func (t *addressSheet) others() error {
	for _, address := range sortedKeys(t.words) {
		was := t.wrote[address]
		if err := t.write(address, was.text("index"), was.text("change"), was.text("used")); err != nil {
			return err
		}
	}
	for _, address := range sortedKeys(t.wrote) {
		was := t.wrote[address]
		clean, err := wallet.CleanLabelOf(t.r.Network, wallet.Label{Kind: wallet.LabelAddress, Key: address, Label: was.text("label")})
		if err == nil && (clean.Label != "" || clean.Key != address) {
			continue // its label was removed here, or it is written above in its one spelling
		}
		if err := t.write(address, was.text("index"), was.text("change"), was.text("used")); err != nil {
			return err
		}
	}
	return nil
}

// serviceIDs reads which addresses services had, from the table that was kept.
func (b *back) serviceIDs(name string) map[string]string {
	out := map[string]string{}
	raw := b.kept[name]
	if raw == nil {
		return out
	}
	_ = memory(name, raw).table(name, func(r row) error { // what breaks off was told when it was taken over
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
	wrote := b.wroteRows(file+"_txs.csv", "txid")
	rows, err := b.facts.HistoryRows(b.ctx, ids, wallet.Page{})
	if err != nil || len(rows) == 0 && b.written[file+"_txs.csv"] == nil {
		return 0, err
	}
	s, err := b.table(file+"_txs.csv", txColumns)
	if err != nil {
		return 0, err
	}
	for len(rows) > 0 && err == nil {
		part := rows[:min(len(rows), tableAt)]
		rows = rows[len(part):]
		var list []wallet.HistoryRow
		if list, err = b.facts.HistoryAt(b.ctx, ids, part); err != nil {
			break
		}
		for _, h := range list {
			if h.State != wallet.Confirmed && h.State != wallet.Pending {
				continue // the node tells of others, should they come back
			}
			if err = b.txRow(s, r, file, h, wrote[h.TxID.String()]); err != nil {
				break
			}
			delete(wrote, h.TxID.String())
			n++
		}
	}
	if r.Tip.Hash == [32]byte{} { // no node has told better: the rows without bytes, too
		for _, id := range sortedKeys(wrote) {
			if err == nil {
				err = s.write(wrote[id].columns(txColumns))
			}
		}
	}
	return n, s.done(err)
}

// txRow writes a transaction and its row.
func (b *back) txRow(s *sheet, r wallet.Record, file string, h wallet.HistoryRow, was row) error {
	raw, err := b.facts.RawTx(b.ctx, r.ID, h.TxID)
	if err == nil {
		err = b.file(file+"_txs_raw/"+h.TxID.String()+".bin", raw)
	}
	if err == nil {
		err = s.write(txAsWritten(was, h))
	}
	return err
}

// columns are the fields of some columns.
func (r row) columns(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = r.text(name)
	}
	return out
}

// txAsWritten is a row as the old program wrote it, where the transaction is in the same block
// still; fee, size and worth were of its own making.
func txAsWritten(was row, h wallet.HistoryRow) []string {
	block := was.block()
	if was.text("txid") == "" || (block == nil) != (h.Height <= 0) || block != nil && (block.Hash != h.BlockHash || block.Height != h.Height) {
		return txFields(h)
	}
	return was.columns(txColumns)
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
