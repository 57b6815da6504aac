package v1

import (
	"time"

	"specter/internal/auth"
)

// settingsView is what a user has chosen for the pages.
type settingsView struct {
	Unit        string `json:"unit"`
	Theme       string `json:"theme"`
	HideAmounts bool   `json:"hide_amounts"`
}

// settingsPatch changes some of it.
type settingsPatch struct {
	Unit        *string `json:"unit"`
	Theme       *string `json:"theme"`
	HideAmounts *bool   `json:"hide_amounts"`
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

// The names under which the pages keep a user's settings, and what each may be; the first word
// is what an unset one means.
const (
	settingUnit  = "unit"
	settingTheme = "theme"
	settingHide  = "hide-amounts"
)

var (
	units  = []string{"btc", "sat"}
	themes = []string{"auto", "dark", "light"}
)

func (c *call) setting(name, unset string) (string, error) {
	v, err := c.s.c.Settings.Setting(c.ctx(), c.user(), name)
	if v == "" {
		v = unset
	}
	return v, err
}

func getSettings(c *call) (any, error) {
	var v settingsView
	var err error
	if v.Unit, err = c.setting(settingUnit, units[0]); err != nil {
		return nil, err
	}
	if v.Theme, err = c.setting(settingTheme, themes[0]); err != nil {
		return nil, err
	}
	hide, err := c.setting(settingHide, "no")
	v.HideAmounts = hide == "yes"
	return v, err
}

func patchSettings(c *call) (any, error) {
	var in settingsPatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	values := map[string]string{}
	if in.Unit != nil {
		values[settingUnit] = *in.Unit
		if err := wordOf("unit", *in.Unit, units); err != nil {
			return nil, err
		}
	}
	if in.Theme != nil {
		values[settingTheme] = *in.Theme
		if err := wordOf("theme", *in.Theme, themes); err != nil {
			return nil, err
		}
	}
	if in.HideAmounts != nil {
		values[settingHide] = map[bool]string{true: "yes", false: "no"}[*in.HideAmounts]
	}
	for name, value := range values {
		if err := c.s.c.Settings.PutSetting(c.ctx(), c.user(), name, value); err != nil {
			return nil, err
		}
	}
	return getSettings(c)
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
