//go:build !offline

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"specter/internal/app"
	"specter/internal/backup"
	"specter/internal/errs"
)

type backupCmd struct {
	Make  backupMakeCmd  `cmd:"" help:"Write everything into one encrypted file and read it again, while the server does not run."`
	Drill backupDrillCmd `cmd:"" help:"Prove that a backup can be restored: unpack it elsewhere, open everything in it, remove it."`
	Key   backupKeyCmd   `cmd:"" help:"Make a pair of keys for backups and print it, this once."`
}

// unlockArg is how a command is told what opens a backup.
type unlockArg struct {
	PassphraseFile string `help:"File that holds the backup's passphrase; left away, it is asked for on a terminal, else read from standard input." placeholder:"FILE"`
	Identity       string `help:"File with the secret key (AGE-SECRET-KEY-1…) that the backup was made for." placeholder:"FILE"`
}

// maxIdentityFile bounds a file with secret keys, in bytes.
const maxIdentityFile = 64 << 10

func (u unlockArg) keys(h host) (backup.Keys, error) {
	if u.Identity != "" {
		f, err := os.Open(u.Identity)
		if err != nil {
			return backup.Keys{}, errs.E(errs.Invalid, "the file with the secret key cannot be read: %w", err)
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxIdentityFile))
		if err != nil {
			return backup.Keys{}, errs.E(errs.Invalid, "the file with the secret key cannot be read: %w", err)
		}
		return backup.Keys{Identities: string(text)}, nil
	}
	if u.PassphraseFile == "" && terminal(h.stdin) {
		fmt.Fprint(h.stderr, "Passphrase of the backup: ")
		line, err := readHidden(h, h.stdin.(*os.File))
		fmt.Fprintln(h.stderr)
		return backup.Keys{Passphrase: line}, err
	}
	line, err := passwordArg{PasswordFile: u.PassphraseFile}.read(h)
	return backup.Keys{Passphrase: line}, err
}

type backupMakeCmd struct {
	folderArg
	To             string   `help:"Where it is written; left away, into the folder that the owner has chosen." placeholder:"FILE" type:"path"`
	Recipient      []string `help:"Encrypt to this public key (age1…); may be given several times. Left away, to the keys that the owner has stored." placeholder:"AGE1…"`
	PassphraseFile string   `help:"Encrypt with the passphrase in this file; - reads standard input." placeholder:"FILE"`
}

// Help shows how it is used.
func (backupMakeCmd) Help() string {
	return `The file holds wallets, labels, drafts, history, devices, users, tokens, settings, keys and certificates. It can be read by whoever has the passphrase or the secret key, and by nobody else. A Specter that runs makes backups on its page Settings, Backups.

Examples:
  specter backup make --to specter.age --passphrase-file words.txt
  specter backup make --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p`
}

type madeAnswer struct {
	File   string           `json:"file"`
	Bytes  int64            `json:"bytes"`
	Made   string           `json:"made"`
	Counts map[string]int64 `json:"counts"`
	Files  int              `json:"files"`
}

// Run makes a backup.
func (c backupMakeCmd) Run(h host) error {
	if len(c.Recipient) > 0 && c.PassphraseFile != "" {
		return errs.E(errs.Invalid, "encrypt to public keys or with a passphrase; age has no both")
	}
	list, err := backup.ParseRecipients(strings.Join(c.Recipient, " "))
	if err != nil {
		return err
	}
	return c.at(h, false, func(d *app.Desk) error {
		l := backup.Lock{Recipients: list}
		if len(list) == 0 && c.PassphraseFile == "" {
			if l.Recipients, err = d.BackupRecipients(h.ctx); err != nil {
				return err
			}
		}
		if len(l.Recipients) == 0 {
			if l.Passphrase, err = (passwordArg{PasswordFile: c.PassphraseFile}).read(h); err != nil {
				return err
			}
		}
		made, err := d.MakeBackup(h.ctx, c.To, l)
		if err != nil {
			return err
		}
		a := madeAnswer{made.Path, made.Size, made.Manifest.Made.Format(time.RFC3339), made.Manifest.Counts, len(made.Manifest.Files)}
		if !(common{Output: c.Output}).text(h) {
			return printJSON(h.stdout, a)
		}
		_, err = fmt.Fprintf(h.stdout, "%s\n%d bytes, read again and whole: %d wallets, %d labels, %d drafts, %d devices, %d users, %d files.\n", a.File, a.Bytes,
			a.Counts["wallets"], a.Counts["labels"], a.Counts["drafts"], a.Counts["devices"], a.Counts["users"], a.Files)
		return err
	})
}

