// Package errs holds the kinds of errors that the doors (pages, API, commands) tell apart.
//
// An error made here carries a Kind (what sort of trouble), a sentence for the person, and
// through %w a cause for the log. Errors that come out of reading Bitcoin objects also carry
// a Code, the stable word that the offline commands print. Nothing of ours is imported here.
package errs

import (
	"errors"
	"fmt"
)

// Kind says what sort of trouble an error is; the doors map it to an HTTP status or exit code.
type Kind uint8

// The kinds. Internal is the zero value: an error nobody classified is our fault.
const (
	Internal    Kind = iota // a bug or a broken invariant
	Invalid                 // the input is wrong; the sentence says how to mend it
	NotFound                // there is no such thing, or it is not yours
	Conflict                // the thing has changed or exists already
	Denied                  // you may not
	Unavailable             // a node, device or service is away or cannot do this now
	Declined                // the person refused on the device
)

// String returns the kind's lower-case name.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not-found"
	case Conflict:
		return "conflict"
	case Denied:
		return "denied"
	case Unavailable:
		return "unavailable"
	case Declined:
		return "declined"
	}
	return "internal"
}

// Code is a stable word for a refused input, printed by the offline commands as error.code.
type Code string

// The codes of the offline commands; no others are printed.
const (
	BadChecksum     Code = "bad-checksum"
	BadEncoding     Code = "bad-encoding"
	BadKey          Code = "bad-key"
	BadPath         Code = "bad-path"
	BadContext      Code = "bad-context"
	UnknownFragment Code = "unknown-fragment"
	WrongNetwork    Code = "wrong-network"
	TooLarge        Code = "too-large"
	TooManyKeys     Code = "too-many-keys"
	NotSane         Code = "not-sane"
	NotSatisfiable  Code = "not-satisfiable"
	Malformed       Code = "malformed"
	Unsupported     Code = "unsupported"
	Incomplete      Code = "incomplete"
	Mismatch        Code = "mismatch"
)

// Error is an error with a kind and a sentence for the person.
type Error struct {
	Kind    Kind
	Code    Code   // empty where no command prints it
	Message string // for the person; no secrets
	Cause   error  // for the log; may be nil
}

// Error returns the sentence for the person.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// E makes an error of a kind. The format is a sentence for the person; an argument under %w
// becomes the cause as well.
func E(k Kind, format string, args ...any) error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Kind: k, Message: wrapped.Error(), Cause: errors.Unwrap(wrapped)}
}

// Bad makes an Invalid error with a code: the input was read and refused.
func Bad(c Code, format string, args ...any) error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Kind: Invalid, Code: c, Message: wrapped.Error(), Cause: errors.Unwrap(wrapped)}
}

// KindOf returns the kind of the outermost classified error in the chain, else Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// CodeOf returns the first code in the chain, else Malformed for Invalid errors, else "".
func CodeOf(err error) Code {
	for e := err; e != nil; {
		var c *Error
		if !errors.As(e, &c) {
			break
		}
		if c.Code != "" {
			return c.Code
		}
		e = c.Cause
	}
	if KindOf(err) == Invalid {
		return Malformed
	}
	return ""
}
