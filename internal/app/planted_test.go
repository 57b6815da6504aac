package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/store"
)

// plants are secrets that were put somewhere, by where that was.
type plants map[string][]byte

// make plants a secret that stands nowhere else.
func (p plants) make(where string) []byte {
	secret := fmt.Appendf(nil, "planted-%03d-%x", len(p), btc.Hash160([]byte(where)))
	p[where] = secret
	return secret
}

// spellings are the ways in which programs write bytes down, so that a part of them is found
// wherever it begins.
func spellings(secret []byte) [][]byte {
	forms := [][]byte{secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret)))}
	for skip := range 3 { // base64 begins at any of three places
		part := secret[skip:]
		part = part[:len(part)/3*3]
		forms = append(forms, []byte(base64.StdEncoding.EncodeToString(part)), []byte(base64.URLEncoding.EncodeToString(part)))
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune(string(secret))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	return append(forms, wide[:len(wide)-1]) // both orders of bytes have this in them
}

// grep looks for every plant, also in the spellings in which programs store bytes, in every file
// below a folder.
func (p plants) grep(t *testing.T, dir string, more ...[]byte) {
	t.Helper()
	texts := map[string][]byte{}
	for i, m := range more {
		texts[fmt.Sprintf("log %d", i)] = m
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 4 {
		t.Fatalf("there are only %d files to look through", len(texts))
	}
	for where, secret := range p {
		forms := spellings(secret)
		for path, text := range texts {
			for _, form := range forms {
				if bytes.Contains(text, form) {
					t.Errorf("%s stands in %s", where, path)
				}
			}
		}
	}
}

// plantStore puts secrets everywhere in a database that has no safe.
func plantStore(t *testing.T, db *store.DB, p plants, n int) {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		name := fmt.Sprintf("thing %d", i)
		must(db.SaveNode(ctx, &node.Node{Alias: btc.Slug(name), Name: name, Kind: node.Core, Network: btc.Regtest, Host: "localhost", Port: 1, User: "u",
			Password: node.NewSecret(string(p.make("password of node " + name))), Created: time.Now()}))
		must(db.PutDevice(ctx, &device.Device{Owner: auth.OwnerID, Alias: btc.Slug(name), Name: name, Type: "hot", Sealed: p.make("seed of device " + name), Created: time.Now()}))
		must(db.PutImported(ctx, auth.OwnerID, "kept", name, "", p.make("kept file "+name), time.Now()))
		key := bytes.Repeat([]byte{byte(i)}, 32)
		must(db.PutIdempotentAnswer(ctx, auth.OwnerID, key, key, p.make("answer with a token "+name), time.Now(), time.Time{}))
	}
	for _, name := range []string{"token-keys-old", "bridge-token", "onion-key", "tls-key", "tor-password"} {
		must(db.PutSetting(ctx, "", name, string(p.make("setting "+name))))
	}
}

// plantFolder plants in a data folder what an older Specter of ours left there: its database with n
// things, files, and what drivers remember.
func plantFolder(t *testing.T, dir string, p plants, n int, names []string) {
	t.Helper()
	db, err := store.Open(context.Background(), filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	plantStore(t, db, p, n)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	plain := &files{path: dir}
	for _, name := range names {
		if err := plain.Write(name, p.make("file "+name)); err != nil {
			t.Fatal(err)
		}
	}
	memory, err := openMemory(filepath.Join(dir, signersFile), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := memory.Put(fmt.Sprintf("pairing %d", i), p.make(fmt.Sprintf("pairing %d", i))); err != nil {
			t.Fatal(err)
		}
	}
}

// 200 secrets that an older Specter of ours left in clear (passwords of nodes, seeds, kept files,
// answers that hold tokens, keys of TLS, SSH and the onion service, what drivers remember) are
// unreadable after one start: in the database, its log, files and what is logged. What comes
// later is sealed from the beginning, and all of it is found again.
func TestNoPlantedSecretStandsInClear(t *testing.T) {
	ctx, dir, p := context.Background(), t.TempDir(), plants{}
	plantFolder(t, dir, p, 30, []string{"tls/authority.key", "tls/specter.key", "tls/acme/example.org", "ssh/id_ed25519", "tor/onion.key", "tor/control"})
	clear, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil || !bytes.Contains(clear, p["seed of device thing 3"]) {
		t.Fatalf("nothing was planted: %v", err)
	}
	var log bytes.Buffer
	cfg := Config{DataDir: dir, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	h := open(t, cfg)
	first := len(p)
	for i := range 60 { // written by the running program
		name := fmt.Sprintf("later %d", i)
		if _, err := h.nodes.Adopt(ctx, node.Node{Alias: btc.Slug(name), Name: name, Kind: node.Core, Network: btc.Regtest, Protocol: "http", Host: "127.0.0.1", Port: 1000 + i, User: "u",
			Password: node.NewSecret(string(p.make("password of node " + name)))}); err != nil {
			t.Fatal(err)
		}
		if err := h.own().Write(fmt.Sprintf("tor/later-%d", i), p.make("file of "+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.auth.SetOwner(ctx, "admin", string(p.make("the owner's password"))); err != nil {
		t.Fatal(err)
	}
	if first < 150 || len(p) < 200 {
		t.Fatalf("%d secrets were planted, %d before the start", len(p), first)
	}
	p.grep(t, dir) // while it runs, with its write-ahead log
	h = h.reopen()
	list, err := h.nodes.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, n := range list {
		if want := p["password of node "+n.Name]; want != nil && n.Password.Reveal() == string(want) {
			found++
		}
	}
	if found != 90 {
		t.Errorf("%d passwords of 90 are found again", found)
	}
	if d, err := h.db.Device(ctx, auth.OwnerID, btc.Slug("thing 3")); err != nil || !bytes.Equal(d.Sealed, p["seed of device thing 3"]) {
		t.Errorf("the seed came back as %q, %v", d.Sealed, err)
	}
	if v, err := h.db.Setting(ctx, "", "onion-key"); err != nil || v != string(p["setting onion-key"]) {
		t.Errorf("the onion key came back as %q, %v", v, err)
	}
	if b, err := h.own().Read("tls/specter.key"); err != nil || !bytes.Equal(b, p["file tls/specter.key"]) {
		t.Errorf("the TLS key came back as %q, %v", b, err)
	}
	if v, ok := h.memory.Get("pairing 7"); !ok || !bytes.Equal(v, p["pairing 7"]) {
		t.Errorf("the pairing came back as %q", v)
	}
	h.stop()
	p.grep(t, dir, log.Bytes())
}
