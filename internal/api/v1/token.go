package v1

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
)

// tokenView is a token; the JWT itself is told once, when it is made.
type tokenView struct {
	ID               string   `json:"id"`
	Description      string   `json:"description"`
	Created          moment   `json:"created"`
	Expires          moment   `json:"expires"`
	LastUsed         moment   `json:"last_used"`
	LifeSeconds      int64    `json:"life_seconds"`
	RemainingSeconds int64    `json:"remaining_seconds"`
	Rights           []string `json:"rights"`
	Wallets          []int64  `json:"wallet_ids"`
}

// newTokenView is a token that was made just now.
type newTokenView struct {
	tokenView
	JWT string `json:"jwt"`
}

// tokenPage is a page of tokens.
type tokenPage struct {
	Items []tokenView `json:"items"`
	paging
}

// tokenInput asks for a token.
type tokenInput struct {
	Description string   `json:"description" need:"yes"`
	Life        string   `json:"life" need:"yes"`
	Rights      []string `json:"rights"`
	Wallets     []int64  `json:"wallet_ids"`
}

func (s *Server) tokenOf(t auth.Token) tokenView {
	rights := t.Scope.Rights
	if len(rights) == 0 {
		rights = auth.Rights
	}
	return tokenView{ID: t.ID, Description: t.Description, Created: moment(t.Created), Expires: moment(t.Expires), LastUsed: moment(t.LastUsed),
		LifeSeconds: seconds(t.Life), RemainingSeconds: seconds(t.Remaining(s.now())),
		Rights:  mapped(rights, func(r auth.Right) string { return string(r) }),
		Wallets: mapped(t.Scope.Wallets, func(id int64) int64 { return id })}
}

func getTokens(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Auth.Tokens(c.ctx(), c.user())
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(t auth.Token) string { return t.ID })
	return tokenPage{mapped(rows, c.s.tokenOf), p}, err
}

func getToken(c *call) (any, error) {
	t, err := c.s.c.Auth.Token(c.ctx(), c.user(), c.PathValue("id"))
	return c.s.tokenOf(t), err
}

// postToken makes a token. One that is asked for by a token reaches no further than that one,
// and lives no longer.
func postToken(c *call) (any, error) {
	var in tokenInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	life, err := auth.ParseSpan(in.Life)
	if err != nil {
		return nil, fmt.Errorf("life: %w", err)
	}
	scope, err := c.scope(in)
	if err != nil {
		return nil, err
	}
	if !scope.Within(c.id.Scope) {
		return nil, denied("insufficient-scope", "a token makes no token that may do more than itself")
	}
	if t := c.id.Token; t != nil && life > t.Remaining(c.s.now()) {
		return nil, denied("insufficient-scope", "a token makes no token that lives longer than itself: "+t.Remaining(c.s.now()).Round(time.Second).String()+" are left")
	}
	t, jwt, err := c.s.c.Auth.NewToken(c.ctx(), c.id, auth.TokenRequest{Description: in.Description, Life: life, Scope: scope})
	return created{"/tokens/" + url.PathEscape(t.ID), newTokenView{c.s.tokenOf(t), jwt}}, err
}

// scope reads rights and wallets of a token that is asked for.
func (c *call) scope(in tokenInput) (auth.Scope, error) {
	var scope auth.Scope
	for i, word := range in.Rights {
		r := auth.Right(word)
		if !slices.Contains(auth.Rights, r) || slices.Contains(scope.Rights, r) {
			return scope, invalid(fmt.Sprintf("rights[%d]", i), "the rights are %s, each once", strings.Join(allRights(), ", "))
		}
		scope.Rights = append(scope.Rights, r)
	}
	if len(in.Wallets) == 0 {
		return scope, nil
	}
	own := map[int64]bool{}
	for _, n := range btc.Networks() {
		list, err := c.s.c.Wallets.List(c.ctx(), c.owner(), n)
		if err != nil {
			return scope, err
		}
		for _, w := range list {
			own[int64(w.ID)] = true
		}
	}
	for i, id := range in.Wallets {
		if !own[id] || slices.Contains(scope.Wallets, id) {
			return scope, invalid(fmt.Sprintf("wallet_ids[%d]", i), "name each wallet once, by the id that GET %s/wallets tells", Root)
		}
		scope.Wallets = append(scope.Wallets, id)
	}
	return scope, nil
}

func allRights() []string { return mapped(auth.Rights, func(r auth.Right) string { return string(r) }) }

// deleteToken ends a token at once. A token may end itself and others of its user.
func deleteToken(c *call) (any, error) {
	return nil, c.s.c.Auth.DeleteToken(c.ctx(), c.user(), c.PathValue("id"))
}
