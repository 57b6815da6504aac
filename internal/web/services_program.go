package web

import (
	"context"

	"specter/internal/setting"
)

// Program is what the owner's pages ask of the program itself.
type Program interface {
	// ChangeProgram stores what the owner decides and puts it into force at once.
	ChangeProgram(ctx context.Context, change func(*setting.Program) error) (setting.Program, error)
	// LogLines are the last lines of the log, oldest first.
	LogLines() []string
	// Storage tells what the data takes up and what room the disk has.
	Storage(ctx context.Context) (setting.Storage, error)
	// Compact writes the database anew without its gaps and tells its size before and after;
	// errs.Conflict while it is at it, errs.Unavailable where the disk has no room.
	Compact(ctx context.Context) (before, after int64, err error)
	// Secrets tells how the stored secrets are locked: by a key file ("": they start locked), and
	// whether the owner's password opens them.
	Secrets() (keyFile string, password bool)
	// KeepLocked says whether the program starts locked; locking asks for the owner's password,
	// errs.Denied where it is another.
	KeepLocked(ctx context.Context, locked bool, password string) error
}

// Imports takes an old Specter over, in the background.
type Imports interface {
	// OldFolder is where an old Specter's files lie that nobody has taken over; "": nowhere.
	OldFolder(ctx context.Context) string
	ImportState() ImportState
	// LookImport begins to find out what would come over; nothing is changed. errs.Conflict while
	// one is under way, errs.Invalid or errs.Unavailable where it cannot be opened.
	LookImport(ctx context.Context, q ImportRequest) error
	// TakeImport begins to take over what was looked at last.
	TakeImport(ctx context.Context) error
}

// ImportRequest names an old Specter.
type ImportRequest struct {
	Name      string // a folder or file on the server's computer; with Data the sent file's name
	Data      []byte // what was sent; nil: Name is a path
	SecretKey string // the old program's SECRET_KEY; "": not known
	Again     bool   // what was taken over before and deleted here since comes back
}

// ImportState is how far it is, or what came of it.
type ImportState struct {
	From        string
	Running     bool
	Dry         bool // nothing is changed
	Ready       bool // it was looked at and can be taken
	Done, Total int  // transactions
	Lines       []ImportLine
	Problems    []string
	Trouble     error // why it ended early; nil: it did not
}

// ImportLine is what became of one thing, or would.
type ImportLine struct {
	Kind, User, Name, Outcome, Detail string
}
