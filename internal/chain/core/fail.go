package core

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"specter/internal/errs"
)

// The node's error codes that mean something to us (Bitcoin Core, rpc/protocol.h).
const (
	codeMisc           = -1
	codeWallet         = -4 // a wallet's trouble, of any sort
	codeInvalidAddress = -5 // also: no such transaction, no such block
	codeInvalidParam   = -8
	codeNoLabel        = -11
	codeWalletNotFound = -18
	codeDeserialize    = -22
	codeVerify         = -25
	codeRejected       = -26
	codeInChain        = -27
	codeWarmUp         = -28
	codeWalletLoaded   = -35
	codeWalletExists   = -36
	codeNoMethod       = -32601
)

// RPCError is an error that the node itself gave.
type RPCError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Method  string `json:"-"`
}

// Error tells the node's words.
func (e *RPCError) Error() string {
	message := e.Message
	if len(message) > 500 {
		message = message[:500] + "…"
	}
	if e.Method == "" {
		return fmt.Sprintf("the node says: %s (%d)", message, e.Code)
	}
	return fmt.Sprintf("%s: the node says: %s (%d)", e.Method, message, e.Code)
}

// As makes an error that nobody classified count as errs.Unavailable: the node cannot do it.
func (e *RPCError) As(target any) bool {
	if t, ok := target.(**errs.Error); ok {
		*t = &errs.Error{Kind: errs.Unavailable, Message: e.Error()}
		return true
	}
	return false
}

// isCode reports whether err is the node's error with one of the codes.
func isCode(err error, codes ...int) bool {
	var e *RPCError
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

// says reports whether err is the node's error and has a word in its message.
func says(err error, word string) bool {
	var e *RPCError
	return errors.As(err, &e) && strings.Contains(strings.ToLower(e.Message), strings.ToLower(word))
}

// classify gives the errors their kind that mean the same whatever was asked.
func classify(e *RPCError) error {
	switch e.Code {
	case codeWarmUp:
		return errs.E(errs.Unavailable, "the node is starting (%s); it will answer in a while: %w", strings.TrimRight(e.Message, ".…"), e)
	case codeNoMethod:
		return errs.E(errs.Unavailable, "the node does not offer this: %w", e)
	}
	return e
}

// statusError is an HTTP status that carries no answer.
type statusError struct{ status int }

// Error tells what the status means for a node.
func (e *statusError) Error() string {
	switch e.status {
	case http.StatusUnauthorized:
		return "the node refuses the user name or the password"
	case http.StatusForbidden:
		return "the node does not accept connections from this machine (rpcallowip)"
	case http.StatusServiceUnavailable:
		return "the node is overloaded: its work queue is full; give it a larger rpcworkqueue"
	}
	return fmt.Sprintf("what answers there is no Bitcoin node (HTTP status %d)", e.status)
}

// As makes the error count as errs.Unavailable.
func (e *statusError) As(target any) bool {
	if t, ok := target.(**errs.Error); ok {
		*t = &errs.Error{Kind: errs.Unavailable, Message: e.Error()}
		return true
	}
	return false
}

// cause names what keeps us from a node; Diagnose and the sentences for people go by it.
type cause string

const (
	causeName    cause = "name"    // the host name is not known
	causeRefused cause = "refused" // nothing listens
	causeSilent  cause = "silent"  // no answer in time
	causeTLS     cause = "tls"
	causePlain   cause = "plain" // https asked of a node that speaks http
	causeReset   cause = "reset" // accepted and closed
	causeOther   cause = "other"
)

// causeOf looks for the cause in an error of net/http.
func causeOf(err error) cause {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	var timeout net.Error
	words := deepest(err)
	switch {
	case errors.As(err, &dns):
		return causeName
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(words, "refused"): // Windows has a number of its own
		return causeRefused
	case errors.As(err, &record):
		return causePlain
	case errors.As(err, &cert), errors.As(err, &unknown):
		return causeTLS
	case errors.Is(err, http.ErrSchemeMismatch):
		return causePlain
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return causeSilent
	case errors.Is(err, syscall.ECONNRESET), strings.Contains(words, "forcibly closed"), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return causeReset
	}
	return causeOther
}

// deepest returns the words of the innermost cause.
func deepest(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// unavailable makes an errs.Unavailable error whose sentence does without the cause's words.
func unavailable(err error, format string, a ...any) error {
	return &errs.Error{Kind: errs.Unavailable, Message: fmt.Sprintf(format, a...), Cause: err}
}

// trouble turns a failed exchange into a sentence. A cancelled question stays one.
func (c *client) trouble(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	at := c.c.address()
	switch causeOf(err) {
	case causeName:
		return unavailable(err, "the host %q is not known", c.c.Host)
	case causeRefused:
		return unavailable(err, "the node is away: nothing listens at %s", at)
	case causeSilent:
		return unavailable(err, "the node at %s did not answer in time", at)
	case causeTLS:
		return unavailable(err, "the certificate of %s is not trusted", at)
	case causePlain:
		return unavailable(err, "%s speaks http, not https", at)
	case causeReset:
		return unavailable(err, "the node at %s closed the connection", at)
	}
	return unavailable(err, "the node at %s cannot be reached (%.200v)", at, err)
}
