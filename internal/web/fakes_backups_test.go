package web_test

import (
	"context"
	"io"
	"strings"
	"time"

	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/setting"
)

// keeper makes backups as the owner's page sees it.
type keeper struct {
	h     *house
	state setting.BackupState
}

func (k *keeper) State(context.Context) (setting.BackupState, error) { return k.state, nil }
func (k *keeper) Change(ctx context.Context, change func(*setting.Backup) error) (setting.Backup, error) {
	return setting.New(k.h).ChangeBackup(ctx, change)
}
func (k *keeper) Auto(ctx context.Context) (backup.Made, error) {
	c, err := setting.New(k.h).Backup(ctx)
	if err == nil && len(c.Recipients) == 0 {
		err = errs.E(errs.Conflict, "there is no public key to encrypt to")
	}
	if err == nil {
		k.state = setting.BackupState{At: time.Unix(1_700_000_000, 0), Path: "/media/stick/one.age", Size: 12_345_678}
	}
	return backup.Made{Size: 12_345_678}, err
}
func (k *keeper) Download(_ context.Context, passphrase string) (string, int64, io.ReadCloser, error) {
	return "one.age", 4, io.NopCloser(strings.NewReader("data")), backup.CheckPassphrase(passphrase)
}
