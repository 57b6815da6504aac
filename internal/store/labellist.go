package store

import (
	"context"
	"strings"

	"specter/internal/wallet"
)

// LabelList is one page of a wallet's labels.
func (d *DB) LabelList(ctx context.Context, id wallet.ID, p wallet.Page) (out []wallet.Label, total int, err error) {
	where, args := []string{"wallet = ?"}, []any{id}
	if p.Filter != "" {
		where, args = append(where, "kind = ?"), append(args, p.Filter)
	}
	if p.Find.Text != "" {
		where, args = append(where, "(instr(search, ?) > 0 OR instr(lower(ref), ?) > 0)"), append(args, p.Find.Text, p.Find.Text)
	}
	cond := strings.Join(where, " AND ")
	direction := ""
	if p.Desc {
		direction = " DESC"
	}
	order := "kind" + direction + ", ref" + direction
	if p.Sort == "label" {
		order = "search" + direction + ", kind, ref"
	}
	err = d.read(ctx, func(t *tx) error {
		if _, err := t.one(`SELECT count(*) FROM labels WHERE `+cond, args, &total); err != nil {
			return err
		}
		query := `SELECT kind, ref, label FROM labels WHERE ` + cond + ` ORDER BY ` + order + ` LIMIT ? OFFSET ?`
		return t.each(query, append(args, p.Size, (p.Number-1)*p.Size), func(scan func(...any) error) error {
			var l wallet.Label
			err := scan(&l.Kind, &l.Key, &l.Label)
			out = append(out, l)
			return err
		})
	})
	return out, total, err
}
