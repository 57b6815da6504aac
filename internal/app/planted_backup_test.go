//go:build linux && amd64

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/setting"
)

// mark begins every planted secret: one look finds them all.
const mark = "planted-"

// search looks for secrets in places that may hold very many files: by their mark, and by what
// others begins with. It returns how many files it has read.
func (p plants) search(t *testing.T, when string, others map[string]string, dirs ...string) (files int) {
	t.Helper()
	marks := spellings([]byte(mark))
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			p.inText(t, when+": "+path, text, marks, others)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	return files
}

func (p plants) inText(t *testing.T, where string, text []byte, marks [][]byte, others map[string]string) {
	t.Helper()
	for _, m := range marks {
		at := bytes.Index(text, m)
		if at < 0 {
			continue
		}
		whose := "one that is not told apart"
		for name, secret := range p {
			if bytes.Contains(text, secret) {
				whose = name
			}
		}
		t.Errorf("%s: a secret (%s): %.80q", where, whose, text[at:min(len(text), at+80)])
	}
	for name, secret := range others {
		for _, form := range spellings([]byte(secret)) {
			if bytes.Contains(text, form) {
				t.Errorf("%s: %s", where, name)
			}
		}
	}
}

// The search finds what it looks for, in every spelling.
func TestTheSearchForSecretsFindsThem(t *testing.T) {
	p := plants{}
	secret := p.make("here")
	for i, form := range spellings(secret) {
		found := false
		for _, m := range spellings([]byte(mark)) {
			found = found || bytes.Contains(append([]byte("xy"), form...), m)
		}
		if !found {
			t.Errorf("spelling %d, %.60q, is not found", i, form)
		}
	}
}

