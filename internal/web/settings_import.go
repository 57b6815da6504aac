package web

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"specter/internal/door"
	"specter/internal/errs"
)

// Bounds of what can be sent to be taken over.
const (
	maxImport     = 64 << 20 // bytes
	maxImportTime = 10 * time.Minute
	maxField      = 4096 // bytes of a typed field
)

type importsPage struct {
	settingsFrame
	State  ImportState
	Found  string // an old folder that was found, and not taken over yet
	Folder string // in the form
	Error  string
}

// Percent is how far it is.
func (p importsPage) Percent() int {
	if p.State.Total == 0 {
		return 0
	}
	return 100 * p.State.Done / p.State.Total
}

// Some reports whether there is a report to show.
func (p importsPage) Some() bool { return len(p.State.Lines)+len(p.State.Problems) > 0 }

func (s *Server) importsPage(r *http.Request) (importsPage, error) {
	f, err := s.settingsFrame(r, "program", s.tr(r, "Take over an old Specter"))
	if err != nil {
		return importsPage{}, err
	}
	if s.c.Imports == nil {
		return importsPage{}, errs.E(errs.Unavailable, "nothing can be taken over here")
	}
	v := importsPage{settingsFrame: f, State: s.c.Imports.ImportState(), Found: s.c.Imports.OldFolder(r.Context())}
	v.Folder = v.Found
	for i, l := range v.State.Lines {
		v.State.Lines[i].Kind, v.State.Lines[i].Outcome = s.importKind(r, l.Kind), s.importOutcome(r, l.Outcome)
	}
	if t := v.State.Trouble; t != nil {
		v.Error = s.sentence(r, t)
	}
	return v, nil
}

// importKind names a kind of thing for people.
func (s *Server) importKind(r *http.Request, kind string) string {
	switch kind {
	case "owner":
		return s.tr(r, "Owner")
	case "user":
		return s.tr(r, "User")
	case "token":
		return s.tr(r, "API token")
	case "link":
		return s.tr(r, "Registration link")
	case "node":
		return s.tr(r, "Node")
	case "device":
		return s.tr(r, "Device")
	case "wallet":
		return s.tr(r, "Wallet")
	case "draft":
		return s.tr(r, "Pending payment")
	case "settings", "program":
		return s.tr(r, "Settings")
	}
	return s.tr(r, "Other things")
}

// importOutcome says what became of a thing.
func (s *Server) importOutcome(r *http.Request, outcome string) string {
	switch outcome {
	case "taken":
		return s.tr(r, "comes over")
	case "merged":
		return s.tr(r, "is here, and something came along")
	case "same":
		return s.tr(r, "nothing new")
	case "kept":
		return s.tr(r, "kept for later")
	}
	return s.tr(r, "left out")
}

func (s *Server) getImports(w http.ResponseWriter, r *http.Request) error {
	v, err := s.importsPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_import", v)
}

// postLookImport takes a folder's path, or a file that is sent, and begins to look at it.
func (s *Server) postLookImport(w http.ResponseWriter, r *http.Request) error {
	if s.c.Imports == nil {
		return errs.E(errs.Unavailable, "nothing can be taken over here")
	}
	q, err := readImport(r)
	if err == nil {
		err = s.c.Imports.LookImport(r.Context(), q)
	}
	return s.importAnswer(w, r, q.Name, err)
}

func (s *Server) importAnswer(w http.ResponseWriter, r *http.Request, folder string, err error) error {
	if err == nil {
		return s.redirect(w, r, "/settings/import")
	}
	if errs.Is(err, errs.Internal) {
		return err
	}
	v, pageErr := s.importsPage(r)
	if pageErr != nil {
		return pageErr
	}
	v.Folder, v.Error = limit(folder, 1000), s.sentence(r, err)
	return s.render(w, r, statusOf(err), "settings_import", v)
}

func (s *Server) postTakeImport(w http.ResponseWriter, r *http.Request) error {
	if s.c.Imports == nil {
		return errs.E(errs.Unavailable, "nothing can be taken over here")
	}
	return s.importAnswer(w, r, "", s.c.Imports.TakeImport(r.Context()))
}

// readImport reads the form. A file is kept in memory alone: it may hold secrets.
func readImport(r *http.Request) (q ImportRequest, err error) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		if err := parseForm(r); err != nil {
			return q, err
		}
		q = ImportRequest{Name: r.PostFormValue("folder"), SecretKey: r.PostFormValue("secret-key"), Again: r.PostFormValue("again") == "yes"}
		return q, q.check()
	}
	door.AllowBody(r, maxImport+(1<<20), maxImportTime)
	fields := map[string]string{}
	m := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := m.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return q, errs.E(errs.Invalid, "the form broke off on its way; send it again: %w", err)
		}
		most := int64(maxField)
		if part.FileName() != "" {
			most = maxImport
		}
		data, err := io.ReadAll(io.LimitReader(part, most+1))
		if err != nil {
			return q, errs.E(errs.Invalid, "the file broke off on its way; send it again: %w", err)
		}
		if int64(len(data)) > most {
			return q, errs.E(errs.Invalid, "that is more than can be sent (%d MB); put the folder on Specter's own computer and type where it is", maxImport>>20)
		}
		if part.FileName() != "" && len(data) > 0 {
			q.Name, q.Data = part.FileName(), data
		} else if part.FileName() == "" && len(fields) < 20 {
			fields[part.FormName()] = string(data)
		}
	}
	if q.Data == nil {
		q.Name = fields["folder"]
	}
	q.SecretKey, q.Again = fields["secret-key"], fields["again"] == "yes"
	return q, q.check()
}

func (q ImportRequest) check() error {
	if q.Name == "" {
		return errs.E(errs.Invalid, "type where the old folder is, or choose a file")
	}
	return nil
}

// getOldBackup hands out one's own wallets and devices as the old program's backup.
func (s *Server) getOldBackup(w http.ResponseWriter, r *http.Request) error {
	if s.c.OldBackup == nil {
		return errs.E(errs.NotFound, "there is no such file here")
	}
	owner, err := s.owner(r)
	if err != nil {
		return err
	}
	f, err := s.c.OldBackup(r.Context(), string(owner), s.network(r.Context()))
	if err != nil {
		return err
	}
	return download(w, f)
}

type secretsPage struct {
	settingsFrame
	KeyFile  string
	Password bool
	Error    string
}

func (s *Server) secretsPage(r *http.Request) (secretsPage, error) {
	f, err := s.settingsFrame(r, "program", s.tr(r, "Stored secrets"))
	if err != nil {
		return secretsPage{}, err
	}
	if s.c.Program == nil {
		return secretsPage{}, errs.E(errs.Unavailable, "this program has no settings of its own here")
	}
	v := secretsPage{settingsFrame: f}
	v.KeyFile, v.Password = s.c.Program.Secrets()
	return v, nil
}

func (s *Server) getSecrets(w http.ResponseWriter, r *http.Request) error {
	v, err := s.secretsPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_secrets", v)
}

// postSecrets chooses whether Specter starts by itself or locked.
func (s *Server) postSecrets(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.secretsPage(r)
	if err != nil {
		return err
	}
	var locked bool
	if err = readYes(&locked, r.PostFormValue("locked")); err == nil {
		err = s.c.Program.KeepLocked(r.Context(), locked, r.PostFormValue("password"))
	}
	if err != nil {
		if errs.Is(err, errs.Internal) {
			return err
		}
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "settings_secrets", v)
	}
	s.say(w, r, flashOK, "Settings saved.")
	return s.redirect(w, r, "/settings/secrets")
}
