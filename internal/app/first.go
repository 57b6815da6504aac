package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"

	"specter/internal/auth"
	"specter/internal/errs"
)

// settle brings the data to where it can be served: the demo's story, an owner's password that
// a file brings, and no open listener where nobody logs in.
func (a *App) settle(ctx context.Context) error {
	if a.chain != nil {
		if err := a.openDemo(ctx); err != nil {
			return fmt.Errorf("prepare the demo: %w", err)
		}
	} else if err := a.ownerFromFile(ctx); err != nil {
		return err
	}
	if a.auth.Settings().Method == auth.MethodNone && len(a.c.Tunnels) > 0 {
		return errs.E(errs.Denied, "nobody logs in to this Specter, so a tunnel would open your wallets to the whole world, and it is refused. "+
			"Start it without --tunnel, set a login under Settings, Authentication, and start it as you like then")
	}
	if a.auth.Settings().Method == auth.MethodNone && a.c.reachable() {
		return errs.E(errs.Denied, "nobody logs in to this Specter, so letting other machines reach it would open your wallets to all of them, and it is refused. "+
			"Start it on 127.0.0.1 without --trusted-proxy, set a login under Settings, Authentication, and start it as you like then. "+
			"From far away an SSH tunnel leads there: ssh -L %d:127.0.0.1:%d this-machine", DefaultPort, DefaultPort)
	}
	return nil
}

// openDemo tells the story, and asks nobody to log in to play money on this computer.
func (a *App) openDemo(ctx context.Context) error {
	if err := a.tellStory(ctx); err != nil {
		return err
	}
	secret, needed, err := a.auth.SetupLink(ctx)
	if err != nil || !needed {
		return err
	}
	_, err = a.auth.Setup(ctx, auth.SetupRequest{Secret: secret, NoLogin: true})
	return err
}

// ownerFromFile finishes the first start with the password that a file holds. Later starts do
// not look at the file: the password may have been changed since.
func (a *App) ownerFromFile(ctx context.Context) error {
	_, needed, err := a.auth.SetupLink(ctx)
	if a.c.PasswordFile == "" || err != nil || !needed {
		return err
	}
	password, open, err := ReadPassword(a.c.PasswordFile)
	if err != nil {
		return err
	}
	if open {
		a.c.Log.Warn("other users of this machine can read the file with the owner's password; close it with chmod 600", "file", a.c.PasswordFile)
	}
	if err := a.auth.SetOwner(ctx, "", password); err != nil {
		return fmt.Errorf("the password in %s: %w", a.c.PasswordFile, err)
	}
	a.c.Log.Info("the owner admin logs in with the password of the file", "file", a.c.PasswordFile)
	return nil
}

// maxPasswordFile bounds a file with a password, in bytes.
const maxPasswordFile = 4096

// ReadPassword reads a password from a file: all of it but one line end. open tells that other
// users of the machine can read the file too (never on Windows, which has other rules).
func ReadPassword(path string) (password string, open bool, err error) {
	raw, mode, err := readBounded(path, maxPasswordFile+1)
	switch {
	case err != nil:
		return "", false, errs.E(errs.Invalid, "the file with the password cannot be read: %w", err)
	case len(raw) > maxPasswordFile:
		return "", false, errs.E(errs.Invalid, "%s is too long for a password", path)
	}
	password = strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if password == "" || strings.ContainsAny(password, "\r\n\x00") {
		return "", false, errs.E(errs.Invalid, "%s must hold the password in one line, and nothing else", path)
	}
	return password, runtime.GOOS != "windows" && mode.Perm()&0o044 != 0, nil
}

// readBounded reads the first bytes of a file, most of them at most, and tells its mode.
func readBounded(path string, most int64) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, most))
	return raw, info.Mode(), err
}

// greet tells the person where the pages are. While nobody owns this Specter it prints the link
// that makes its holder the owner; the link goes to the terminal alone and into no log.
func (a *App) greet(ctx context.Context) error {
	secret, needed, err := a.auth.SetupLink(ctx)
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Specter is at %s\n", a.URL())
	bases := append([]string{a.URL()}, a.elsewhere()...)
	for _, base := range bases[1:] {
		fmt.Fprintf(&text, "  from other machines: %s\n", base)
	}
	text.WriteString(a.oldFolder(ctx))
	first := a.URL()
	if needed {
		path := "setup?" + url.Values{"secret": {secret}}.Encode()
		first += path
		for _, base := range bases {
			fmt.Fprintf(&text, "Finish the set-up here: %s\n", base+path)
		}
		text.WriteString("Whoever opens this link first becomes the owner. It works once, and until Specter stops.\n")
	}
	if a.c.Out != nil {
		if _, err := io.WriteString(a.c.Out, text.String()); err != nil && !errors.Is(err, os.ErrClosed) {
			a.c.Log.Warn("the address of the pages could not be printed", "error", err)
		}
	}
	if a.c.Show != nil && (needed || a.chain != nil) {
		a.c.Show(first)
	}
	return nil
}

// URL is where the pages are, as seen from this machine.
func (a *App) URL() string {
	host, port, _ := net.SplitHostPort(a.listener.Addr().String())
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
	}
	return a.scheme() + net.JoinHostPort(host, port) + "/"
}

func (a *App) scheme() string {
	if a.source != nil {
		return "https://"
	}
	return "http://"
}

// elsewhereMost bounds the addresses that are printed.
const elsewhereMost = 4

// elsewhere lists the addresses at which other machines find a listener on all addresses.
func (a *App) elsewhere() []string {
	tcp, ok := a.listener.Addr().(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return nil
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, one := range list {
		n, ok := one.(*net.IPNet)
		if ok && len(out) < elsewhereMost && n.IP.IsGlobalUnicast() {
			out = append(out, a.scheme()+net.JoinHostPort(n.IP.String(), strconv.Itoa(tcp.Port))+"/")
		}
	}
	return out
}
