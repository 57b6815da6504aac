package legacy

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
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
	text := strings.TrimSpace(r.text(column))
	if v, err := strconv.ParseUint(text, 10, 32); err == nil {
		return uint32(v), true
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < 0 || v > math.MaxUint32 || v != math.Trunc(v) {
		return 0, false
	}
	return uint32(v), true
}

func (r row) yes(column string) bool { return affirmed(r.text(column)) }

// table goes through a CSV file with a head; a missing one has no rows, unless there is a copy.
// Where the file breaks off, the rows before count, and then those of its copy.
func (s *Source) table(name string, each func(row) error) error { return s.rows(name, nil, each) }

// errTooMuch ends the reading of a table that nobody keeps whole.
var errTooMuch = errs.E(errs.Invalid, "it is too large to be kept")

// rows is table for whoever wants the head, too; nil: nobody does.
func (s *Source) rows(name string, head func([]string) error, each func(row) error) error {
	if !s.Has(name) {
		name += bkp
	}
	spare := !strings.HasSuffix(name, bkp) && s.Has(name+bkp)
	var own error // of whoever is told of the rows: no reason to read the copy
	guarded := func(r row) error {
		own = each(r)
		return own
	}
	err := s.tableFile(name, spare, head, guarded)
	if err == nil || own != nil || !spare {
		return err
	}
	if err2 := s.tableFile(name+bkp, false, nil, guarded); err2 != nil {
		return err2
	}
	return errs.E(errs.Invalid, "%s; the rows of its copy %s are used, too", why(err), path.Base(name+bkp))
}

// tableFile goes through one file. With whole, a last row that is cut off does not count.
func (s *Source) tableFile(name string, whole bool, heard func([]string) error, each func(row) error) error {
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
	end := &ending{Reader: io.LimitReader(r, maxTable)}
	c := csv.NewReader(end)
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	head, err := c.Read()
	if errors.Is(err, io.EOF) && !whole {
		return nil
	}
	if err != nil || len(head) > maxColumns {
		return errs.E(errs.Invalid, "it has no head")
	}
	at := map[string]int{}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if _, twice := at[name]; !twice {
			at[strings.Clone(name)] = i
		}
	}
	if heard != nil {
		if err := heard(slices.Clone(head)); err != nil {
			return err
		}
	}
	columns := len(head)
	var last []string // told once it is known that it is whole
	for n := 0; ; n++ {
		fields, err := c.Read()
		cut := err != nil && len(last) > 0 && len(last) < columns && end.last != '\n'
		if last != nil && !(cut && whole) {
			if err := each(row{at, last}); err != nil {
				return err
			}
		}
		switch {
		case cut:
			return errs.E(errs.Invalid, "it is cut off")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errs.E(errs.Invalid, "it is damaged")
		case n == maxRows:
			return errs.E(errs.Invalid, "it has more than %d rows", maxRows)
		}
		last = append(last[:0], fields...)
	}
}

// ending remembers the last byte that was read.
type ending struct {
	io.Reader
	last byte
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if n > 0 {
		e.last = p[n-1]
	}
	return n, err
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
		i, ok := r.index("index")
		p := txgraph.Place{Index: i}
		if r.yes("change") {
			p.Branch = 1
		}
		labelled := strings.TrimSpace(label) != "" && !(ok && label == usualLabel(p))
		if labelled {
			w.Labels = append(w.Labels, Label{strings.Clone(strings.TrimSpace(address)), strings.Clone(clip(label, maxLabel))})
		}
		if !ok || i > maxIndex {
			return nil
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

// unlabelled reads what usualLabel writes.
func unlabelled(label string) (txgraph.Place, bool) {
	for branch, word := range []string{"Address #", "Change #"} {
		if rest, is := strings.CutPrefix(label, word); is {
			if i, err := strconv.ParseUint(rest, 10, 32); err == nil && i <= maxIndex {
				p := txgraph.Place{Index: uint32(i)}
				if branch == 1 {
					p.Branch = 1
				}
				return p, true
			}
		}
	}
	return txgraph.Place{}, false
}

// usualLabel is what the old program shows of an address without a label.
func usualLabel(p txgraph.Place) string {
	if p.Branch == 1 {
		return fmt.Sprintf("Change #%d", p.Index)
	}
	return fmt.Sprintf("Address #%d", p.Index)
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
		text := strings.ToLower(strings.TrimSpace(r.text("txid")))
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
	if (err == nil || errs.Is(err, errs.Invalid)) && len(list) > 0 { // what was read before the table broke off, too
		if e := part(list); e != nil {
			err = e
		}
	}
	return bad, err
}

// block is the block that a row names; nil: none, or not all of it.
func (r row) block() *chain.Block {
	height, ok := r.index("blockheight")
	hash, err := chainhash.NewHashFromStr(r.text("blockhash"))
	at := r.time("blocktime")
	if at.IsZero() {
		at = r.time("time")
	}
	if !ok || height == 0 || height > 1<<30 || err != nil || len(r.text("blockhash")) != 64 || at.IsZero() {
		return nil
	}
	return &chain.Block{Height: int32(height), Hash: *hash, Time: at}
}

func (r row) time(column string) time.Time {
	s, err := strconv.ParseFloat(strings.TrimSpace(r.text(column)), 64)
	if err != nil || !(s >= 1 && s <= math.MaxUint32) {
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
