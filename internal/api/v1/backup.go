package v1

import (
	"context"

	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/setting"
)

// Backups is what the API asks about backups, for the owner alone.
type Backups interface {
	// State tells how the last backup went.
	State(ctx context.Context) (setting.BackupState, error)
	// Change stores what the owner decides; errs.Invalid for a folder that cannot be written.
	Change(ctx context.Context, change func(*setting.Backup) error) (setting.Backup, error)
	// Auto makes a backup now, to the owner's keys and folder; errs.Conflict without a key.
	Auto(ctx context.Context) (backup.Made, error)
}

// backupsView is how backups are made by themselves, and how the last one went.
type backupsView struct {
	Recipients []string `json:"recipients"`
	Folder     string   `json:"folder"`
	Every      string   `json:"every"`
	OnChange   bool     `json:"on_change"`
	Keep       int      `json:"keep"`
	LastAt     moment   `json:"last_at"`
	LastFile   string   `json:"last_file"`
	LastBytes  int64    `json:"last_bytes"`
	FailedAt   moment   `json:"failed_at"`
	Trouble    string   `json:"trouble"`
}

// backupsPatch changes how they are made.
type backupsPatch struct {
	Recipients *[]string `json:"recipients"`
	Folder     *string   `json:"folder"`
	Every      *string   `json:"every"`
	OnChange   *bool     `json:"on_change"`
	Keep       *int      `json:"keep"`
}

var errNoBackups = errs.E(errs.Unavailable, "this program makes no backups from here")

func viewBackups(b setting.Backup, s setting.BackupState) backupsView {
	return backupsView{Recipients: append([]string{}, b.Recipients...), Folder: b.Folder, Every: b.Every, OnChange: b.OnChange, Keep: b.Keep,
		LastAt: moment(s.At), LastFile: s.Path, LastBytes: s.Size, FailedAt: moment(s.Tried), Trouble: s.Trouble}
}

func getBackups(c *call) (any, error) {
	b, err := c.s.settings.Backup(c.ctx())
	if err != nil {
		return nil, err
	}
	var s setting.BackupState
	if c.s.c.Backups != nil {
		s, err = c.s.c.Backups.State(c.ctx())
	}
	return viewBackups(b, s), err
}

func patchBackups(c *call) (any, error) {
	var in backupsPatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if c.s.c.Backups == nil {
		return nil, errNoBackups
	}
	if _, err := c.s.c.Backups.Change(c.ctx(), func(b *setting.Backup) error {
		over(&b.Recipients, in.Recipients)
		over(&b.Folder, in.Folder)
		over(&b.Every, in.Every)
		over(&b.OnChange, in.OnChange)
		over(&b.Keep, in.Keep)
		return nil
	}); err != nil {
		return nil, err
	}
	return getBackups(c)
}

// postBackup makes a backup to the owner's keys; what it holds does not go over the line.
func postBackup(c *call) (any, error) {
	if c.s.c.Backups == nil {
		return nil, errNoBackups
	}
	if _, err := c.s.c.Backups.Auto(c.ctx()); err != nil {
		return nil, err
	}
	return getBackups(c)
}
