//go:build !offline

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/remote/unit"
)

// serviceCmd has systemd run the server.
type serviceCmd struct {
	Install serviceInstallCmd `cmd:"" help:"Have systemd run the server from now on and at every start of the machine."`
	Remove  serviceRemoveCmd  `cmd:"" help:"Stop the service and take its unit away; the data stays."`
	Status  serviceStatusCmd  `cmd:"" help:"Tell whether the service is installed and runs."`
}

// unitPlace says whose systemd is meant.
type unitPlace struct {
	Mine   bool   `name:"user" help:"Your own systemd: runs while you are logged in, or always after: loginctl enable-linger."`
	System bool   `name:"system" help:"The machine's systemd; the default for root."`
	Root   string `help:"Work in this folder as if it were the root of the file system; nothing is started." placeholder:"FOLDER"`
}

// mine reports whether a user's own systemd is meant.
func (p unitPlace) mine() (bool, error) {
	if p.Mine && p.System {
		return false, errs.E(errs.Invalid, "--user and --system are two places; choose one")
	}
	return p.Mine || !p.System && p.Root == "" && os.Geteuid() != 0, nil
}

// file is where the unit lies.
func (p unitPlace) file(mine bool) (string, error) {
	if !mine {
		return filepath.Join(p.Root, "/etc/systemd/system", unit.Name), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errs.E(errs.Invalid, "your home folder is not known: %w", err)
	}
	return filepath.Join(p.Root, home, ".config/systemd/user", unit.Name), nil
}

