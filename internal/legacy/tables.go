package legacy

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc/psbt"
	"specter/internal/btc/txgraph"
	"specter/internal/chain"
	"specter/internal/errs"
)

// Bounds of the tables beside a wallet.
const (
	maxRows    = 2_000_000
	maxColumns = 100
)

// row is a row of a table, read by the names of its columns.
type row struct {
	at     map[string]int
	fields []string
}

func (r row) text(column string) string {
	i, has := r.at[column]
	if !has || i >= len(r.fields) {
		return ""
	}
	return r.fields[i]
}

// index reads a whole number; ok is false where the field is empty or anything else. Old tables
// have "3.0".
func (r row) index(column string) (n uint32, ok bool) {
	text, _ := strings.CutSuffix(r.text(column), ".0")
	v, err := strconv.ParseUint(text, 10, 32)
	return uint32(v), err == nil
}

func (r row) yes(column string) bool { return strings.EqualFold(r.text(column), "true") }

// table goes through a CSV file with a head; a missing one has no rows. Where the file breaks
// off, the rows before count.
func (s *Source) table(name string, each func(row) error) error {
	f, has := s.files[name]
	if !has {
		return nil
	}
	if f.size > maxTable {
		return errs.E(errs.Invalid, "it is too large")
	}
	r, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	c := csv.NewReader(io.LimitReader(r, maxTable))
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	head, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil || len(head) > maxColumns {
		return errs.E(errs.Invalid, "it has no head")
	}
	at := map[string]int{}
	for i, name := range head {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if _, twice := at[name]; !twice {
			at[strings.Clone(name)] = i
		}
	}
	for n := 0; ; n++ {
		fields, err := c.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errs.E(errs.Invalid, "it is damaged")
		case n == maxRows:
			return errs.E(errs.Invalid, "it has more than %d rows", maxRows)
		}
		if err := each(row{at, fields}); err != nil {
			return err
		}
	}
}

// addresses reads the table of addresses: labels, and which addresses were used.
func (s *Source) addresses(w *Wallet) error {
	return s.table(w.file+"_addr.csv", func(r row) error {
		address := r.text("address")
		if address == "" || len(address) > 120 {
			return nil
		}
		w.services = w.services || r.text("service_id") != ""
		label := strings.ToValidUTF8(r.text("label"), "?")
		labelled := strings.TrimSpace(label) != "" && !usualLabel(label)
		if labelled {
			w.Labels = append(w.Labels, Label{strings.Clone(address), strings.Clone(clip(label, maxLabel))})
		}
		i, ok := r.index("index")
		if !ok || i > maxIndex {
			return nil
		}
		p := txgraph.Place{Index: i}
		if r.yes("change") {
			p.Branch = 1
		}
		if labelled {
			w.Ahead[p.Branch] = max(w.Ahead[p.Branch], i+1)
		}
		if r.yes("used") {
			w.Used = append(w.Used, p)
		}
		return nil
	})
}

// usualLabel reports whether a label is what the old program shows where there is none.
func usualLabel(label string) bool {
	n, is := strings.CutPrefix(label, "Address #")
	return is && n != "" && strings.Trim(n, "0123456789") == ""
}

// countTxs counts the cached transactions.
func (s *Source) countTxs(w *Wallet) int {
	n := 0
	seen := map[chainhash.Hash]bool{}
	_ = s.table(w.file+"_txs.csv", func(r row) error { // trouble is told when they are read
		if id, err := chainhash.NewHashFromStr(r.text("txid")); err == nil && len(r.text("txid")) == 64 && !seen[*id] {
			seen[*id] = true
			if s.Has(w.file + "_txs_raw/" + id.String() + ".bin") {
				n++
			}
		}
		return nil
	})
	return n
}

// partSize is how many transactions are handed over at once.
const partSize = 500

// Txs hands over the cached transactions of a wallet, a part at a time. Those without bytes are
// passed by: the node tells of them again. bad counts those whose bytes are of another
// transaction or of none.
func (s *Source) Txs(w *Wallet, part func([]chain.Tx) error) (bad int, err error) {
	seen := map[chainhash.Hash]bool{}
	var list []chain.Tx
	err = s.table(w.file+"_txs.csv", func(r row) error {
		text := r.text("txid")
		id, err := chainhash.NewHashFromStr(text)
		if err != nil || len(text) != 64 || seen[*id] {
			return nil
		}
		seen[*id] = true
		raw, err := s.read(w.file+"_txs_raw/"+id.String()+".bin", maxRaw)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			bad++
			return nil
		}
		tx, err := psbt.ParseTx(raw)
		if err != nil || tx.TxHash() != *id {
			bad++
			return nil
		}
		list = append(list, chain.Tx{Tx: tx, Block: r.block(), Seen: r.time("time")})
		if len(list) < partSize {
			return nil
		}
		out := list
		list = nil
		return part(out)
	})
	if err == nil && len(list) > 0 {
		err = part(list)
	}
	return bad, err
}

// block is the block that a row names; nil: none, or not all of it.
func (r row) block() *chain.Block {
	height, ok := r.index("blockheight")
	hash, err := chainhash.NewHashFromStr(r.text("blockhash"))
	at := r.time("blocktime")
	if !ok || height == 0 || height > 1<<30 || err != nil || len(r.text("blockhash")) != 64 || at.IsZero() {
		return nil
	}
	return &chain.Block{Height: int32(height), Hash: *hash, Time: at}
}

func (r row) time(column string) time.Time {
	s, ok := r.index(column)
	if !ok || s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}

// span tells of the cached transactions the newest block and the oldest time.
func (s *Source) span(w *Wallet) (newest *chain.Block, oldest time.Time) {
	_ = s.table(w.file+"_txs.csv", func(r row) error { // trouble is told when they are read
		if b := r.block(); b != nil && (newest == nil || b.Height > newest.Height) {
			newest = b
		}
		if t := r.time("time"); !t.IsZero() && (oldest.IsZero() || t.Before(oldest)) {
			oldest = t
		}
		return nil
	})
	return newest, oldest
}
