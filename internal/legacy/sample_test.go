package legacy_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/legacy"
	"specter/internal/wallet"
)

// samples is the folder of data folders that the original program wrote, or skips loudly.
func samples(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("SPECTER_SAMPLES")
	if dir == "" {
		_, here, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "samples")
	}
	if _, err := os.Stat(filepath.Join(dir, "manifest-a.json")); err != nil {
		t.Skipf("SKIPPED WITHOUT SAMPLES: set SPECTER_SAMPLES to the folder of the original program's data folders (%v)", err)
	}
	return dir
}

// unpack unpacks a sample of ours, which is trusted, and returns its data folder.
func unpack(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir, top := t.TempDir(), ""
	for r := tar.NewReader(z); ; {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return filepath.Join(dir, top)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(e.Name))
		if top == "" {
			top = filepath.Dir(filepath.Clean(filepath.FromSlash(e.Name)))
			for filepath.Dir(top) != "." {
				top = filepath.Dir(top)
			}
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// manifest is what the sample is known to hold.
type manifest struct {
	Auth struct {
		Method    string
		Admin     struct{ Username string }
		SecretKey string `json:"SECRET_KEY"`
	}
	Tokens []struct {
		ID          string `json:"jwt_token_id"`
		JWT         string `json:"jwt_token"`
		Description string `json:"jwt_token_description"`
		Life        int64  `json:"jwt_token_life"`
		User        string
	}
	Chain string
	Node  struct {
		Name, Alias, Host, User, Password string
		Port                              int
	}
	Devices map[string][]string
	Wallets map[string]struct {
		Name, Alias    string
		Recv           string `json:"recv_descriptor"`
		Change         string `json:"change_descriptor"`
		Devices        []string
		Sigs           int      `json:"sigs_required"`
		Frozen         []string `json:"frozen_utxo"`
		Address        string
		AddressIndex   uint32 `json:"address_index"`
		ChangeAddress  string `json:"change_address"`
		ChangeIndex    uint32 `json:"change_index"`
		Keypool        uint32
		ChangeKeypool  uint32 `json:"change_keypool"`
		Balance        struct{ Trusted float64 }
		PendingInFile  []string `json:"pending_psbts_in_file"`
		Description    string
		AddressTypeOld string `json:"address_type"`
	}
	Labels  map[string]map[string]string
	Funding map[string]string `json:"funding_txids"`
	UID     string            `json:"config_uid"`
}

func readManifest(t testing.TB, dir string) manifest {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "manifest-a.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(all["specter-sample-a.tar.gz"], &m); err != nil || len(m.Wallets) == 0 {
		t.Fatalf("the manifest has %d wallets, %v", len(m.Wallets), err)
	}
	return m
}

// A folder that the original wrote comes over whole: every word of its manifest is here, before
// any node was asked.
func TestSampleComesOverWhole(t *testing.T) {
	dir := samples(t)
	m := readManifest(t, dir)
	old := unpack(t, filepath.Join(dir, "specter-sample-a.tar.gz"))
	before := snapshot(t, old)
	h := newHouse(t)
	r := h.take(old, legacy.Options{SecretKey: []byte(m.Auth.SecretKey)})
	if len(r.Problems) > 0 || r.Count(legacy.LeftOut) > 0 {
		t.Errorf("problems %v, lines %v", r.Problems, changed(r))
	}
	checkPeople(t, h, m)
	checkNode(t, h, m)
	checkDevices(t, h, m)
	for alias := range m.Wallets {
		checkWallet(t, h, m, alias)
	}
	if again := changed(h.take(old, legacy.Options{SecretKey: []byte(m.Auth.SecretKey)})); len(again) > 0 {
		t.Errorf("a second time changed %v", again)
	}
	if after := snapshot(t, old); !maps.Equal(before, after) {
		t.Error("the old folder was written")
	}
}

// snapshot reads a folder whole.
func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkPeople(t *testing.T, h *house, m manifest) {
	ctx := context.Background()
	if got := h.auth.Settings(); string(got.Method) != m.Auth.Method || got.MinPassword != 6 || got.InvitationHours != 1 {
		t.Errorf("the login is %+v", got)
	}
	if u, err := h.auth.User(ctx, auth.OwnerID); err != nil || u.Name != m.Auth.Admin.Username || !u.Password {
		t.Errorf("the owner is %+v, %v", u, err)
	}
	if _, needed, _ := h.auth.SetupLink(ctx); needed {
		t.Error("the first start is not finished")
	}
	if _, err := h.auth.Basic(ctx, "admin", "admin", "127.0.0.1"); err != nil {
		t.Errorf("the old password does not open the API: %v", err)
	}
	for _, k := range m.Tokens {
		who, err := h.auth.Bearer(ctx, k.JWT)
		if err != nil || who.User.ID != auth.OwnerID || who.Token.ID != k.ID || who.Token.Description != k.Description || int64(who.Token.Life.Seconds()) != k.Life {
			t.Errorf("the token %s says %+v, %v", k.Description, who, err)
		}
	}
}

func checkNode(t *testing.T, h *house, m manifest) {
	n, err := h.nodes.Active(context.Background())
	if err != nil || n.Alias != m.Node.Alias || n.Name != m.Node.Name || n.Host != m.Node.Host || n.Port != m.Node.Port ||
		n.User != m.Node.User || n.Password.Reveal() != m.Node.Password || n.Network != btc.Regtest || n.Protocol != "http" {
		t.Errorf("the node is %+v, %v", n, err)
	}
	if uid, err := h.nodes.UID(context.Background()); err != nil || uid != m.UID {
		t.Errorf("the uid is %s, %v", uid, err)
	}
}

func checkDevices(t *testing.T, h *house, m manifest) {
	for alias, want := range m.Devices {
		d, err := h.devices.Get(context.Background(), auth.OwnerID, alias)
		if err != nil || d.Type != want[0] || len(d.Keys) != len(want)-1 {
			t.Errorf("the device %s is %+v, %v", alias, d, err)
			continue
		}
		for i, k := range d.Keys {
			if k.Expression() != want[i+1] || k.Original != k.XPub || k.Purpose == "" {
				t.Errorf("key %d of %s is %+v", i, alias, k)
			}
		}
	}
}

func checkWallet(t *testing.T, h *house, m manifest, alias string) {
	ctx, want := context.Background(), m.Wallets[alias]
	ref := wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: alias}
	r, err := h.wallets.Get(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != want.Name || r.Threshold != want.Sigs || len(r.Cosigners) != len(want.Devices) || r.NodeName != "specter"+m.UID+"/"+alias {
		t.Errorf("%s is %+v", alias, r)
	}
	for i, place := range []struct {
		branch, index uint32
		address       string
	}{{0, want.AddressIndex, want.Address}, {1, want.ChangeIndex, want.ChangeAddress}} {
		row, err := h.wallets.AddressInfo(ctx, ref, place.address)
		if err != nil || row.Branch != place.branch || row.Index != place.index {
			t.Errorf("%s, address %d: %+v, %v", alias, i, row, err)
		}
	}
	if row, err := h.wallets.ReceiveAddress(ctx, ref); err != nil || row.Address != want.Address {
		t.Errorf("%s shows the address %s, %v; it was %s", alias, row.Address, err, want.Address)
	}
	if n, err := h.db.Derived(ctx, r.ID, 0); err != nil || n < want.Keypool {
		t.Errorf("%s lists %d receive addresses of %d, %v", alias, n, want.Keypool, err)
	}
	if n, err := h.db.Derived(ctx, r.ID, 1); err != nil || n < want.ChangeKeypool {
		t.Errorf("%s lists %d change addresses of %d, %v", alias, n, want.ChangeKeypool, err)
	}
	for i, c := range r.Cosigners {
		if kept, err := h.devices.Get(ctx, auth.OwnerID, want.Devices[i]); err != nil || !slices.ContainsFunc(kept.Keys, func(k deviceKey) bool { return k.Expression() == c.Expression }) {
			t.Errorf("%s, cosigner %d is %s, which is no key of %s", alias, i, c.Expression, want.Devices[i])
		}
	}
	if got := int64(r.Balance.Confirmed); got != int64(want.Balance.Trusted*1e8) {
		t.Errorf("%s holds %d sat", alias, got)
	}
	if got := h.labels(ref); !maps.Equal(got, m.Labels[alias]) {
		t.Errorf("%s has the labels %v", alias, got)
	}
	checkCoins(t, h, m, ref)
	checkTwoDescriptors(t, h, ref, want.Recv, want.Change)
}

func checkCoins(t *testing.T, h *house, m manifest, ref wallet.Ref) {
	ctx, want := context.Background(), m.Wallets[ref.Alias]
	_, frozen, err := h.wallets.Words(ctx, ref)
	if err != nil || len(frozen) != len(want.Frozen) || frozen[0].String() != want.Frozen[0] {
		t.Errorf("%s: frozen are %v, %v", ref.Alias, frozen, err)
	}
	drafts, err := h.wallets.Drafts(ctx, ref)
	if err != nil || len(drafts) != len(want.PendingInFile) {
		t.Fatalf("%s has %d drafts, %v", ref.Alias, len(drafts), err)
	}
	for _, d := range drafts {
		if !slices.Contains(want.PendingInFile, d.TxID.String()) || d.State != wallet.Unsigned || d.Fee <= 0 || d.Change <= 0 {
			t.Errorf("%s has the draft %s in state %s, fee %d, change %d", ref.Alias, d.TxID, d.State, d.Fee, d.Change)
		}
	}
	page, err := h.wallets.History(ctx, ref, wallet.Query{Size: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got, funded []string
	for _, row := range page.Rows {
		got = append(got, row.TxID.String())
		if row.State != wallet.Confirmed || row.Height != 210 || row.Confirmations < 1 {
			t.Errorf("%s: %s is %s at %d with %d confirmations", ref.Alias, row.TxID, row.State, row.Height, row.Confirmations)
		}
	}
	for name, txid := range m.Funding {
		if of := map[string]string{"savings": "savings", "family_vault": "vault"}[ref.Alias]; len(name) > len(of) && name[:len(of)] == of {
			funded = append(funded, txid)
		}
	}
	slices.Sort(got)
	slices.Sort(funded)
	if !slices.Equal(got, funded) {
		t.Errorf("%s has the transactions %v, want %v", ref.Alias, got, funded)
	}
}

// checkTwoDescriptors holds the descriptor against both that the old program wrote.
func checkTwoDescriptors(t *testing.T, h *house, ref wallet.Ref, recv, change string) {
	for branch, text := range []string{recv, change} {
		got, err := branchOf(h, ref, branch)
		if err != nil || got != text {
			t.Errorf("%s, branch %d: %s, %v; it was %s", ref.Alias, branch, got, err, text)
		}
	}
}

// A dry run says the same as the run itself, and changes nothing.
func TestDryRunChangesNothing(t *testing.T) {
	dir := samples(t)
	old := unpack(t, filepath.Join(dir, "specter-sample-a.tar.gz"))
	h := newHouse(t)
	dry := h.take(old, legacy.Options{Dry: true})
	if n := len(h.list(auth.OwnerID, btc.Regtest)); n > 0 {
		t.Errorf("there are %d wallets", n)
	}
	if any, err := h.db.ImportedAny(context.Background()); any || err != nil {
		t.Errorf("something was noted: %v %v", any, err)
	}
	if _, needed, _ := h.auth.SetupLink(context.Background()); !needed {
		t.Error("the owner was set")
	}
	real := h.take(old, legacy.Options{})
	if !slices.Equal(dry.Lines, real.Lines) {
		t.Errorf("said\n%v\ndid\n%v", dry.Lines, real.Lines)
	}
}
