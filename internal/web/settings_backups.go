package web

import (
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"

	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/setting"
)

type backupsPage struct {
	settingsFrame
	Want    setting.Backup // in the form: what is stored, or what was just refused
	Keys    string         // the public keys in the form, one a line
	Keeping string         // how many are kept, as typed
	State   setting.BackupState
	Old     bool
	Aside   bool          // a restore has set a state aside that can be brought back
	Secret  string        // of a pair that was made just now; it is shown this once
	Public  string        // of that pair
	QR      template.HTML // of Secret
	Error   string
}

// Ways are the commands for a backup on the command line.
func (backupsPage) Ways() []string {
	return []string{"specter restore FILE --dry-run", "specter restore FILE", "specter backup drill FILE"}
}

// Size is the last backup's size for people.
func (p backupsPage) Size() string { return megabytes(p.State.Size) }

// MinPassphrase is how many characters a passphrase has at least.
func (backupsPage) MinPassphrase() int { return backup.MinPassphrase }

func (s *Server) backupsPage(r *http.Request) (backupsPage, error) {
	f, err := s.settingsFrame(r, "backups", s.tr(r, "Backups"))
	if err != nil {
		return backupsPage{}, err
	}
	if s.c.Backups == nil {
		return backupsPage{}, errs.E(errs.NotFound, "this program makes no backups from here")
	}
	v := backupsPage{settingsFrame: f}
	if v.Want, err = s.settings.Backup(r.Context()); err != nil {
		return v, err
	}
	v.Keys, v.Keeping = strings.Join(v.Want.Recipients, "\n"), strconv.Itoa(v.Want.Keep)
	if v.State, err = s.c.Backups.State(r.Context()); err != nil {
		return v, err
	}
	v.Old = v.State.Old(s.now())
	v.Aside = s.c.Restores != nil && !s.c.Restores.RestoreState().Back.IsZero()
	return v, nil
}

func (s *Server) getBackups(w http.ResponseWriter, r *http.Request) error {
	v, err := s.backupsPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_backups", v)
}

// postBackups stores what the owner decides about backups that are made by themselves.
func (s *Server) postBackups(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.backupsPage(r)
	if err != nil {
		return err
	}
	want := v.Want
	_, err = s.c.Backups.Change(r.Context(), func(b *setting.Backup) error {
		err := readBackupForm(r, b)
		want = *b
		return err
	})
	if err != nil {
		if !errs.Is(err, errs.Invalid) {
			return err
		}
		v.Want, v.Error = want, s.sentence(r, err)
		if r.PostForm.Has("recipients") {
			v.Keys = limit(r.PostFormValue("recipients"), 4000)
		}
		if r.PostForm.Has("keep") {
			v.Keeping = limit(r.PostFormValue("keep"), 20)
		}
		return s.render(w, r, statusOf(err), "settings_backups", v)
	}
	s.say(w, r, flashOK, "Settings saved.")
	return s.redirect(w, r, "/settings/backups")
}

// readBackupForm puts what the form says over the settings, all of it also where something is wrong:
// the form is shown again as it was typed. The error is of the first thing that is wrong.
func readBackupForm(r *http.Request, b *setting.Backup) (wrong error) {
	form := r.PostForm
	note := func(err error) {
		if wrong == nil {
			wrong = err
		}
	}
	if form.Has("folder") {
		b.Folder = form.Get("folder")
	}
	if form.Has("every") {
		b.Every = form.Get("every")
	}
	if form.Has("on-change") {
		note(readYes(&b.OnChange, form.Get("on-change")))
	}
	if form.Has("keep") {
		n, err := strconv.Atoi(strings.TrimSpace(form.Get("keep")))
		if err != nil {
			note(errs.E(errs.Invalid, "write how many backups are kept as a number"))
		} else {
			b.Keep = n
		}
	}
	if form.Has("recipients") {
		list, err := backup.ParseRecipients(form.Get("recipients"))
		note(err)
		b.Recipients = list
	}
	return wrong
}

// postBackupNow makes a backup to the owner's keys at once.
func (s *Server) postBackupNow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.backupsPage(r)
	if err != nil {
		return err
	}
	made, err := s.c.Backups.Auto(r.Context())
	if errs.Is(err, errs.Conflict) || errs.Is(err, errs.Unavailable) {
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "settings_backups", v)
	}
	if err != nil {
		return err
	}
	s.say(w, r, flashOK, "The backup is written and was read again: %s.", megabytes(made.Size))
	return s.redirect(w, r, "/settings/backups")
}

// postBackupKey makes a pair of keys, stores the public one, and shows the secret one this once.
func (s *Server) postBackupKey(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.backupsPage(r); err != nil {
		return err
	}
	secret, public, err := backup.KeyPair()
	if err != nil {
		return err
	}
	if _, err := s.c.Backups.Change(r.Context(), func(b *setting.Backup) error {
		b.Recipients = append(b.Recipients, public)
		return nil
	}); err != nil {
		return err
	}
	v, err := s.backupsPage(r)
	if err != nil {
		return err
	}
	v.Secret, v.Public = secret, public
	if v.QR, err = drawQR(secret, s.tr(r, "The secret key")); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.render(w, r, http.StatusOK, "settings_backups", v)
}

// postBackupDownload hands out a backup under a passphrase.
func (s *Server) postBackupDownload(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.backupsPage(r)
	if err != nil {
		return err
	}
	passphrase := r.PostFormValue("passphrase")
	if passphrase != r.PostFormValue("again") {
		err = errs.E(errs.Invalid, "the two passphrases differ; type the same one twice")
	}
	var name string
	var size int64
	var body io.ReadCloser
	if err == nil {
		name, size, body, err = s.c.Backups.Download(r.Context(), passphrase)
	}
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.Unavailable) {
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "settings_backups", v)
	}
	if err != nil {
		return err
	}
	defer body.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Cache-Control", "no-store")
	_, _ = io.Copy(w, body) // the browser is gone; nobody is left to tell
	return nil
}

// noBackup tells whether the owner is to be told that there has been no backup for long; never of
// play money.
func (s *Server) noBackup(r *http.Request, p page) bool {
	if s.c.Backups == nil || s.c.Demo != nil || !p.IsOwner() || len(p.Wallets) == 0 {
		return false
	}
	state, err := s.c.Backups.State(r.Context())
	return err == nil && state.Old(s.now())
}
