package v1

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// Bounds of a page.
const (
	defaultLimit = 50
	maxLimit     = 500
	maxRows      = 1 << 30 // of a list that a cursor may tell of; an int of 32 bits holds it
)

// paging ends every list.
type paging struct {
	Total      int     `json:"total"`       // rows of the whole list
	NextCursor *string `json:"next_cursor"` // null: this was the last page
}

// cursor is where a page ended: how many rows went before, what the last of them was, and how
// long the list was then. Rows that arrive, or go, above that place shift the others; the last
// row is looked for, so that a reader neither misses one nor gets one twice.
type cursor struct {
	Done  int    `json:"n"`
	Last  string `json:"k"`
	Total int    `json:"t"`
	Query string `json:"q"` // of the list that it belongs to
}

// list is what a request says of the page it wants.
type list struct {
	limit int
	from  *cursor
	query string
}

// list reads limit and cursor.
func (c *call) list() (list, error) {
	l := list{limit: defaultLimit, query: c.queryPrint()}
	if text := c.params.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			return l, invalid("limit", "a page has 1 to %d rows", maxLimit)
		}
		l.limit = n
	} else if c.params.Has("limit") {
		return l, invalid("limit", "a page has 1 to %d rows", maxLimit)
	}
	if !c.params.Has("cursor") {
		return l, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.params.Get("cursor"))
	var at cursor
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	if err != nil || at.Done < 1 || at.Done > maxRows || at.Total < 0 || at.Total > maxRows || at.Query != l.query {
		return l, &problemError{status: 422, code: "bad-cursor", field: "cursor",
			detail: "this cursor is not of this list; take next_cursor of the page before, with the same path and parameters"}
	}
	l.from = &at
	return l, nil
}

// queryPrint marks the list: path and parameters other than those of paging.
func (c *call) queryPrint() string {
	q := url.Values{}
	for name, v := range c.params {
		if name != "limit" && name != "cursor" {
			q[name] = v
		}
	}
	sum := sha256.Sum256([]byte(c.user() + "\n" + c.network.String() + "\n" + c.URL.Path + "\n" + q.Encode()))
	return hex.EncodeToString(sum[:6])
}

// after says where the next page begins.
func (l list) after(offset, rows, total int, last string) paging {
	p := paging{Total: total}
	if rows == 0 || offset+rows >= total {
		return p
	}
	raw, _ := json.Marshal(cursor{Done: offset + rows, Last: last, Total: total, Query: l.query}) // strings and numbers
	text := base64.RawURLEncoding.EncodeToString(raw)
	p.NextCursor = &text
	return p
}

// fetch loads rows of a list that knows pages: page n (from 1) of a size, and the list's length.
type fetch[T any] func(page, size int) ([]T, int, error)

// window loads any part of the list, of at most maxLimit rows.
func (f fetch[T]) window(offset, rows int) (out []T, total int, err error) {
	page := offset/rows + 1
	first, total, err := f(page, rows)
	if err != nil {
		return nil, 0, err
	}
	skip := offset - (page-1)*rows
	out = first[min(skip, len(first)):]
	if skip > 0 && page*rows < total {
		more, t, err := f(page+1, rows)
		if err != nil {
			return nil, 0, err
		}
		out, total = append(out, more[:min(skip, len(more))]...), t
	}
	return out, total, nil
}

// far bounds how far the last row of the page before is looked for, in rows to either side.
const far = 5_000

// pageOf loads the page that a request wants.
func pageOf[T any](l list, f fetch[T], key func(T) string) ([]T, paging, error) {
	offset := 0
	if l.from != nil {
		var err error
		if offset, err = resume(l.from, f, key); err != nil {
			return nil, paging{}, err
		}
	}
	rows, total, err := f.window(offset, l.limit)
	if err != nil {
		return nil, paging{}, err
	}
	last := ""
	if len(rows) > 0 {
		last = key(rows[len(rows)-1])
	}
	return rows, l.after(offset, len(rows), total, last), nil
}

// resume finds where the page after a cursor begins: behind the row that was the last, wherever
// it stands now. Where that row has gone, the change of the list's length tells.
func resume[T any](at *cursor, f fetch[T], key func(T) string) (int, error) {
	rows, total, err := f.window(max(0, at.Done-1), 1)
	if err != nil {
		return 0, err
	}
	if len(rows) == 1 && key(rows[0]) == at.Last {
		return at.Done, nil
	}
	guess := min(max(0, at.Done+total-at.Total), total) // rows came or went above
	for back := 0; back*maxLimit < far; back++ {
		for _, block := range []int{guess/maxLimit + back, guess/maxLimit - back} {
			if block < 0 || block*maxLimit >= total || back == 0 && block != guess/maxLimit {
				continue
			}
			rows, _, err := f(block+1, maxLimit)
			if err != nil {
				return 0, err
			}
			for i, r := range rows {
				if key(r) == at.Last {
					return block*maxLimit + i + 1, nil
				}
			}
			if back == 0 {
				break // both are the same block
			}
		}
	}
	return guess, nil
}

// sliced pages through a list that is in memory.
func sliced[T any](l list, all []T, key func(T) string) ([]T, paging, error) {
	return pageOf(l, func(page, size int) ([]T, int, error) {
		from := min((page-1)*size, len(all))
		return all[from:min(from+size, len(all))], len(all), nil
	}, key)
}

// mapped makes the rows of an answer; never nil, so that JSON has a list.
func mapped[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// moment is a time in answers: RFC 3339 in UTC to the second, or null when it is not known.
type moment time.Time

// MarshalJSON writes the time.
func (m moment) MarshalJSON() ([]byte, error) {
	t := time.Time(m)
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return []byte("null"), nil
	}
	return []byte(`"` + t.UTC().Format(time.RFC3339) + `"`), nil
}

// maybe is null for the zero value.
func maybe[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
