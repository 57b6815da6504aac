package legacy

import (
	"errors"
	"io/fs"
	"maps"
	"strconv"
	"strings"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/setting"
)

// settings takes what users chose, where they have chosen nothing here.
func (t *taker) settings() error {
	for i := range t.f.Users {
		u := &t.f.Users[i]
		if !u.Settings.Told || t.gone[u.ID] {
			continue
		}
		owner := t.ids[u.ID]
		_, _, found, err := t.before(owner, "settings", "user")
		if err != nil {
			return err
		}
		if found {
			t.line("settings", u.ID, u.Name, Same, "")
			continue
		}
		if err := t.userSettings(u, owner); err != nil {
			return err
		}
	}
	return nil
}

func (t *taker) userSettings(u *User, owner string) error {
	current := setting.Defaults()
	if owner != "" {
		var err error
		if current, err = t.r.Settings.User(t.ctx, owner); err != nil {
			return err
		}
	}
	s, left := u.Settings, ""
	if !u.Owner && (s.FeesURL != "" || s.Bridge != "" && !setting.BridgeInBrowser(s.Bridge)) { // servers are for the owner to name
		if s.FeesURL != "" {
			s.Fees, s.FeesURL, left = "", "", "a server of their own for feerates is left out: the owner names those"
		}
		if !setting.BridgeInBrowser(s.Bridge) {
			s.Bridge = ""
		}
	}
	after, taken := s.onto(current)
	if left != "" {
		taken = append(taken, left)
	}
	if !t.o.Dry {
		if _, err := t.r.Settings.ChangeUser(t.ctx, owner, func(v *setting.User) error { *v = after; return nil }); err != nil {
			return t.refused(err, "settings", u.ID, u.Name)
		}
	}
	logout, err := t.logout(owner, s.Logout)
	if err != nil {
		return err
	}
	if logout {
		taken = append(taken, "when to be logged out")
	}
	outcome := Same
	if len(taken) > 0 {
		outcome = Taken
	}
	t.line("settings", u.ID, u.Name, outcome, "%s", strings.Join(taken, ", "))
	return t.note(owner, "settings", "user", "", nil)
}

// logout takes when a user is logged out, where nobody has chosen here.
func (t *taker) logout(owner string, minutes *int) (taken bool, err error) {
	if minutes == nil || *minutes == setting.DefaultLogoutAfter {
		return false, nil
	}
	if owner != "" {
		now, err := t.r.Settings.LogoutAfter(t.ctx, owner)
		if err != nil || now != setting.DefaultLogoutAfter {
			return false, err
		}
	}
	if t.o.Dry {
		return true, nil
	}
	return true, t.r.Settings.SetLogoutAfter(t.ctx, owner, *minutes)
}

// onto writes old choices over those that stand as by default, one by one, and names them. What
// this program would not take is left.
func (s Settings) onto(u setting.User) (after setting.User, taken []string) {
	d := setting.Defaults()
	after = u
	try := func(name string, wanted bool, change func(v *setting.User)) {
		if !wanted {
			return
		}
		v := after
		v.Explorers = maps.Clone(after.Explorers)
		change(&v)
		if v, err := v.Check(); err == nil {
			after, taken = v, append(taken, name)
		}
	}
	try("unit", s.Unit != "" && u.Unit == d.Unit && s.Unit != d.Unit, func(v *setting.User) { v.Unit = s.Unit })
	try("hidden amounts", s.Hide && !u.Hide, func(v *setting.User) { v.Hide = true })
	try("hiding amounts", s.HideAfter > 0 && u.HideAfter == d.HideAfter, func(v *setting.User) { v.HideAfter = s.HideAfter })
	try("proofs", s.Proofs && !u.Proofs, func(v *setting.User) { v.Proofs = true })
	try("source of feerates", s.Fees != "" && u.Rates.Fees == d.Rates.Fees, func(v *setting.User) { v.Rates.Fees, v.Rates.FeesURL = s.Fees, s.FeesURL })
	try("price", s.Price != "" && u.Rates.Price == "", func(v *setting.User) { v.Rates.Price, v.Rates.Currency = s.Price, s.Currency })
	try("USB bridge", s.Bridge != "" && u.Bridge == "", func(v *setting.User) { v.Bridge = s.Bridge })
	for _, n := range btc.Networks() {
		e, told := s.Explorers[n]
		_, chosen := u.Explorers[n]
		try("explorer of "+n.String(), told && !chosen, func(v *setting.User) {
			if v.Explorers == nil {
				v.Explorers = map[btc.Network]setting.Explorer{}
			}
			v.Explorers[n] = e
		})
	}
	return after, taken
}

// The names under which the program keeps what no room of it uses yet.
const (
	SettingWhitelist   = "bridge-whitelist"
	SettingOnion       = "onion-address"
	SettingOnionKey    = "onion-key"
	SettingCertificate = "tls-certificate"
	SettingKey         = "tls-key"
)

// howToUse says what to do with a word that works by itself nowhere.
var howToUse = map[string]string{
	SettingCertificate: "kept; to go on with it, start with --cert and --key and the two files in the old folder, or with --tls self-signed for a new one",
	SettingOnionKey:    "the onion service goes on under its old address, once Tor is switched on under Settings, Remote access",
}

