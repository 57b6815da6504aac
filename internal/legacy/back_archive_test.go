package legacy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/legacy"
)

// The backup for the old program has one user's wallets of one network and devices as it has
// them, and another new Specter takes it over.
func TestBackupForTheOldProgram(t *testing.T) {
	ctx := context.Background()
	files := everything()
	files["wallets/regtest/family_addr.csv"] = head + a0 + ",0,False,salary,True,\r\n" + a1 + ",1,False,salary,,\r\n"
	h := newHouse(t)
	h.take(folder(t, files), legacy.Options{})
	data, rep, err := legacy.Archive(ctx, h.rooms(), h.db, auth.OwnerID, btc.Regtest)
	if err != nil || rep.Count(legacy.LeftOut) > 0 {
		t.Fatal(err, rep)
	}
	got := unzip(t, data)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"devices/cold.json", "devices/core.json", "wallets/family.json"}) {
		t.Fatalf("it holds %q", names)
	}
	w := got["wallets/family.json"]
	for _, field := range []string{"name", "alias", "description", "address_type", "address", "address_index", "change_address", "change_index", "keypool", "change_keypool", "recv_descriptor",
		"change_descriptor", "keys", "devices", "sigs_required", "blockheight", "labels"} {
		if _, has := w[field]; !has {
			t.Errorf("the wallet has no %s", field)
		}
	}
	for _, field := range []string{"pending_psbts", "frozen_utxo", "last_block"} {
		if _, has := w[field]; has {
			t.Errorf("the wallet has %s", field)
		}
	}
	if list := w["labels"].(map[string]any)["salary"].([]any); len(list) != 2 {
		t.Errorf("labels are %v", w["labels"])
	}
	if got["devices/core.json"]["type"] != "bitcoincore_watchonly" || got["devices/cold.json"]["type"] != "coldcard" || w["devices"].([]any)[0] != "cold" {
		t.Errorf("devices are %v", got)
	}
	path := filepath.Join(t.TempDir(), legacy.ArchiveName)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	again := newHouse(t)
	if r := again.take(path, legacy.Options{}); len(r.Problems) > 0 || r.Count(legacy.LeftOut) > 0 {
		t.Errorf("taken over: %v %v", r.Problems, changed(r))
	}
	list := again.list(auth.OwnerID, btc.Regtest)
	if len(list) != 1 || list[0].Name != "Family" || again.labels(list[0].Ref())[a0] != "salary" || again.labels(list[0].Ref())[a1] != "salary" || list[0].Descriptor != h.list(auth.OwnerID, btc.Regtest)[0].Descriptor {
		t.Errorf("the wallets are %+v", list)
	}
	ann, err := h.auth.UserByName(ctx, "ann")
	if err != nil {
		t.Fatal(err)
	}
	if data, _, err = legacy.Archive(ctx, h.rooms(), h.db, ann.ID, btc.Regtest); err != nil || len(unzip(t, data)) != 3 || unzip(t, data)["devices/cold.json"]["type"] != "ledger" {
		t.Errorf("ann's holds %v, %v", unzip(t, data), err)
	}
	if _, _, err := legacy.Archive(ctx, h.rooms(), h.db, "nobody", btc.Regtest); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
}

func unzip(t *testing.T, data []byte) map[string]map[string]any {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, e := range z.File {
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		var v map[string]any
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil || !strings.HasPrefix(string(b), "{\n    \"") {
			t.Errorf("%s: %v %.40q", e.Name, err, b)
		}
		out[e.Name] = v
	}
	return out
}
