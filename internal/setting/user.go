package setting

import (
	"slices"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
)

// The words that can be chosen; the first of each holds where nothing was.
var (
	Units     = []string{"btc", "sat"}
	Themes    = []string{"auto", "dark", "light"}
	PageSizes = []int{10, 25, 50, 100, 250} // rows of a list; 0: as each page thinks best
)

// Bounds of numbers.
const (
	MaxHideAfter = 24 * 60 // minutes
	MaxDraftDays = 3650
)

// DefaultDraftDays is after how many days an unsigned draft lets its coins go.
const DefaultDraftDays = 30

// User is what a user has chosen.
type User struct {
	Unit      string // of Units
	Theme     string // of Themes
	Language  string // a tag such as "de"; "": as the browser asks
	Hide      bool   // amounts are hidden
	HideAfter int    // minutes without activity until they are; 0: never
	PageSize  int    // rows of every list, of PageSizes; 0: as each page thinks best
	DraftDays int    // days after which a draft without signatures lets its coins go; 0: never
	Proofs    bool   // every confirmed transaction is proved to be in its block
	ShowPrice bool   // worth beside amounts, where a provider is chosen
	// Rates say whom to ask for prices and feerates; TorOnly asks over the proxy or not at all.
	Rates rates.Settings
	// Explorers are those that links lead to; a network without one has no links.
	Explorers map[btc.Network]Explorer
	// Bridge is the USB bridge that this user's pages ask, see CleanBridge; "": this server's own.
	Bridge string
}

// Defaults are what a new user has: no outside service at all.
func Defaults() User {
	return User{Unit: Units[0], Theme: Themes[0], DraftDays: DefaultDraftDays, ShowPrice: true, Rates: rates.Default(), Explorers: map[btc.Network]Explorer{}}
}

// The names under which a user's choices are stored.
const (
	nameUnit      = "unit"
	nameTheme     = "theme"
	nameLanguage  = "language"
	nameHide      = "hide-amounts"
	nameHideAfter = "hide-after"
	namePageSize  = "page-size"
	nameDraftDays = "draft-days"
	nameProofs    = "proofs"
	nameShowPrice = "show-price"
	nameFees      = "fees"
	nameFeesURL   = "fees-url"
	nameTorOnly   = "rates-tor-only"
	namePrice     = "price"
	namePriceURL  = "price-url"
	nameCurrency  = "currency"
	nameManual    = "price-by-hand"
	nameExplorer  = "explorer-" // and the network
	nameBridge    = "bridge"
)

// values are the settings as they are stored; what is as by default is not.
func (u User) values() map[string]string {
	v, d := map[string]string{}, Defaults()
	put := func(name, value, usual string) {
		if value != usual {
			v[name] = value
		}
	}
	put(nameUnit, u.Unit, d.Unit)
	put(nameTheme, u.Theme, d.Theme)
	put(nameLanguage, u.Language, "")
	put(nameHide, yes(u.Hide), "no")
	put(nameHideAfter, strconv.Itoa(u.HideAfter), "0")
	put(namePageSize, strconv.Itoa(u.PageSize), "0")
	put(nameDraftDays, strconv.Itoa(u.DraftDays), strconv.Itoa(DefaultDraftDays))
	put(nameProofs, yes(u.Proofs), "no")
	put(nameShowPrice, yes(u.ShowPrice), "yes")
	put(nameFees, u.Rates.Fees, d.Rates.Fees)
	put(nameFeesURL, u.Rates.FeesURL, "")
	put(nameTorOnly, yes(u.Rates.TorOnly), "no")
	put(namePrice, u.Rates.Price, "")
	put(namePriceURL, u.Rates.PriceURL, "")
	put(nameCurrency, u.Rates.Currency, d.Rates.Currency)
	put(nameBridge, u.Bridge, "")
	if u.Rates.Manual > 0 {
		v[nameManual] = u.Rates.Manual.Text(8)
	}
	for n, e := range u.Explorers {
		if e.Kind != "" {
			v[nameExplorer+n.String()] = e.word()
		}
	}
	return v
}

// readUser takes what was stored; what cannot be read is as by default.
func readUser(v map[string]string) User {
	u := Defaults()
	u.Unit, u.Theme, u.Language = oneOf(v[nameUnit], Units), oneOf(v[nameTheme], Themes), v[nameLanguage]
	u.Hide, u.Proofs, u.ShowPrice = v[nameHide] == "yes", v[nameProofs] == "yes", v[nameShowPrice] != "no"
	u.HideAfter = number(v[nameHideAfter], 0, MaxHideAfter)
	if u.PageSize = number(v[namePageSize], 0, 500); !slices.Contains(PageSizes, u.PageSize) {
		u.PageSize = 0
	}
	u.DraftDays = number(v[nameDraftDays], DefaultDraftDays, MaxDraftDays)
	if address, err := CleanBridge(v[nameBridge]); err == nil {
		u.Bridge = address
	}
	manual, _ := btc.ParsePrice(v[nameManual]) // none is 0
	asked := rates.Settings{Fees: v[nameFees], FeesURL: v[nameFeesURL], TorOnly: v[nameTorOnly] == "yes", Price: v[namePrice], PriceURL: v[namePriceURL],
		Currency: v[nameCurrency], Manual: manual}
	if sound, err := asked.Check(); err == nil {
		u.Rates = sound
	}
	for _, n := range btc.Networks() {
		if e, err := readExplorer(v[nameExplorer+n.String()]).Check(n); err == nil && e.Kind != "" {
			u.Explorers[n] = e
		}
	}
	return u
}

// number reads a whole number from 0 to most; anything else is usual.
func number(text string, usual, most int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return usual
	}
	return n
}

// Check returns the settings in their one spelling, or what is wrong with them (errs.Invalid).
func (u User) Check() (User, error) {
	switch {
	case !slices.Contains(Units, u.Unit):
		return u, errs.E(errs.Invalid, "%.40q is no unit; choose btc or sat", u.Unit)
	case !slices.Contains(Themes, u.Theme):
		return u, errs.E(errs.Invalid, "%.40q is no choice of colours; choose auto, dark or light", u.Theme)
	case len(u.Language) > 20 || strings.Trim(u.Language, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "":
		return u, errs.E(errs.Invalid, "%.40q is no language", u.Language)
	case u.HideAfter < 0 || u.HideAfter > MaxHideAfter:
		return u, errs.E(errs.Invalid, "amounts are hidden after 1 to %d minutes, or with 0 never by themselves", MaxHideAfter)
	case u.PageSize != 0 && !slices.Contains(PageSizes, u.PageSize):
		return u, errs.E(errs.Invalid, "a list has 10, 25, 50, 100 or 250 rows a page")
	case u.DraftDays < 0 || u.DraftDays > MaxDraftDays:
		return u, errs.E(errs.Invalid, "drafts expire after 1 to %d days, or with 0 never", MaxDraftDays)
	}
	var err error
	if u.Rates, err = u.Rates.Check(); err != nil {
		return u, err
	}
	for n, e := range u.Explorers {
		if u.Explorers[n], err = e.Check(n); err != nil {
			return u, err
		}
	}
	u.Bridge, err = CleanBridge(u.Bridge)
	return u, err
}
