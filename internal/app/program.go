package app

import (
	"bytes"
	"context"
	"log/slog"
	"sync"

	"specter/internal/errs"
	"specter/internal/setting"
)

// Log is what the program tells its operator: written out, and its last lines kept for the
// owner's page. Its level can be changed while it runs.
type Log struct {
	Level slog.LevelVar

	mu    sync.Mutex
	lines [maxLines]string
	next  int // where the next line goes
	full  bool
	rest  []byte // the beginning of a line that is not complete
}

// Bounds of the kept lines.
const (
	maxLines = 2_000
	maxLine  = 2_000 // bytes; the rest of a longer line is cut
)

// Write keeps the lines of a text. It never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		rest = after
		if room := maxLine - len(l.rest); room > 0 {
			l.rest = append(l.rest, line[:min(len(line), room)]...)
		}
		if !ended {
			break
		}
		l.lines[l.next] = string(l.rest)
		l.rest = l.rest[:0]
		if l.next++; l.next == maxLines {
			l.next, l.full = 0, true
		}
	}
	return len(p), nil
}

// Lines are the last lines, oldest first.
func (l *Log) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	if l.full {
		out = append(out, l.lines[l.next:]...)
	}
	return append(out, l.lines[:l.next]...)
}

// levels are the words of the settings as slog has them.
var levels = map[string]slog.Level{setting.LogDebug: slog.LevelDebug, setting.LogInfo: slog.LevelInfo, setting.LogWarn: slog.LevelWarn}

// steward is what the owner sees of the program and decides about it.
type steward struct {
	a    *App
	busy sync.Mutex // held while the database is compacted
}

// ChangeProgram stores what the owner decides and puts it into force at once.
func (p *steward) ChangeProgram(ctx context.Context, change func(*setting.Program) error) (setting.Program, error) {
	before, err := p.a.settings.Program(ctx)
	if err != nil {
		return before, err
	}
	after, err := p.a.settings.ChangeProgram(ctx, change)
	if err == nil && (before.Proxy != after.Proxy || before.ProxyOnly != after.ProxyOnly) {
		p.a.redial(context.WithoutCancel(ctx))
	}
	if err == nil && p.a.c.Lines != nil {
		p.a.c.Lines.Level.Set(levels[after.LogLevel])
	}
	return after, err
}

// LogLines are the last lines of the log, oldest first.
func (p *steward) LogLines() []string {
	if p.a.c.Lines == nil {
		return nil
	}
	return p.a.c.Lines.Lines()
}

// Storage tells what the data takes up and what room the disk has.
func (p *steward) Storage(ctx context.Context) (setting.Storage, error) {
	s, err := p.a.db.Storage(ctx)
	if err == nil {
		s.Free = diskFree(p.a.folder.path)
	}
	return s, err
}

// Compact writes the database anew without its gaps, and tells its size before and after.
// errs.Conflict while that is being done, errs.Unavailable where the disk has no room for it.
func (p *steward) Compact(ctx context.Context) (before, after int64, err error) {
	if !p.busy.TryLock() {
		return 0, 0, errs.E(errs.Conflict, "the database is being compacted already")
	}
	defer p.busy.Unlock()
	s, err := p.Storage(ctx)
	if err != nil {
		return 0, 0, err
	}
	if s.Free >= 0 && s.Free < 2*s.Database {
		return 0, 0, errs.E(errs.Unavailable, "compacting writes the database anew and needs twice its size in free room, %d MB; nothing was changed", 2*s.Database>>20)
	}
	// Whoever has closed the page does not leave it half done.
	if err := p.a.db.Compact(context.WithoutCancel(ctx)); err != nil {
		return 0, 0, err
	}
	now, err := p.a.db.Storage(ctx)
	return s.Database, now.Database, err
}

// Secrets tells how the stored secrets are locked.
func (p *steward) Secrets() (keyFile string, password bool) {
	s := p.a.secrets.State()
	return s.KeyFile, s.Password
}

// KeepLocked says whether the program starts locked from now on.
func (p *steward) KeepLocked(ctx context.Context, locked bool, password string) error {
	return p.a.secrets.KeepLocked(ctx, locked, password)
}

// setLevel puts the stored level of the log into force, unless the command line has decided.
func (a *App) setLevel(ctx context.Context) error {
	p, err := a.settings.Program(ctx)
	if err == nil && a.c.Lines != nil && !a.c.Debug {
		a.c.Lines.Level.Set(levels[p.LogLevel])
	}
	return err
}
