package setting

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"specter/internal/backup"
	"specter/internal/errs"
)

// How often backups are made by themselves.
const (
	BackupDaily  = "daily"
	BackupWeekly = "weekly"
)

// BackupEvery lists the choices; "": not by the clock.
var BackupEvery = []string{"", BackupDaily, BackupWeekly}

// Backup is what the owner has decided about backups that are made by themselves.
type Backup struct {
	Recipients []string // public keys, "age1…"; nil: none are made by themselves
	Folder     string   // absolute; "": the folder backups in the data folder
	Every      string   // of BackupEvery
	OnChange   bool     // also some minutes after words change: wallets, labels, drafts, devices, users
	Keep       int      // how many stay, 1 to 1000
}

const (
	nameBackupTo     = "backup-recipients"
	nameBackupFolder = "backup-folder"
	nameBackupEvery  = "backup-every"
	nameBackupChange = "backup-on-change"
	nameBackupKeep   = "backup-keep"
	usualKeep        = 10
	mostKept         = 1000
)

func (b Backup) values() map[string]string {
	v := map[string]string{}
	put := func(name, value string) {
		if value != "" {
			v[name] = value
		}
	}
	put(nameBackupTo, strings.Join(b.Recipients, " "))
	put(nameBackupFolder, b.Folder)
	put(nameBackupEvery, b.Every)
	if b.OnChange {
		v[nameBackupChange] = "yes"
	}
	if b.Keep != usualKeep {
		v[nameBackupKeep] = strconv.Itoa(b.Keep)
	}
	return v
}

func readBackup(v map[string]string) Backup {
	b := Backup{Folder: v[nameBackupFolder], Every: oneOf(v[nameBackupEvery], BackupEvery), OnChange: v[nameBackupChange] == "yes", Keep: usualKeep}
	b.Recipients, _ = backup.ParseRecipients(v[nameBackupTo]) // stored in their one spelling; what is none encrypts to nobody
	if n, err := strconv.Atoi(v[nameBackupKeep]); err == nil && n >= 1 && n <= mostKept {
		b.Keep = n
	}
	return b
}

// check returns the choice in its one spelling, or what is wrong with it (errs.Invalid).
func (b Backup) check() (Backup, error) {
	list, err := backup.ParseRecipients(strings.Join(b.Recipients, " "))
	if err != nil {
		return b, err
	}
	b.Recipients = list
	if b.Folder = strings.TrimSpace(b.Folder); b.Folder != "" {
		if b.Folder = filepath.Clean(b.Folder); !filepath.IsAbs(b.Folder) || len(b.Folder) > 1000 {
			return b, errs.E(errs.Invalid, "write the folder from the root, such as /media/stick/backups")
		}
	}
	switch {
	case !slices.Contains(BackupEvery, b.Every):
		return b, errs.E(errs.Invalid, "backups are made daily, weekly, or not by the clock")
	case b.Keep < 1 || b.Keep > mostKept:
		return b, errs.E(errs.Invalid, "keep 1 to %d backups", mostKept)
	case len(b.Recipients) == 0 && (b.Every != "" || b.OnChange):
		return b, errs.E(errs.Invalid, "backups that are made by themselves need a public key to encrypt to; make a pair of keys first")
	}
	return b, nil
}

// Backup returns what the owner has decided about backups.
func (s *Service) Backup(ctx context.Context) (Backup, error) {
	stored, err := s.store.Settings(ctx, "")
	if err != nil {
		return Backup{}, err
	}
	return readBackup(stored), nil
}

// ChangeBackup is ChangeProgram for backups.
func (s *Service) ChangeBackup(ctx context.Context, change func(*Backup) error) (Backup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.Backup(ctx)
	if err != nil {
		return before, err
	}
	after := before
	after.Recipients = slices.Clone(before.Recipients)
	if err := change(&after); err != nil {
		return before, err
	}
	if after, err = after.check(); err != nil {
		return before, err
	}
	return after, s.put(ctx, "", before.values(), after.values())
}

// BackupState tells how the last backup went.
type BackupState struct {
	At      time.Time `json:"at"` // of the last good one; zero: there was none
	Path    string    `json:"path"`
	Size    int64     `json:"size"`  // bytes
	Tried   time.Time `json:"tried"` // of a failure after it; zero: none
	Trouble string    `json:"trouble"`
}

// backupOld is after how long without a backup people are told.
const backupOld = 30 * 24 * time.Hour

// Old reports whether there has been no backup for long. One of the future tells nothing: it was
// made before the clock was set back.
func (s BackupState) Old(now time.Time) bool {
	return now.Sub(s.At) > backupOld || s.At.Sub(now) > 24*time.Hour
}
