package store_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/device"
	"specter/internal/errs"
)

// TestFirstDatabaseKeepsItsDataWhenLoginsCome opens a file of the first schema, with users and
// their things in it.
func TestFirstDatabaseKeepsItsDataWhenLoginsCome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "specter.db")
	first, err := os.ReadFile("migrations/sqlite/0001_house.sql")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`CREATE TABLE schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied INTEGER NOT NULL) STRICT`,
		string(first), `INSERT INTO schema VALUES (1, '0001_house', 5)`,
		`INSERT INTO users (id, name, role, created) VALUES ('ann', 'Ann', 'member', 7)`,
		`INSERT INTO settings (owner, name, value) VALUES ('ann', 'unit', 'sat'), ('', 'uid', 'abc')`,
		`INSERT INTO devices (owner, alias, name, type, needs_secret, created) VALUES ('ann', 'cold', 'Cold', 'other', 0, 9)`,
	} {
		if _, err := raw.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}

	db := open(t, path)
	users, err := db.Users(ctx)
	want := []auth.UserRow{
		{User: auth.User{ID: "admin", Name: "admin", Role: auth.Owner}, Key: "admin"},
		{User: auth.User{ID: "ann", Name: "Ann", Role: auth.Member, Created: time.Unix(7, 0).UTC()}, Key: "ann"},
	}
	if err != nil || !slices.Equal(users, want) {
		t.Errorf("%+v, %v", users, err)
	}
	if v, err := db.Setting(ctx, "ann", "unit"); err != nil || v != "sat" {
		t.Errorf("%q, %v", v, err)
	}
	if all, err := db.Devices(ctx, "ann"); err != nil || len(all) != 1 || all[0].Name != "Cold" {
		t.Errorf("%+v, %v", all, err)
	}
	if u, err := db.UserByKey(ctx, "ann"); err != nil || u.ID != "ann" || u.Password {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestUserRows(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "specter.db"))
	ann := auth.UserRow{User: auth.User{ID: "ann", Name: "Ann", Role: auth.Member, Created: time.Unix(5, 0).UTC(), Password: true}, Key: "ann", Hash: "$h"}
	if err := db.AddUser(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if got, err := db.UserRow(ctx, "ann"); err != nil || got != ann {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := db.UserRow(ctx, "ANN")
	wantKind(t, err, errs.NotFound, "an id in another case")
	for name, key := range map[string]string{"Ann": "other", "Other": "ann"} {
		u := ann
		u.ID, u.Name, u.Key = "other", name, key
		wantKind(t, db.AddUser(ctx, u), errs.Conflict, name)
		wantKind(t, db.RenameUser(ctx, "admin", name, key), errs.Conflict, name)
	}
	wantKind(t, db.RenameUser(ctx, "nobody", "x", "x"), errs.NotFound, "nobody")
	wantKind(t, db.SetUserPassword(ctx, "nobody", "x", 0), errs.NotFound, "nobody")
	wantKind(t, db.RemoveUser(ctx, "nobody"), errs.NotFound, "nobody")
	wantKind(t, db.RemoveUser(ctx, "admin"), errs.NotFound, "the owner")
	wantKind(t, db.RemoveUser(ctx, ""), errs.NotFound, "the program")

	for _, step := range [][2]string{{"$stale", "$h"}, {"$h", "$new"}, {"$h", "$new"}} {
		if err := db.UpgradePassword(ctx, "ann", step[0], "$new"); err != nil {
			t.Fatal(err)
		}
		if got, err := db.UserRow(ctx, "ann"); err != nil || got.Hash != step[1] {
			t.Errorf("after an upgrade of %s: %s, %v", step[0], got.Hash, err)
		}
	}
}

func TestRefusedRemovalRemovesNothing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "specter.db"))
	if err := db.AddUser(ctx, auth.UserRow{User: auth.User{ID: "ann", Name: "Ann", Role: auth.Member}, Key: "ann"}); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(100, 0).UTC()
	s := auth.Session{UserID: "ann", Created: at, LastSeen: at, Way: auth.MethodUsers}
	d := device.Device{Owner: "ann", Alias: "cold", Name: "Cold", Type: "other"}
	for _, err := range []error{
		db.AddSession(ctx, &s, bytes.Repeat([]byte{1}, 32), nil, ""),
		db.AddToken(ctx, auth.Token{ID: "t", UserID: "ann", Description: "d", Created: at, Expires: at}, bytes.Repeat([]byte{2}, 32)),
		db.AddEvent(ctx, auth.Event{At: at, UserID: "ann", What: "login"}),
		db.PutSetting(ctx, "ann", "unit", "sat"),
		db.PutDevice(ctx, &d),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, db.RemoveUser(ctx, "ann"), errs.Conflict, "a device is left")
	sessions, _ := db.Sessions(ctx, "ann")
	tokens, _ := db.Tokens(ctx, "ann")
	events, _ := db.Events(ctx, "ann", 0, 10)
	unit, _ := db.Setting(ctx, "ann", "unit")
	if len(sessions) != 1 || len(tokens) != 1 || len(events) != 1 || unit != "sat" {
		t.Errorf("%d sessions, %d tokens, %d events, %q are left", len(sessions), len(tokens), len(events), unit)
	}
}

