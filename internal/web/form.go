package web

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"specter/internal/door"
	"specter/internal/errs"
)

// parseForm reads a form, with files or without. What is too long or broken is an error here,
// so that FormValue later never hides one.
func parseForm(r *http.Request) error {
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		err = r.ParseMultipartForm(door.DefaultMaxBody) // within the door's bound, so nothing goes to disk
	} else {
		err = r.ParseForm()
	}
	var tooBig *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooBig):
		return err
	}
	return errs.E(errs.Invalid, "the form could not be read: %w", err)
}

// uploads returns what was sent in the files of a field, bounded by guard.
func uploads(r *http.Request, field string) ([][]byte, error) {
	if r.MultipartForm == nil {
		return nil, nil
	}
	var out [][]byte
	for _, header := range r.MultipartForm.File[field] {
		f, err := header.Open()
		if err != nil {
			return nil, errs.E(errs.Invalid, "the file could not be read: %w", err)
		}
		data, err := io.ReadAll(f)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, errs.E(errs.Invalid, "the file could not be read: %w", err)
		}
		if len(data) > 0 {
			out = append(out, data)
		}
	}
	return out, nil
}

// pasted returns a text area's content and the files beside it, each as one piece.
func pasted(r *http.Request, text, files string) ([][]byte, error) {
	out, err := uploads(r, files)
	if err != nil {
		return nil, err
	}
	if t := strings.TrimSpace(r.FormValue(text)); t != "" {
		out = append([][]byte{[]byte(t)}, out...)
	}
	return out, nil
}
