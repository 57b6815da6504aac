package web

import (
	"crypto/rand"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"specter/internal/btc/mnemonic"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// newSeed is a software key on its way: words that were shown and are not yet proved to be
// written down. It stays in memory, never in a form.
type newSeed struct {
	Owner wallet.Owner
	Name  string
	Seed  device.Seed
	Ask   []int // places, from 0, of the words that are asked for
}

type hotForm struct {
	Name   string
	Source string // 12, 24, own
	Own    string
}

type hotPage struct {
	page
	Form  hotForm
	Token string
	Words []string
	Ask   []int
	Error string
}

// settingHotKeys is the program's setting under which the owner has turned software keys on.
const settingHotKeys = "hot-keys"

// hotAllowed tells whether software keys may be made: they are off unless the owner asks for
// them, but for the demo chain with its play money.
func (s *Server) hotAllowed(r *http.Request) (bool, error) {
	if s.c.Demo != nil {
		return true, nil
	}
	v, err := s.c.Settings.Setting(r.Context(), "", settingHotKeys)
	return v == "yes", err
}

// postHotAllow turns software keys on or off. Those that are there stay and sign.
func (s *Server) postHotAllow(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	on := r.FormValue("on") == "yes"
	if on && r.FormValue("sure") != "yes" {
		return errs.E(errs.Invalid, "tick the box to say that a software key is not for savings")
	}
	value := ""
	if on {
		value = "yes"
	}
	if err := s.c.Settings.PutSetting(r.Context(), "", settingHotKeys, value); err != nil {
		return err
	}
	if on {
		s.say(w, r, flashOK, "Software keys are on.")
		return s.redirect(w, r, "/new-device/hot")
	}
	s.say(w, r, flashOK, "Software keys are off. Those that are there still sign.")
	return s.redirect(w, r, "/new-device")
}

func (s *Server) hotPage(r *http.Request) (hotPage, error) {
	allowed, err := s.hotAllowed(r)
	if err == nil && !allowed {
		err = errs.E(errs.Denied, "software keys are turned off here; the owner of this Specter can turn them on where devices are added")
	}
	if err != nil {
		return hotPage{}, err
	}
	p, err := s.page(r, s.tr(r, "New software key"))
	p.Section = "new-device"
	return hotPage{page: p, Form: hotForm{Source: "12"}}, err
}

func (s *Server) getHot(w http.ResponseWriter, r *http.Request) error {
	v, err := s.hotPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "device_hot", v)
}

// postHot makes or takes the words. New ones are shown once; typed ones need no proof.
func (s *Server) postHot(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.hotPage(r)
	if err != nil {
		return err
	}
	v.Form = hotForm{Name: strings.TrimSpace(r.FormValue("name")), Source: oneOf(r.FormValue("source"), "12", "24", "own"), Own: r.FormValue("words")}
	seed, err := s.readSeed(r, v)
	if err == nil && v.Form.Source == "own" {
		return s.createHot(w, r, v, seed)
	}
	if err != nil {
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "device_hot", v)
	}
	v.Words = strings.Fields(seed.Words)
	v.Token = s.seeds.put(newSeed{Owner: v.Owner, Name: v.Form.Name, Seed: seed, Ask: somePlaces(len(v.Words), 3)})
	return s.render(w, r, http.StatusOK, "device_hot_words", v)
}

// readSeed checks the form and returns the seed that it asks for.
func (s *Server) readSeed(r *http.Request, v hotPage) (device.Seed, error) {
	seed := device.Seed{Passphrase: r.FormValue("passphrase"), Password: r.FormValue("password"), Network: v.Network, Unprotected: r.FormValue("unprotected") == "yes"}
	if v.Form.Name == "" {
		return seed, errs.E(errs.Invalid, "give the key a name")
	}
	if seed.Password != r.FormValue("password2") {
		return seed, errs.E(errs.Invalid, "the two passwords are not the same; type them again")
	}
	if seed.Password == "" && v.Network.IsMain() && !seed.Unprotected {
		return seed, errs.E(errs.Invalid, "give the key a password, or tick the box below it to say that you want none")
	}
	if seed.Passphrase != r.FormValue("passphrase2") {
		return seed, errs.E(errs.Invalid, "the two passphrases are not the same; type them again")
	}
	if slices.ContainsFunc(v.Devices, func(d device.Device) bool { return strings.EqualFold(d.Name, v.Form.Name) }) {
		return seed, errs.E(errs.Conflict, "you have a device named %q already; choose another name", v.Form.Name)
	}
	if v.Form.Source == "own" {
		m, err := mnemonic.Parse(v.Form.Own)
		if err != nil {
			return seed, err
		}
		seed.Words = strings.Join(m.Words(), " ")
		return seed, nil
	}
	m, err := mnemonic.New(map[string]int{"12": 128, "24": 256}[v.Form.Source], rand.Reader)
	if err != nil {
		return seed, err
	}
	seed.Words = strings.Join(m.Words(), " ")
	return seed, nil
}

// somePlaces picks k different places of n in ascending order.
func somePlaces(n, k int) []int {
	var out []int
	for len(out) < k {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
		if err != nil {
			panic(err) // crypto/rand never fails on a supported system
		}
		if at := int(i.Int64()); !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return out
}

// postHotConfirm asks for some of the words, then makes the key when they are right.
func (s *Server) postHotConfirm(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.hotPage(r)
	if err != nil {
		return err
	}
	v.Token = r.FormValue("token")
	kept, ok := s.seeds.get(v.Token)
	if !ok || kept.Owner != v.Owner {
		s.say(w, r, flashWarn, "These words were forgotten, because too much time has passed or Specter was restarted. Nothing was stored: please begin again.")
		return s.redirect(w, r, "/new-device/hot")
	}
	v.Form.Name, v.Ask = kept.Name, kept.Ask
	if r.FormValue("action") == "show" {
		v.Words = strings.Fields(kept.Seed.Words)
		return s.render(w, r, http.StatusOK, "device_hot_words", v)
	}
	answers := r.Form["word"]
	if len(answers) == 0 { // coming from the words: ask
		return s.render(w, r, http.StatusOK, "device_hot_confirm", v)
	}
	words := strings.Fields(kept.Seed.Words)
	for i, at := range kept.Ask {
		if i >= len(answers) || !strings.EqualFold(strings.TrimSpace(answers[i]), words[at]) {
			v.Error = s.tr(r, "Word %d is not right. Look at what you wrote down.", at+1)
			return s.render(w, r, http.StatusUnprocessableEntity, "device_hot_confirm", v)
		}
	}
	s.seeds.take(v.Token)
	return s.createHot(w, r, v, kept.Seed)
}

func (s *Server) createHot(w http.ResponseWriter, r *http.Request, v hotPage, seed device.Seed) error {
	d, err := s.c.Devices.CreateHot(r.Context(), string(v.Owner), v.Form.Name, seed)
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "device_hot", v)
	}
	s.say(w, r, flashOK, "The software key %q is ready.", d.Name)
	return s.redirect(w, r, "/devices/"+url.PathEscape(d.Alias))
}
