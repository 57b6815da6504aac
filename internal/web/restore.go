package web

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/door"
	"specter/internal/errs"
)

// Bounds of a backup that is sent to be restored. What the program takes is less than that.
const (
	maxRestore     = 17 << 30 // bytes
	maxRestoreTime = 2 * time.Hour
	maxSecret      = 8 << 10 // bytes of a passphrase or an identity file
)

// restoreRoutes are the two ways to a restore: while nobody owns this Specter, for whoever holds the
// printed link, and later for its owner.
func (s *Server) restoreRoutes() []route {
	return []route{
		{"GET /setup/restore", forFirst, s.getRestore},
		{"POST /setup/restore", forFirst, s.postRestore},
		{"POST /setup/restore/drop", forFirst, s.postRestoreDrop},
		{"POST /setup/restore/take", forFirst, s.postRestoreTake},
		{"GET /settings/backups/restore", forOwner, s.getRestore},
		{"POST /settings/backups/restore", forOwner, s.postRestore},
		{"POST /settings/backups/restore/back", forOwner, s.postRestoreBack},
		{"POST /settings/backups/restore/drop", forOwner, s.postRestoreDrop},
		{"POST /settings/backups/restore/take", forOwner, s.postRestoreTake},
		{"GET /auth/restored", forEveryone, s.getRestored},
	}
}

type restorePage struct {
	settingsFrame
	At       string // path of this page
	Query    string // the first start's secret, as a query; "": an owner is there
	State    RestoreState
	Password bool   // the owner's password is asked before it is done
	PIN      bool   // and it is the node's
	Old      string // where a file of the original Specter belongs; "": the file was none
	Error    string
}

// To is the address of one of the page's forms.
func (p restorePage) To(part string) string { return p.At + part + p.Query }

// Back is where one comes from to this page.
func (p restorePage) Back() string {
	if p.Bare {
		return "/setup" + p.Query
	}
	return "/settings/backups"
}

// Import is where an old Specter is taken over.
func (p restorePage) Import() string {
	if p.Bare {
		return "/setup" + p.Query + "&then=import"
	}
	return "/settings/import"
}

// restorePage fills the page for who asks: the first one here, or the owner.
func (s *Server) restorePage(r *http.Request) (v restorePage, err error) {
	title := s.tr(r, "Restore a backup")
	if s.unset() {
		v.settingsFrame = settingsFrame{page: s.barePage(r, title)}
		v.At, v.Query = "/setup/restore", "?"+url.Values{"secret": {r.URL.Query().Get("secret")}}.Encode()
		v.Error = s.unsafe(r)
	} else {
		if v.settingsFrame, err = s.settingsFrame(r, "backups", title); err != nil {
			return v, err
		}
		v.At = "/settings/backups/restore"
		m := s.c.Auth.Settings().Method
		v.Password, v.PIN = asksPassword(m), m == auth.MethodRPC
	}
	if s.c.Restores == nil {
		return v, errs.E(errs.NotFound, "this program restores nothing from here")
	}
	v.State = s.c.Restores.RestoreState()
	if v.State.Trouble != nil {
		v.Error = s.sentence(r, v.State.Trouble)
	}
	return v, nil
}

func (s *Server) getRestore(w http.ResponseWriter, r *http.Request) error {
	v, err := s.restorePage(r)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.render(w, r, http.StatusOK, "restore", v)
}

// restoreAnswer shows the page again, with what was wrong.
func (s *Server) restoreAnswer(w http.ResponseWriter, r *http.Request, err error) error {
	v, pageErr := s.restorePage(r)
	if pageErr != nil {
		return pageErr
	}
	if err == nil {
		return s.redirect(w, r, v.To(""))
	}
	s.note(r, err)
	if errs.Is(err, errs.Internal) {
		return err
	}
	v.Error = s.refusal(w, r, err)
	var foreign *backup.Foreign
	if errors.As(err, &foreign) && foreign.Old() {
		v.Old = v.Import()
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.render(w, r, statusOf(err), "restore", v)
}

// postRestore takes a file and what opens it; or only that, for a file that is kept here.
func (s *Server) postRestore(w http.ResponseWriter, r *http.Request) error {
	if s.c.Restores == nil {
		return errs.E(errs.NotFound, "this program restores nothing from here")
	}
	err := s.refuseUnsafe(r)
	secret := ""
	if err == nil {
		secret, err = s.readRestore(r)
	}
	if err == nil {
		err = s.c.Restores.LookAtBackup(r.Context(), secret)
	}
	return s.restoreAnswer(w, r, err)
}

// readRestore reads the form. The file goes to the disk piece by piece.
func (s *Server) readRestore(r *http.Request) (secret string, err error) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		if err := parseForm(r); err != nil {
			return "", err
		}
		return limit(r.PostFormValue("secret-text"), maxSecret), nil
	}
	door.AllowBody(r, maxRestore, maxRestoreTime)
	m := multipart.NewReader(r.Body, params["boundary"])
	for n := 0; ; n++ {
		part, err := m.NextPart()
		if err == io.EOF {
			return secret, nil
		}
		if err != nil || n > 20 {
			return "", errs.E(errs.Invalid, "the form broke off on its way; send it again: %w", err)
		}
		switch {
		case part.FileName() != "" && part.FormName() == "file":
			if err := s.c.Restores.TakeBackup(r.Context(), part.FileName(), r.ContentLength, part); err != nil {
				return "", err
			}
		case part.FormName() == "secret-text":
			text, err := io.ReadAll(io.LimitReader(part, maxSecret))
			if err != nil {
				return "", errs.E(errs.Invalid, "the form broke off on its way; send it again: %w", err)
			}
			secret = string(text)
		}
	}
}

