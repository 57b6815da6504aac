//go:build !offline

package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"specter/internal/app"
	"specter/internal/auth"
	"specter/internal/errs"
)

// folderArg is what the commands on users and tokens share: the data folder they work on.
type folderArg struct {
	DataDir string `help:"Data folder (default ~/.specter)." env:"SPECTER_DATA_FOLDER" placeholder:"FOLDER"`
	KeyFile string `help:"File that opens the stored secrets (default secrets.key in the data folder)." env:"SPECTER_KEY_FILE" placeholder:"FILE" type:"path"`
	Output  string `help:"json or text; text is the default on a terminal." enum:",json,text" default:""`
}

// at opens the folder, which a running server would hold, and does something there.
func (f folderArg) at(h host, fresh bool, do func(*app.Desk) error) error {
	dir, _, err := dataDir(f.DataDir)
	if err != nil {
		return err
	}
	d, err := app.OpenDesk(h.ctx, f.config(h, dir), fresh)
	if errs.Is(err, errs.Conflict) {
		return errs.E(errs.Conflict, "%w. While Specter runs, users and tokens are looked after on its pages, under Settings", err)
	}
	if err != nil {
		return err
	}
	defer d.Close()
	return do(d)
}

// config is what a command opens a folder with. Where the secrets are locked, a terminal is asked
// for the owner's password.
func (f folderArg) config(h host, dir string) app.Config {
	c := app.Config{DataDir: dir, Env: h.env, Version: version, Now: time.Now, KeyFile: f.KeyFile,
		Log: slog.New(slog.NewTextHandler(h.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if terminal(h.stdin) {
		c.OwnerPassword = func() (string, error) {
			fmt.Fprint(h.stderr, "This Specter is locked. The owner's password: ")
			defer fmt.Fprintln(h.stderr)
			return readHidden(h, h.stdin.(*os.File)) // terminal said so
		}
	}
	return c
}

// table prints rows for a person, or values as JSON.
func (f folderArg) table(h host, values any, head string, rows []string) error {
	if !(common{Output: f.Output}).text(h) {
		return printJSON(h.stdout, values)
	}
	w := tabwriter.NewWriter(h.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for _, row := range rows {
		fmt.Fprintln(w, row)
	}
	return w.Flush()
}

// owner is the identity under which commands act: who holds the data folder holds all.
func owner(h host, d *app.Desk) (auth.Identity, error) {
	u, err := d.Auth.User(h.ctx, auth.OwnerID)
	return auth.Identity{User: u}, err
}

// passwordArg is how a command is told a new password; never by an argument, which other users
// of the machine could read in the list of processes.
type passwordArg struct {
	PasswordFile string `help:"File that holds the password. Left away, it is asked for on a terminal, else read from standard input." env:"SPECTER_ADMIN_PASSWORD_FILE" placeholder:"FILE"`
}

// maxPasswordLine bounds a password that is read from standard input, in bytes.
const maxPasswordLine = 4096

func (p passwordArg) read(h host) (string, error) {
	switch {
	case p.PasswordFile != "" && p.PasswordFile != "-":
		password, open, err := app.ReadPassword(p.PasswordFile)
		if err == nil && open {
			fmt.Fprintf(h.stderr, "specter: other users of this machine can read %s; close it with chmod 600\n", p.PasswordFile)
		}
		return password, err
	case p.PasswordFile == "" && terminal(h.stdin):
		return askTwice(h)
	}
	line, err := bufio.NewReader(io.LimitReader(h.stdin, maxPasswordLine+1)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", errs.E(errs.Invalid, "standard input cannot be read: %w", err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	switch {
	case line == "":
		return "", errs.E(errs.Invalid, "no password came on standard input; give it there in one line, or with --password-file")
	case len(line) > maxPasswordLine:
		return "", errs.E(errs.Invalid, "the password is too long")
	}
	return line, nil
}

// askTwice asks for a new password on a terminal without showing it.
func askTwice(h host) (string, error) {
	in := h.stdin.(*os.File) // terminal said so
	var typed [2]string
	for i, question := range []string{"New password: ", "Again: "} {
		fmt.Fprint(h.stderr, question)
		line, err := readHidden(h, in)
		fmt.Fprintln(h.stderr)
		if err != nil {
			return "", err
		}
		typed[i] = line
	}
	if typed[0] != typed[1] {
		return "", errs.E(errs.Invalid, "the two passwords differ; nothing was changed")
	}
	return typed[0], nil
}

// readHidden reads a line from a terminal whose echo is off meanwhile. Interrupting ends it:
// the read itself stays behind, with a process that is about to end.
func readHidden(h host, in *os.File) (string, error) {
	restore, err := hideEcho(in)
	if err != nil {
		return "", errs.E(errs.Unavailable, "the terminal cannot hide what is typed: %w. Give the password with --password-file", err)
	}
	defer restore()
	type typed struct {
		line string
		err  error
	}
	got := make(chan typed, 1)
	go func() {
		line, err := readLine(in)
		got <- typed{line, err}
	}()
	select {
	case t := <-got:
		return t.line, t.err
	case <-h.ctx.Done():
		return "", errs.E(errs.Declined, "interrupted; nothing was changed")
	}
}

// readLine takes single bytes, so that nothing behind the line is lost to the next question.
func readLine(in io.Reader) (string, error) {
	var line []byte
	var one [1]byte
	for len(line) <= maxPasswordLine {
		n, err := in.Read(one[:])
		switch {
		case n == 1 && one[0] == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case n == 1:
			line = append(line, one[0])
		case err != nil:
			return "", errs.E(errs.Declined, "no password was typed; nothing was changed")
		}
	}
	return "", errs.E(errs.Invalid, "the password is too long")
}

// terminal reports whether a person sits at the other end. The null device is a character
// device too, so the file is asked whether it has a terminal's settings.
func terminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && isTerminal(file)
}

// confirm asks a question that is answered with the word yes.
func confirm(h host, question string) error {
	if !terminal(h.stdin) {
		return errs.E(errs.Declined, "%s Say --yes to do it", question)
	}
	fmt.Fprintf(h.stderr, "%s Type yes to do it: ", question)
	line, _ := bufio.NewReader(h.stdin).ReadString('\n')
	if strings.TrimSpace(line) != "yes" {
		return errs.E(errs.Declined, "nothing was changed")
	}
	return nil
}

// when prints a time for people; "never" for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// stamp is a time in JSON; nil for none.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}
