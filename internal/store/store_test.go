package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/store"
	"specter/internal/wallet"
)

var ctx = context.Background()

func open(t *testing.T, path string) *store.DB {
	t.Helper()
	db, err := store.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func wantKind(t *testing.T, err error, kind errs.Kind, what string) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: %v (%v), want kind %v", what, err, errs.KindOf(err), kind)
	}
}

func TestFileIsForItsOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows has no such modes")
	}
	path := filepath.Join(t.TempDir(), "specter.db")
	db := open(t, path)
	if err := db.PutSetting(ctx, "admin", "unit", "sat"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		st, err := os.Stat(name)
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", filepath.Base(name), st.Mode(), err)
		}
	}
}

func TestChangesAreDurable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name? #1%.db")
	open(t, path)
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		// Seen through the store's own writing connection: a fresh one would have defaults.
		got, err := store.Pragma(open(t, path), name)
		if err != nil || got != want {
			t.Errorf("%s is %q, want %q: %v", name, got, want, err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file has another name: %v", err)
	}
}

func TestNewerSchemaAndForeignFilesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "specter.db")
	db, err := store.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`INSERT INTO schema (version, name, applied) VALUES (9999, 'from the future', 0)`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	_, err = store.Open(ctx, path)
	wantKind(t, err, errs.Unavailable, "a newer schema")
	if err != nil && !strings.Contains(err.Error(), "newer") {
		t.Errorf("the reason reads %q", err)
	}
	other := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(other, []byte(strings.Repeat("shopping list\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(ctx, other)
	wantKind(t, err, errs.Unavailable, "a file that is no database")
}

func TestReadOnlyFolderAndFullDiskAreSaidInWords(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "specter.db")
	db := open(t, path)
	if err := store.Limit(db, 60); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 200 {
		if err = db.PutSetting(ctx, "admin", strings.Repeat("n", 500)+time.Now().String(), strings.Repeat("x", 9000)); err != nil {
			break
		}
	}
	wantKind(t, err, errs.Unavailable, "a full disk")
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("the reason reads %q", err)
	}
	if v, err := db.Setting(ctx, "admin", "nothing"); err != nil || v != "" {
		t.Errorf("reading on a full disk: %v", err)
	}
	_, err = store.Open(ctx, filepath.Join(dir, "no", "such", "folder.db"))
	wantKind(t, err, errs.Unavailable, "a folder that is not there")
	wantKind(t, store.ReadOnly(db), errs.Unavailable, "a database that cannot be written")
}

func TestMigrationsAreNumberedAndSayWhy(t *testing.T) {
	files, err := filepath.Glob("migrations/sqlite/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no migrations", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil || !strings.HasPrefix(string(text), "-- ") {
			t.Errorf("%s does not open with a sentence: %v", f, err)
		}
	}
	path := filepath.Join(t.TempDir(), "specter.db")
	for range 2 { // the second time there is nothing to do
		db, err := store.Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := db.Schema(ctx); err != nil || v != len(files) {
			t.Errorf("schema %d of %d, %v", v, len(files), err)
		}
		db.Close()
	}
}

func TestSettingsAndUsers(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "specter.db"))
	for _, v := range []string{"btc", "sat", ""} {
		if err := db.PutSetting(ctx, "admin", "unit", v); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Setting(ctx, "admin", "unit"); err != nil || got != v {
			t.Errorf("%q came back as %q, %v", v, got, err)
		}
	}
	ann := auth.UserRow{User: auth.User{ID: "ann", Name: "Ann", Role: auth.Member, Created: time.Unix(5, 0)}, Key: "ann"}
	if err := db.AddUser(ctx, ann); err != nil {
		t.Fatal(err)
	}
	ann.ID, ann.Name = "ann2", "ANN"
	wantKind(t, db.AddUser(ctx, ann), errs.Conflict, "a name that is taken")
	users, err := db.Users(ctx)
	if err != nil || len(users) != 2 || users[0].ID != "admin" || users[0].Role != "owner" || users[1].Name != "Ann" {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestNodes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "specter.db")
	db := open(t, path)
	n := node.Node{Alias: "home", Name: "Home", Kind: node.Core, Network: btc.Testnet4, Protocol: "http", Host: "::1", Port: 48332, User: "u", Password: node.NewSecret("p w"), CookieFile: "/c", Datadir: "/d", Autodetect: true, Created: time.Unix(77, 0).UTC()}
	if err := db.SaveNode(ctx, &n); err != nil || n.ID == 0 {
		t.Fatal(err)
	}
	other := node.Node{Alias: "home2", Name: "HOME", Kind: node.Demo}
	wantKind(t, db.SaveNode(ctx, &other), errs.Conflict, "a name that is taken")
	if err := db.SetActiveNode(ctx, n.ID); err != nil {
		t.Fatal(err)
	}
	wantKind(t, db.SetActiveNode(ctx, 99), errs.NotFound, "activating what is not there")
	if id, err := db.ActiveNode(ctx); err != nil || id != n.ID {
		t.Errorf("active %d, %v", id, err)
	}
	n.Host = "localhost"
	if err := db.SaveNode(ctx, &n); err != nil {
		t.Fatal(err)
	}
	list, err := open(t, path).Nodes(ctx)
	if err != nil || len(list) != 1 || list[0].Password.Reveal() != "p w" {
		t.Fatalf("%+v, %v", list, err)
	}
	got := list[0]
	got.Password, n.Password = node.Secret{}, node.Secret{}
	if got != n {
		t.Errorf("came back as %+v", got)
	}
	if err := db.DeleteNode(ctx, n.ID); err != nil {
		t.Fatal(err)
	}
	wantKind(t, db.DeleteNode(ctx, n.ID), errs.NotFound, "deleting it again")
	if id, err := db.ActiveNode(ctx); err != nil || id != 0 {
		t.Errorf("active %d after its deletion, %v", id, err)
	}
	first, err := db.UID(ctx, "aaaa")
	if err != nil || first != "aaaa" {
		t.Error(first, err)
	}
	if again, err := db.UID(ctx, "bbbb"); err != nil || again != "aaaa" {
		t.Errorf("uid %q, %v", again, err)
	}
}

