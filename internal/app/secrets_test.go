package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/node"
)

// withOwner makes a Specter with an owner in a folder, and stops it.
func withOwner(t *testing.T, cfg Config) {
	t.Helper()
	h := open(t, cfg)
	if err := h.auth.SetOwner(context.Background(), "admin", ownersWord); err != nil {
		t.Fatal(err)
	}
	h.stop()
}

const ownersWord = "correct horse battery"

// A lost key file, as after a restore of the database alone, is no end: the owner's password
// opens, the key file is made again, and the next start asks nobody.
func TestTheOwnersPasswordOpensWhereTheKeyFileIsLost(t *testing.T) {
	dir := t.TempDir()
	withOwner(t, Config{DataDir: dir})
	key := filepath.Join(dir, KeyFileName)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key file: %v, %v", info, err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	a, stop := openLocked(t, Config{DataDir: dir})
	unlock(t, a, ownersWord)
	stop()
	if _, err := os.Stat(key); err != nil {
		t.Errorf("the key file was not made again: %v", err)
	}
	h := open(t, Config{DataDir: dir})
	if h.secrets.Locked() {
		t.Error("it is locked still")
	}
}

// openLocked starts a Specter that must be locked.
func openLocked(t *testing.T, cfg Config) (a *App, stop func()) {
	t.Helper()
	cfg.Host, cfg.Log, cfg.ports = "127.0.0.1", quiet(), plugged()
	cfg.hash = auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !a.secrets.Locked() || a.auth != nil || a.nodes != nil {
		t.Fatal("it is not locked")
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("it ended with %v", err)
		}
		done <- nil
	}
	t.Cleanup(stop)
	return a, stop
}

