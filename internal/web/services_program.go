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
}