func TestDevices(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "specter.db"))
	path, _ := btc.ParsePath("48h/1h/0h/2h")
	d := device.Device{Owner: "admin", Alias: "cold", Name: "Cold", Type: "coldcard", Created: time.Unix(99, 0).UTC(), Sealed: []byte{1, 2}, NeedsSecret: true,
		Keys: []device.Key{{Original: "Vpub", Fingerprint: btc.Fingerprint{1, 2, 3, 4}, Path: path, HasOrigin: true, XPub: "tpub1", ScriptType: "wsh", Purpose: "p"}, {XPub: "tpub2"}}}
	if err := db.PutDevice(ctx, &d); err != nil || d.ID == 0 {
		t.Fatal(err)
	}
	twin := device.Device{Owner: "admin", Alias: "cold2", Name: "COLD"}
	wantKind(t, db.PutDevice(ctx, &twin), errs.Conflict, "a name that is taken")
	got, err := db.Device(ctx, "admin", "cold")
	if err != nil || len(got.Keys) != 2 || got.Keys[0].Path.String() != path.String() || got.Keys[0].Fingerprint != d.Keys[0].Fingerprint || !got.Hot() || !got.NeedsSecret || !got.Created.Equal(d.Created) {
		t.Errorf("%+v, %v", got, err)
	}
	d.Keys = d.Keys[1:]
	if err := db.PutDevice(ctx, &d); err != nil {
		t.Fatal(err)
	}
	if got, err = db.DeviceByID(ctx, "admin", d.ID); err != nil || len(got.Keys) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = db.DeviceByID(ctx, "ann", d.ID)
	wantKind(t, err, errs.NotFound, "another user's device")
	wantKind(t, db.DeleteDevice(ctx, "ann", d.ID), errs.NotFound, "deleting another user's device")
	if err := db.DeleteDevice(ctx, "admin", d.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := db.Devices(ctx, "admin"); err != nil || len(list) != 0 {
		t.Errorf("%d devices, %v", len(list), err)
	}
}

func TestFailedChangeSavesNothing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "specter.db"))
	r := wallet.Record{Owner: "admin", Network: btc.Regtest, Alias: "a", Name: "A", NodeName: "specter/a", Descriptor: "x"}
	if err := db.AddWallet(ctx, &r, []wallet.AddressRow{{Address: "one", Script: []byte{1}}}); err != nil {
		t.Fatal(err)
	}
	twin := r
	wantKind(t, db.AddWallet(ctx, &twin, nil), errs.Conflict, "the same wallet again")
	err := db.Change(ctx, r.ID, func(v wallet.View) (*wallet.ChangeSet, error) {
		return nil, errs.E(errs.Invalid, "no")
	})
	wantKind(t, err, errs.Invalid, "a change that is refused")
	wantKind(t, db.Change(ctx, 99, nil), errs.NotFound, "a wallet that is not there")
	wantKind(t, db.RenameWallet(ctx, 99, "x"), errs.NotFound, "renaming what is not there")
	if err := db.DeleteWallet(ctx, r.ID); err != nil {
		t.Fatal(err)
	}
	if n, err := db.Derived(ctx, r.ID, 0); err != nil || n != 0 {
		t.Errorf("%d addresses of a deleted wallet, %v", n, err)
	}
}