type backupKeyCmd struct{}

// Help shows how it is used.
func (backupKeyCmd) Help() string {
	return `The public key goes into Settings, Backups (or --recipient). The secret key opens the backups: keep it on paper or elsewhere, not beside them.

Example:
  specter backup key > backup-key.txt`
}

// Run makes keys.
func (backupKeyCmd) Run(h host) error {
	secret, public, err := backup.KeyPair()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(h.stdout, "# public key: %s\n%s\n", public, secret)
	return err
}

type backupDrillCmd struct {
	unlockArg
	Output string `help:"json or text; text is the default on a terminal." enum:",json,text" default:""`
	File   string `arg:"" help:"The backup." type:"path"`
}

// Help shows how it is used.
func (backupDrillCmd) Help() string {
	return "Nothing of your data folder is touched.\n\nExample:\n  specter backup drill specter.age --identity backup-key.txt"
}

// Run drills.
func (c backupDrillCmd) Run(h host) error {
	k, err := c.keys(h)
	if err != nil {
		return err
	}
	d, err := app.RunDrill(h.ctx, c.File, k)
	if err != nil {
		return err
	}
	if (common{Output: c.Output}).text(h) {
		err = printDrill(h.stdout, d)
	} else {
		err = printJSON(h.stdout, d)
	}
	if err == nil && len(d.Problems) > 0 {
		err = errs.E(errs.Invalid, "the backup can be restored, and %d things in it are not as they should be", len(d.Problems))
	}
	return err
}

func printDrill(w io.Writer, d app.Drill) error {
	var b strings.Builder
	m := d.Manifest
	fmt.Fprintf(&b, "Made %s by Specter %s. Every file is as the manifest says: %d, %d bytes together; every table has the rows it says.\n", m.Made.Format("2006-01-02 15:04 UTC"), m.Program, len(m.Files), m.Total())
	fmt.Fprintf(&b, "%d wallets: %d addresses derived from their descriptors, all as stored.\n", d.Wallets, d.Addresses)
	fmt.Fprintf(&b, "%d labels. %d drafts whose PSBT was read. %d devices with their keys.\n", d.Labels, d.Drafts, d.Devices)
	fmt.Fprintf(&b, "%d users, %d tokens. Stored secrets: %s.\n", d.Users, d.Tokens, d.Secrets)
	for _, p := range d.Problems {
		fmt.Fprintf(&b, "problem   %s\n", p)
	}
	fmt.Fprintln(&b, "What was unpacked for this is removed again.")
	_, err := io.WriteString(w, b.String())
	return err
}

type restoreCmd struct {
	unlockArg
	File   string `arg:"" optional:"" help:"The backup." type:"path"`
	Into   string `help:"Data folder that it is restored into (default: the usual one)." env:"SPECTER_DATA_FOLDER" placeholder:"FOLDER"`
	DryRun bool   `help:"Change nothing; print what the restore would change."`
	Back   bool   `help:"Put back what the last restore has set aside."`
	Yes    bool   `help:"Do not ask."`
	Output string `help:"json or text; text is the default on a terminal." enum:",json,text" default:""`
}

// Help shows how it is used.
func (restoreCmd) Help() string {
	return `The backup is unpacked beside what is there, checked, and compared with it; then one takes the place of the other at once. What was there is kept in a folder beside it. Stop Specter before.

Examples:
  specter restore specter.age --dry-run
  specter restore specter.age --identity backup-key.txt
  specter restore --back`
}

