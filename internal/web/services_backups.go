package web

import (
	"context"
	"io"

	"specter/internal/backup"
	"specter/internal/setting"
)

// Backups is what the owner's page asks about backups.
type Backups interface {
	// State tells how the last backup went.
	State(ctx context.Context) (setting.BackupState, error)
	// Change stores what the owner decides about backups that are made by themselves; errs.Invalid
	// for a folder that cannot be written.
	Change(ctx context.Context, change func(*setting.Backup) error) (setting.Backup, error)
	// Auto makes a backup now, to the owner's keys and folder; errs.Conflict without a key.
	Auto(ctx context.Context) (backup.Made, error)
	// Download makes a backup under a passphrase, which is read and then closed.
	Download(ctx context.Context, passphrase string) (name string, size int64, body io.ReadCloser, err error)
}
