package web

import (
	"context"
	"io"
	"time"

	"specter/internal/auth"
)

// Restores puts a backup in the place of what is there. One thing at a time: a file is sent, opened
// and compared, and then it is decided on. Nothing is changed before that.
type Restores interface {
	RestoreState() RestoreState
	// TakeBackup keeps a file that is sent until it is opened, at most so many minutes; size is what
	// was announced, -1 where nothing was. *backup.Foreign: it is none of our backups; errs.Conflict:
	// another is worked on; errs.Unavailable: there is no room for it.
	TakeBackup(ctx context.Context, name string, size int64, body io.Reader) error
	// LookAtBackup opens the kept file with a passphrase or secret key, checks all of it and
	// compares it with what is there. It waits for a while; what takes longer goes on, and
	// RestoreState tells. errs.Denied: the secret is wrong (the file is kept), *auth.TooFast: wait;
	// errs.Invalid: damaged, or no file is there; errs.Unavailable: made by a newer program.
	LookAtBackup(ctx context.Context, secret string) error
	// LookBack compares the state that the last restore set aside; errs.Conflict where there is none.
	LookBack(ctx context.Context) error
	// DropBackup forgets file and comparison. Nothing was changed.
	DropBackup()
	// Restore decides on what was compared under this id: the program closes everything, puts the
	// other state in its place and opens that. The ticket asks Restored how it went. errs.Conflict:
	// it is not there any more.
	Restore(ctx context.Context, id, client string) (ticket string, err error)
	// Restored tells who holds the ticket how it went; false: nobody knows of this ticket.
	Restored(ticket string) (RestoreOutcome, bool)
}

// RestoreState is how far it is.
type RestoreState struct {
	File    string // name of a file that was sent and not opened yet; "": none
	Key     bool   // it opens with a secret key, not with a passphrase
	Running bool
	Trouble error // why the last one ended, where nobody waited for that; nil: it did not
	Found   *RestoreFound
	Back    time.Time // when a state was set aside that can be brought back; zero: there is none
}

// RestoreFound is what would come, beside what is there.
type RestoreFound struct {
	ID       string
	File     string    // name of the file that was sent; "": a state that was set aside
	Made     time.Time // when the backup was made, or the state was set aside
	Program  string    // version that made the backup; "": not known
	Ours     bool      // it is of this very Specter
	Kinds    []RestoreKind
	Method   auth.Method // how people log in afterwards
	Owner    string      // and the owner's name
	Secrets  string      // how the stored secrets open: in RunDrill's words; "": not tried
	Proved   int         // addresses that were derived and are as stored
	Problems []string    // what is not as it should be in the backup
}

// RestoreKind compares the things of one kind.
type RestoreKind struct {
	Kind        string // user, node, device, wallet, label, frozen, draft, token, setting
	Here, There int
	Same        int
	Gone        []string // that are here alone, by name
	New         []string // that are in the backup alone
	Changed     []string // of which the backup says something else
	More        int      // that are not named, of all three
}

// Loses reports whether something that is there would go or change.
func (f *RestoreFound) Loses() bool {
	for _, k := range f.Kinds {
		if len(k.Gone)+len(k.Changed) > 0 {
			return true
		}
	}
	return false
}

// RestoreOutcome is how a restore went.
type RestoreOutcome struct {
	Trouble string // why the old state holds still; "": it went well
	Link    string // secret of the first start, where the new state has no owner; "": it has one
}
