package web

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"specter/internal/errs"
)

// secretForms hold passwords or seeds, which shall not lie in memory waiting; and the scanner's codes,
// which may be a seed and are no form.
var secretForms = []string{
	"POST /wallets/{alias}/drafts/{id}/sign", "POST /new-device/hot", "POST /new-device/hot/confirm", "POST /airgap/scan", "POST /new-node", "POST /nodes/{alias}",
}

// mayKeep tells which forms are kept when their session has run out.
func mayKeep(pattern string) bool {
	_, path, _ := strings.Cut(pattern, " ")
	return !strings.HasPrefix(path, "/auth/") && !strings.HasPrefix(path, "/settings") && !slices.Contains(secretForms, pattern)
}

// keepOrRefuse answers a form from who is not logged in. If its cookie was a session until not
// long ago, the form is kept for that session's user; a stranger's form is not.
func (s *Server) keepOrRefuse(w http.ResponseWriter, r *http.Request, rt route) {
	user, was := s.expired(r)
	if !was {
		s.refuse(w, r, s.tr(r, "You are not logged in, so nothing was changed. Log in and try again."))
		return
	}
	if !mayKeep(rt.pattern) {
		s.refuse(w, r, s.tr(r, "Your login has ended, and nothing was changed. This form may hold a password, so Specter did not keep it: log in and fill it in again."))
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = &http.MaxBytesError{Limit: maxBody}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	path := url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	s.kept.put(keptForm{user: user, pattern: rt.pattern, path: path.String(), kind: r.Header.Get("Content-Type"), body: body})
	http.Redirect(w, r, s.url("/auth/login?kept=yes"), http.StatusSeeOther)
}

// refuse answers a change by who is not logged in.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, message string) {
	v := errorPage{page: s.barePage(r, s.tr(r, "You are not logged in")), Status: http.StatusUnauthorized, Message: message}
	s.write(w, r, http.StatusUnauthorized, "error", "layout", v)
}

type keptPage struct {
	page
	Forms []keptRow
	Next  string
}

// keptRow is a kept form in words.
type keptRow struct {
	ID, What, Page, At, Size string
}

// getKept says what was kept. Nothing is sent without the button.
func (s *Server) getKept(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "Kept for you"))
	if err != nil {
		return err
	}
	p.Section = "kept"
	v := keptPage{page: p, Next: nextOf(r)}
	for _, f := range s.kept.forms(p.User.ID) {
		v.Forms = append(v.Forms, keptRow{ID: f.ID, What: s.keptWords(r, p, f), Page: pageOf(f), At: p.When(f.At), Size: s.tr(r, "%d kB", (len(f.body)+1023)/1024)})
	}
	return s.render(w, r, http.StatusOK, "auth_kept", v)
}

// pageOf is the page that a form stands on, to look at it before it is sent.
func pageOf(f keptForm) string {
	path, _, _ := strings.Cut(f.path, "?")
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	switch {
	case strings.Contains(f.pattern, "/drafts/{id}/") && len(parts) >= 4:
		return "/" + strings.Join(parts[:4], "/")
	case strings.HasPrefix(f.pattern, "POST /wallets/{alias}/") || strings.HasPrefix(f.pattern, "POST /devices/{alias}/"):
		return "/" + strings.Join(parts[:2], "/")
	}
	return "/"
}

// keptWords says what a kept form is for.
func (s *Server) keptWords(r *http.Request, p page, f keptForm) string {
	m := matched(f)
	name := m["alias"]
	for _, w := range p.Wallets {
		if strings.HasPrefix(f.pattern, "POST /wallets/") && w.Alias == name {
			name = w.Name
		}
	}
	for _, d := range p.Devices {
		if strings.HasPrefix(f.pattern, "POST /devices/") && d.Alias == name {
			name = d.Name
		}
	}
	switch _, path, _ := strings.Cut(f.pattern, " "); {
	case strings.HasSuffix(path, "/drafts/{id}/signatures"):
		return s.tr(r, "Signatures for draft %s of the wallet %s", m["id"], name)
	case strings.HasSuffix(path, "/drafts/{id}/broadcast"):
		return s.tr(r, "Sending draft %s of the wallet %s to the network", m["id"], name)
	case strings.Contains(path, "/drafts/{id}/"):
		return s.tr(r, "A change of draft %s of the wallet %s", m["id"], name)
	case path == "/wallets/{alias}/send":
		return s.tr(r, "A payment from the wallet %s", name)
	case path == "/wallets/{alias}/import":
		return s.tr(r, "A PSBT for the wallet %s", name)
	case strings.HasPrefix(path, "/wallets/{alias}/"):
		return s.tr(r, "A change of the wallet %s", name)
	case strings.HasPrefix(path, "/devices/{alias}/"):
		return s.tr(r, "A change of the device %s", name)
	case strings.HasPrefix(path, "/new-wallet"):
		return s.tr(r, "A new wallet")
	case strings.HasPrefix(path, "/new-device"):
		return s.tr(r, "A new device")
	}
	return s.tr(r, "A form")
}

// matched reads the parts of a kept form's path that its pattern names.
func matched(f keptForm) map[string]string {
	_, pattern, _ := strings.Cut(f.pattern, " ")
	path, _, _ := strings.Cut(f.path, "?")
	values, out := strings.Split(path, "/"), map[string]string{}
	for i, part := range strings.Split(pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && i < len(values) {
			v, err := url.PathUnescape(values[i])
			if err != nil {
				v = values[i]
			}
			out[strings.TrimSuffix(name, "}")] = v
		}
	}
	return out
}

// postKeptSend sends a kept form again, as if its user had pressed its button now: through the
// same gate, the same handler. What is refused waits on.
func (s *Server) postKeptSend(w http.ResponseWriter, r *http.Request) error {
	id, err := s.identity(r)
	if err != nil {
		return err
	}
	f, ok := s.kept.begin(id.User.ID, r.PathValue("id"))
	if !ok {
		return errs.E(errs.NotFound, "this form is not kept any more: it was sent or thrown away, or half an hour is over")
	}
	status := &statusWriter{ResponseWriter: w}
	defer func() { s.kept.end(id.User.ID, f.ID, status.code > 0 && status.code < 400) }()
	target, err := url.Parse(f.path)
	if err != nil {
		return errs.E(errs.Internal, "a kept form has a path that is none: %w", err)
	}
	again := r.Clone(r.Context())
	again.Form, again.PostForm, again.MultipartForm = nil, nil, nil
	again.URL, again.Body, again.ContentLength = target, io.NopCloser(bytes.NewReader(f.body)), int64(len(f.body))
	again.Header.Set("Content-Type", f.kind)
	s.pages.ServeHTTP(status, again)
	return nil
}

// postKeptForget throws a kept form away.
func (s *Server) postKeptForget(w http.ResponseWriter, r *http.Request) error {
	id, err := s.identity(r)
	if err != nil {
		return err
	}
	s.kept.end(id.User.ID, r.PathValue("id"), true)
	s.say(w, r, flashOK, "Thrown away.")
	if len(s.kept.forms(id.User.ID)) > 0 {
		return s.redirect(w, r, "/auth/kept")
	}
	return s.redirect(w, r, "/")
}

// statusWriter remembers how a request was answered.
type statusWriter struct {
	http.ResponseWriter
	code int
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write without a status means 200.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