// unlock logs in at the locked page; the same form logs in at the pages behind it.
func unlock(t *testing.T, a *App, password string) {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar}
	base := "http://" + a.listener.Addr().String()
	get := func(path string) (int, string) {
		r, err := c.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(b)
	}
	if _, page := get("/wallets/any"); !strings.Contains(page, `data-test="locked-form"`) || strings.Contains(page, "sidebar") {
		t.Errorf("the locked page is %s", page)
	}
	for path, want := range map[string]int{"/healthz/liveness": 200, "/healthz/readyness": 503, "/api/v1/wallets": 503, "/api/v1alpha/specter": 503, "/hwi/api/": 503} {
		if status, _ := get(path); status != want {
			t.Errorf("locked, %s answers %d", path, status)
		}
	}
	post := func(password string) (int, string) {
		r, err := http.NewRequest("POST", base+"/auth/login", strings.NewReader(url.Values{"username": {"admin"}, "password": {password}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", base)
		answer, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(b)
	}
	if status, page := post("wrong wrong wrong"); status != http.StatusForbidden || !strings.Contains(page, "does not open") || !a.secrets.Locked() {
		t.Errorf("a wrong password: %d %s", status, page)
	}
	if status, page := post(password); status != 200 || !strings.Contains(page, `id="nav"`) {
		t.Fatalf("the right password: %d %s", status, page)
	}
}

// A Specter that its owner wants locked starts so every time, and a changed password opens
// instead of the old one.
func TestASpecterThatIsKeptLocked(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	h := open(t, Config{DataDir: dir})
	if err := h.auth.SetOwner(ctx, "admin", ownersWord); err != nil {
		t.Fatal(err)
	}
	if err := h.secrets.KeepLocked(ctx, true, "another"); !errs.Is(err, errs.Denied) {
		t.Errorf("locked by a wrong password: %v", err)
	}
	if err := h.secrets.KeepLocked(ctx, true, ownersWord); err != nil || h.secrets.State() != (SecretsState{Password: true}) {
		t.Fatalf("%v, %+v", err, h.secrets.State())
	}
	if _, err := os.Stat(filepath.Join(dir, KeyFileName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the key file is there still: %v", err)
	}
	h.stop()
	a, stop := openLocked(t, Config{DataDir: dir})
	unlock(t, a, ownersWord)
	if err := a.auth.SetPassword(ctx, auth.OwnerID, "another horse battery"); err != nil {
		t.Fatal(err)
	}
	stop()
	a, stop = openLocked(t, Config{DataDir: dir})
	if err := a.secrets.Open(ctx, ownersWord); !errs.Is(err, errs.Denied) {
		t.Errorf("the old password: %v", err)
	}
	unlock(t, a, "another horse battery")
	if err := a.secrets.KeepLocked(ctx, false, ""); err != nil {
		t.Fatal(err)
	}
	stop()
	open(t, Config{DataDir: dir})
}

// A command on a locked folder asks for the password, and without anybody to ask says what to do.
func TestACommandOnALockedFolder(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	withOwner(t, Config{DataDir: dir})
	if err := os.Remove(filepath.Join(dir, KeyFileName)); err != nil {
		t.Fatal(err)
	}
	c := Config{DataDir: dir, Log: quiet(), hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}}
	if _, err := OpenDesk(ctx, c, false); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "--key-file") {
		t.Errorf("with nobody to ask: %v", err)
	}
	c.OwnerPassword = func() (string, error) { return "wrong", nil }
	if _, err := OpenDesk(ctx, c, false); !errs.Is(err, errs.Denied) {
		t.Errorf("with a wrong password: %v", err)
	}
	c.OwnerPassword = func() (string, error) { return ownersWord, nil }
	d, err := OpenDesk(ctx, c, false)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

// The key file can lie elsewhere; moved there, the one in the data folder goes. Another's key file
// opens nothing, and where there is no password either the program says what to do.
func TestTheKeyFileCanLieElsewhere(t *testing.T) {
	dir, away := t.TempDir(), filepath.Join(t.TempDir(), "stick", "my.key")
	open(t, Config{DataDir: dir}).stop()
	h := open(t, Config{DataDir: dir, KeyFile: away})
	if h.secrets.State().KeyFile != away {
		t.Errorf("it opens by %+v", h.secrets.State())
	}
	h.stop()
	if _, err := os.Stat(filepath.Join(dir, KeyFileName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old key file is there still: %v", err)
	}
	open(t, Config{DataDir: dir, KeyFile: away}).stop()
	other := t.TempDir()
	open(t, Config{DataDir: other}).stop()
	for _, c := range []Config{{DataDir: dir}, {DataDir: dir, KeyFile: filepath.Join(other, KeyFileName)}} {
		c.Log = quiet()
		if _, err := New(context.Background(), c); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "Put the right one back") {
			t.Errorf("with the key file %q: %v", c.KeyFile, err)
		}
	}
}

// Where key file and password are lost, the secrets are forgotten and everything else opens.
func TestForgottenSecretsLeaveTheRest(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	h := open(t, Config{DataDir: dir})
	if err := h.auth.SetOwner(ctx, "admin", ownersWord); err != nil {
		t.Fatal(err)
	}
	if _, err := h.nodes.Adopt(ctx, node.Node{Alias: "home", Name: "Home", Kind: node.Core, Network: btc.Regtest, Protocol: "http", Host: "127.0.0.1", Port: 1, User: "u", Password: node.NewSecret("hunter22")}); err != nil {
		t.Fatal(err)
	}
	if err := h.own().Write("tls/specter.key", []byte("a key")); err != nil {
		t.Fatal(err)
	}
	h.stop()
	if err := os.Remove(filepath.Join(dir, KeyFileName)); err != nil {
		t.Fatal(err)
	}
	n, err := ForgetSecrets(ctx, Config{DataDir: dir})
	if err != nil || n < 3 {
		t.Errorf("%d are forgotten, %v", n, err)
	}
	h = open(t, Config{DataDir: dir})
	list, err := h.nodes.List(ctx)
	if err != nil || len(list) != 1 || list[0].Name != "Home" || !list[0].Password.IsZero() {
		t.Errorf("the nodes are %v, %v", list, err)
	}
	if _, err := h.own().Read("tls/specter.key"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the TLS key: %v", err)
	}
	if _, err := h.auth.Basic(ctx, "admin", ownersWord, "127.0.0.1"); err != nil {
		t.Errorf("the owner: %v", err)
	}
}
