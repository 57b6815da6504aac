//go:build !offline

package main

import (
	"fmt"

	"specter/internal/app"
	"specter/internal/errs"
)

type secretsCmd struct {
	Status secretsStatusCmd `cmd:"" help:"Tell how the stored secrets are locked."`
	Lock   secretsLockCmd   `cmd:"" help:"Start locked from now on: the owner's password opens, and no key file."`
	Unlock secretsUnlockCmd `cmd:"" help:"Start by itself from now on: a key file opens."`
	Forget secretsForgetCmd `cmd:"" help:"Remove the secrets whose key file and password are lost. Everything else stays."`
}

type secretsStatusCmd struct{ folderArg }

type secretsAnswer struct {
	KeyFile  string `json:"key_file"` // "": it starts locked
	Password bool   `json:"password"` // the owner's password opens
}

// Help shows how it is used.
func (secretsStatusCmd) Help() string {
	return `Example:
  specter secrets status --data-dir /var/lib/specter`
}

// Run tells.
func (c secretsStatusCmd) Run(h host) error {
	return c.at(h, false, func(d *app.Desk) error {
		s := d.Secrets()
		if !(common{Output: c.Output}).text(h) {
			return printJSON(h.stdout, secretsAnswer{s.KeyFile, s.Password})
		}
		if s.KeyFile == "" {
			fmt.Fprintln(h.stdout, "Specter starts locked. The owner's password opens it.")
			return nil
		}
		fmt.Fprintf(h.stdout, "The key file %s opens the secrets at every start.\n", s.KeyFile)
		if s.Password {
			fmt.Fprintln(h.stdout, "The owner's password opens them, too, where the key file is lost.")
		} else {
			fmt.Fprintln(h.stdout, "The owner's password does not open them yet: log in once. Until then keep a copy of the key file.")
		}
		return nil
	})
}

type secretsLockCmd struct {
	folderArg
	passwordArg
}

// Help shows how it is used.
func (secretsLockCmd) Help() string {
	return `After each start nothing is asked of a node, and no wallet is brought up to date, until the owner has logged in. The password is read from standard input or a file; it must be one with which the owner has logged in.

Example:
  specter secrets lock --password-file /run/secrets/owner`
}

// Run locks.
func (c secretsLockCmd) Run(h host) error {
	return c.at(h, false, func(d *app.Desk) error {
		password, err := c.read(h)
		if err != nil {
			return err
		}
		if err := d.KeepLocked(h.ctx, true, password); err != nil {
			return err
		}
		fmt.Fprintln(h.stderr, "Specter starts locked from now on. The key file is gone.")
		return nil
	})
}

type secretsUnlockCmd struct{ folderArg }

// Help shows how it is used.
func (secretsUnlockCmd) Help() string {
	return `A key file protects copies of the database; put it on another disk with --key-file of the server to protect against the loss of the whole folder, too.

Example:
  specter secrets unlock --data-dir /var/lib/specter`
}

// Run makes a key file.
func (c secretsUnlockCmd) Run(h host) error {
	return c.at(h, false, func(d *app.Desk) error {
		if err := d.KeepLocked(h.ctx, false, ""); err != nil {
			return err
		}
		fmt.Fprintf(h.stderr, "The key file %s opens the secrets from now on.\n", d.Secrets().KeyFile)
		return nil
	})
}

type secretsForgetCmd struct {
	folderArg
	Yes bool `help:"Do not ask."`
}

// Help shows how it is used.
func (secretsForgetCmd) Help() string {
	return `For whoever has lost the key file and the owner's password. The node's password, seeds of software keys, API tokens, keys of TLS, SSH and the onion service, and what was kept of an old Specter are gone after it; wallets, labels, history and users stay. Put a copy of the key file back instead, if there is one.

Example:
  specter secrets forget --data-dir /var/lib/specter`
}

// Run forgets.
func (c secretsForgetCmd) Run(h host) error {
	dir, _, err := dataDir(c.DataDir)
	if err != nil {
		return err
	}
	if !c.Yes {
		if err := confirm(h, "This removes every stored secret. Seeds of software keys that are written down nowhere else are lost, with the coins that only they can spend."); err != nil {
			return err
		}
	}
	n, err := app.ForgetSecrets(h.ctx, app.Config{DataDir: dir})
	if errs.Is(err, errs.Conflict) {
		return errs.E(errs.Conflict, "%w. Stop Specter first", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(h.stderr, "%d secrets are gone.\n", n)
	return nil
}
