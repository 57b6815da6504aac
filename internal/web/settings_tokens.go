package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// newToken waits to be shown once to its user.
type newToken struct{ user, description, secret string }

type tokensPage struct {
	settingsFrame
	Tokens    []tokenRow
	Made      *newToken
	APIActive bool
	APIForced bool
	Form      tokenForm
	Error     string
}

// Secret is the token itself.
func (n newToken) Secret() string { return n.secret }

// Description is the name that its maker gave it.
func (n newToken) Description() string { return n.description }

// tokenRow is a token in words.
type tokenRow struct {
	auth.Token
	Left    string
	Over    bool
	Rights  string
	Wallets string
}

// tokenForm is what was typed.
type tokenForm struct {
	Description, Life, Other string
	Rights                   []auth.Right
	Wallets                  []int64
}

// Has tells whether a right is ticked.
func (f tokenForm) Has(right auth.Right) bool { return slices.Contains(f.Rights, right) }

// Reaches tells whether a wallet is ticked.
func (f tokenForm) Reaches(id wallet.ID) bool { return slices.Contains(f.Wallets, int64(id)) }

// lives are the menu's spans, in the spelling of the API.
var lives = []string{"1 hour", "1 day", "30 days", "90 days", "365 days"}

// Lives lists the menu.
func (tokensPage) Lives() []tokenLife {
	var out []tokenLife
	for _, text := range lives {
		n, unit, _ := strings.Cut(text, " ")
		count, _ := strconv.Atoi(n) // of our own list
		out = append(out, tokenLife{text, count, strings.HasPrefix(unit, "h")})
	}
	return out
}

type tokenLife struct {
	Value string
	Count int
	Hours bool
}

func (s *Server) tokensPage(r *http.Request) (tokensPage, error) {
	f, err := s.settingsFrame(r, "tokens", s.tr(r, "API tokens"))
	if err != nil {
		return tokensPage{}, err
	}
	v := tokensPage{settingsFrame: f, Form: tokenForm{Life: "30 days", Rights: []auth.Right{auth.Read}}}
	if v.APIActive, v.APIForced, err = s.apiActive(r.Context()); err != nil {
		return v, err
	}
	list, err := s.c.Auth.Tokens(r.Context(), f.User.ID)
	for _, t := range list {
		v.Tokens = append(v.Tokens, s.tokenRow(r, f.page, t))
	}
	return v, err
}

func (s *Server) tokenRow(r *http.Request, p page, t auth.Token) tokenRow {
	c := s.words(r)
	row := tokenRow{Token: t, Rights: c.t("everything"), Wallets: c.t("all wallets")}
	left := t.Remaining(s.now())
	row.Left, row.Over = c.span(left), left <= 0
	if len(t.Scope.Rights) > 0 {
		var words []string
		for _, right := range t.Scope.Rights {
			words = append(words, c.rightWord(right))
		}
		row.Rights = strings.Join(words, ", ")
	}
	if len(t.Scope.Wallets) > 0 {
		var names []string
		for _, id := range t.Scope.Wallets {
			name := c.t("a wallet of another network")
			for _, w := range p.Wallets {
				if int64(w.ID) == id {
					name = w.Name
				}
			}
			names = append(names, name)
		}
		row.Wallets = strings.Join(names, ", ")
	}
	return row
}

func (c catalogue) rightWord(right auth.Right) string {
	switch right {
	case auth.Read:
		return c.t("look")
	case auth.Write:
		return c.t("prepare")
	case auth.Broadcast:
		return c.t("send")
	case auth.Manage:
		return c.t("manage")
	case auth.Admin:
		return c.t("administer")
	}
	return string(right)
}

func (s *Server) getTokens(w http.ResponseWriter, r *http.Request) error {
	v, err := s.tokensPage(r)
	if err != nil {
		return err
	}
	if name := r.URL.Query().Get("made"); name != "" {
		if made, ok := s.tokens.take(name); ok && made.user == v.User.ID {
			v.Made = &made
		}
	}
	return s.render(w, r, http.StatusOK, "settings_tokens", v)
}

// readTokenForm reads what was ticked. Nothing ticked is no right at all, so that a token never
// may more than its maker has seen.
func readTokenForm(r *http.Request) (tokenForm, auth.TokenRequest, error) {
	f := tokenForm{Description: strings.TrimSpace(r.PostFormValue("description")), Life: limit(r.PostFormValue("life"), 40), Other: limit(strings.TrimSpace(r.PostFormValue("other")), 100)}
	for _, right := range auth.Rights {
		if slices.Contains(r.PostForm["right"], string(right)) {
			f.Rights = append(f.Rights, right)
		}
	}
	for _, text := range r.PostForm["wallet"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 || len(f.Wallets) >= 1000 {
			return f, auth.TokenRequest{}, errs.E(errs.Invalid, "choose among your own wallets")
		}
		f.Wallets = append(f.Wallets, id)
	}
	req := auth.TokenRequest{Description: f.Description, Scope: auth.Scope{Rights: f.Rights, Wallets: f.Wallets}}
	if len(f.Rights) == len(auth.Rights) {
		req.Scope.Rights = nil
	}
	if len(f.Rights) == 0 {
		return f, req, errs.E(errs.Invalid, "tick at least one thing that the token may do")
	}
	span := f.Life
	if span == "other" {
		span = f.Other
	}
	var err error
	if req.Life, err = auth.ParseSpan(span); err == nil && req.Life < time.Second {
		err = errs.E(errs.Invalid, "the token would be over at once; give it a life of a second or more")
	}
	return f, req, err
}

// postToken makes a token and shows it once, on the page that follows.
func (s *Server) postToken(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.tokensPage(r)
	if err != nil {
		return err
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	form, req, err := readTokenForm(r)
	for _, id := range req.Scope.Wallets {
		if !slices.ContainsFunc(v.page.Wallets, func(rec wallet.Record) bool { return int64(rec.ID) == id }) {
			err = errs.E(errs.Invalid, "choose among your own wallets")
		}
	}
	var secret string
	if err == nil {
		_, secret, err = s.c.Auth.NewToken(r.Context(), by, req)
	}
	if err != nil {
		if errs.Is(err, errs.Internal) {
			return err
		}
		v.Form, v.Error = form, s.refusal(w, r, err)
		return s.render(w, r, statusOf(err), "settings_tokens", v)
	}
	return s.redirect(w, r, "/settings/tokens?made="+s.tokens.put(newToken{v.User.ID, req.Description, secret}))
}

// postDeleteToken ends a token; programs that use it are refused from then on.
func (s *Server) postDeleteToken(w http.ResponseWriter, r *http.Request) error {
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	if err := s.c.Auth.DeleteToken(r.Context(), by.User.ID, r.PathValue("id")); err != nil {
		return err
	}
	s.say(w, r, flashOK, "The token is deleted. Programs that use it are refused from now on.")
	return s.redirect(w, r, "/settings/tokens")
}
