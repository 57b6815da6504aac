package alpha

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"specter/internal/auth"
	"specter/internal/errs"
)

// The old Specter's words. Clients look at how they begin.
const (
	unauthorized = "The server could not verify that you are authorized to access the URL requested. You either supplied the wrong credentials (e.g. a bad password), or your browser doesn't understand how to supply the credentials required."
	unexpected   = "Can't tell you the reason of the issue. Please check the logs"
	foreign      = "The wallet does not belong to the user in the request."
	insufficient = "Wallet does not have sufficient funds to make the transaction."
)

// refusal is an answer with a status of its own.
type refusal struct {
	status int
	text   string
}

// Error returns the answer's message.
func (r *refusal) Error() string { return r.text }

func refuse(status int, text string) error { return &refusal{status, text} }

// message answers {"message": text}.
func (s *Server) message(w http.ResponseWriter, r *http.Request, status int, text string) {
	s.json(w, r, status, struct {
		Message string `json:"message"`
	}{text})
}

// json answers a small value.
func (s *Server) json(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.c.Log.Error("write an answer", "route", r.Pattern, "error", err)
		status, b = http.StatusInternalServerError, []byte(`{"message": "`+unexpected+`"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

// fail tells a program what went wrong.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := verdict(err)
	var fast *auth.TooFast
	if errors.As(err, &fast) {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(fast.Wait.Seconds())))))
	}
	if status >= http.StatusInternalServerError && r.Context().Err() == nil {
		s.c.Log.Error("a request to the API failed", "method", r.Method, "route", r.Pattern, "status", status, "error", err)
	}
	s.message(w, r, status, text)
}

// verdict is the status and the message of an error.
func verdict(err error) (int, string) {
	var own *refusal
	var fast *auth.TooFast
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		return own.status, own.text
	case errors.As(err, &fast):
		return http.StatusTooManyRequests, "Too many tries. Wait " + strconv.Itoa(max(1, int(math.Ceil(fast.Wait.Seconds())))) + " seconds, then try again."
	case errors.As(err, &big):
		return http.StatusRequestEntityTooLarge, "The body is too large."
	}
	switch errs.KindOf(err) {
	case errs.Invalid:
		return http.StatusBadRequest, err.Error()
	case errs.NotFound:
		return http.StatusNotFound, err.Error()
	case errs.Conflict:
		return http.StatusConflict, err.Error()
	case errs.Denied:
		return http.StatusUnauthorized, unauthorized
	case errs.Unavailable:
		return http.StatusServiceUnavailable, err.Error()
	}
	return http.StatusInternalServerError, unexpected
}

// Bounds of a request's body, in bytes. How long it may take is the door's matter.
const (
	maxBody = 1 << 20
	maxForm = 16 << 10
)

// body reads a request's body of one of the wanted types.
func body(w http.ResponseWriter, r *http.Request, limit int64, types ...string) (data []byte, typ string, err error) {
	typ, _, err = mime.ParseMediaType(r.Header.Get("Content-Type"))
	known := false
	for _, t := range types {
		known = known || err == nil && t == typ
	}
	if !known {
		return nil, "", refuse(http.StatusUnsupportedMediaType, "Send the body with the header Content-Type: "+types[0]+".")
	}
	data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if big := (*http.MaxBytesError)(nil); err != nil && !errors.As(err, &big) {
		err = errs.E(errs.Invalid, "the body did not arrive whole: %w", err)
	}
	return data, typ, err
}

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

// fields reads the words of a small body, JSON or a form; absent is nil.
func fields(w http.ResponseWriter, r *http.Request, names ...string) (map[string]*string, error) {
	data, typ, err := body(w, r, maxForm, typeJSON, typeForm)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*string, len(names))
	if typ == typeForm {
		form, err := url.ParseQuery(string(data))
		if err != nil {
			return nil, errs.E(errs.Invalid, "the form cannot be read: %w", err)
		}
		for _, n := range names {
			if form.Has(n) {
				v := form.Get(n)
				out[n] = &v
			}
		}
		return out, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		return nil, errs.E(errs.Invalid, "the body is no JSON object")
	}
	for _, n := range names {
		raw, has := object[n]
		if !has || string(raw) == "null" {
			continue
		}
		v, err := word(raw)
		if err != nil {
			return nil, errs.E(errs.Invalid, "%s must be a text", n)
		}
		out[n] = &v
	}
	return out, nil
}

// word reads a JSON text, or a number as it is written.
func word(raw json.RawMessage) (string, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err == nil {
		return s, nil
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return "", err
	}
	return n.String(), nil
}
