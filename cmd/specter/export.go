//go:build !offline

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"specter/internal/app"
	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/legacy"
)

type exportCmd struct {
	folderArg
	Folder       string `arg:"" help:"Folder to write, which is not there yet or empty; for specter-backup a file that is not there yet." placeholder:"FOLDER"`
	Format       string `help:"What is written: specter, the data folder of the old Specter Desktop 2.1, or specter-backup, the zip that its backup button made of one user's wallets and devices." enum:"specter,specter-backup" default:"specter"`
	User         string `help:"With specter-backup: whose wallets and devices; left away, the owner's." placeholder:"NAME"`
	Network      string `help:"With specter-backup: of which network; left away, of the only one with wallets." placeholder:"NETWORK"`
	NewPasswords bool   `help:"Make one-time passwords for users whose password the old program cannot use, and print them."`
}

// Help shows how it is used.
func (exportCmd) Help() string {
	return `Writes nodes, devices, wallets with labels, frozen coins, pending payments and history, users and settings as a folder that the old Specter Desktop opens. It holds the node's password, and the keys of an old certificate and onion service, in clear, as the old program wants them: keep it where nobody else can read it.

Examples:
  specter export ~/specter-back
  specter export --format specter --new-passwords ~/specter-back
  specter export --format specter-backup specter-backup.zip
  specter export --format specter-backup --user ann --network main ann.zip`
}

type exportAnswer struct {
	Folder    string            `json:"folder"`
	Written   int               `json:"written"`
	LeftOut   int               `json:"left_out"`
	Lines     []legacy.Line     `json:"lines"`
	Passwords map[string]string `json:"passwords,omitempty"` // by user
}

// Run writes the folder.
func (c exportCmd) Run(h host) error {
	if c.Format == "specter-backup" {
		return c.archive(h)
	}
	if c.User != "" || c.Network != "" {
		return errs.E(errs.Invalid, "--user and --network are for --format specter-backup; a whole folder has all of them")
	}
	return c.at(h, false, func(d *app.Desk) error {
		r, passwords, err := d.Export(h.ctx, c.Folder, c.NewPasswords)
		if err != nil {
			return err
		}
		a := exportAnswer{Folder: r.From, Written: r.Count(legacy.Written), LeftOut: r.Count(legacy.LeftOut), Lines: r.Lines}
		for _, p := range passwords {
			if a.Passwords == nil {
				a.Passwords = map[string]string{}
			}
			a.Passwords[p.User] = p.Password
		}
		if !(common{Output: c.Output}).text(h) {
			return printJSON(h.stdout, a)
		}
		var b strings.Builder
		writeLines(&b, r.Lines)
		for _, p := range passwords {
			fmt.Fprintf(&b, "password  %s: %s\n", p.User, p.Password)
		}
		fmt.Fprintf(&b, "Done: %d written to %s, %d left out.\n", a.Written, a.Folder, a.LeftOut)
		_, err = fmt.Fprint(h.stdout, b.String())
		return err
	})
}

// archive writes the old program's backup.
func (c exportCmd) archive(h host) error {
	var n *btc.Network
	if c.Network != "" {
		parsed, err := btc.ParseNetwork(c.Network)
		if err != nil {
			return err
		}
		n = &parsed
	}
	return c.at(h, false, func(d *app.Desk) error {
		id := auth.OwnerID
		if c.User != "" {
			u, err := d.Auth.UserByName(h.ctx, c.User)
			if err != nil {
				return err
			}
			id = u.ID
		}
		data, r, err := d.ExportArchive(h.ctx, id, n)
		if err != nil {
			return err
		}
		if err := writeNew(c.Folder, data); err != nil {
			return err
		}
		a := exportAnswer{Folder: c.Folder, Written: r.Count(legacy.Written), LeftOut: r.Count(legacy.LeftOut), Lines: r.Lines}
		if !(common{Output: c.Output}).text(h) {
			return printJSON(h.stdout, a)
		}
		var b strings.Builder
		writeLines(&b, r.Lines)
		fmt.Fprintf(&b, "Done: %d written to %s, %d left out.\n", a.Written, a.Folder, a.LeftOut)
		_, err = fmt.Fprint(h.stdout, b.String())
		return err
	})
}

// writeNew writes a file that is not there yet, for nobody else to read.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errs.E(errs.Conflict, "%s is there already; nothing was written. Name a file that is not there yet", name)
	}
	if err != nil {
		return errs.E(errs.Unavailable, "%s cannot be written: %w", name, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