// program takes what was for all users together.
func (t *taker) program() error {
	p := t.f.Program
	if p.Proxy != "" && p.OnlyTor {
		if err := t.proxy(p); err != nil {
			return err
		}
	}
	for _, w := range []struct{ name, label, value string }{
		{SettingWhitelist, "whitelist of the bridge", p.Whitelist},
		{SettingOnion, "address of the onion service", p.Onion},
		{SettingOnionKey, "key of the onion service", p.OnionKey},
		{SettingCertificate, "TLS certificate", string(p.Certificate)},
		{SettingKey, "key of the TLS certificate", string(p.Key)},
	} {
		if w.value == "" {
			continue
		}
		if err := t.word(w.name, w.label, w.value); err != nil {
			return err
		}
	}
	return t.handOver()
}

// fileOnionKey is where the onion service looks for its key.
const fileOnionKey = "tor/onion.key"

// maxOrigins bounds the whitelist that is handed to the bridge.
const maxOrigins = 200

// handOver gives the rooms that use them what was kept among the words: the onion service its key,
// the bridge its whitelist. What they have of their own stays.
func (t *taker) handOver() error {
	p := t.f.Program
	if t.o.Dry {
		return nil
	}
	if p.OnionKey != "" && t.r.Files != nil {
		_, err := t.r.Files.Read(fileOnionKey)
		if errors.Is(err, fs.ErrNotExist) {
			err = t.r.Files.Write(fileOnionKey, []byte(p.OnionKey+"\n"))
		}
		if err != nil {
			return err
		}
	}
	lines := strings.Fields(p.Whitelist)
	for i, l := range lines {
		if l != "*" {
			lines[i] = strings.TrimSuffix(l, "/") + "/"
		}
	}
	_, _, found, err := t.before(auth.OwnerID, "program", "origins")
	if err != nil || found || len(lines) == 0 {
		return err
	}
	_, err = t.r.Settings.ChangeBridge(t.ctx, func(b *setting.Bridge) error {
		if len(b.Origins) == 1 && b.Origins[0] == setting.DefaultOrigin {
			b.Origins = lines[:min(len(lines), maxOrigins)]
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.note(auth.OwnerID, "program", "origins", "", nil)
}

// word stores one of the program's words where there is none.
func (t *taker) word(name, label, value string) error {
	_, _, found, err := t.before(auth.OwnerID, "program", name)
	if err != nil {
		return err
	}
	have, err := t.r.Words.Setting(t.ctx, "", name)
	switch {
	case err != nil:
		return err
	case found || have == value:
		t.line("program", "", label, Same, "")
	case have != "":
		t.line("program", "", label, LeftOut, "this Specter has another one, which stays")
	case t.o.Dry:
		t.line("program", "", label, Taken, "%s", howToUse[name])
		return nil
	default:
		if err := t.r.Words.PutSetting(t.ctx, "", name, value); err != nil {
			return err
		}
		t.line("program", "", label, Taken, "%s", howToUse[name])
	}
	return t.note(auth.OwnerID, "program", name, "", nil)
}

// proxy takes the proxy of a Specter that went through Tor alone.
func (t *taker) proxy(p Program) error {
	const label = "outside services over Tor alone"
	_, _, found, err := t.before(auth.OwnerID, "program", "proxy")
	if err != nil {
		return err
	}
	now, err := t.r.Settings.Program(t.ctx)
	switch {
	case err != nil:
		return err
	case found, now.Proxy != "":
		t.line("program", "", label, Same, "")
		return nil
	}
	if !t.o.Dry {
		_, err := t.r.Settings.ChangeProgram(t.ctx, func(v *setting.Program) error {
			v.Proxy, v.ProxyOnly = p.Proxy, true
			return nil
		})
		if errs.Is(err, errs.Invalid) {
			return t.refused(err, "program", "", label)
		}
		if err != nil {
			return err
		}
	}
	t.line("program", "", label, Taken, "")
	return t.note(auth.OwnerID, "program", "proxy", "", nil)
}

// kept stores what is not supported yet, as it was, and what the old program wrote of its users.
func (t *taker) kept() error {
	for _, u := range t.f.Users {
		if t.gone[u.ID] {
			continue
		}
		if err := t.keepWritten(t.ids[u.ID], "users.json/"+u.ID, u.raw, nil, false); err != nil {
			return err
		}
	}
	for _, k := range t.f.Kept {
		if t.gone[k.User] {
			t.line("other", k.User, k.Kind+" "+k.Name, LeftOut, "its user is left out")
			continue
		}
		owner := t.ids[k.User]
		if owner == "" && !t.o.Dry {
			owner = auth.OwnerID
		}
		_, value, found, err := t.before(owner, "kept", k.File)
		if err != nil {
			return err
		}
		if found && string(value) == string(k.Data) {
			if !k.quiet {
				t.line("other", k.User, k.Kind+" "+k.Name, Same, "not supported yet; kept before")
			}
			continue
		}
		if !k.quiet {
			t.line("other", k.User, k.Kind+" "+k.Name, Stored, "not supported yet; kept for the day when it is")
		}
		if err := t.note(owner, "kept", k.File, k.Kind+" "+strconv.QuoteToGraphic(k.Name), k.Data); err != nil {
			return err
		}
	}
	return nil
}