// postRestoreBack compares what the last restore has set aside.
func (s *Server) postRestoreBack(w http.ResponseWriter, r *http.Request) error {
	if s.c.Restores == nil {
		return errs.E(errs.NotFound, "this program restores nothing from here")
	}
	return s.restoreAnswer(w, r, s.c.Restores.LookBack(r.Context()))
}

// postRestoreDrop forgets the file and the comparison.
func (s *Server) postRestoreDrop(w http.ResponseWriter, r *http.Request) error {
	v, err := s.restorePage(r)
	if err != nil {
		return err
	}
	s.c.Restores.DropBackup()
	return s.redirect(w, r, v.Back())
}

type restoringPage struct {
	page
	Next  string // where the browser goes on
	Error string
}

// postRestoreTake does it: the owner proves once more that it is them, and the page waits for the
// program to come back.
func (s *Server) postRestoreTake(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if s.c.Restores == nil {
		return errs.E(errs.NotFound, "this program restores nothing from here")
	}
	err := s.refuseUnsafe(r)
	if err == nil && !s.unset() {
		var by auth.Identity
		if by, err = s.identity(r); err == nil {
			err = s.c.Auth.Confirm(r.Context(), by, r.PostFormValue("current"))
		}
	}
	ticket := ""
	if err == nil {
		ticket, err = s.c.Restores.Restore(r.Context(), r.PostFormValue("id"), s.client(r))
	}
	if err != nil {
		return s.restoreAnswer(w, r, err)
	}
	v := restoringPage{page: s.barePage(r, s.tr(r, "Restoring"))}
	v.Next = s.url("/auth/restored?" + url.Values{"ticket": {ticket}}.Encode())
	h := w.Header()
	h.Set("Refresh", "3; url="+v.Next) // a meta element would need a place in every page's head
	h.Set("Connection", "close")
	h.Set("Cache-Control", "no-store")
	s.write(w, r, http.StatusOK, "auth_restoring", "layout", v)
	return nil
}

// getRestored is where the browser comes back after a restore.
func (s *Server) getRestored(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if s.c.Restores == nil {
		return s.redirect(w, r, "/")
	}
	out, known := s.c.Restores.Restored(r.URL.Query().Get("ticket"))
	switch {
	case !known:
		return s.redirect(w, r, "/")
	case out.Trouble != "":
		v := restoringPage{page: s.barePage(r, s.tr(r, "Restoring")), Error: upperFirst(strings.TrimSpace(out.Trouble))}
		return s.render(w, r, http.StatusServiceUnavailable, "auth_restored", v)
	case out.Link != "":
		return s.redirect(w, r, "/setup?"+url.Values{"secret": {out.Link}}.Encode())
	}
	s.setSession(w, r, "")
	if s.c.Auth.Settings().Method == auth.MethodNone {
		s.say(w, r, flashOK, "The backup is restored.")
		return s.redirect(w, r, "/")
	}
	return s.redirect(w, r, "/auth/login?restored=yes")
}

// thingWords names a kind of things.
func (c catalogue) thingWords(kind string) string {
	switch kind {
	case "user":
		return c.t("Users")
	case "node":
		return c.t("Nodes")
	case "device":
		return c.t("Devices")
	case "wallet":
		return c.t("Wallets")
	case "label":
		return c.t("Labels")
	case "frozen":
		return c.t("Frozen coins")
	case "draft":
		return c.t("Payments on their way")
	case "token":
		return c.t("API tokens")
	}
	return c.t("Settings")
}

// Named reports whether things of a kind are told by name: those of settings are for programs.
func (k RestoreKind) Named() bool {
	return k.Kind != "setting" && len(k.Gone)+len(k.New)+len(k.Changed) > 0
}
