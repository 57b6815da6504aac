package legacy_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/chain"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/legacy"
	"specter/internal/node"
	"specter/internal/setting"
	"specter/internal/signer/hot"
	"specter/internal/store"
	"specter/internal/wallet"
)

// house is a new Specter without a node.
type house struct {
	t        testing.TB
	db       *store.DB
	auth     *auth.Service
	nodes    *node.Service
	devices  *device.Service
	wallets  *wallet.Service
	settings *setting.Service
	files    shelf
	now      time.Time
}

type nowhere struct{}

func (nowhere) Source(context.Context) (chain.Source, error) {
	return nil, errs.E(errs.Unavailable, "there is no node")
}

func newHouse(t testing.TB) *house {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "specter.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &house{t: t, db: db, files: shelf{}, now: time.Now()}
	clock := func() time.Time { return h.now }
	h.nodes = node.New(node.Config{Store: db, Now: clock})
	h.settings = setting.New(db)
	uid, err := h.nodes.UID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h.wallets = wallet.New(wallet.Config{Store: db, Sources: nowhere{}, UID: uid, Now: clock})
	h.devices = device.New(device.Config{Store: db, Now: clock, Seal: hot.Seal, Uses: h.wallets.Uses})
	h.auth, err = auth.New(ctx, auth.Config{Store: db, Now: clock, Open: func() bool { return false },
		Forget: func(context.Context, string) error { return nil }, Hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// take takes a folder or file over.
func (h *house) take(path string, o legacy.Options) *legacy.Report {
	h.t.Helper()
	r, err := h.try(path, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) try(path string, o legacy.Options) (*legacy.Report, error) {
	h.t.Helper()
	s, err := legacy.Open(path)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	f, err := legacy.Read(s, nil)
	if err != nil {
		return nil, err
	}
	return legacy.Take(context.Background(), s, f, h.rooms(), o)
}

func (h *house) rooms() legacy.Rooms {
	return legacy.Rooms{Auth: h.auth, Nodes: h.nodes, Devices: h.devices, Wallets: h.wallets,
		Settings: h.settings, Words: h.db, Memory: h.db, Files: h.files, Now: func() time.Time { return h.now }}
}

// shelf keeps small files in memory.
type shelf map[string][]byte

func (s shelf) Read(name string) ([]byte, error) {
	if b, ok := s[name]; ok {
		return b, nil
	}
	return nil, fs.ErrNotExist
}

func (s shelf) Write(name string, data []byte) error {
	s[name] = data
	return nil
}

// list returns the wallets of a user.
func (h *house) list(owner string, n btc.Network) []wallet.Record {
	h.t.Helper()
	list, err := h.wallets.List(context.Background(), wallet.Owner(owner), n)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// labels returns the labels of a wallet's addresses.
func (h *house) labels(ref wallet.Ref) map[string]string {
	h.t.Helper()
	list, _, err := h.wallets.Words(context.Background(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	for _, l := range list {
		out[l.Key] = l.Label
	}
	return out
}

// folder writes files and returns their folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "old")
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// outcome finds what became of a thing; "" where the report does not name it.
func outcome(r *legacy.Report, kind, name string) legacy.Outcome {
	for _, l := range r.Lines {
		if l.Kind == kind && l.Name == name {
			return l.Outcome
		}
	}
	return ""
}

// changed lists the lines that say that something was taken, merged or left out.
func changed(r *legacy.Report) (out []string) {
	for _, l := range r.Lines {
		if l.Outcome != legacy.Same {
			out = append(out, string(l.Outcome)+" "+l.Kind+" "+l.Name+": "+l.Detail)
		}
	}
	return out
}

// told reports whether a problem names a file and a word.
func told(r *legacy.Report, file, word string) bool {
	for _, p := range r.Problems {
		if p.File == file && strings.Contains(p.Text, word) {
			return true
		}
	}
	return false
}

type (
	deviceKey = device.Key
	txs       = chain.Tx
)

// branchOf prints one branch of a wallet's descriptor with its checksum.
func branchOf(h *house, ref wallet.Ref, branch int) (string, error) {
	r, err := h.wallets.Get(context.Background(), ref)
	if err != nil {
		return "", err
	}
	d, err := descriptor.Parse(r.Descriptor, descriptor.Options{Network: &ref.Network})
	if err != nil {
		return "", err
	}
	b, err := d.Branch(branch)
	if err != nil {
		return "", err
	}
	return b.String(), nil
}
