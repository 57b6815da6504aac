package app

import (
	"context"
	"slices"
	"sync"

	v1 "specter/internal/api/v1"
	"specter/internal/errs"
	"specter/internal/legacy"
	"specter/internal/web"
)

// importer takes an old Specter over while the pages are served: one at a time, in the background,
// first to look and then in earnest.
type importer struct {
	a    *App
	ctx  context.Context // ends with the program
	stop context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	state  web.ImportState
	closed bool
	ask    web.ImportRequest // of the last look: what is taken when the owner says yes
}

func newImporter(a *App) *importer {
	ctx, stop := context.WithCancel(context.Background())
	return &importer{a: a, ctx: ctx, stop: stop}
}

// close ends what is under way; what was taken until then stays, and the next time goes on.
func (i *importer) close() {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	i.stop()
	i.work.Wait()
}

// OldFolder is where an old Specter's files lie that nobody has taken over; "": nowhere.
func (i *importer) OldFolder(ctx context.Context) string {
	if i.a.chain != nil || !legacy.Lives(i.a.folder.path) {
		return ""
	}
	if done, err := i.a.db.ImportedAny(ctx); done || err != nil {
		return ""
	}
	return i.a.folder.path
}

// ImportState tells how far it is, or what came of it.
func (i *importer) ImportState() web.ImportState {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.state
	s.Lines, s.Problems = slices.Clone(s.Lines), slices.Clone(s.Problems)
	return s
}

// LookImport opens a folder or file and begins to find out what would come over; nothing is
// changed. errs.Conflict while one is under way, errs.Invalid or errs.Unavailable where it cannot
// be opened.
func (i *importer) LookImport(_ context.Context, q web.ImportRequest) error { return i.start(q, true) }

// TakeImport begins to take over what was looked at last.
func (i *importer) TakeImport(_ context.Context) error {
	i.mu.Lock()
	q, ready := i.ask, i.state.Ready
	i.mu.Unlock()
	if !ready {
		return errs.E(errs.Conflict, "look at an old Specter's folder first")
	}
	return i.start(q, false)
}

// restImports is the importer as the REST API asks it: what is named is taken without a look before,
// as the caller says.
type restImports struct{ i *importer }

// Import begins to look at an old Specter, or to take it over.
func (r restImports) Import(_ context.Context, q v1.ImportRequest, take bool) error {
	return r.i.start(web.ImportRequest(q), !take)
}

// Imported tells how far it is.
func (r restImports) Imported() v1.Import {
	s := r.i.ImportState()
	out := v1.Import{From: s.From, Running: s.Running, Dry: s.Dry, Done: s.Done, Total: s.Total, Problems: s.Problems, Trouble: s.Trouble}
	for _, l := range s.Lines {
		out.Lines = append(out.Lines, v1.ImportLine(l))
	}
	return out
}

func (i *importer) start(q web.ImportRequest, dry bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.state.Running || i.closed {
		return errs.E(errs.Conflict, "an old Specter is being taken over already; wait until that is done")
	}
	var source *legacy.Source
	var err error
	if q.Data != nil {
		source, err = legacy.OpenBytes(q.Name, q.Data)
	} else {
		source, err = legacy.Open(q.Name)
	}
	if err != nil {
		return err
	}
	i.ask, i.state = q, web.ImportState{Running: true, Dry: dry, From: q.Name}
	i.work.Go(func() { i.run(source, q, dry) })
	return nil
}

func (i *importer) run(source *legacy.Source, q web.ImportRequest, dry bool) {
	defer source.Close()
	found, err := legacy.Read(source, nil)
	var rep *legacy.Report
	if err == nil {
		rep, err = i.a.takeOver(i.ctx, source, found, ImportOptions{Dry: dry, Again: q.Again, SecretKey: q.SecretKey, Progress: i.progress})
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.state.Running, i.state.Ready = false, dry && err == nil
	if !dry {
		i.ask = web.ImportRequest{} // its bytes and keys are not needed any more
	}
	if rep != nil {
		for _, l := range rep.Lines {
			i.state.Lines = append(i.state.Lines, web.ImportLine{Kind: l.Kind, User: l.User, Name: l.Name, Outcome: string(l.Outcome), Detail: l.Detail})
		}
		for _, p := range rep.Problems {
			i.state.Problems = append(i.state.Problems, p.String())
		}
	}
	if err != nil {
		i.state.Trouble = err
		i.a.c.Log.Warn("an old Specter could not be taken over", "error", err)
	}
}

func (i *importer) progress(done, total int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.state.Done, i.state.Total = done, total
}
