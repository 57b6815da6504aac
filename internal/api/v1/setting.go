package v1

import (
	"maps"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/setting"
)

// settingsView is what a user has chosen.
type settingsView struct {
	Unit             string         `json:"unit"`
	Theme            string         `json:"theme"`
	Language         string         `json:"language"`
	HideAmounts      bool           `json:"hide_amounts"`
	HideAfterMinutes int            `json:"hide_after_minutes"`
	PageSize         int            `json:"page_size"`
	DraftDays        int            `json:"draft_days"`
	Proofs           bool           `json:"proofs"`
	ShowPrice        bool           `json:"show_price"`
	PriceProvider    string         `json:"provider"`
	PriceURL         string         `json:"provider_url"`
	Currency         string         `json:"currency"`
	PriceByHand      string         `json:"by_hand"`
	FeeSource        string         `json:"source_of_feerates"`
	FeeURL           string         `json:"source_url"`
	TorOnly          bool           `json:"tor_only"`
	Explorers        []explorerView `json:"explorers"`
	Bridge           string         `json:"bridge"`
	LogoutAfter      int            `json:"logout_after_minutes"`
}

// explorerView is the block explorer of one network.
type explorerView struct {
	Network string `json:"network"`
	Kind    string `json:"kind"`
	URL     string `json:"url"`
}

// settingsPatch changes some of it.
type settingsPatch struct {
	Unit             *string         `json:"unit"`
	Theme            *string         `json:"theme"`
	Language         *string         `json:"language"`
	HideAmounts      *bool           `json:"hide_amounts"`
	HideAfterMinutes *int            `json:"hide_after_minutes"`
	PageSize         *int            `json:"page_size"`
	DraftDays        *int            `json:"draft_days"`
	Proofs           *bool           `json:"proofs"`
	ShowPrice        *bool           `json:"show_price"`
	PriceProvider    *string         `json:"provider"`
	PriceURL         *string         `json:"provider_url"`
	Currency         *string         `json:"currency"`
	PriceByHand      *string         `json:"by_hand"`
	FeeSource        *string         `json:"source_of_feerates"`
	FeeURL           *string         `json:"source_url"`
	TorOnly          *bool           `json:"tor_only"`
	Explorers        []explorerInput `json:"explorers"`
	Bridge           *string         `json:"bridge"`
	LogoutAfter      *int            `json:"logout_after_minutes"`
}

// explorerInput chooses the block explorer of one network; "" for none.
type explorerInput struct {
	Network string `json:"network" need:"yes"`
	Kind    string `json:"kind" need:"yes"`
	URL     string `json:"url"`
}

// loginSettingsView is how people log in.
type loginSettingsView struct {
	Method          string `json:"method"`
	MinPassword     int    `json:"min_password"`
	InvitationHours int    `json:"invitation_hours"`
	IdleSeconds     int64  `json:"idle_seconds"`
	AbsoluteSeconds int64  `json:"absolute_seconds"`
}

// loginSettingsPatch changes some of it. Another method asks the current password.
type loginSettingsPatch struct {
	Method          *string `json:"method"`
	MinPassword     *int    `json:"min_password"`
	InvitationHours *int    `json:"invitation_hours"`
	IdleSeconds     *int64  `json:"idle_seconds"`
	AbsoluteSeconds *int64  `json:"absolute_seconds"`
	Password        string  `json:"password"`
}

var units = setting.Units // of files

func viewSettings(u setting.User) settingsView {
	v := settingsView{Unit: u.Unit, Theme: u.Theme, Language: u.Language, HideAmounts: u.Hide, HideAfterMinutes: u.HideAfter, PageSize: u.PageSize, DraftDays: u.DraftDays,
		Proofs: u.Proofs, ShowPrice: u.ShowPrice, PriceProvider: u.Rates.Price, PriceURL: u.Rates.PriceURL, Currency: u.Rates.Currency,
		FeeSource: u.Rates.Fees, FeeURL: u.Rates.FeesURL, TorOnly: u.Rates.TorOnly, Explorers: []explorerView{}, Bridge: bridgeWord(u)}
	if u.Rates.Manual > 0 {
		v.PriceByHand = strings.TrimSuffix(strings.TrimRight(u.Rates.Manual.Text(8), "0"), ".")
	}
	for _, n := range btc.Networks() {
		if e := u.Explorers[n]; e.Kind != "" {
			v.Explorers = append(v.Explorers, explorerView{n.String(), e.Kind, e.URL})
		}
	}
	return v
}

func getSettings(c *call) (any, error) {
	u, err := c.s.settings.User(c.ctx(), c.user())
	if err != nil {
		return nil, err
	}
	v := viewSettings(u)
	v.LogoutAfter, err = c.s.settings.LogoutAfter(c.ctx(), c.user())
	return v, err
}