// planted is a data folder full of secrets, sealed as the program does it, with others that are made
// by the program itself.
func planted(t *testing.T, log *bytes.Buffer) (dir string, p plants, others map[string]string) {
	t.Helper()
	ctx := context.Background()
	dir, p, others = t.TempDir(), plants{}, map[string]string{}
	var names []string
	for i := range 8 {
		for _, name := range []string{"tls/authority.key", "tls/acme/example.org", "ssh/id_ed25519", "tor/onion.key", "tor/control"} {
			names = append(names, fmt.Sprintf("%s-%d", name, i))
		}
	}
	plantFolder(t, dir, p, 35, names)
	h := open(t, Config{DataDir: dir, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.auth.SetOwner(ctx, "admin", string(p.make("the owner's password"))))
	owner := auth.Identity{User: h.owner(t)}
	for i := range 5 {
		name := fmt.Sprintf("member-%d", i)
		_, err := h.auth.AddUser(ctx, owner, name, string(p.make("password of "+name)))
		must(err)
		_, token, err := h.auth.NewToken(ctx, owner, auth.TokenRequest{Description: name, Life: time.Hour})
		must(err)
		others["token "+name] = token[strings.LastIndexByte(token, '.')+1:] // its signature
		_, link, err := h.auth.Invite(ctx, owner, 24)
		must(err)
		others["invitation "+name] = link
		_, err = h.devices.CreateHot(ctx, auth.OwnerID, "key "+name, device.Seed{Words: demoKeys[i%len(demoKeys)].words, Network: btc.Regtest, Account: uint32(i),
			Passphrase: string(p.make("passphrase of seed " + name)), Password: string(p.make("password of seed " + name))})
		must(err)
		others["words of seed "+name] = demoKeys[i%len(demoKeys)].words
	}
	for i := range 30 {
		name := fmt.Sprintf("later %d", i)
		_, err := h.nodes.Adopt(ctx, node.Node{Alias: btc.Slug(name), Name: name, Kind: node.Core, Network: btc.Regtest, Protocol: "http", Host: "127.0.0.1", Port: 1000 + i, User: "u",
			Password: node.NewSecret(string(p.make("password of node " + name)))})
		must(err)
	}
	_, err := h.settings.ChangeTor(ctx, func(c *setting.Tor) error { c.Password = string(p.make("password of tor")); return nil })
	must(err)
	h.stop()
	return dir, p, others
}

// 200 secrets, and what the program made itself, stand nowhere in clear: not in backups nor beside
// them, not in what a restore prepares, compares and sets aside, not where drills and killed
// processes leave things, not in the log, and not in the folder for the old program but for what
// that program itself keeps in clear.
func TestNoPlantedSecretLeavesByBackups(t *testing.T) {
	ctx := context.Background()
	var log bytes.Buffer
	dir, p, others := planted(t, &log)
	if len(p) < 200 {
		t.Fatalf("only %d secrets were planted", len(p))
	}
	t.Setenv("TMPDIR", t.TempDir())
	temporary, folder := os.TempDir(), t.TempDir()
	secret, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	words := string(p.make("the backup's passphrase"))
	others["the backup's secret key"] = secret
	logged := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := Config{DataDir: dir, Log: logged, Now: time.Now}
	d, err := OpenDesk(ctx, c, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.app.settings.ChangeBackup(ctx, func(b *setting.Backup) error {
		b.Recipients, b.Folder = []string{public}, folder
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	byWords := filepath.Join(folder, "by-words"+backup.Extension)
	_, err = d.MakeBackup(ctx, byWords, backup.Lock{Passphrase: words, Work: 4})
	if err == nil {
		_, err = d.app.newBackups().Auto(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(t.TempDir(), "back")
	report, _, err := d.Export(ctx, back, false)
	if err != nil {
		t.Fatal(err, report)
	}
	d.Close()
	read := p.search(t, "backups", others, dir, folder, temporary)
	// While a drill and a restore are at work, at each of their steps.
	keys := backup.Keys{Passphrase: words}
	crashPoint = func(at string) { read += p.search(t, "at "+at, others, dir, temporary) }
	t.Cleanup(func() { crashPoint = func(string) {} })
	if d, err := RunDrill(ctx, byWords, keys); err != nil || len(d.Problems) > 0 {
		t.Errorf("the drill: %v %v", err, d.Problems)
	}
	r, err := OpenRestore(ctx, c, byWords, keys)
	if err != nil {
		t.Fatal(err)
	}
	diffs, err := r.Diff(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p.inText(t, "the difference", fmt.Append(nil, diffs), spellings([]byte(mark)), others)
	if _, err := r.Commit(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	crashPoint = func(string) {}
	read += p.search(t, "restored", others, dir, temporary)
	read += plantedKills(t, p, others, dir, folder, backup.Lock{Passphrase: words, Work: 4})
	p.inText(t, "the log", log.Bytes(), spellings([]byte(mark)), others)
	exported(t, p, others, back)
	t.Logf("%d secrets, %d others, %d files read", len(p), len(others), read)
	if read < 200 {
		t.Errorf("only %d files were read", read)
	}
}

// plantedKills kills backups and restores and looks at what they leave, before anybody clears it.
func plantedKills(t *testing.T, p plants, others map[string]string, dir, folder string, lock backup.Lock) (read int) {
	t.Helper()
	list, _ := filepath.Glob(filepath.Join(folder, "by-words*"))
	for _, what := range []string{"disk: restores", "disk: backs up", "disk: drills"} {
		steps := 0
		for _, n := range append([]int{0}, points(12, 100)...) { // hundredths of the way
			data, temporary := filepath.Join(t.TempDir(), "data"), t.TempDir()
			if err := os.CopyFS(data, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			end, err := traced(1+n*steps/100, true, nil, childEnv+"="+what, "SPECTER_TEST_DATA="+data, "SPECTER_TEST_FILE="+list[0], "SPECTER_TEST_WORDS="+lock.Passphrase, "TMPDIR="+temporary)
			if n == 0 { // to its end, to count
				end, err = traced(0, false, nil, childEnv+"="+what, "SPECTER_TEST_DATA="+data, "SPECTER_TEST_FILE="+list[0], "SPECTER_TEST_WORDS="+lock.Passphrase, "TMPDIR="+temporary)
				steps = end.steps
			}
			if errors.Is(err, errNoTrace) {
				t.Logf("SKIPPED WITHOUT TRACING: %v", err)
				return read
			}
			if err != nil || end.code != 0 && !end.killed {
				t.Errorf("%s at %d: %+v, %v", what, n, end, err)
			}
			read += p.search(t, fmt.Sprintf("%s, killed at step %d", what, end.steps), others, data, folder, temporary)
		}
		if steps < 20 {
			t.Errorf("%s has %d steps", what, steps)
		}
	}
	return read
}

// oldInClear are secrets that the old program keeps in clear in its folder, and so has to find there.
var oldInClear = []string{"password of node ", "kept file ", "setting onion-key", "setting tls-key"}

// exported looks at a folder for the old program. It holds what that keeps in clear, nothing else,
// and is closed to other users.
func exported(t *testing.T, p plants, others map[string]string, dir string) {
	t.Helper()
	rest := plants{}
	for where, secret := range p {
		if !slices.ContainsFunc(oldInClear, func(begin string) bool { return strings.HasPrefix(where, begin) }) {
			rest[where] = secret
		}
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, err := os.Lstat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("the export's %s can be read by others: %v", path, info.Mode())
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		files++
		for where, secret := range rest {
			for _, form := range spellings(secret) {
				if bytes.Contains(text, form) {
					t.Errorf("%s stands in the export's %s", where, path)
				}
			}
		}
		rest.inText(t, "the export's "+path, text, nil, others)
		return err
	})
	if err != nil || files < 20 {
		t.Errorf("the export has %d files, %v", files, err)
	}
}
