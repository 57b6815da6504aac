//go:build !offline

package main

import (
	"fmt"
	"strings"

	"specter/internal/app"
	"specter/internal/legacy"
)

type exportCmd struct {
	folderArg
	Folder       string `arg:"" help:"Folder to write, which is not there yet or empty." placeholder:"FOLDER"`
	Format       string `help:"Form of the folder: specter, the data folder of the old Specter Desktop 2.1." enum:"specter" default:"specter"`
	NewPasswords bool   `help:"Make one-time passwords for users whose password the old program cannot use, and print them."`
}

// Help shows how it is used.
func (exportCmd) Help() string {
	return `Writes nodes, devices, wallets with labels, frozen coins, pending payments and history, users and settings as a folder that the old Specter Desktop opens. It holds the node's password in clear, as the old program wants it: keep it where nobody else can read it.

Examples:
  specter export ~/specter-back
  specter export --format specter --new-passwords ~/specter-back`
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
