package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/rates"
	"specter/internal/setting"
)

type settingsPage struct {
	settingsFrame
	Nodes   []node.Node
	Want    setting.User // in the form: what is stored, or what was just refused
	Outside bool         // the owner allows outside services
	Proxy   bool         // there is a proxy for asking over Tor
	Headers headersView  // of the network in use
	Error   string
}

// choice is a line of a menu.
type choice struct{ Value, Words string }

func (s *Server) settingsPage(r *http.Request) (settingsPage, error) {
	f, err := s.settingsFrame(r, "general", s.tr(r, "Settings"))
	if err != nil {
		return settingsPage{}, err
	}
	v := settingsPage{settingsFrame: f, Want: f.Chosen, Headers: headersView{s.c.Wallets.Headers(f.Network)}}
	p, err := s.settings.Program(r.Context())
	if err != nil {
		return v, err
	}
	v.Outside, v.Proxy = p.Outside, p.Proxy != ""
	v.Nodes, err = s.c.Nodes.List(r.Context())
	return v, err
}

func (s *Server) getSettings(w http.ResponseWriter, r *http.Request) error {
	v, err := s.settingsPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings", v)
}

// Languages are the choices of language, each in its own words.
func (p settingsPage) Languages() []choice {
	var out []choice
	for _, tag := range languageTags {
		out = append(out, choice{tag, languageNames[tag]})
	}
	return out
}

// Providers are those who can be asked for prices.
func (p settingsPage) Providers() []rates.Provider { return rates.Providers() }

// Currencies are all that any provider knows.
func (p settingsPage) Currencies() []string {
	var out []string
	for _, provider := range rates.Providers() {
		out = append(out, provider.Currencies...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// PageSizes are the choices of rows a page.
func (p settingsPage) PageSizes() []int { return setting.PageSizes }

// ByHand is the price that was typed, for the form.
func (p settingsPage) ByHand() string {
	if p.Want.Rates.Manual <= 0 {
		return ""
	}
	return strings.TrimSuffix(p.Want.Rates.Manual.Text(2), ".00")
}

// explorerField is the choice of explorer for a network.
type explorerField struct {
	Network btc.Network
	Kinds   []string
	Chosen  setting.Explorer
	Open    bool // of the network that is in use, or chosen already
}

// Explorers are the choices for every network, the one in use first.
func (p settingsPage) Explorers() []explorerField {
	var out []explorerField
	for _, n := range btc.Networks() {
		e := p.Want.Explorers[n]
		f := explorerField{n, setting.ExplorerKinds(n), e, n == p.Network || e.Kind != ""}
		if n == p.Network {
			out = slices.Insert(out, 0, f)
		} else {
			out = append(out, f)
		}
	}
	return out
}

// readers say how each field of the form changes the settings. A field that the form does not
// have changes nothing, so that one button may carry one field.
var readers = map[string]func(u *setting.User, text string) error{
	"unit":         func(u *setting.User, v string) error { u.Unit = v; return nil },
	"theme":        func(u *setting.User, v string) error { u.Theme = v; return nil },
	"language":     func(u *setting.User, v string) error { u.Language = v; return nil },
	"hide-amounts": func(u *setting.User, v string) error { return readYes(&u.Hide, v) },
	"show-price":   func(u *setting.User, v string) error { return readYes(&u.ShowPrice, v) },
	"proofs":       func(u *setting.User, v string) error { return readYes(&u.Proofs, v) },
	"tor-only":     func(u *setting.User, v string) error { return readYes(&u.Rates.TorOnly, v) },
	"hide-after":   func(u *setting.User, v string) error { return readNumber(&u.HideAfter, v) },
	"page-size":    func(u *setting.User, v string) error { return readNumber(&u.PageSize, v) },
	"draft-days":   func(u *setting.User, v string) error { return readNumber(&u.DraftDays, v) },
	"fees":         func(u *setting.User, v string) error { u.Rates.Fees = v; return nil },
	"fees-url":     func(u *setting.User, v string) error { u.Rates.FeesURL = v; return nil },
	"price":        func(u *setting.User, v string) error { u.Rates.Price = v; return nil },
	"price-url":    func(u *setting.User, v string) error { u.Rates.PriceURL = v; return nil },
	"currency":     func(u *setting.User, v string) error { u.Rates.Currency = v; return nil },
	"price-by-hand": func(u *setting.User, v string) (err error) {
		if v = strings.ReplaceAll(strings.TrimSpace(v), ",", "."); v == "" {
			u.Rates.Manual = 0
			return nil
		}
		u.Rates.Manual, err = btc.ParsePrice(v)
		return err
	},
}

func readYes(into *bool, v string) error {
	if v != "yes" && v != "no" {
		return errs.E(errs.Invalid, "%q is neither yes nor no", limit(v, 40))
	}
	*into = v == "yes"
	return nil
}

func readNumber(into *int, v string) error {
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n < 0 || n > 100_000 {
		return errs.E(errs.Invalid, "%q is no number that can stand here", limit(v, 20))
	}
	*into = n
	return nil
}

// readSettings puts what the form says over the settings.
func readSettings(r *http.Request, u *setting.User) error {
	for _, name := range slices.Sorted(maps.Keys(readers)) {
		if r.PostForm.Has(name) {
			if err := readers[name](u, r.PostFormValue(name)); err != nil {
				return err
			}
		}
	}
	for _, n := range btc.Networks() {
		if name := "explorer-" + n.String(); r.PostForm.Has(name) {
			u.Explorers[n] = setting.Explorer{Kind: r.PostFormValue(name), URL: r.PostFormValue("explorer-url-" + n.String())}
		}
	}
	return nil
}

// postSettings stores the settings that the form carries, all of them or one (the buttons of
// the top bar), and comes back to where it was pressed.
func (s *Server) postSettings(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	o, err := s.owner(r)
	if err != nil {
		return err
	}
	var want setting.User
	_, err = s.settings.ChangeUser(r.Context(), string(o), func(u *setting.User) error {
		err := readSettings(r, u)
		want = *u
		return err
	})
	switch {
	case err == nil:
	case errs.Is(err, errs.Invalid) && r.FormValue("next") == "":
		v, pageErr := s.settingsPage(r)
		if pageErr != nil {
			return err
		}
		v.Want, v.Error = want, s.sentence(r, err)
		return s.render(w, r, statusOf(err), "settings", v)
	default:
		return err
	}
	s.shown.note(string(o), s.now())
	if r.FormValue("next") == "" {
		s.say(w, r, flashOK, "Settings saved.")
	}
	return s.back(w, r, "/settings")
}
