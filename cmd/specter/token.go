//go:build !offline

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"specter/internal/app"
	"specter/internal/auth"
	"specter/internal/errs"
)

type tokenCmd struct {
	Add    tokenAddCmd    `cmd:"" help:"Make a token and print it, this once."`
	List   tokenListCmd   `cmd:"" help:"List tokens."`
	Remove tokenRemoveCmd `cmd:"" help:"Remove a token; it is worth nothing at once."`
}

// whoseArg names the user whose tokens are meant.
type whoseArg struct {
	User string `help:"Name of the user (default: the owner)." placeholder:"NAME"`
}

func (w whoseArg) user(h host, d *app.Desk) (auth.User, error) {
	if w.User == "" {
		return d.Auth.User(h.ctx, auth.OwnerID)
	}
	return d.Auth.UserByName(h.ctx, w.User)
}

type tokenAddCmd struct {
	folderArg
	whoseArg
	Description string   `arg:"" help:"What the token is for."`
	Life        string   `help:"How long it is good, such as \"6 hours\" or \"30 days\"." default:"30 days" placeholder:"SPAN"`
	Right       []string `help:"Bound it to rights: read, write, broadcast, manage, admin. Left away: all that the user may do." placeholder:"RIGHT"`
	Wallet      []string `help:"Bound it to wallets, by alias. Left away: all the user's." placeholder:"ALIAS"`
}

// Help shows how it is used.
func (tokenAddCmd) Help() string {
	return `The token alone goes to standard output, so that a script can keep it; it is stored hashed and cannot be shown again.

Example:
  specter token add "price display" --life "1 year" --right read --wallet savings > token`
}

// Run makes the token.
func (c tokenAddCmd) Run(h host) error {
	life, err := auth.ParseSpan(c.Life)
	if err != nil {
		return err
	}
	rights, err := rightsOf(c.Right)
	if err != nil {
		return err
	}
	return c.at(h, false, func(d *app.Desk) error {
		u, err := c.user(h, d)
		if err != nil {
			return err
		}
		wallets, err := walletIDs(h, d, u, c.Wallet)
		if err != nil {
			return err
		}
		t, jwt, err := d.Auth.NewToken(h.ctx, auth.Identity{User: u}, auth.TokenRequest{Description: c.Description, Life: life,
			Scope: auth.Scope{Wallets: wallets, Rights: rights}})
		if err != nil {
			return err
		}
		fmt.Fprintf(h.stderr, "Token %s of %s, good until %s:\n", t.ID, u.Name, when(t.Expires))
		if !(common{Output: c.Output}).text(h) && c.Output != "" {
			return printJSON(h.stdout, map[string]any{"id": t.ID, "token": jwt, "expires": stamp(t.Expires)})
		}
		_, err = fmt.Fprintln(h.stdout, jwt)
		return err
	})
}

func rightsOf(words []string) ([]auth.Right, error) {
	var out []auth.Right
	for _, w := range words {
		r := auth.Right(strings.ToLower(strings.TrimSpace(w)))
		if !slices.Contains(auth.Rights, r) {
			return nil, errs.E(errs.Invalid, "%q is no right; there are read, write, broadcast, manage and admin", w)
		}
		out = append(out, r)
	}
	return out, nil
}

// walletIDs finds wallets by alias. Aliases are unique within a network; one that several
// networks have binds the token to each of them.
func walletIDs(h host, d *app.Desk, u auth.User, aliases []string) ([]int64, error) {
	if len(aliases) == 0 {
		return nil, nil
	}
	all, err := d.Wallets(h.ctx, u.ID)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, alias := range aliases {
		found := false
		for _, w := range all {
			if w.Alias == alias {
				found = true
				out = append(out, int64(w.ID))
			}
		}
		if !found {
			return nil, errs.E(errs.NotFound, "%s has no wallet %q", u.Name, alias)
		}
	}
	return out, nil
}

type tokenListCmd struct {
	folderArg
	whoseArg
}

// Help shows how it is used.
func (tokenListCmd) Help() string {
	return "Without --user the tokens of all users are listed.\n\nExample:\n  specter token list --user bob"
}

type tokenLine struct {
	ID          string       `json:"id"`
	User        string       `json:"user"`
	Description string       `json:"description"`
	Rights      []auth.Right `json:"rights"`
	Wallets     int          `json:"wallets"`
	Created     *string      `json:"created"`
	Expires     *string      `json:"expires"`
	LastUsed    *string      `json:"last_used"`
}

// Run lists the tokens.
func (c tokenListCmd) Run(h host) error {
	return c.at(h, false, func(d *app.Desk) error {
		users, err := d.Auth.Users(h.ctx)
		if c.User != "" {
			users = make([]auth.User, 1)
			users[0], err = c.user(h, d)
		}
		if err != nil {
			return err
		}
		lines, rows := []tokenLine{}, []string{}
		for _, u := range users {
			tokens, err := d.Auth.Tokens(h.ctx, u.ID)
			if err != nil {
				return err
			}
			for _, t := range tokens {
				lines = append(lines, tokenLine{t.ID, u.Name, t.Description, append([]auth.Right{}, t.Scope.Rights...), len(t.Scope.Wallets), stamp(t.Created), stamp(t.Expires), stamp(t.LastUsed)})
				until := when(t.Expires)
				if t.Remaining(time.Now()) == 0 {
					until = "expired"
				}
				rows = append(rows, strings.Join([]string{t.ID, u.Name, t.Description, scopeWords(t.Scope), until, when(t.LastUsed)}, "\t"))
			}
		}
		return c.table(h, map[string]any{"tokens": lines}, "ID\tUSER\tDESCRIPTION\tMAY\tGOOD UNTIL\tLAST USED", rows)
	})
}

// scopeWords says in few words what a token may do.
func scopeWords(s auth.Scope) string {
	var words []string
	for _, r := range s.Rights {
		words = append(words, string(r))
	}
	text := strings.Join(words, "+")
	if text == "" {
		text = "everything"
	}
	if len(s.Wallets) > 0 {
		text += fmt.Sprintf(" in %d wallets", len(s.Wallets))
	}
	return text
}

type tokenRemoveCmd struct {
	folderArg
	ID string `arg:"" help:"Id of the token, as the list shows it."`
}

// Help shows how it is used.
func (tokenRemoveCmd) Help() string {
	return "Example:\n  specter token remove 9d3f4c1e-8a54-4d1e-b7a9-0d2a2d1f6f7a"
}

// Run removes the token, whoever's it is.
func (c tokenRemoveCmd) Run(h host) error {
	return c.at(h, false, func(d *app.Desk) error {
		users, err := d.Auth.Users(h.ctx)
		if err != nil {
			return err
		}
		for _, u := range users {
			err := d.Auth.DeleteToken(h.ctx, u.ID, c.ID)
			if err == nil {
				fmt.Fprintf(h.stderr, "The token of %s is removed.\n", u.Name)
				return nil
			}
			if !errs.Is(err, errs.NotFound) {
				return err
			}
		}
		return errs.E(errs.NotFound, "there is no token %q", c.ID)
	})
}
