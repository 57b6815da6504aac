package core

import (
	"fmt"
	"log/slog"
)

// Secret is a password that never prints: every verb of fmt, JSON and slog show nothing of it.
// The zero value is the empty password.
type Secret struct{ value *string } // behind a pointer, so that even %v of a hidden field shows an address alone

// NewSecret wraps a password.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal returns the password, for the login and for the store alone.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no password.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal reports whether two passwords are the same.
func (s Secret) Equal(o Secret) bool { return s.Reveal() == o.Reveal() }

// String prints nothing.
func (s Secret) String() string { return "" }

// GoString prints nothing.
func (s Secret) GoString() string { return "Secret{}" }

// Format prints nothing, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write(nil) }

// MarshalText prints nothing.
func (s Secret) MarshalText() ([]byte, error) { return nil, nil }

// LogValue logs nothing.
func (s Secret) LogValue() slog.Value { return slog.StringValue("") }
