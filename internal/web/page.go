package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/rates"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// page is what every page has: who asks, the sidebar, the user's wishes. It is filled in one
// place and embedded in each page's own struct.
type page struct {
	Title    string
	Lang     string
	Owner    wallet.Owner
	User     auth.User
	Session  bool // by a session's cookie: there is something to log out of
	Wired    bool // signing devices can be asked by cable
	Bare     bool // nobody is logged in: no sidebar, no live events
	Logout   int  // seconds of idleness until the session ends; 0 never
	Kept     int  // forms that wait to be sent again
	Network  btc.Network
	Section  string // what the sidebar marks: overview, settings, wallet:<alias>, device:<alias>…
	Self     string // path and query of this page, for coming back
	Prefix   string // the path that all pages are mounted at; "" none
	Watch    string // alias of the wallet whose events this page follows; "" all
	Theme    string // auto, dark, light
	Unit     string // btc, sat
	Hide     bool   // amounts are hidden
	Chosen   setting.User
	Quote    *rates.Quote // what a bitcoin costs; nil: not asked for, or not known
	PageSize int          // rows of every list; 0: as each page thinks best
	Demo     bool
	Version  string
	Flashes  []flash
	Wallets  []wallet.Record
	Devices  []device.Device
	Node     nodeBox
}

// settingPageSize is the name under which a list keeps the user's rows a page.
const settingPageSize = "page-size"

// page fills what every page has.
func (s *Server) page(r *http.Request, title string) (page, error) {
	ctx := r.Context()
	id, err := s.identity(r)
	if err != nil {
		return page{}, err
	}
	o := wallet.Owner(id.User.ID)
	p := page{Title: title, Lang: s.language(r), Owner: o, User: id.User, Session: id.Session != nil, Demo: s.c.Demo != nil, Wired: s.c.Bridge != nil && !s.c.BridgeOnly, Version: s.c.Version, Self: selfOf(r), Prefix: s.c.URLPrefix}
	if !isHTMX(r) {
		p.Flashes = s.heard(r)
	}
	if p.Session {
		after, err := s.autoLogout(ctx, id.User.ID)
		if err != nil {
			return page{}, err
		}
		p.Logout, p.Kept = int(after.Seconds()), len(s.kept.forms(id.User.ID))
	}
	p.Node = s.nodeBox(ctx)
	p.Network = p.Node.Network
	if err := s.wishes(ctx, &p); err != nil {
		return page{}, err
	}
	if p.Wallets, err = s.c.Wallets.List(ctx, o, p.Network); err != nil {
		return page{}, err
	}
	p.Devices, err = s.c.Devices.List(ctx, string(o))
	return p, err
}

// barePage is what a page has for who is not logged in: nothing of anybody's.
func (s *Server) barePage(r *http.Request, title string) page {
	return page{Title: title, Lang: s.language(r), Theme: "auto", Bare: true, Version: s.c.Version, Self: selfOf(r), Prefix: s.c.URLPrefix}
}

// IsOwner tells whether the owner of this Specter looks at the page.
func (p page) IsOwner() bool { return p.User.Owner() }

// selfOf is the path with its query, without what only one answer is about.
func selfOf(r *http.Request) string {
	u := url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	if r.Method != http.MethodGet {
		u.RawQuery = ""
	}
	return u.String()
}

// wishes puts what the user has chosen on the page, and the price where they want it shown.
func (s *Server) wishes(ctx context.Context, p *page) error {
	v, known := wishesOf(ctx)
	if !known {
		var err error
		if v.User, err = s.settings.User(ctx, string(p.Owner)); err != nil {
			return err
		}
	}
	p.Chosen, p.Unit, p.Theme, p.Hide, p.PageSize = v.User, v.Unit, v.Theme, v.Hide, v.PageSize
	if p.PriceOn() && p.Chosen.ShowPrice && s.c.Fees != nil {
		if q, ok := s.c.Fees.Price(ctx, p.Owner); ok {
			p.Quote = &q
		}
	}
	return nil
}