// systemctl runs systemctl and returns what it said.
func systemctl(ctx context.Context, mine bool, args ...string) (string, error) {
	if mine {
		args = append([]string{"--user"}, args...)
	}
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

type serviceInstallCmd struct {
	unitPlace
	As      string   `help:"User that the server runs as; left away, who called sudo, else specter." placeholder:"USER"`
	Group   []string `help:"Further groups of it, such as plugdev and dialout for signing devices." placeholder:"GROUP"`
	DataDir string   `help:"Data folder (default .specter in that user's home)." placeholder:"FOLDER"`
	Print   bool     `help:"Print the unit and change nothing."`
	Force   bool     `help:"Replace a unit that is there already."`
	Flags   []string `arg:"" optional:"" help:"Flags of \"specter server\", after --."`
}

// Help shows how it is used.
func (serviceInstallCmd) Help() string {
	return "What follows -- are flags of \"specter server\". The unit shuts the server off from what it does not need.\n\nExample:\n  sudo specter service install --as specter -- --tls self-signed --host 0.0.0.0"
}

// Run writes the unit and starts it.
func (c serviceInstallCmd) Run(h host) error {
	mine, err := c.mine()
	if err != nil {
		return err
	}
	o, err := c.options(h, mine)
	if err != nil {
		return err
	}
	text, err := unit.Text(o)
	if err != nil {
		return err
	}
	if c.Print {
		_, err := fmt.Fprint(h.stdout, text)
		return err
	}
	if runtime.GOOS != "linux" {
		return errs.E(errs.Invalid, "systemd is Linux's; with --print the unit is shown")
	}
	file, err := c.file(mine)
	if err != nil {
		return err
	}
	if err := c.write(h, file, text); err != nil || c.Root != "" {
		return err
	}
	for _, args := range [][]string{{"daemon-reload"}, {"enable", unit.Name}, {"restart", unit.Name}} {
		if said, err := systemctl(h.ctx, mine, args...); err != nil {
			return errs.E(errs.Unavailable, "systemctl %s failed: %s (%w)", args[0], said, err)
		}
	}
	which := "sudo journalctl -u specter"
	if mine {
		which = "journalctl --user -u specter"
	}
	fmt.Fprintf(h.stderr, "Specter runs as a service. Its log, and at the first start the link to finish the set-up: %s\n", which)
	return nil
}

// write puts the unit in its place; another one is not overwritten without a word.
func (c serviceInstallCmd) write(h host, file, text string) error {
	old, err := os.ReadFile(file)
	switch {
	case err == nil && string(old) == text:
		fmt.Fprintln(h.stderr, "Unchanged:", file)
		return nil
	case err == nil && !c.Force:
		return errs.E(errs.Conflict, "%s is there already and says something else. Look at both (--print shows the new one), and say --force to replace it; the old one is then kept as %s.old", file, file)
	case err == nil:
		if err := os.WriteFile(file+".old", old, 0o644); err != nil {
			return errs.E(errs.Unavailable, "the old unit cannot be kept: %w", err)
		}
		fmt.Fprintln(h.stderr, "The old unit is kept as", file+".old")
	case !errors.Is(err, fs.ErrNotExist):
		return errs.E(errs.Denied, "%s cannot be read: %w", file, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return errs.E(errs.Denied, "the unit cannot be written: %w. Use sudo, or --user for a service of your own", err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return errs.E(errs.Denied, "the unit cannot be written: %w. Use sudo, or --user for a service of your own", err)
	}
	fmt.Fprintln(h.stderr, "Written:", file)
	return nil
}

// options gathers what the unit says. The flags are read as the server will read them, so that
// a mistake shows now and not in a journal.
func (c serviceInstallCmd) options(h host, mine bool) (unit.Options, error) {
	o := unit.Options{Args: c.Flags, Mine: mine, Groups: c.Group, DataDir: c.DataDir}
	server, err := parseServer(h, c.Flags)
	if err != nil {
		return o, err
	}
	if server.DataDir != "" {
		return o, errs.E(errs.Invalid, "say --data-dir before the --, so that the service may write there")
	}
	o.LowPort = server.Port > 0 && server.Port < 1024 || server.Plain > 0 && server.Plain < 1024
	if o.Program, err = os.Executable(); err == nil {
		o.Program, err = filepath.EvalSymlinks(o.Program)
	}
	if err != nil {
		return o, errs.E(errs.Unavailable, "where this program lies is not known: %w", err)
	}
	home, err := os.UserHomeDir()
	if !mine {
		o.User = c.As
		if o.User == "" {
			if o.User, _ = h.env("SUDO_USER"); o.User == "" || o.User == "root" {
				o.User = "specter"
			}
		}
		account, e := user.Lookup(o.User)
		switch {
		case e == nil:
			home, err = account.HomeDir, nil
		case !c.Print && c.Root == "" || c.DataDir == "":
			return o, errs.E(errs.NotFound, "there is no user %q on this machine. Make one: sudo useradd --system --create-home --home-dir /var/lib/%s --shell /usr/sbin/nologin %s", o.User, o.User, o.User)
		}
	}
	if err != nil {
		return o, errs.E(errs.Unavailable, "the home folder is not known: %w", err)
	}
	if o.DataDir == "" {
		o.DataDir = filepath.Join(home, ".specter")
	}
	if o.DataDir, err = filepath.Abs(o.DataDir); err != nil {
		return o, err
	}
	return o, c.makeFolder(o)
}

// makeFolder makes the data folder for its user: a service that sees the disk read-only cannot.
func (c serviceInstallCmd) makeFolder(o unit.Options) error {
	if c.Print || c.Root != "" {
		return nil
	}
	if _, err := os.Stat(o.DataDir); err == nil {
		return nil
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return errs.E(errs.Denied, "the data folder %s cannot be made: %w", o.DataDir, err)
	}
	if o.Mine || o.User == "" {
		return nil
	}
	account, err := user.Lookup(o.User)
	if err != nil {
		return errs.E(errs.NotFound, "there is no user %q: %w", o.User, err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	return os.Chown(o.DataDir, uid, gid)
}

type serviceRemoveCmd struct{ unitPlace }

// Help shows how it is used.
func (serviceRemoveCmd) Help() string { return "Example:\n  sudo specter service remove" }

// Run stops the service and removes its unit.
func (c serviceRemoveCmd) Run(h host) error {
	mine, err := c.mine()
	if err != nil {
		return err
	}
	file, err := c.file(mine)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errs.E(errs.NotFound, "there is no service to remove: %s is not there", file)
	case err != nil:
		return errs.E(errs.Denied, "%s cannot be read: %w", file, err)
	case !strings.HasPrefix(string(text), unit.Mark):
		return errs.E(errs.Conflict, "%s was not written by Specter, so it is left alone; remove it by hand", file)
	}
	if c.Root == "" {
		if said, err := systemctl(h.ctx, mine, "disable", "--now", unit.Name); err != nil {
			return errs.E(errs.Unavailable, "the service could not be stopped: %s (%w)", said, err)
		}
	}
	if err := os.Remove(file); err != nil {
		return errs.E(errs.Denied, "the unit cannot be removed: %w", err)
	}
	fmt.Fprintf(h.stderr, "Removed: %s. The data folder stays.\n", file)
	if c.Root == "" {
		_, err = systemctl(h.ctx, mine, "daemon-reload")
	}
	return err
}

type serviceStatusCmd struct{ unitPlace }

// Help shows how it is used.
func (serviceStatusCmd) Help() string {
	return "It ends with 0 while the service runs, else with 1.\n\nExample:\n  specter service status"
}

// Run tells how the service stands.
func (c serviceStatusCmd) Run(h host) error {
	mine, err := c.mine()
	if err != nil {
		return err
	}
	file, err := c.file(mine)
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return errs.E(errs.NotFound, "no service is installed: %s is not there. Install one: sudo specter service install", file)
	}
	fmt.Fprintln(h.stdout, "unit:", file)
	if c.Root != "" {
		return nil
	}
	enabled, _ := systemctl(h.ctx, mine, "is-enabled", unit.Name)
	active, err := systemctl(h.ctx, mine, "is-active", unit.Name)
	fmt.Fprintf(h.stdout, "at the machine's start: %s\nnow: %s\n", enabled, active)
	if err != nil {
		return errs.E(errs.Unavailable, "the service does not run (%s); journalctl -u specter tells why", active)
	}
	return nil
}
