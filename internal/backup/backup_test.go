package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"specter/internal/backup"
	"specter/internal/errs"
)

func part(name string, data []byte) backup.Part {
	return backup.Part{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

var lock = backup.Lock{Passphrase: "several words here", Work: 4}
var keys = backup.Keys{Passphrase: lock.Passphrase}

// entry is an entry of an archive that somebody else made.
type entry struct {
	head tar.Header
	data io.Reader
}

func file(name, data string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(data))}, strings.NewReader(data)}
}

func sum(data string) string {
	h := sha256.Sum256([]byte(data))
	return hex.EncodeToString(h[:])
}

func listed(files ...backup.File) entry {
	text, _ := json.Marshal(backup.Manifest{Format: 1, Schema: 1, Files: files})
	return file("manifest.json", string(text))
}

// sealed encrypts an archive of entries as anybody can.
func sealed(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	r, err := age.NewScryptRecipient(lock.Passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(4)
	w, err := age.Encrypt(&b, r)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(w)
	tw := tar.NewWriter(z)
	for _, e := range entries {
		if err := tw.WriteHeader(&e.head); err != nil {
			t.Fatal(err)
		}
		if e.data != nil {
			if _, err := io.Copy(tw, e.data); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []io.Closer{tw, z, w} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestHostileArchivesAreRefused(t *testing.T) {
	db := backup.File{Name: backup.Database, Size: 2, SHA256: sum("db")}
	with := func(name string) backup.File { return backup.File{Name: name, Size: 1, SHA256: sum("x")} }
	cases := map[string][]entry{
		"nothing":          {},
		"no manifest":      {file(backup.Database, "db")},
		"an empty list":    {listed()},
		"no database":      {listed(with("signers.json")), file("signers.json", "x")},
		"too little":       {listed(db, with("a")), file(backup.Database, "db")},
		"too much":         {listed(db), file(backup.Database, "db"), file("b", "x")},
		"another name":     {listed(db, with("a")), file(backup.Database, "db"), file("b", "x")},
		"another size":     {listed(db), file(backup.Database, "dbx")},
		"another content":  {listed(db), file(backup.Database, "bd")},
		"a link":           {listed(db, with("a")), file(backup.Database, "db"), {tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, nil}},
		"a hard link":      {listed(db, with("a")), file(backup.Database, "db"), {tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: backup.Database}, nil}},
		"a folder":         {listed(db, with("a")), file(backup.Database, "db"), {tar.Header{Name: "a/", Typeflag: tar.TypeDir}, nil}},
		"a huge manifest":  {file("manifest.json", strings.Repeat(" ", 2<<20))},
		"a negative size":  {listed(backup.File{Name: backup.Database, Size: -1, SHA256: sum("db")}), file(backup.Database, "db")},
		"more than may be": {listed(backup.File{Name: backup.Database, Size: 1 << 50, SHA256: sum("db")}), file(backup.Database, "db")},
		"a large small":    {listed(db, backup.File{Name: "a", Size: 1 << 30, SHA256: sum("x")}), file(backup.Database, "db")},
		"a double":         {listed(db, with("a"), with("a")), file(backup.Database, "db"), file("a", "x"), file("a", "x")},
		"a case clash":     {listed(db, with("tls/a"), with("TLS/A")), file(backup.Database, "db"), file("tls/a", "x"), file("TLS/A", "x")},
		"file and folder":  {listed(db, with("tls/a"), with("tls")), file(backup.Database, "db"), file("tls/a", "x"), file("tls", "x")},
	}
	for _, name := range []string{"../a", "/etc/passwd", "a/../../b", "a//b", "./a", "a/.", "..", "a\\b", "C:a", "a:b", "nul", "tls/COM1.txt", "a b", "a\nb", "é", "a.", strings.Repeat("a", 300), "a/b/c/d/e/f/g", "..."} {
		cases[fmt.Sprintf("the name %.20q", name)] = []entry{listed(db, with(name)), file(backup.Database, "db")}
	}
	for what, entries := range cases {
		t.Run(what, func(t *testing.T) {
			wrote := 0
			_, err := backup.Read(context.Background(), bytes.NewReader(sealed(t, entries...)), keys, backup.Into{File: func(f backup.File) (io.WriteCloser, error) {
				if backup.CheckName(f.Name) != nil {
					t.Errorf("asked for a place for %q", f.Name)
				}
				wrote++
				return nothing{}, nil
			}})
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := backup.Read(context.Background(), bytes.NewReader(sealed(t, listed(db), file(backup.Database, "db"))), keys, backup.Into{}); err != nil {
		t.Errorf("what is right is refused: %v", err)
	}
}

type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }
func (nothing) Close() error                { return nil }

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A bomb and a million entries are refused without much memory.
func TestBombsAreRefusedWithLittleMemory(t *testing.T) {
	const huge = 256 << 20
	bomb := sealed(t, listed(backup.File{Name: backup.Database, Size: huge, SHA256: sum("db")}),
		entry{tar.Header{Name: backup.Database, Typeflag: tar.TypeReg, Size: huge}, io.LimitReader(zeros{}, huge)})
	var list []backup.File
	for i := range 20_000 {
		list = append(list, backup.File{Name: fmt.Sprintf("f%d", i), SHA256: sum("")})
	}
	text, _ := json.Marshal(backup.Manifest{Format: 1, Schema: 1, Files: list})
	many := sealed(t, file("manifest.json", string(text)))
	var folders []entry
	for range 100_000 {
		folders = append(folders, entry{tar.Header{Name: "a/", Typeflag: tar.TypeDir}, nil})
	}
	folders = append([]entry{listed(backup.File{Name: backup.Database, Size: 2, SHA256: sum("db")}), file(backup.Database, "db")}, folders...)
	for what, data := range map[string][]byte{"a bomb": bomb, "a long list": many, "very many entries": sealed(t, folders...)} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		_, err := backup.Read(context.Background(), bytes.NewReader(data), keys, backup.Into{})
		runtime.ReadMemStats(&after)
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
			t.Errorf("%s took %d MB of memory", what, grown>>20)
		}
	}
}

func TestKeysAndPassphrases(t *testing.T) {
	secret, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	other, _, _ := backup.KeyPair()
	parts := []backup.Part{part(backup.Database, []byte("db")), part("tls/a.key", []byte("key"))}
	var b bytes.Buffer
	m, proof, err := backup.Write(context.Background(), &b, backup.Manifest{Schema: 1, Program: "1", Made: time.Unix(1, 0).UTC()}, parts, backup.Lock{Recipients: []string{public}})
	if err != nil || len(m.Files) != 2 {
		t.Fatal(m, err)
	}
	if _, err := proof.Read(context.Background(), bytes.NewReader(b.Bytes()), backup.Into{}); err != nil {
		t.Errorf("its own proof does not open it: %v", err)
	}
	if got, err := backup.Read(context.Background(), bytes.NewReader(b.Bytes()), backup.Keys{Identities: "# mine\n" + secret + "\n"}, backup.Into{}); err != nil || got.Files[1] != m.Files[1] {
		t.Errorf("the secret key: %v", err)
	}
	for what, k := range map[string]backup.Keys{"another key": {Identities: other}, "a passphrase": keys} {
		if _, err := backup.Read(context.Background(), bytes.NewReader(b.Bytes()), k, backup.Into{}); !errs.Is(err, errs.Denied) && !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if bytes.Contains(b.Bytes(), []byte("tls/a.key")) {
		t.Error("a name stands in clear")
	}
	for _, bad := range []string{secret, "age1", "ssh-ed25519 AAAA"} {
		if _, err := backup.ParseRecipients(bad); !errs.Is(err, errs.Invalid) || strings.Contains(err.Error(), secret) {
			t.Errorf("%.20q as a public key: %v", bad, err)
		}
	}
	if _, _, err := backup.Write(context.Background(), io.Discard, m, parts, backup.Lock{Passphrase: "short"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a short passphrase: %v", err)
	}
}

// A backup that fails leaves what was there, and nothing else.
func TestAFailedBackupLeavesTheOldOne(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b.age")
	good := []backup.Part{part(backup.Database, []byte("db"))}
	if _, err := backup.Make(context.Background(), path, backup.Manifest{Schema: 1}, good, lock); err != nil {
		t.Fatal(err)
	}
	old, _ := os.ReadFile(path)
	times := 0
	shrinking := backup.Part{Name: "a", Open: func() (io.ReadCloser, error) {
		times++
		return io.NopCloser(io.LimitReader(zeros{}, int64(1000-times))), nil
	}}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	broken := backup.Part{Name: "a", Open: func() (io.ReadCloser, error) { return nil, errors.New("the disk has an error") }}
	for what, try := range map[string]func() error{
		"a part that changes": func() error {
			_, err := backup.Make(context.Background(), path, backup.Manifest{Schema: 1}, append(good, shrinking), lock)
			return err
		},
		"a part that fails": func() error {
			_, err := backup.Make(context.Background(), path, backup.Manifest{Schema: 1}, append(good, broken), lock)
			return err
		},
		"cancelled": func() error {
			_, err := backup.Make(cancelled, path, backup.Manifest{Schema: 1}, good, lock)
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	now, _ := os.ReadFile(path)
	entries, _ := os.ReadDir(dir)
	if !bytes.Equal(old, now) || len(entries) != 1 {
		t.Errorf("the old one changed, or there are %d files", len(entries))
	}
}

func TestPruneKeepsTheNewest(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1_800_000_000, 0)
	for i := range 5 {
		for _, name := range []string{backup.FileName("abcdef0123", now.Add(time.Duration(i)*time.Hour)), backup.FileName("other", now.Add(time.Duration(i)*time.Hour))} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"specter-abcdef01-mine.txt", "wallet.dat"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := backup.Prune(filepath.Join(dir, backup.FileName("abcdef0123", now.Add(4*time.Hour))), "abcdef0123", 2, now.Add(4*time.Hour)); err != nil {
		t.Fatal(err)
	}
	mine, _ := backup.List(dir, "abcdef0123")
	others, _ := backup.List(dir, "other")
	if len(mine) != 2 || len(others) != 5 || filepath.Base(mine[1]) != backup.FileName("abcdef0123", now.Add(4*time.Hour)) {
		t.Errorf("kept %v, of others %d", mine, len(others))
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 9 {
		t.Errorf("%d files are left", len(entries))
	}
}

// FuzzRead: no bytes that anybody encrypts to us do anything but be refused.
func FuzzRead(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	good := func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		tw := tar.NewWriter(z)
		for _, e := range []entry{listed(backup.File{Name: backup.Database, Size: 2, SHA256: sum("db")}), file(backup.Database, "db")} {
			_ = tw.WriteHeader(&e.head)
			_, _ = io.Copy(tw, e.data)
		}
		_, _ = tw.Close(), z.Close()
		return b.Bytes()
	}()
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(data)
		_ = w.Close()
		m, err := backup.Read(context.Background(), &b, backup.Keys{Identities: id.String()}, backup.Into{})
		if err == nil && (len(m.Files) == 0 || m.Files[0].Name != backup.Database) {
			t.Errorf("taken: %+v", m)
		}
		if err != nil && errs.KindOf(err) == errs.Internal {
			t.Errorf("nobody understood %v", err)
		}
	})
}
