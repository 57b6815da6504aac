package v1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// problemBody is the body of every error (RFC 9457). Programs decide by code, people read detail.
type problemBody struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
	Code     string `json:"code"`
	Field    string `json:"field,omitempty"`
}

// problemError is an error of this door itself.
type problemError struct {
	status int
	code   string
	detail string
	field  string
}

func (e *problemError) Error() string { return e.detail }

func notFound(detail string) error {
	return &problemError{status: http.StatusNotFound, code: "not-found", detail: detail}
}

// invalid is a refusal of a field, or ("") of the body as a whole.
func invalid(field, format string, args ...any) error {
	return &problemError{status: http.StatusUnprocessableEntity, code: "invalid", field: field, detail: fmt.Sprintf(format, args...)}
}

func denied(code, detail string) error {
	return &problemError{status: http.StatusForbidden, code: code, detail: detail}
}

// statusOf maps an error to a status and a code, as the pages do.
func statusOf(err error) (int, string) {
	var tooBig *http.MaxBytesError
	var tooFast *auth.TooFast
	switch {
	case errors.As(err, &tooBig):
		return http.StatusRequestEntityTooLarge, "too-large"
	case errors.As(err, &tooFast):
		return http.StatusTooManyRequests, "too-fast"
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, "timeout"
	}
	switch kind := errs.KindOf(err); kind {
	case errs.Invalid:
		if c := errs.CodeOf(err); c != errs.Malformed {
			return http.StatusUnprocessableEntity, string(c)
		}
		return http.StatusUnprocessableEntity, kind.String()
	case errs.NotFound:
		return http.StatusNotFound, kind.String()
	case errs.Conflict, errs.Declined:
		return http.StatusConflict, kind.String()
	case errs.Denied:
		return http.StatusForbidden, kind.String()
	case errs.Unavailable:
		return http.StatusServiceUnavailable, kind.String()
	}
	return http.StatusInternalServerError, "internal"
}

// agreeTo says how a program lets a payment with grave remarks pass, after its person agreed.
func agreeTo(e *wallet.GraveError) string {
	var codes []string
	for _, r := range e.Remarks {
		if code := string(r.Code); !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return fmt.Sprintf("Change the payment, or have a person agree to it and name it in \"agreed\": %s.", strings.Join(codes, ", "))
}

// bodyOf words an error for the program and its person. What nobody classified stays in the log.
func bodyOf(err error) problemBody {
	var own *problemError
	if errors.As(err, &own) {
		return problemBody{Status: own.status, Code: own.code, Detail: upperFirst(own.detail), Field: own.field}
	}
	var grave *wallet.GraveError
	if errors.As(err, &grave) {
		return problemBody{Status: http.StatusConflict, Code: "grave-remarks", Field: "agreed", Detail: grave.Error() + " " + agreeTo(grave)}
	}
	b := problemBody{Detail: upperFirst(err.Error())}
	b.Status, b.Code = statusOf(err)
	switch b.Status {
	case http.StatusRequestEntityTooLarge:
		b.Detail = fmt.Sprintf("The body is larger than %d bytes.", maxBody)
	case http.StatusGatewayTimeout:
		b.Detail = "The node took too long to answer. Try again in a moment."
	case http.StatusInternalServerError:
		b.Detail = "Something went wrong inside Specter. The log says more under this instance."
	}
	return b
}

// problem answers an error.
func (s *Server) problem(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to read it
	}
	b := bodyOf(err)
	b.Type, b.Title, b.Instance = "urn:specter:problem:"+b.Code, http.StatusText(b.Status), s.requestID(r)
	s.note(r, b, err)
	h := w.Header()
	var tooFast *auth.TooFast
	if errors.As(err, &tooFast) {
		h.Set("Retry-After", strconv.FormatInt(max(1, int64((tooFast.Wait+999_999_999)/1_000_000_000)), 10))
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(b.Status)
	_ = json.NewEncoder(w).Encode(b) // the reader has gone: nobody to tell
}

// note logs what the operator should know: our own faults and things that are away.
func (s *Server) note(r *http.Request, b problemBody, err error) {
	switch {
	case b.Status == http.StatusInternalServerError:
		s.log.Error("an API request failed", "request", b.Instance, "method", r.Method, "route", r.Pattern, "err", err)
	case b.Status > http.StatusInternalServerError:
		s.log.Warn("an API request could not be served", "request", b.Instance, "method", r.Method, "route", r.Pattern, "err", err)
	}
}

// rescue turns a panic into a problem and a log line; one bad request must not end the server.
func (s *Server) rescue(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		s.problem(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}()
	next(w, r)
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// limit shortens what a stranger sent, before it is shown back.
func limit(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