func TestTokenRowsKeepEveryBit(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "specter.db"))
	at := time.UnixMilli(1700000000123).UTC()
	want := auth.Token{ID: "t", UserID: "admin", Description: "ä'\"", Life: 1750*time.Millisecond + 1, Created: at, Expires: at.Add(1750 * time.Millisecond),
		Scope: auth.Scope{Wallets: []int64{3, 1 << 60}, Rights: []auth.Right{auth.Read, auth.Broadcast}}}
	hash := bytes.Repeat([]byte{7}, 32)
	if err := db.AddToken(ctx, want, hash); err != nil {
		t.Fatal(err)
	}
	if err := db.SeeToken(ctx, "t", at); err != nil {
		t.Fatal(err)
	}
	want.LastUsed = at
	got, u, h, err := db.TokenByID(ctx, "t")
	if err != nil || !bytes.Equal(h, hash) || u.ID != "admin" || !sameToken(got, want) {
		t.Errorf("%+v of %s, %v", got, u.ID, err)
	}
	all, err := db.Tokens(ctx, "admin")
	if err != nil || len(all) != 1 || !sameToken(all[0], want) {
		t.Errorf("%+v, %v", all, err)
	}
	want.ID = "t2"
	wantKind(t, db.AddToken(ctx, want, hash), errs.Conflict, "the same description")
	want.UserID, want.Scope = "nobody", auth.Scope{}
	wantKind(t, db.AddToken(ctx, want, hash), errs.NotFound, "nobody's token")
	want.UserID, want.Description = "admin", "full"
	if err := db.AddToken(ctx, want, hash); err != nil {
		t.Fatal(err)
	}
	if got, _, _, err := db.TokenByID(ctx, "t2"); err != nil || !got.Scope.Full() {
		t.Errorf("%+v, %v", got, err)
	}
	wantKind(t, db.RemoveToken(ctx, "ann", "t"), errs.NotFound, "another user's token")
}

func sameToken(a, b auth.Token) bool {
	same := slices.Equal(a.Scope.Wallets, b.Scope.Wallets) && slices.Equal(a.Scope.Rights, b.Scope.Rights)
	return same && a.ID == b.ID && a.UserID == b.UserID && a.Description == b.Description && a.Life == b.Life &&
		a.Created.Equal(b.Created) && a.Expires.Equal(b.Expires) && a.LastUsed.Equal(b.LastUsed)
}

// TestUsedInvitationAndNewUserAreOneChange: a name that is taken leaves the link as it was.
func TestUsedInvitationAndNewUserAreOneChange(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "specter.db"))
	hash := bytes.Repeat([]byte{9}, 32)
	i := auth.Invitation{Created: time.Unix(5, 0).UTC()}
	if err := db.AddInvitation(ctx, &i, hash); err != nil || i.ID == 0 {
		t.Fatal(err)
	}
	ann := auth.UserRow{User: auth.User{ID: "ann", Name: "Admin", Role: auth.Member}, Key: "admin"}
	wantKind(t, db.UseInvitation(ctx, hash, ann), errs.Conflict, "a name that is taken")
	if got, err := db.InvitationByHash(ctx, hash); err != nil || got != i {
		t.Errorf("%+v, %v", got, err)
	}
	ann.Name, ann.Key = "Ann", "ann"
	if err := db.UseInvitation(ctx, hash, ann); err != nil {
		t.Fatal(err)
	}
	ann.ID, ann.Name, ann.Key = "eve", "Eve", "eve"
	wantKind(t, db.UseInvitation(ctx, hash, ann), errs.NotFound, "a used link")
	if users, err := db.Users(ctx); err != nil || len(users) != 2 {
		t.Errorf("%+v, %v", users, err)
	}
}
