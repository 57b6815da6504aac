//go:build !offline

package main

import (
	"fmt"
	"strings"

	"specter/internal/app"
	"specter/internal/auth"
	"specter/internal/errs"
)

type userCmd struct {
	Add    userAddCmd    `cmd:"" help:"Add a user."`
	Passwd userPasswdCmd `cmd:"" help:"Set a user's password."`
	List   userListCmd   `cmd:"" help:"List the users."`
	Remove userRemoveCmd `cmd:"" help:"Remove a user with wallets, devices and tokens."`
}

type userAddCmd struct {
	folderArg
	passwordArg
	Name  string `arg:"" help:"Name to log in with."`
	Admin bool   `help:"The owner, of a Specter that has none yet."`
}

// Help shows how it is used.
func (userAddCmd) Help() string {
	return `The password is asked for on a terminal, else read from standard input or a file. With --admin it finishes the first start without a browser.

Example:
  specter user add alice --admin --password-file /run/secrets/specter
  echo "correct horse battery" | specter user add bob`
}

// Run adds the user.
func (c userAddCmd) Run(h host) error {
	return c.at(h, c.Admin, func(d *app.Desk) error {
		_, unset, err := d.Auth.SetupLink(h.ctx)
		switch {
		case err != nil:
			return err
		case c.Admin && !unset:
			return errs.E(errs.Conflict, "this Specter has an owner already. Set another password with: specter user passwd NAME")
		case !c.Admin && unset:
			return errs.E(errs.Conflict, "this Specter has no owner yet. Add the owner first: specter user add NAME --admin")
		}
		password, err := c.read(h)
		if err != nil {
			return err
		}
		role := "user"
		if c.Admin {
			role = "owner"
			err = d.Auth.SetOwner(h.ctx, c.Name, password)
		} else {
			var by auth.Identity
			if by, err = owner(h, d); err == nil {
				_, err = d.Auth.AddUser(h.ctx, by, c.Name, password)
			}
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(h.stderr, "The %s %s can log in now.\n", role, c.Name)
		if m := d.Auth.Settings().Method; m != auth.MethodUsers {
			fmt.Fprintf(h.stderr, "Only the owner logs in with the method %q; choose names and passwords under Settings, Authentication.\n", m)
		}
		return nil
	})
}

type userPasswdCmd struct {
	folderArg
	passwordArg
	Name string `arg:"" help:"Name of the user."`
}

// Help shows how it is used.
func (userPasswdCmd) Help() string {
	return `For whoever forgot the password: the old one is not asked. All of the user's sessions end.

Example:
  specter user passwd admin`
}

// Run sets the password.
func (c userPasswdCmd) Run(h host) error {
	return c.at(h, false, func(d *app.Desk) error {
		u, err := d.Auth.UserByName(h.ctx, c.Name)
		if err != nil {
			return err
		}
		if _, unset, err := d.Auth.SetupLink(h.ctx); err != nil || unset {
			if err != nil {
				return err
			}
			return errs.E(errs.Conflict, "this Specter has no owner yet. Finish that first: specter user add NAME --admin")
		}
		password, err := c.read(h)
		if err != nil {
			return err
		}
		if err := d.Auth.SetPassword(h.ctx, u.ID, password); err != nil {
			return err
		}
		fmt.Fprintf(h.stderr, "%s has a new password.\n", u.Name)
		if d.Auth.Settings().Method == auth.MethodNone {
			fmt.Fprintln(h.stderr, "Nobody is asked for it while the login is switched off, under Settings, Authentication.")
		}
		return nil
	})
}

type userListCmd struct{ folderArg }

// Help shows how it is used.
func (userListCmd) Help() string {
	return "Example:\n  specter user list"
}

type userLine struct {
	Name      string  `json:"name"`
	Role      string  `json:"role"`
	Password  bool    `json:"password"`
	Created   *string `json:"created"`
	LastLogin *string `json:"last_login"`
}

// Run lists the users.
func (c userListCmd) Run(h host) error {
	return c.at(h, false, func(d *app.Desk) error {
		users, err := d.Auth.Users(h.ctx)
		if err != nil {
			return err
		}
		lines, rows := []userLine{}, []string{}
		for _, u := range users {
			lines = append(lines, userLine{u.Name, string(u.Role), u.Password, stamp(u.Created), stamp(u.LastLogin)})
			set := "no password"
			if u.Password {
				set = "password"
			}
			rows = append(rows, strings.Join([]string{u.Name, string(u.Role), set, when(u.LastLogin)}, "\t"))
		}
		return c.table(h, map[string]any{"users": lines, "method": d.Auth.Settings().Method}, "NAME\tROLE\tLOGIN\tLAST LOGIN", rows)
	})
}

type userRemoveCmd struct {
	folderArg
	Name string `arg:"" help:"Name of the user."`
	Yes  bool   `help:"Do not ask."`
}

// Help shows how it is used.
func (userRemoveCmd) Help() string {
	return `What the user stored here goes too: wallets, devices, labels, drafts, tokens. Coins stay where they are: whoever has the keys and the wallets' descriptors can make the wallets again.

Example:
  specter user remove bob --yes`
}

// Run removes the user.
func (c userRemoveCmd) Run(h host) error {
	return c.at(h, false, func(d *app.Desk) error {
		u, err := d.Auth.UserByName(h.ctx, c.Name)
		if err != nil {
			return err
		}
		if u.Owner() {
			return errs.E(errs.Conflict, "%s is the owner, who stays; give away name and password instead", u.Name)
		}
		wallets, err := d.Wallets(h.ctx, u.ID)
		if err != nil {
			return err
		}
		if !c.Yes {
			if err := confirm(h, fmt.Sprintf("This removes %s with %d wallets, their labels and drafts, all devices and tokens.", u.Name, len(wallets))); err != nil {
				return err
			}
		}
		by, err := owner(h, d)
		if err != nil {
			return err
		}
		if err := d.Auth.DeleteUser(h.ctx, by, u.ID); err != nil {
			return err
		}
		fmt.Fprintf(h.stderr, "%s is removed.\n", u.Name)
		return nil
	})
}