// Run restores.
func (c restoreCmd) Run(h host) error {
	dir, _, err := dataDir(c.Into)
	if err != nil {
		return err
	}
	cfg := app.Config{DataDir: dir, Env: h.env, Version: version, Now: time.Now, Log: slog.New(slog.NewTextHandler(h.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if c.Back {
		back, aside, err := app.StepBack(cfg)
		if err == nil {
			_, err = fmt.Fprintf(h.stdout, "What was in %s holds again. What held until now is in %s.\n", back, aside)
		}
		return err
	}
	if c.File == "" {
		return errs.E(errs.Invalid, "name the backup")
	}
	k, err := c.keys(h)
	if err != nil {
		return err
	}
	r, err := app.OpenRestore(h.ctx, cfg, c.File, k)
	if errs.Is(err, errs.Conflict) {
		return errs.E(errs.Conflict, "%w. Stop Specter while a backup is restored", err)
	}
	if err != nil {
		return err
	}
	err = c.restore(h, r)
	if e := r.Close(); err == nil {
		err = e
	}
	return err
}

type restoreAnswer struct {
	Made       string           `json:"made"`
	Program    string           `json:"program"`
	Into       string           `json:"into"`
	Restored   bool             `json:"restored"`
	Aside      string           `json:"aside"`
	Difference []app.Difference `json:"difference"`
}

func (c restoreCmd) restore(h host, r *app.Restoring) error {
	a := restoreAnswer{Made: r.Manifest.Made.Format(time.RFC3339), Program: r.Manifest.Program, Into: r.Into}
	var err error
	if a.Difference, err = r.Diff(h.ctx); err != nil {
		return err
	}
	text := (common{Output: c.Output}).text(h)
	if text {
		if err := printDifference(h.stdout, a); err != nil {
			return err
		}
	}
	if !c.DryRun {
		if !c.Yes && changesAny(a.Difference) {
			if err := confirm(h, "This puts the backup in the place of what is in "+r.Into+"."); err != nil {
				return err
			}
		}
		if a.Aside, err = r.Commit(time.Now()); err != nil {
			return err
		}
		a.Restored = true
	}
	switch {
	case !text:
		return printJSON(h.stdout, a)
	case c.DryRun:
		_, err = fmt.Fprintln(h.stdout, "Nothing was changed.")
	case a.Aside == "":
		_, err = fmt.Fprintf(h.stdout, "Restored into %s.\n", a.Into)
	default:
		_, err = fmt.Fprintf(h.stdout, "Restored. What was there before is in %s; \"specter restore --back\" puts it back.\n", filepath.Join(a.Into, a.Aside))
	}
	return err
}

// changesAny reports whether something that is there would go or change.
func changesAny(list []app.Difference) bool {
	for _, d := range list {
		if len(d.OnlyHere)+len(d.Differ) > 0 {
			return true
		}
	}
	return false
}

// printDifference prints for a person what a restore changes.
func printDifference(w io.Writer, a restoreAnswer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Backup of %s, made by Specter %s.\n", a.Made, a.Program)
	for _, d := range a.Difference {
		fmt.Fprintf(&b, "%-8s  %d the same, %d only here, %d only in the backup, %d differ\n", d.Kind, d.Same, len(d.OnlyHere), len(d.OnlyBackup), len(d.Differ))
		for _, part := range []struct {
			what string
			list []string
		}{{"only here, goes", d.OnlyHere}, {"comes back", d.OnlyBackup}, {"the backup's word", d.Differ}} {
			for _, name := range part.list[:min(len(part.list), 20)] {
				fmt.Fprintf(&b, "  %s: %s\n", part.what, oneLine(name))
			}
			if more := len(part.list) - 20; more > 0 {
				fmt.Fprintf(&b, "  … and %d more\n", more)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// oneLine keeps what others have written from moving a terminal's cursor.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
