package app

import (
	"archive/zip"
	"bytes"
	"context"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/legacy/legacytest"
	"specter/internal/wallet"
)

// pageOf reads a page of a house that asks nobody to log in.
func pageOf(t *testing.T, h *house, method, path, kind string, body []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, strings.TrimSuffix(h.URL(), "/")+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Origin", strings.TrimSuffix(h.URL(), "/"))
	v := newVisitor(t)
	status, _, text := v.read(v.http.Do(r))
	return status, text
}

// openToAll finishes the first start without a login.
func openToAll(t *testing.T, h *house) {
	t.Helper()
	secret, _, err := h.auth.SetupLink(context.Background())
	if err == nil {
		_, err = h.auth.Setup(context.Background(), auth.SetupRequest{Secret: secret, NoLogin: true})
	}
	if err != nil {
		t.Fatal(err)
	}
}

const form = "application/x-www-form-urlencoded"

// The files of an old Specter beside the own database are found, shown before anything is changed,
// and taken over on the page.
func TestAnOldSpecterIsTakenOverOnThePage(t *testing.T) {
	dir := t.TempDir()
	oldFiles(t, dir, nil)
	if err := os.WriteFile(filepath.Join(dir, "otps.json"), []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := open(t, Config{DataDir: dir})
	openToAll(t, h)
	if _, page := pageOf(t, h, "GET", "/settings/import", form, nil); !strings.Contains(page, `data-test="found"`) || !strings.Contains(page, dir) {
		t.Fatalf("the folder is not found: %s", page)
	}
	if status, page := pageOf(t, h, "POST", "/settings/import/take", form, nil); status != http.StatusConflict {
		t.Errorf("taken before it was looked at: %d %s", status, page)
	}
	if status, page := pageOf(t, h, "POST", "/settings/import", form, []byte("folder=/no/such/folder")); status != http.StatusServiceUnavailable || !strings.Contains(page, "cannot be opened") {
		t.Errorf("a folder that is not there: %d", status)
	}
	pageOf(t, h, "POST", "/settings/import", form, []byte("folder="+dir))
	importPage(t, h, `data-test="take"`)
	if list, err := h.wallets.List(context.Background(), wallet.Owner(auth.OwnerID), btc.Regtest); err != nil || len(list) > 0 {
		t.Errorf("looking changed something: %v, %v", list, err)
	}
	page := importPage(t, h, `data-test="lines"`)
	for _, want := range []string{"Savings", `data-test="problems"`, "otps.json", "1 label"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not tell %q: %s", want, page)
		}
	}
	pageOf(t, h, "POST", "/settings/import/take", form, nil)
	eventually(t, "taking over", func() (bool, string) {
		s := h.importer.ImportState()
		return !s.Running && !s.Dry, ""
	})
	r := h.record(wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"})
	if r.NodeName != "specter"+oldUID+"/savings" {
		t.Errorf("the wallet is %+v", r)
	}
	if _, page := pageOf(t, h, "GET", "/settings/import", form, nil); strings.Contains(page, `data-test="found"`) || strings.Contains(page, `data-test="take"`) {
		t.Errorf("it is offered again: %s", page)
	}
}

func importPage(t *testing.T, h *house, mark string) (page string) {
	t.Helper()
	eventually(t, mark, func() (bool, string) {
		_, page = pageOf(t, h, "GET", "/settings/import", form, nil)
		return strings.Contains(page, mark), page
	})
	return page
}

// A zip that is sent is read from memory: nothing of it comes to the disk but what is taken over.
func TestAnOldSpecterIsSentAsAZip(t *testing.T) {
	old := t.TempDir()
	oldFiles(t, old, nil)
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	if err := z.AddFS(os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	h := open(t, Config{})
	openToAll(t, h)
	send := func(name string, data []byte) (int, string) { return sendOld(t, h, name, data) }
	if status, page := send("x.zip", []byte("PK\x03\x04 no zip")); status != http.StatusUnprocessableEntity || !strings.Contains(page, "damaged") {
		t.Errorf("a damaged zip: %d %s", status, page)
	}
	if status, page := send("../../evil.sh", []byte("#!/bin/sh")); status != http.StatusUnprocessableEntity || !strings.Contains(page, "no zip") {
		t.Errorf("something else: %d %s", status, page)
	}
	send(`C:\Users\x\specter.zip`, packed.Bytes())
	importPage(t, h, `data-test="take"`)
	pageOf(t, h, "POST", "/settings/import/take", form, nil)
	eventually(t, "taking over", func() (bool, string) { s := h.importer.ImportState(); return !s.Running && !s.Dry, "" })
	h.record(wallet.Ref{Owner: auth.OwnerID, Network: btc.Regtest, Alias: "savings"})
	status, body := pageOf(t, h, "GET", "/settings/specter-backup.zip", form, nil)
	if back, err := zip.NewReader(strings.NewReader(body), int64(len(body))); status != http.StatusOK || err != nil {
		t.Errorf("the zip for the old program: %d %v", status, err)
	} else if _, err := back.Open("wallets/savings.json"); (err == nil) != (h.network(context.Background()) == btc.Regtest) {
		t.Errorf("on %s the zip for the old program holds %d files, %v", h.network(context.Background()), len(back.File), err)
	}
	err := filepath.WalkDir(h.cfg.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.Contains(path, "savings") {
			t.Errorf("%s came to the disk", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sendOld sends a file as the page's form does.
func sendOld(t *testing.T, h *house, name string, data []byte) (int, string) {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	part, err := m.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = m.WriteField("secret-key", "x")
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return pageOf(t, h, "POST", "/settings/import", m.FormDataContentType(), body.Bytes())
}

// Archives that no Specter writes are refused by the page, with a sentence, and nothing of them
// stays in memory.
func TestHostileArchivesAreRefusedByThePage(t *testing.T) {
	h := open(t, Config{})
	openToAll(t, h)
	for name, data := range legacytest.Archives() {
		status, page := sendOld(t, h, "backup.zip", data)
		if want := http.StatusUnprocessableEntity; len(data) > 64<<20 {
			if status < 400 {
				t.Errorf("%s: %d", name, status)
			}
		} else if status != want || !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s: %d %.300s", name, status, page)
		}
		if s := h.importer.ImportState(); s.Running || s.Ready || len(s.Lines) > 0 {
			t.Errorf("%s: the state is %+v", name, s)
		}
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 100<<20 {
		t.Errorf("%d bytes are held after it", m.HeapAlloc)
	}
}

// The page on stored secrets tells what opens them and locks with the owner's password alone.
func TestThePageOnStoredSecrets(t *testing.T) {
	dir := t.TempDir()
	h := open(t, Config{DataDir: dir})
	openToAll(t, h)
	if _, page := pageOf(t, h, "GET", "/settings/secrets", form, nil); !strings.Contains(page, filepath.Join(dir, KeyFileName)) || strings.Contains(page, `data-test="lock"`) {
		t.Errorf("without a password: %s", page)
	}
	if err := h.auth.SetPassword(context.Background(), auth.OwnerID, ownersWord); err != nil {
		t.Fatal(err)
	}
	if status, _ := pageOf(t, h, "POST", "/settings/secrets", form, []byte("locked=yes&password=wrong")); status != http.StatusForbidden {
		t.Errorf("locked by a wrong password: %d", status)
	}
	pageOf(t, h, "POST", "/settings/secrets", form, []byte("locked=yes&password=correct+horse+battery"))
	if _, page := pageOf(t, h, "GET", "/settings/secrets", form, nil); !strings.Contains(page, `data-test="locked"`) {
		t.Errorf("not locked: %s", page)
	}
	pageOf(t, h, "POST", "/settings/secrets", form, []byte("locked=no"))
	if _, page := pageOf(t, h, "GET", "/settings/secrets", form, nil); !strings.Contains(page, `data-test="key-file"`) {
		t.Errorf("locked still: %s", page)
	}
}
