package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"specter/internal/setting"
	"specter/internal/wallet"
)

// pageSizes are the choices of how many rows a page of a list has.
var pageSizes = setting.PageSizes

// list is one page of a long list as its table's frame needs it: what was asked, how much there
// is, and the links to the other pages. The server pages, searches and sorts.
type list struct {
	Path     string // where the list lives
	Query    wallet.Query
	Total    int
	More     bool   // Total is where counting stopped: there are more
	Usual    int    // rows a page where nothing else is asked for
	Kind     string // what the search understands: history, coins, addresses, labels
	Period   string // of the chart beside the list, kept in links
	Files    string // folder of the files that the list can be had as; "" none
	Currency string // of prices that files can tell; "" none
}

// listOf reads the query of a list's page. Sizes and pages out of range are mended, not refused:
// a stale link still shows a list. Without a size, the user's own counts, else the page's. A size
// that was chosen in the list's own form is remembered.
func (s *Server) listOf(r *http.Request, p page, kind string, usual int) (list, error) {
	if p.PageSize > 0 {
		usual = p.PageSize
	}
	l := readList(r, usual)
	l.Kind = kind
	if r.URL.Query().Get("keep") == "yes" && l.Query.Size != usual && slices.Contains(pageSizes, l.Query.Size) {
		if err := s.c.Settings.PutSetting(r.Context(), string(p.Owner), settingPageSize, strconv.Itoa(l.Query.Size)); err != nil {
			return l, err
		}
		l.Usual = l.Query.Size
	}
	return l, nil
}

func readList(r *http.Request, size int) list {
	v := r.URL.Query()
	q := wallet.Query{Search: limit(v.Get("q"), 200), Sort: limit(v.Get("sort"), 20), Desc: v.Get("dir") == "desc", Filter: limit(v.Get("filter"), 20)}
	q.Page = max(1, atoi(v.Get("page")))
	q.Size = min(atoi(v.Get("size")), 500)
	if q.Size <= 0 {
		q.Size = size
	}
	return list{Path: r.URL.Path, Query: q, Usual: size}
}

// Pages is how many pages there are, at least one.
func (l list) Pages() int {
	if l.Query.Size <= 0 || l.Total <= 0 {
		return 1
	}
	return (l.Total + l.Query.Size - 1) / l.Query.Size
}

// Sizes lists the choices of page size.
func (l list) Sizes() []int { return pageSizes }

// First and Last number the rows that the page shows, from 1.
func (l list) First() int { return min((l.Query.Page-1)*l.Query.Size+1, l.Total) }

// Last is the number of the last row shown.
func (l list) Last() int { return min(l.Query.Page*l.Query.Size, l.Total) }

// PageURL is the link to another page of the same list.
func (l list) PageURL(page int) string {
	l.Query.Page = page
	return l.link()
}

// SortURL is the link that sorts by a column, the other way round if it is sorted by it already.
func (l list) SortURL(column string) string {
	if l.Query.Sort == column {
		l.Query.Desc = !l.Query.Desc
	} else {
		l.Query.Sort, l.Query.Desc = column, true
	}
	l.Query.Page = 1
	return l.link()
}

// Sorted says how a column is sorted, in ARIA's words.
func (l list) Sorted(column string) string {
	switch {
	case l.Query.Sort != column:
		return "none"
	case l.Query.Desc:
		return "descending"
	}
	return "ascending"
}

// FilterURL is the link that shows one kind of row.
func (l list) FilterURL(filter string) string {
	l.Query.Filter, l.Query.Page = filter, 1
	return l.link()
}

// SearchURL is the link that looks for something else.
func (l list) SearchURL(text string) string {
	l.Query.Search, l.Query.Page = text, 1
	return l.link()
}

// FileURL is the link to what the list shows, all pages of it, as a file.
func (l list) FileURL(name string) string {
	l.Path, l.Query.Page, l.Query.Size, l.Period = l.Files+"/"+name, 1, l.Usual, ""
	return l.link()
}

// PricedURL is FileURL with prices.
func (l list) PricedURL(name string) string {
	link := l.FileURL(name)
	if strings.Contains(link, "?") {
		return link + "&prices=yes"
	}
	return link + "?prices=yes"
}

func (l list) link() string {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", l.Query.Search)
	set("filter", l.Query.Filter)
	if l.Query.Sort != "" {
		v.Set("sort", l.Query.Sort)
		set("dir", map[bool]string{true: "desc", false: "asc"}[l.Query.Desc])
	}
	if l.Query.Page > 1 {
		v.Set("page", strconv.Itoa(l.Query.Page))
	}
	if l.Query.Size != l.Usual {
		v.Set("size", strconv.Itoa(l.Query.Size))
	}
	set("period", l.Period)
	if len(v) == 0 {
		return l.Path
	}
	return l.Path + "?" + v.Encode()
}

// atoi reads a whole number; anything else is 0.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// limit cuts a text that a client sent where no sane client goes.
func limit(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