func patchSettings(c *call) (any, error) {
	var in settingsPatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if in.LogoutAfter != nil && (*in.LogoutAfter < 0 || *in.LogoutAfter > setting.MaxLogoutAfter) {
		return nil, invalid("logout_after_minutes", "one is logged out after 1 to %d minutes, or with 0 never", setting.MaxLogoutAfter)
	}
	if _, err := c.s.settings.ChangeUser(c.ctx(), c.user(), in.apply); err != nil {
		return nil, err
	}
	if in.LogoutAfter != nil {
		if err := c.s.settings.SetLogoutAfter(c.ctx(), c.user(), *in.LogoutAfter); err != nil {
			return nil, err
		}
	}
	return getSettings(c)
}

// apply puts what was sent over the settings; whether they are sound is judged behind it.
func (in settingsPatch) apply(u *setting.User) error {
	over(&u.Unit, in.Unit)
	over(&u.Theme, in.Theme)
	over(&u.Language, in.Language)
	over(&u.Hide, in.HideAmounts)
	over(&u.HideAfter, in.HideAfterMinutes)
	over(&u.PageSize, in.PageSize)
	over(&u.DraftDays, in.DraftDays)
	over(&u.Proofs, in.Proofs)
	over(&u.ShowPrice, in.ShowPrice)
	over(&u.Rates.Price, in.PriceProvider)
	over(&u.Rates.PriceURL, in.PriceURL)
	over(&u.Rates.Currency, in.Currency)
	over(&u.Rates.Fees, in.FeeSource)
	over(&u.Rates.FeesURL, in.FeeURL)
	over(&u.Rates.TorOnly, in.TorOnly)
	if in.Bridge != nil {
		u.Bridge = bridgeChosen(*in.Bridge)
	}
	if in.PriceByHand != nil {
		u.Rates.Manual = 0
		if *in.PriceByHand != "" {
			p, err := btc.ParsePrice(*in.PriceByHand)
			if err != nil {
				return invalid("by_hand", "%s", err)
			}
			u.Rates.Manual = p
		}
	}
	u.Explorers = maps.Clone(u.Explorers)
	for _, e := range in.Explorers {
		n, err := btc.ParseNetwork(e.Network)
		if err != nil {
			return invalid("explorers", "%s", err)
		}
		u.Explorers[n] = setting.Explorer{Kind: e.Kind, URL: e.URL}
	}
	return nil
}

// priceView is what a bitcoin costs.
type priceView struct {
	Currency string `json:"currency"`
	Units    string `json:"units"`
	Source   string `json:"source"`
	At       moment `json:"at"`
}

// getPrice answers what is known now; a newer price is fetched behind.
func getPrice(c *call) (any, error) {
	if c.s.c.Price == nil {
		return nil, errs.E(errs.Unavailable, "nobody tells prices here")
	}
	q, err := c.s.c.Price(c.ctx(), c.user())
	if err != nil {
		return nil, err
	}
	return priceView{q.Currency, q.Price.Text(2), q.Source, moment(q.At)}, nil
}

// wordOf is oneOf for fields, where "" is no word.
func wordOf(name, value string, words []string) error {
	if value == "" {
		value = "?"
	}
	return oneOf(name, value, words)
}

func getLoginSettings(c *call) (any, error) {
	v := c.s.c.Auth.Settings()
	return loginSettingsView{Method: string(v.Method), MinPassword: v.MinPassword, InvitationHours: v.InvitationHours,
		IdleSeconds: seconds(v.Idle), AbsoluteSeconds: seconds(v.Absolute)}, nil
}

// methods are the ways of logging in that can be chosen.
var methods = []string{string(auth.MethodNone), string(auth.MethodPassword), string(auth.MethodRPC), string(auth.MethodUsers)}

// maxSpan bounds spans in seconds, so that they fit a time.Duration: 100 years.
const maxSpan = 100 * 366 * 24 * 3600

func patchLoginSettings(c *call) (any, error) {
	var in loginSettingsPatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	v := c.s.c.Auth.Settings()
	if in.Method != nil {
		if err := wordOf("method", *in.Method, methods); err != nil {
			return nil, err
		}
		v.Method = auth.Method(*in.Method)
	}
	over(&v.MinPassword, in.MinPassword)
	over(&v.InvitationHours, in.InvitationHours)
	for name, span := range map[string]struct {
		to   *time.Duration
		sent *int64
	}{"idle_seconds": {&v.Idle, in.IdleSeconds}, "absolute_seconds": {&v.Absolute, in.AbsoluteSeconds}} {
		if span.sent == nil {
			continue
		}
		if *span.sent < 1 || *span.sent > maxSpan {
			return nil, invalid(name, "%s is a number of seconds above 0", name)
		}
		*span.to = time.Duration(*span.sent) * time.Second
	}
	if err := c.s.c.Auth.SetSettings(c.ctx(), c.id, v, in.Password); err != nil {
		return nil, err
	}
	return getLoginSettings(c)
}
