package signer

import (
	"context"
	"errors"
	"fmt"

	"specter/internal/errs"
)

// Code is HWI's number of an error (hwilib/errors.py); other programs act on them.
type Code int

// HWI's codes.
const (
	CodeNoKind          Code = -1
	CodeMissing         Code = -2 // arguments are missing
	CodeConnection      Code = -3
	CodeUnknownDevice   Code = -4
	CodeBadTransaction  Code = -5
	CodeNoPassword      Code = -6
	CodeBadArgument     Code = -7
	CodeNotImplemented  Code = -8
	CodeUnavailable     Code = -9 // the action is not to be had on this device
	CodeInitialized     Code = -10
	CodeUnlocked        Code = -11
	CodeNotReady        Code = -12 // locked, or another application is open
	CodeUnknown         Code = -13
	CodeCancelled       Code = -14
	CodeBusy            Code = -15
	CodeNeedsRoot       Code = -16
	CodeHelp            Code = -17
	CodeNotInitialized  Code = -18
	CodeNotRegistered   Code = -19
	codeOfAnotherFamily Code = -1000 // never printed
)

// ErrNotThisKind is a driver's answer about a port where another sort of device speaks.
var ErrNotThisKind = &Fault{codeOfAnotherFamily, errs.E(errs.NotFound, "another kind of device is connected here")}

// ErrWrongPIN is in what SendPIN returns when the device did not take the PIN; HWI answers that
// with {"success": false} and not with an error.
var ErrWrongPIN = errors.New("the PIN is wrong")

// Fault is an error with HWI's code. Its cause carries the kind and the sentence.
type Fault struct {
	Code  Code
	Cause error
}

// Error is the sentence for the person.
func (f *Fault) Error() string { return f.Cause.Error() }

// Unwrap returns the cause, whose kind errs.KindOf finds.
func (f *Fault) Unwrap() error { return f.Cause }

// E makes an error with a code; its kind follows from the code. The format is a sentence for
// the person, an argument under %w the cause for the log.
func E(c Code, format string, args ...any) error {
	return &Fault{c, errs.E(kindOf(c), format, args...)}
}

// Declined is the person's refusal on the device.
func Declined(what string) error {
	return E(CodeCancelled, "%s was refused on the device", what)
}

func kindOf(c Code) errs.Kind {
	switch c {
	case CodeCancelled:
		return errs.Declined
	case CodeBadTransaction, CodeBadArgument, CodeMissing, CodeNoKind, CodeNoPassword, CodeHelp:
		return errs.Invalid
	case CodeUnknownDevice:
		return errs.NotFound
	case CodeInitialized, CodeUnlocked, CodeBusy:
		return errs.Conflict
	}
	return errs.Unavailable
}

// CodeOf finds HWI's code of an error; CodeUnknown where nobody gave one.
func CodeOf(err error) Code {
	var f *Fault
	switch {
	case errors.As(err, &f):
		return f.Code
	case errors.Is(err, context.Canceled):
		return CodeCancelled
	case errors.Is(err, context.DeadlineExceeded):
		return CodeBusy
	}
	switch errs.KindOf(err) {
	case errs.Declined:
		return CodeCancelled
	case errs.Invalid:
		return CodeBadArgument
	case errs.NotFound:
		return CodeUnknownDevice
	}
	return CodeUnknown
}

// Lost wraps a failure of the connection.
func Lost(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Fault{CodeConnection, errs.E(errs.Unavailable, "%w", fmt.Errorf("the device no longer answers; is it still connected? (%w)", err))}
}