// PriceOn tells whether the user has chosen somebody to ask for prices.
func (p page) PriceOn() bool { return p.Chosen.Rates.Price != "" }

// oneOf returns v when it is among the words, else the first of them.
func oneOf(v string, words ...string) string {
	if slices.Contains(words, v) {
		return v
	}
	return words[0]
}

// walletPage is what every page of one wallet has besides.
type walletPage struct {
	page
	Wallet wallet.Record
	Tab    string              // history, addresses, receive, send, settings
	Sub    string              // the tab's own tab
	Drafts int                 // drafts on their way, shown beside "Saved"
	Alarms []wallet.HistoryRow // transactions that left the mempool without confirming
	USB    []usbTarget         // devices of its keys that can be asked by cable, where the page asks them
}

// walletPage fills a wallet's page. The wallet must belong to who asks: the Ref says so.
func (s *Server) walletPage(r *http.Request, tab, sub string) (walletPage, error) {
	p, err := s.page(r, "")
	if err != nil {
		return walletPage{}, err
	}
	ref := wallet.Ref{Owner: p.Owner, Network: p.Network, Alias: r.PathValue("alias")}
	rec, err := s.c.Wallets.Get(r.Context(), ref)
	if err != nil {
		return walletPage{}, err
	}
	p.Title, p.Section, p.Watch = rec.Name, "wallet:"+rec.Alias, rec.Alias
	wp := walletPage{page: p, Wallet: rec, Tab: tab, Sub: sub}
	if wp.Alarms, err = s.c.Wallets.Alarms(r.Context(), ref); err != nil {
		return walletPage{}, err
	}
	if tab == "send" {
		drafts, err := s.c.Wallets.Drafts(r.Context(), ref)
		if err != nil {
			return walletPage{}, err
		}
		for _, d := range drafts {
			if d.State != wallet.Broadcast {
				wp.Drafts++
			}
		}
	}
	return wp, nil
}

// ref names the wallet of a request's path.
func (s *Server) ref(r *http.Request) (wallet.Ref, error) {
	o, err := s.owner(r)
	if err != nil {
		return wallet.Ref{}, err
	}
	return wallet.Ref{Owner: o, Network: s.network(r.Context()), Alias: r.PathValue("alias")}, nil
}

// walletWords says in a few words what a wallet is: "2 of 3 multisig", "Single key · Taproot".
func (c catalogue) walletWords(w wallet.Record) string {
	if w.Multisig() {
		return c.t("%d of %d multisig", w.Threshold, len(w.Cosigners))
	}
	return c.t("Single key")
}

// scriptWords names a script type for people.
func (c catalogue) scriptWords(scriptType string) string {
	switch scriptType {
	case "wpkh", "wsh":
		return c.t("Segwit")
	case "sh-wpkh", "sh-wsh":
		return c.t("Nested segwit")
	case "tr":
		return c.t("Taproot")
	case "pkh", "sh":
		return c.t("Legacy")
	}
	return c.t("Descriptor")
}

// navPage is the sidebar by itself, with the balance of the wallet that the page shows.
type navPage struct {
	page
	Balance *walletPage
}

// getNav draws the sidebar again when something has changed, on every kind of page.
func (s *Server) getNav(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, "")
	if err != nil {
		return err
	}
	p.Section = r.URL.Query().Get("section")
	v := navPage{page: p}
	alias := r.URL.Query().Get("wallet")
	for _, rec := range p.Wallets {
		if rec.Alias == alias {
			v.Balance = &walletPage{page: p, Wallet: rec}
			if v.Balance.Alarms, err = s.c.Wallets.Alarms(r.Context(), rec.Ref()); err != nil {
				return err
			}
		}
	}
	return s.fragment(w, r, http.StatusOK, "error", "navfragment", v)
}
