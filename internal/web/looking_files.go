package web

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// tableFile makes a handler that hands out a list as CSV or JSON: what the page's search and
// filter show, all pages of it.
func (s *Server) tableFile(name string, write func(w io.Writer, r *http.Request, q wallet.TableRequest) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		o, err := s.owner(r)
		if err != nil {
			return err
		}
		p := page{Owner: o, Network: s.network(r.Context())}
		if err := s.wishes(r.Context(), &p); err != nil {
			return err
		}
		q := wallet.TableRequest{Owner: o, Network: p.Network, Alias: r.PathValue("alias"), Query: readList(r, 25).Query,
			JSON: strings.HasSuffix(name, ".json"), Sat: p.Unit == unitSat, Zone: time.Local}
		if r.URL.Query().Get("prices") == "yes" {
			if s.c.PastPrices == nil {
				return errs.E(errs.Invalid, "no provider of prices is chosen; choose one in the settings first")
			}
			if q.Currency, q.Price = s.c.PastPrices(r.Context(), o); q.Price == nil {
				return errs.E(errs.Invalid, "no provider of prices is chosen; choose one in the settings first")
			}
		}
		out := &fileWriter{w: w, name: q.Name(strings.TrimSuffix(strings.TrimSuffix(name, ".csv"), ".json")), json: q.JSON}
		if err := write(out, r, q); err != nil {
			if out.begun {
				s.log.Warn("a list was cut off", "route", r.Pattern, "err", err)
				panic(http.ErrAbortHandler) // nobody must take a part for the whole
			}
			return err
		}
		return nil
	}
}

// fileWriter sends its headers with the first bytes, so that an error before them has a page.
type fileWriter struct {
	w     http.ResponseWriter
	name  string
	json  bool
	begun bool
}

// Write sends bytes.
func (f *fileWriter) Write(b []byte) (int, error) {
	if !f.begun {
		f.begun = true
		h := f.w.Header()
		h.Set("Content-Type", map[bool]string{false: "text/csv; charset=utf-8", true: "application/json"}[f.json])
		h.Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	}
	return f.w.Write(b)
}

func (s *Server) historyFile(name string) handler {
	return s.tableFile(name, func(w io.Writer, r *http.Request, q wallet.TableRequest) error {
		return s.c.Wallets.WriteHistory(r.Context(), w, q)
	})
}

func (s *Server) coinsFile(name string) handler {
	return s.tableFile(name, func(w io.Writer, r *http.Request, q wallet.TableRequest) error {
		q.Query.Filter = coinFilter(q.Query.Filter)
		return s.c.Wallets.WriteCoins(r.Context(), w, q)
	})
}

func (s *Server) addressesFile(name string) handler {
	return s.tableFile(name, func(w io.Writer, r *http.Request, q wallet.TableRequest) error {
		return s.c.Wallets.WriteAddresses(r.Context(), w, q)
	})
}

// statementDays reads the days of a statement, both of which belong to it. Without any, it is of
// this year.
func (s *Server) statementDays(v url.Values) (from, to time.Time, err error) {
	now := s.now().UTC()
	from, to = time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC), time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	for name, into := range map[string]*time.Time{"from": &from, "to": &to} {
		text := strings.TrimSpace(v.Get(name))
		if text == "" {
			continue
		}
		if *into, err = time.Parse("2006-01-02", text); err != nil || into.Year() < 2009 || into.Year() > 2200 {
			return from, to, errs.E(errs.Invalid, "%q is no day; write it as 2026-11-21", limit(text, 40))
		}
	}
	return from, to.AddDate(0, 0, 1), nil
}

// getStatement hands out a wallet's statement as a PDF.
func (s *Server) getStatement(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	from, to, err := s.statementDays(r.URL.Query())
	if err != nil {
		return err
	}
	f, err := s.c.Wallets.Statement(r.Context(), ref, from, to)
	if err != nil {
		return err
	}
	return download(w, f)
}

// getStatementAll hands out the statement of all wallets as a PDF.
func (s *Server) getStatementAll(w http.ResponseWriter, r *http.Request) error {
	o, err := s.owner(r)
	if err != nil {
		return err
	}
	from, to, err := s.statementDays(r.URL.Query())
	if err != nil {
		return err
	}
	f, err := s.c.Wallets.StatementAll(r.Context(), o, s.network(r.Context()), from, to)
	if err != nil {
		return err
	}
	return download(w, f)
}
