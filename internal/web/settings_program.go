package web

import (
	"net/http"
	"strconv"
	"strings"

	"specter/internal/errs"
	"specter/internal/setting"
)

type programPage struct {
	settingsFrame
	Want    setting.Program // in the form: what is stored, or what was just refused
	Storage setting.Storage
	Lines   []string // the last of the log, newest first
	Error   string
}

// shownLines is how many lines of the log the page shows; the file has all that are kept.
const shownLines = 200

func (s *Server) programPage(r *http.Request) (programPage, error) {
	f, err := s.settingsFrame(r, "program", s.tr(r, "Program"))
	if err != nil {
		return programPage{}, err
	}
	if s.c.Program == nil {
		return programPage{}, errs.E(errs.Unavailable, "this program has no settings of its own here")
	}
	v := programPage{settingsFrame: f}
	if v.Want, err = s.settings.Program(r.Context()); err != nil {
		return v, err
	}
	all := s.c.Program.LogLines()
	for i := len(all) - 1; i >= 0 && len(v.Lines) < shownLines; i-- {
		v.Lines = append(v.Lines, all[i])
	}
	v.Storage, err = s.c.Program.Storage(r.Context())
	return v, err
}

// LogText is the log for the page, newest first.
func (p programPage) LogText() string { return strings.Join(p.Lines, "\n") }

// Megabytes prints bytes with one decimal.
func (p programPage) Megabytes(n int64) string { return megabytes(n) }

// TopRows are the greatest tables.
func (p programPage) TopRows() []setting.Rows { return p.Storage.Rows[:min(len(p.Storage.Rows), 6)] }

// megabytes prints bytes as MB with one decimal; as kB where they are few, as GB where they are many.
func megabytes(n int64) string {
	unit, name := int64(1_000_000), " MB"
	switch {
	case n >= 10_000_000_000:
		unit, name = 1_000_000_000, " GB"
	case n < 1_000_000:
		unit, name = 1_000, " kB"
	}
	tenths := (n*10 + unit/2) / unit
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + name
}

func (s *Server) getProgram(w http.ResponseWriter, r *http.Request) error {
	v, err := s.programPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_program", v)
}

// postProgram stores what the owner decides; it is in force at once.
func (s *Server) postProgram(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.programPage(r)
	if err != nil {
		return err
	}
	want := v.Want
	_, err = s.c.Program.ChangeProgram(r.Context(), func(p *setting.Program) error {
		if err := readProgram(r, p); err != nil {
			return err
		}
		want = *p
		return nil
	})
	if err != nil {
		if !errs.Is(err, errs.Invalid) {
			return err
		}
		v.Want, v.Error = want, s.sentence(r, err)
		return s.render(w, r, statusOf(err), "settings_program", v)
	}
	s.say(w, r, flashOK, "Settings saved.")
	return s.redirect(w, r, "/settings/program")
}

// readProgram puts what the form says over the settings.
func readProgram(r *http.Request, p *setting.Program) error {
	for name, into := range map[string]*bool{"outside": &p.Outside, "proxy-only": &p.ProxyOnly} {
		if r.PostForm.Has(name) {
			if err := readYes(into, r.PostFormValue(name)); err != nil {
				return err
			}
		}
	}
	if r.PostForm.Has("proxy") {
		p.Proxy = r.PostFormValue("proxy")
	}
	if r.PostForm.Has("log-level") {
		p.LogLevel = r.PostFormValue("log-level")
	}
	return nil
}

// getLog hands out the kept lines of the log as a file, oldest first.
func (s *Server) getLog(w http.ResponseWriter, _ *http.Request) error {
	if s.c.Program == nil {
		return errs.E(errs.NotFound, "there is no log here")
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="specter-log.txt"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(strings.Join(s.c.Program.LogLines(), "\n") + "\n")) // the browser is gone; nobody is left to tell
	return nil
}

// postCompact writes the database anew without its gaps.
func (s *Server) postCompact(w http.ResponseWriter, r *http.Request) error {
	if s.c.Program == nil {
		return errs.E(errs.Unavailable, "there is nothing to compact here")
	}
	before, after, err := s.c.Program.Compact(r.Context())
	if err != nil {
		return err
	}
	s.say(w, r, flashOK, "The database is compacted: %s before, %s now.", megabytes(before), megabytes(after))
	return s.redirect(w, r, "/settings/program")
}
