package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/node"
)

// hasSecret plants a node's password, which only the right key gives back.
func hasSecret(t *testing.T, a *App, password string) {
	t.Helper()
	if _, err := a.nodes.Adopt(context.Background(), node.Node{Alias: "home", Name: "Home", Kind: node.Core, Network: btc.Regtest, Protocol: "http", Host: "127.0.0.1", Port: 1, User: "u", Password: node.NewSecret(password)}); err != nil {
		t.Fatal(err)
	}
}

// opensWith checks that the stored secrets are open and what the node's password is.
func opensWith(t *testing.T, a *App, password string) {
	t.Helper()
	list, err := a.nodes.List(context.Background())
	if err != nil || a.secrets.Locked() || len(list) != 1 || list[0].Password.Reveal() != password {
		t.Fatalf("the secrets are not open: locked %v, %v, %v", a.secrets.Locked(), list, err)
	}
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// secretHouse makes a folder with an owner and a planted password, and a backup of it.
func secretHouse(t *testing.T, c Config, password string) (dir, file string) {
	t.Helper()
	c.DataDir = t.TempDir()
	h := owned(t, c)
	hasSecret(t, h.App, password)
	file = filepath.Join(t.TempDir(), "b.age")
	if _, err := h.backups.To(context.Background(), file, backupLock); err != nil {
		t.Fatal(err)
	}
	h.stop()
	return c.DataDir, file
}

// restoreByPage restores as the owner does, and returns the house after it.
func (h *turning) restoreByPage(file string) *App {
	h.t.Helper()
	v, at := newVisitor(h.t).in(h), h.URL()+"settings/backups/restore"
	if status, _, page := v.send(at, "a.age", readAll(h.t, file), backupLock.Passphrase); status != 303 {
		h.t.Fatalf("looking answers %d %s", status, page)
	}
	_, _, page := v.get(at)
	if status, _, page := v.post(at+"/take", url.Values{"id": {idOn(h.t, page)}, "current": {ownersWord}}); status != 200 {
		h.t.Fatalf("deciding answers %d %s", status, page)
	}
	return h.after()
}

// Where the key file was told to lie elsewhere it goes on to be the lock after a restore, whoever's
// backup it was; nothing that opens the secrets stays in the data folder, the file elsewhere is not
// touched (it may be one that cannot be written), and what was set aside opens with it as before.
func TestAKeyFileElsewhereLocksWhatIsRestored(t *testing.T) {
	_, theirs := secretHouse(t, Config{}, "theirs")
	away := filepath.Join(t.TempDir(), "stick", "my.key")
	dir, own := secretHouse(t, Config{KeyFile: away}, "ours")
	key, usual := readAll(t, away), filepath.Join(dir, KeyFileName)
	if err := os.Chmod(away, 0o400); err != nil {
		t.Fatal(err)
	}
	h := openTurning(t, Config{DataDir: dir, KeyFile: away})
	for _, c := range []struct{ what, file, password string }{{"another's", theirs, "theirs"}, {"its own", own, "ours"}, {"another's again", theirs, "theirs"}} {
		opensWith(t, h.restoreByPage(c.file), c.password)
		if !missing(usual) || !bytes.Equal(readAll(t, away), key) || h.secrets.State().KeyFile != away {
			t.Errorf("after restoring %s backup the key file is %+v, in the data folder: %v", c.what, h.secrets.State(), !missing(usual))
		}
	}
	h.stop()
	h = openTurning(t, Config{DataDir: dir, KeyFile: away})
	opensWith(t, h.App, "theirs")
	h.stop()
	if _, _, err := StepBack(Config{DataDir: dir, Now: h.cfg.Now}); err != nil {
		t.Fatal(err)
	}
	opensWith(t, open(t, Config{DataDir: dir, KeyFile: away}).App, "ours")
}

// By the command it is the same, with the next start.
func TestACommandsRestoreMeetsAKeyFileElsewhere(t *testing.T) {
	_, theirs := secretHouse(t, Config{}, "theirs")
	away := filepath.Join(t.TempDir(), "my.key")
	dir, _ := secretHouse(t, Config{KeyFile: away}, "ours")
	r, err := OpenRestore(context.Background(), Config{DataDir: dir, Log: quiet()}, theirs, backupKeys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(r.Manifest.Made); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if missing(filepath.Join(dir, KeyFileName)) {
		t.Fatal("the restore brought no key file")
	}
	h := open(t, Config{DataDir: dir, KeyFile: away})
	opensWith(t, h.App, "theirs")
	if !missing(filepath.Join(dir, KeyFileName)) {
		t.Error("the key file that the restore brought still lies in the data folder")
	}
}

// The other way round: a backup of a house whose key lay elsewhere opens where nobody chose a place.
func TestABackupOfAHouseWithItsKeyElsewhere(t *testing.T) {
	_, theirs := secretHouse(t, Config{KeyFile: filepath.Join(t.TempDir(), "their.key")}, "theirs")
	dir, _ := secretHouse(t, Config{}, "ours")
	h := openTurning(t, Config{DataDir: dir})
	opensWith(t, h.restoreByPage(theirs), "theirs")
	if h.secrets.State().KeyFile != filepath.Join(dir, KeyFileName) {
		t.Errorf("it opens by %+v", h.secrets.State())
	}
}

// A file at the chosen place that is no key file is not overwritten; the one that was restored goes on
// to open, and a later start with a place that works moves the lock there.
func TestAChosenPlaceThatCannotBeUsed(t *testing.T) {
	_, theirs := secretHouse(t, Config{}, "theirs")
	away := filepath.Join(t.TempDir(), "my.key")
	dir, _ := secretHouse(t, Config{KeyFile: away}, "ours")
	h := openTurning(t, Config{DataDir: dir, KeyFile: away})
	if err := os.WriteFile(away, []byte("somebody's notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	opensWith(t, h.restoreByPage(theirs), "theirs")
	if string(readAll(t, away)) != "somebody's notes" || missing(filepath.Join(dir, KeyFileName)) || h.secrets.State().KeyFile != filepath.Join(dir, KeyFileName) {
		t.Errorf("the key file is %+v", h.secrets.State())
	}
	h.stop()
	if err := os.Remove(away); err != nil {
		t.Fatal(err)
	}
	again := open(t, Config{DataDir: dir, KeyFile: away})
	opensWith(t, again.App, "theirs")
	if !missing(filepath.Join(dir, KeyFileName)) || missing(away) {
		t.Error("the lock was not moved to the chosen place")
	}
}

// A backup of a Specter that starts locked starts locked: the page asks for the password of then, and
// the house goes on from there.
func TestALockedHousesBackupComesBackLocked(t *testing.T) {
	c := Config{DataDir: t.TempDir()}
	h := owned(t, c)
	hasSecret(t, h.App, "theirs")
	h.secrets.OwnerProved(context.Background(), ownersWord)
	if err := h.secrets.KeepLocked(context.Background(), true, ownersWord); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b.age")
	if _, err := h.backups.To(context.Background(), file, backupLock); err != nil {
		t.Fatal(err)
	}
	h.stop()
	dir, _ := secretHouse(t, Config{}, "ours")
	house := openTurning(t, Config{DataDir: dir})
	base := strings.TrimSuffix(house.URL(), "/")
	a := house.restoreByPage(file)
	if !a.secrets.Locked() {
		t.Fatal("it is not locked")
	}
	v := newVisitor(t)
	if _, _, page := v.get(base + "/auth/restored?ticket=x"); !strings.Contains(page, `data-test="locked-form"`) {
		t.Errorf("the page is %s", page)
	}
	form := url.Values{"username": {"admin"}, "password": {ownersWord}}
	if status, _, _ := v.post(base+"/auth/login", form); status != 307 {
		t.Fatalf("the password answers %d", status)
	}
	if status, head, _ := v.post(base+"/auth/login", form); status != 303 || head.Get("Location") != "/" {
		t.Errorf("the same form afterwards answers %d %v", status, head)
	}
	opensWith(t, a, "theirs")
}
