package backup_test

import (
	"errors"
	"strings"
	"testing"

	"specter/internal/backup"
	"specter/internal/errs"
)

func TestAFileIsToldByItsBeginning(t *testing.T) {
	for head, want := range map[string]backup.Kind{
		"age-encryption.org/v1\n-> scrypt abc 18\n":              backup.ByPassphrase,
		"age-encryption.org/v1\n-> X25519 abc\n":                 backup.ByKey,
		"PK\x03\x04\x14\x00":                                     backup.Zip,
		"PK\x05\x06" + strings.Repeat("\x00", 18):                backup.Zip,
		"  {\"wallets\": []}":                                    backup.JSON,
		"\xef\xbb\xbf[1, 2]":                                     backup.JSON,
		"{\"name\": \"" + strings.Repeat("a", 400) + "\xc3":      backup.JSON, // cut within a letter
		"-----BEGIN AGE ENCRYPTED FILE-----\n":                   backup.Armored,
		"# created: 2026-01-01\nAGE-SECRET-KEY-1QQQQQQQQQQQQQ\n": backup.Secret,
		"%PDF-1.4":                             backup.PDF,
		"SQLite format 3\x00":                  backup.SQLite,
		"":                                     backup.Empty,
		"\n \n":                                backup.Empty,
		"hello":                                backup.Unknown,
		"{\x00\x01":                            backup.Unknown,
		"age-encryption.org/v2\n-> scrypt a\n": backup.Unknown,
	} {
		if got := backup.Recognise([]byte(head)); got != want {
			t.Errorf("%.40q is told as %s, not %s", head, got, want)
		}
	}
	for _, k := range []backup.Kind{backup.Zip, backup.JSON, backup.Armored, backup.Secret, backup.PDF, backup.SQLite, backup.Empty, backup.Unknown} {
		var err error = &backup.Foreign{Kind: k}
		var f *backup.Foreign
		if !errs.Is(err, errs.Invalid) || !errors.As(err, &f) || f.Old() != (k == backup.Zip || k == backup.JSON) {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func FuzzRecognise(f *testing.F) {
	f.Add([]byte("age-encryption.org/v1\n-> scrypt"))
	f.Add([]byte("{\"a\":1}"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if backup.Recognise(head) == "" {
			t.Error("no kind")
		}
	})
}
