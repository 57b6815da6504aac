package v1_test

import (
	"context"
	"testing"
	"time"

	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/setting"
)

// safekeeper makes the backups of a test.
type safekeeper struct {
	settings *setting.Service
	state    setting.BackupState
}

func (k *safekeeper) State(context.Context) (setting.BackupState, error) { return k.state, nil }
func (k *safekeeper) Change(ctx context.Context, change func(*setting.Backup) error) (setting.Backup, error) {
	return k.settings.ChangeBackup(ctx, change)
}
func (k *safekeeper) Auto(ctx context.Context) (backup.Made, error) {
	c, err := k.settings.Backup(ctx)
	if err == nil && len(c.Recipients) == 0 {
		err = errs.E(errs.Conflict, "there is no public key to encrypt to")
	}
	if err == nil {
		k.state = setting.BackupState{At: time.Unix(1_800_000_000, 0), Path: "/backups/one.age", Size: 7}
	}
	return backup.Made{}, err
}

func TestBackupsAreTheOwnersToDecide(t *testing.T) {
	h := newHouse(t)
	if v := h.ok(h.owner, "GET", "/program/backups", ""); v.json["last_at"] != nil || v.str("every") != "" || len(v.json["recipients"].([]any)) != 0 {
		t.Errorf("from the start %s", v.body)
	}
	if a := h.do(h.owner, "POST", "/program/backups", ""); a.status != 409 {
		t.Errorf("without a key: %d %s", a.status, a.body)
	}
	secret, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`{"every":"daily"}`, `{"recipients":["` + secret + `"]}`, `{"recipients":["age1"]}`, `{"keep":0}`, `{"folder":"not/from/the/root"}`} {
		if a := h.do(h.owner, "PATCH", "/program/backups", bad); a.status != 422 {
			t.Errorf("%s answers %d", bad, a.status)
		}
	}
	if v := h.ok(h.owner, "PATCH", "/program/backups", `{"recipients":["`+public+`"],"every":"weekly","on_change":true,"keep":3}`); v.str("every") != "weekly" || v.json["on_change"] != true {
		t.Errorf("decided %s", v.body)
	}
	if v := h.ok(h.owner, "POST", "/program/backups", ""); v.str("last_file") != "/backups/one.age" {
		t.Errorf("made %s", v.body)
	}
	for _, method := range []string{"GET", "POST"} {
		if a := h.do(h.member, method, "/program/backups", ""); a.status != 403 {
			t.Errorf("a member gets %d", a.status)
		}
	}
}
