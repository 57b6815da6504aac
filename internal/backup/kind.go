package backup

import (
	"bytes"
	"unicode/utf8"

	"specter/internal/errs"
)

// HeadSize is how many of a file's first bytes Recognise wants to see.
const HeadSize = 512

// Kind is what a file seems to be by its first bytes.
type Kind string

// The kinds that are told apart.
const (
	ByPassphrase Kind = "passphrase" // ours or another's of age, opened by a passphrase
	ByKey        Kind = "key"        // likewise, opened by a secret key
	Zip          Kind = "zip"        // the original's backup, or a folder that was packed
	JSON         Kind = "json"       // a file of the original or of a wallet
	Armored      Kind = "armored"    // age's text form
	Secret       Kind = "secret"     // a secret key, and not what it opens
	PDF          Kind = "pdf"        // a backup sheet
	SQLite       Kind = "database"
	Empty        Kind = "empty"
	Unknown      Kind = "unknown"
)

// Recognise tells what a file is from its first HeadSize bytes, all of them where it is shorter.
func Recognise(head []byte) Kind {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch encrypted, passphrase := Sniff(head); {
	case encrypted && passphrase:
		return ByPassphrase
	case encrypted:
		return ByKey
	case len(text) == 0:
		return Empty
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return Zip
	case bytes.HasPrefix(text, []byte("-----BEGIN AGE ENCRYPTED FILE")):
		return Armored
	case bytes.Contains(text, []byte("AGE-SECRET-KEY-1")):
		return Secret
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return PDF
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return SQLite
	case (text[0] == '{' || text[0] == '[') && !bytes.ContainsRune(text, 0) && utf8.Valid(text[:len(text)-min(len(text), 3)]):
		return JSON
	}
	return Unknown
}

// Foreign refuses a file that is no backup of this program. Its kind is errs.Invalid.
type Foreign struct{ Kind Kind }

// Error says what the file is, and where it belongs.
func (f *Foreign) Error() string {
	switch f.Kind {
	case Zip:
		return "this is a zip file, as the original Specter makes its backups, and none of this one; it is taken over by \"Take over an old Specter\""
	case JSON:
		return "this is a JSON file and no backup of Specter; one of the original Specter's is taken over by \"Take over an old Specter\", a wallet's file is read where wallets are added"
	case Armored:
		return "this file is encrypted with age in its text form, which Specter's backups do not have; turn it into the other form with the program age"
	case Secret:
		return "this is a secret key; choose the backup that it opens, and type the key beside it"
	case PDF:
		return "this is a PDF, as a wallet's backup sheet is: a sheet brings one wallet back, where wallets are added. A backup of Specter ends in " + Extension
	case SQLite:
		return "this is a database and no backup; a backup of Specter ends in " + Extension
	case Empty:
		return "this file is empty"
	}
	return "this is no backup of Specter; such a file ends in " + Extension
}

// Unwrap gives the kind of error.
func (f *Foreign) Unwrap() error { return &errs.Error{Kind: errs.Invalid, Message: f.Error()} }

// Old reports whether the file is one that may be taken over from the original Specter.
func (f *Foreign) Old() bool { return f.Kind == Zip || f.Kind == JSON }
