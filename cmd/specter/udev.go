//go:build !offline

package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"specter/internal/errs"
	"specter/internal/signer/transport"
)

type udevCmd struct {
	Print   udevPrintCmd   `cmd:"" help:"Print the rules."`
	Install udevInstallCmd `cmd:"" help:"Install the rules and let udev read them (as root)."`
	Check   udevCheckCmd   `cmd:"" help:"Tell whether the rules are installed and of this version."`
}

// groupArg names a group that may use devices on a machine that nobody sits at.
type groupArg struct {
	Group string `help:"A group that may use the devices too, for a server that nobody sits at." placeholder:"NAME"`
}

// rootArg is for people who make packages, and for tests.
type rootArg struct {
	Root string `help:"Work in this folder as if it were the root of the file system." placeholder:"FOLDER"`
}

type udevPrintCmd struct{ groupArg }

// Help shows how it is used.
func (udevPrintCmd) Help() string {
	return "Example:\n  specter udev print --group specter"
}

// Run prints the rules.
func (c udevPrintCmd) Run(h host) error {
	rules, err := transport.Rules(c.Group)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(h.stdout, rules)
	return err
}

type udevInstallCmd struct {
	groupArg
	rootArg
}

// Help shows how it is used.
func (udevInstallCmd) Help() string {
	return "Linux lets nobody but root use USB devices until a rule says otherwise. The rules give signing devices to who sits at the machine.\n\nExample:\n  sudo specter udev install"
}

// Run writes the rules and tells udev.
func (c udevInstallCmd) Run(h host) error {
	if runtime.GOOS != "linux" && c.Root == "" {
		return errs.E(errs.Invalid, "udev is Linux's; here devices need no rules")
	}
	path, err := transport.InstallRules(c.Root, c.Group)
	if err != nil {
		return err
	}
	fmt.Fprintln(h.stderr, "Written:", path)
	if c.Root != "" {
		return nil
	}
	for _, args := range [][]string{{"control", "--reload-rules"}, {"trigger"}} {
		ctx, stop := context.WithTimeout(h.ctx, 20*time.Second)
		err := exec.CommandContext(ctx, "udevadm", args...).Run()
		stop()
		if err != nil {
			return errs.E(errs.Unavailable, "udev could not be told of the rules; restart the machine, or plug the devices out and in again: %w", err)
		}
	}
	fmt.Fprintln(h.stderr, "Plug the devices out and in again.")
	return nil
}

type udevCheckCmd struct{ rootArg }

// Help shows how it is used.
func (udevCheckCmd) Help() string {
	return "Example:\n  specter udev check"
}

// Run ends with 1 where the rules are missing or old.
func (c udevCheckCmd) Run(h host) error {
	if err := transport.CheckRules(c.Root); err != nil {
		return err
	}
	fmt.Fprintln(h.stderr, "The rules are installed.")
	return nil
}
