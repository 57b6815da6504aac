package store

import (
	"context"
	"strings"

	"specter/internal/errs"
	"specter/internal/wallet"
)

func (t *tx) addAddresses(id wallet.ID, rows []wallet.AddressRow) error {
	for _, r := range rows {
		if _, err := t.exec(`INSERT INTO addresses (wallet, branch, idx, script, address) VALUES (?, ?, ?, ?, ?) ON CONFLICT (wallet, branch, idx) DO NOTHING`,
			id, r.Branch, r.Index, r.Script, r.Address); err != nil {
			return err
		}
	}
	return nil
}

// AddAddresses stores addresses; those that are there stay.
func (d *DB) AddAddresses(ctx context.Context, id wallet.ID, rows []wallet.AddressRow) error {
	return d.write(ctx, func(t *tx) error { return t.addAddresses(id, rows) })
}

// Derived tells how many addresses of a branch are stored.
func (d *DB) Derived(ctx context.Context, id wallet.ID, branch uint32) (n uint32, err error) {
	err = d.read(ctx, func(t *tx) error {
		_, err := t.one(`SELECT coalesce(max(idx) + 1, 0) FROM addresses WHERE wallet = ? AND branch = ?`, []any{id, branch}, &n)
		return err
	})
	return n, err
}

// The columns of the two branches.
var (
	nextColumn = [2]string{"next_receive", "next_change"}
	usedColumn = [2]string{"used_receive", "used_change"}
)

// HandOut raises the first index not yet handed out.
func (d *DB) HandOut(ctx context.Context, id wallet.ID, branch, next uint32) error {
	if branch > 1 {
		return errs.E(errs.Internal, "no branch %d", branch)
	}
	c := nextColumn[branch]
	return d.write(ctx, func(t *tx) error {
		return t.must("wallet", `UPDATE wallets SET `+c+` = max(`+c+`, ?) WHERE id = ?`, next, id)
	})
}

const addressColumns = `SELECT a.branch, a.idx, a.address, a.script, coalesce(l.label, ''), a.used, a.coins, a.amount
	FROM addresses a LEFT JOIN labels l ON l.wallet = a.wallet AND l.kind = 'addr' AND l.ref = a.address `

func scanAddress(scan func(...any) error) (r wallet.AddressRow, err error) {
	err = scan(&r.Branch, &r.Index, &r.Address, &r.Script, &r.Label, &r.Used, &r.Coins, &r.Amount)
	return r, err
}

// addressSort maps the words of a query to columns; every order ends with branch and index.
var addressSort = map[string]string{
	"address": "a.address", "label": "coalesce(l.label, '')", "used": "a.used", "coins": "a.coins", "amount": "a.amount",
}

// AddressList is one page of the wallet's addresses.
func (d *DB) AddressList(ctx context.Context, id wallet.ID, p wallet.Page) (page wallet.AddressPage, err error) {
	where, args := []string{"a.wallet = ?"}, []any{id}
	switch p.Filter {
	case "receive":
		where = append(where, "a.branch = 0")
	case "change":
		where = append(where, "a.branch = 1")
	case "used":
		where = append(where, "a.used = 1")
	case "unused":
		where = append(where, "a.used = 0")
	}
	if p.Find.Text != "" {
		where = append(where, "(instr(a.address, ?) > 0 OR instr(l.search, ?) > 0)")
		args = append(args, p.Find.Text, p.Find.Text)
	}
	if c, a := amountRange("a.amount", p.Find); c != "" {
		where, args = append(where, c), append(args, a...)
	}
	direction := ""
	if p.Desc {
		direction = " DESC"
	}
	order := "a.branch" + direction + ", a.idx" + direction
	if c := addressSort[p.Sort]; c != "" {
		order = c + direction + ", a.branch, a.idx"
	}
	cond := strings.Join(where, " AND ")
	page.Page, page.Size = p.Number, p.Size
	err = d.read(ctx, func(t *tx) error {
		count := `SELECT count(*) FROM addresses a WHERE ` + cond
		if p.Find.Text != "" {
			count = `SELECT count(*) FROM addresses a LEFT JOIN labels l ON l.wallet = a.wallet AND l.kind = 'addr' AND l.ref = a.address WHERE ` + cond
		}
		if _, err := t.one(count, args, &page.Total); err != nil {
			return err
		}
		query := addressColumns + `WHERE ` + cond + ` ORDER BY ` + order + ` LIMIT ? OFFSET ?`
		return t.each(query, append(args, p.Size, (p.Number-1)*p.Size), func(scan func(...any) error) error {
			r, err := scanAddress(scan)
			page.Rows = append(page.Rows, r)
			return err
		})
	})
	return page, err
}

// AddressAt finds an address by its place.
func (d *DB) AddressAt(ctx context.Context, id wallet.ID, branch, index uint32) (r wallet.AddressRow, err error) {
	err = d.read(ctx, func(t *tx) error {
		found := false
		err := t.each(addressColumns+`WHERE a.wallet = ? AND a.branch = ? AND a.idx = ?`, []any{id, branch, index}, func(scan func(...any) error) (err error) {
			found = true
			r, err = scanAddress(scan)
			return err
		})
		if err == nil && !found {
			err = errs.E(errs.NotFound, "the wallet has no such address yet")
		}
		return err
	})
	return r, err
}

// AddressesOf finds addresses of the wallet by their scripts.
func (d *DB) AddressesOf(ctx context.Context, id wallet.ID, scripts [][]byte) (map[string]wallet.AddressRow, error) {
	out := map[string]wallet.AddressRow{}
	err := d.read(ctx, func(t *tx) error {
		for _, s := range scripts {
			err := t.each(addressColumns+`WHERE a.wallet = ? AND a.script = ? LIMIT 1`, []any{id, s}, func(scan func(...any) error) error {
				r, err := scanAddress(scan)
				out[string(s)] = r
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
