//go:build !offline

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"specter/internal/app"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/legacy"
)

type importCmd struct {
	folderArg
	Folder    string `arg:"" optional:"" help:"The old Specter's data folder, a zip of it, its backup, or one of its JSON files; left away: the data folder itself." placeholder:"FOLDER"`
	DryRun    bool   `help:"Change nothing; print what would be taken, and what not and why."`
	Again     bool   `help:"Bring back what was taken over before and deleted here since."`
	SecretKey string `help:"The old program's SECRET_KEY: its API tokens then go on until they expire. Better given in the environment, where other users do not see it." env:"SECRET_KEY" placeholder:"KEY"`
	Network   string `help:"Test network of wallets whose files do not tell it: test, testnet4, signet or regtest." placeholder:"NETWORK"`
}

// Help shows how it is used.
func (importCmd) Help() string {
	return `Takes over nodes, devices, wallets with labels, frozen coins and pending payments, users with their passwords, registration links and settings. The old folder is only read. Taking over twice changes nothing, and nothing that was changed here since is overwritten.

Examples:
  specter import ~/.specter --dry-run
  specter import ~/old/.specter
  specter import specter-backup.zip`
}

// Run takes over.
func (c importCmd) Run(h host) error {
	dir, _, err := dataDir(c.DataDir)
	if err != nil {
		return err
	}
	from := c.Folder
	if from == "" {
		from = dir
	}
	o := app.ImportOptions{Dry: c.DryRun, Again: c.Again, SecretKey: c.SecretKey, Progress: progressTo(h.stderr, time.Now)}
	if c.Network != "" {
		n, err := btc.ParseNetwork(c.Network)
		if err != nil {
			return err
		}
		o.Network = &n
	}
	d, err := app.OpenImport(h.ctx, c.config(h, dir), c.DryRun)
	if errs.Is(err, errs.Conflict) {
		return errs.E(errs.Conflict, "%w. Stop Specter while an old one is taken over", err)
	}
	if err != nil {
		return err
	}
	defer d.Close()
	report, err := d.Import(h.ctx, from, o)
	if report != nil {
		if e := c.print(h, report); err == nil {
			err = e
		}
	}
	return err
}

// progressTo prints how far it is, once a second at most, where it takes long.
func progressTo(w io.Writer, now func() time.Time) func(done, total int) {
	last := now()
	return func(done, total int) {
		if at := now(); at.Sub(last) >= time.Second {
			last = at
			fmt.Fprintf(w, "%d of %d transactions (%d %%)\n", done, total, 100*done/max(total, 1))
		}
	}
}

type importAnswer struct {
	From     string        `json:"from"`
	DryRun   bool          `json:"dry_run"`
	Taken    int           `json:"taken"`
	Merged   int           `json:"merged"`
	Same     int           `json:"same"`
	Kept     int           `json:"kept"`
	LeftOut  int           `json:"left_out"`
	Lines    []legacy.Line `json:"lines"`
	Problems []string      `json:"problems"`
}

// print prints the report.
func (c importCmd) print(h host, r *legacy.Report) error {
	a := importAnswer{From: r.From, DryRun: r.Dry, Taken: r.Count(legacy.Taken), Merged: r.Count(legacy.Merged), Same: r.Count(legacy.Same),
		Kept: r.Count(legacy.Stored), LeftOut: r.Count(legacy.LeftOut), Lines: r.Lines, Problems: []string{}}
	if a.Lines == nil {
		a.Lines = []legacy.Line{}
	}
	for _, p := range r.Problems {
		a.Problems = append(a.Problems, p.String())
	}
	if !(common{Output: c.Output}).text(h) {
		return printJSON(h.stdout, a)
	}
	return printImport(h.stdout, a)
}

// printImport prints the report for a person.
func printImport(w io.Writer, a importAnswer) error {
	var b strings.Builder
	writeLines(&b, a.Lines)
	for _, p := range a.Problems {
		fmt.Fprintf(&b, "problem   %s\n", p)
	}
	verb := "Done"
	if a.DryRun {
		verb = "Nothing was changed. It would be"
	}
	fmt.Fprintf(&b, "%s: %d taken, %d merged, %d the same, %d kept for later, %d left out, %d problems.\n", verb, a.Taken, a.Merged, a.Same, a.Kept, a.LeftOut, len(a.Problems))
	_, err := io.WriteString(w, b.String())
	return err
}

// writeLines writes what became of things, a line each.
func writeLines(b *strings.Builder, lines []legacy.Line) {
	for _, l := range lines {
		fmt.Fprintf(b, "%-8s  %-8s  %s", l.Outcome, l.Kind, l.Name)
		if l.User != "" && l.User != l.Name {
			fmt.Fprintf(b, " (of %s)", l.User)
		}
		if l.Detail != "" {
			fmt.Fprintf(b, ": %s", l.Detail)
		}
		b.WriteString("\n")
	}
}
