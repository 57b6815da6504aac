package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"database/sql"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/setting"
	"specter/internal/store"
	"specter/internal/testkit"
)

// storyBackup makes a folder with the demo's story and an owner who logs in, and a backup of it.
func storyBackup(t *testing.T) (dir, file string) {
	t.Helper()
	h := owned(t, Config{Demo: &Demo{}})
	dir = h.cfg.DataDir
	h.stop()
	return dir, backUp(t, dir)
}

// turning is a house whose restores put another in its place.
type turning struct {
	*house
	next chan *App
}

func openTurning(t *testing.T, c Config) *turning {
	t.Helper()
	next := make(chan *App, 4)
	c.opened = func(a *App) { next <- a }
	return &turning{open(t, c), next}
}

// after waits for the house that a restore opened; it counts as the house from then on.
func (h *turning) after() *App {
	h.t.Helper()
	select {
	case h.App = <-h.next:
	case <-time.After(30 * time.Second):
		h.t.Fatal("no house was opened after the restore")
	}
	return h.App
}

// send posts a form with a file, as a browser without script does.
func (v visitor) send(target, name string, data []byte, secret string) (int, http.Header, string) {
	v.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	if name != "" {
		w, err := m.CreateFormFile("file", name)
		if err != nil {
			v.t.Fatal(err)
		}
		_, _ = w.Write(data)
	}
	_ = m.WriteField("secret-text", secret)
	_ = m.Close()
	return v.read(v.http.Post(target, m.FormDataContentType(), &b))
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var restoreID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// idOn finds what is to be decided on.
func idOn(t *testing.T, page string) string {
	t.Helper()
	m := restoreID.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("there is nothing to decide on: %.3000s", page)
	}
	return m[1]
}

// leftBehind lists what a restore keeps for a while in a data folder.
func leftBehind(t *testing.T, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// come follows the waiting page to the house after.
func (v visitor) come(h *turning, head http.Header, base string) (int, http.Header, string) {
	v.t.Helper()
	_, next, ok := strings.Cut(head.Get("Refresh"), "url=")
	if !ok {
		v.t.Fatalf("the page does not go on by itself: %v", head)
	}
	h.after()
	return v.get(base + next)
}

// Who has just started Specter and holds its link brings everything back without script: the file is
// looked at, nothing changes, then it is decided on, the same process goes on with the other state,
// and its owner logs in to wallets with their labels.
func TestABackupIsRestoredAtTheFirstStart(t *testing.T) {
	from, file := storyBackup(t)
	want := stateOf(t, from)
	out := &paper{}
	h := openTurning(t, Config{Out: out})
	link := out.link(t)
	base := strings.TrimSuffix(h.URL(), "/")
	v := newVisitor(t)
	status, _, page := v.get(link)
	if status != 200 || !strings.Contains(page, `data-test="have-backup"`) || !strings.Contains(page, `data-test="have-old"`) {
		t.Fatalf("the first start offers nothing to bring along: %d", status)
	}
	at := base + "/setup/restore?secret=" + mustURL(t, link).Query().Get("secret")
	if status, _, page = v.get(at); status != 200 || !strings.Contains(page, `data-test="restore-form"`) || strings.Contains(page, `data-test="restore-back"`) {
		t.Fatalf("the page answers %d %s", status, page)
	}
	status, _, page = v.send(at, `C:\Users\me\`+filepath.Base(file), readAll(t, file), "not the passphrase")
	if status != 403 || !strings.Contains(page, "does not open the backup") || !strings.Contains(page, `data-test="restore-again"`) || strings.Contains(page, "Users") || !strings.Contains(page, filepath.Base(file)) {
		t.Fatalf("a wrong passphrase answers %d %s", status, page)
	}
	sent, _ := filepath.Glob(filepath.Join(h.cfg.DataDir, sentPrefix+"*", "*"))
	if len(sent) != 1 {
		t.Fatalf("kept are %v", sent)
	}
	if info, err := os.Stat(sent[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	status, head, _ := v.post(at, url.Values{"secret-text": {backupLock.Passphrase}})
	if status != 303 || head.Get("Location") == "" {
		t.Fatalf("the right passphrase answers %d %v", status, head)
	}
	if _, _, page = v.get(base + head.Get("Location")); !strings.Contains(page, "the owner is admin") || !strings.Contains(page, `data-test="names-wallet"`) || strings.Contains(page, "current-password") {
		t.Fatalf("the difference is not shown: %s", page)
	}
	if left := leftBehind(t, h.cfg.DataDir); len(left) != 1 || filepath.Base(left[0]) != stageFolder {
		t.Errorf("beside the state lie %v", left)
	}
	if m := h.auth.Settings().Method; m != auth.MethodUnset {
		t.Fatalf("before it was decided on, people log in by %q", m)
	}
	take := strings.Replace(at, "/restore?", "/restore/take?", 1)
	if status, _, page := v.post(take, url.Values{"id": {"another"}}); status != 409 || !strings.Contains(page, "not there any more") {
		t.Errorf("another comparison answers %d", status)
	}
	status, head, page = v.post(take, url.Values{"id": {idOn(t, page)}})
	if status != 200 || !strings.Contains(page, `data-test="restoring"`) {
		t.Fatalf("the decision answers %d %s", status, page)
	}
	if status, head, _ = v.come(h, head, base); status != 303 || head.Get("Location") != "/auth/login?restored=yes" {
		t.Fatalf("afterwards: %d %v", status, head)
	}
	if _, _, page = v.get(base + head.Get("Location")); !strings.Contains(page, "The restore is done") {
		t.Errorf("the login says %s", page)
	}
	if status, _, _ := v.get(base + "/overview"); status != 303 {
		t.Errorf("nobody logged in, and the overview answers %d", status)
	}
	if status, _, page := v.post(base+"/auth/login", url.Values{"username": {"admin"}, "password": {ownersWord}}); status != 303 {
		t.Fatalf("the login answers %d %s", status, page)
	}
	if _, _, page = v.get(base + "/wallets/savings_2_of_3/history"); !strings.Contains(page, "Sold the bicycle") {
		t.Errorf("the history shows %s", page)
	}
	if _, _, page = v.get(base + "/settings/record"); !strings.Contains(page, "Restored from a backup") {
		t.Errorf("the record does not tell of it: %s", page)
	}
	if _, head, _ := v.get(at); head.Get("Location") != "/" {
		t.Errorf("the link of the first start leads to %v", head)
	}
	h.stop()
	have := stateOf(t, h.cfg.DataDir)
	for _, table := range []string{"labels", "drafts", "history", "txs", "devices", "coins", "addresses", "file " + KeyFileName} {
		if fmt.Sprint(have[table]) != fmt.Sprint(want[table]) {
			t.Errorf("%s is not as it was", table)
		}
	}
	if left := leftBehind(t, h.cfg.DataDir); len(left) != 0 {
		t.Errorf("%v stays behind", left)
	}
}

// Strangers get nowhere near it, neither before the first start nor afterwards; members neither, and
// a token cannot replace the house.
func TestARestoreIsForWhoeverMay(t *testing.T) {
	_, file := storyBackup(t)
	data := readAll(t, file)
	out := &paper{}
	h := open(t, Config{Out: out, API: yes()})
	base := strings.TrimSuffix(h.URL(), "/")
	secret := mustURL(t, out.link(t)).Query().Get("secret")
	v := newVisitor(t)
	for _, query := range []string{"", "?secret=", "?secret=" + secret[:42] + "x"} {
		if status, _, page := v.get(base + "/setup/restore" + query); status != 403 || strings.Contains(page, "restore-form") {
			t.Errorf("with %q: %d", query, status)
		}
		if status, _, _ := v.send(base+"/setup/restore"+query, "a.age", data, backupLock.Passphrase); status != 401 {
			t.Errorf("a file with %q: %d", query, status)
		}
		for _, part := range []string{"/take", "/drop"} {
			if status, _, _ := v.post(base+"/setup/restore"+part+query, url.Values{"secret": {secret}, "id": {""}}); status != 401 {
				t.Errorf("%s with %q: %d", part, query, status)
			}
		}
	}
	if left := leftBehind(t, h.cfg.DataDir); len(left) > 0 {
		t.Errorf("strangers left %v", left)
	}
	if status, _, _ := v.send(base+"/settings/backups/restore?secret="+secret, "a.age", data, backupLock.Passphrase); status != 401 {
		t.Errorf("the owner's page answers %d before there is one", status)
	}
	if err := h.auth.SetOwner(context.Background(), "admin", ownersWord); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/settings/backups/restore", "/settings/backups/restore/take", "/settings/backups/restore/back"} {
		if status, _, _ := v.send(base+path, "a.age", data, backupLock.Passphrase); status != 401 {
			t.Errorf("%s answers nobody %d", path, status)
		}
	}
	owner, err := h.auth.User(context.Background(), auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := h.auth.NewToken(context.Background(), auth.Identity{User: owner}, auth.TokenRequest{Description: "all", Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"settings/backups/restore", "api/v1/program/restore", "api/v1/program/backups/restore"} {
		if status, _, _ := ask(t, "POST", h.URL()+path, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }); status != 401 && status != 404 && status != 403 && status != 405 {
			t.Errorf("a token gets %d at %s", status, path)
		}
	}
}

// in logs a visitor in as the owner.
func (v visitor) in(h *turning) visitor {
	v.t.Helper()
	if status, _, page := v.post(h.URL()+"auth/login", url.Values{"username": {"admin"}, "password": {ownersWord}}); status != 303 {
		v.t.Fatalf("the login answers %d %s", status, page)
	}
	return v
}

// The owner restores, proves with the password that it is them, finds the old state, and brings what
// was before back again.
func TestTheOwnerRestoresAndStepsBack(t *testing.T) {
	ctx := context.Background()
	dir, file := storyBackup(t)
	h := openTurning(t, Config{Demo: &Demo{}, DataDir: dir})
	base := strings.TrimSuffix(h.URL(), "/")
	w := h.record(walletRef("spending"))
	if err := h.wallets.Rename(ctx, w.Ref(), "Renamed since"); err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t).in(h)
	if _, _, page := v.get(base + "/settings/backups"); !strings.Contains(page, `data-test="to-restore"`) {
		t.Fatal("the page about backups leads to no restore")
	}
	at := base + "/settings/backups/restore"
	if status, _, page := v.post(at+"/back", nil); status != 409 || !strings.Contains(page, "No restore has set") {
		t.Errorf("with nothing set aside: %d", status)
	}
	status, head, page := v.send(at, "mine.age", readAll(t, file), backupLock.Passphrase)
	if status != 303 {
		t.Fatalf("it answers %d %s", status, page)
	}
	_, _, page = v.get(base + head.Get("Location"))
	if !strings.Contains(page, `data-test="restore-loses"`) || !strings.Contains(page, "current-password") {
		t.Fatalf("the page is %s", page)
	}
	id := idOn(t, page)
	if status, _, page = v.post(at+"/take", url.Values{"id": {id}, "current": {"wrong wrong"}}); status != 403 || !strings.Contains(page, `data-test="restore-found"`) {
		t.Fatalf("a wrong password answers %d", status)
	}
	status, head, page = v.post(at+"/take", url.Values{"id": {id}, "current": {ownersWord}})
	if status != 200 {
		t.Fatalf("the decision answers %d %s", status, page)
	}
	ticket := head.Get("Refresh")
	if status, head, _ = v.come(h, head, base); head.Get("Location") != "/auth/login?restored=yes" {
		t.Fatalf("afterwards: %d %v", status, head)
	}
	if name := h.record(walletRef("spending")).Name; name == "Renamed since" {
		t.Error("the newer name is still here")
	}
	v.in(h)
	if _, head, _ := v.get(base + "/auth/restored?ticket=stranger"); head.Get("Location") != "/" {
		t.Errorf("a stranger's ticket leads to %v", head)
	}
	if _, _, page = v.get(at); !strings.Contains(page, `data-test="restore-back"`) {
		t.Fatal("what was before is not offered")
	}
	if _, head, _ = v.post(at+"/back", nil); head.Get("Location") != "/settings/backups/restore" {
		t.Fatalf("looking back leads to %v", head)
	}
	_, _, page = v.get(at)
	if !strings.Contains(page, "Renamed since") && !strings.Contains(page, "names-wallet") {
		t.Errorf("the difference is not shown: %s", page)
	}
	before := lastAside(dir)
	status, head, _ = v.post(at+"/take", url.Values{"id": {idOn(t, page)}, "current": {ownersWord}})
	if status != 200 || head.Get("Refresh") == ticket {
		t.Fatalf("stepping back answers %d", status)
	}
	v.come(h, head, base)
	if name := h.record(walletRef("spending")).Name; name != "Renamed since" {
		t.Errorf("after the step back the wallet is called %q", name)
	}
	if now := lastAside(dir); now == "" || now == before {
		t.Errorf("what was restored is set aside in %q", now)
	}
	if left := leftBehind(t, dir); len(left) > 0 {
		t.Errorf("%v stays behind", left)
	}
}

// Whatever is wrong with a file is said in plain words, nothing is lost, and nothing stays lying about.
func TestWhatCannotBeRestoredIsRefusedPlainly(t *testing.T) {
	dir, file := storyBackup(t)
	h := openTurning(t, Config{Demo: &Demo{}, DataDir: dir})
	base, whole := strings.TrimSuffix(h.URL(), "/"), readAll(t, file)
	at := base + "/settings/backups/restore"
	v := newVisitor(t).in(h)
	secretKey, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	byKey := filepath.Join(t.TempDir(), "key.age")
	if _, err := h.backups.To(context.Background(), byKey, backup.Lock{Recipients: []string{public}}); err != nil {
		t.Fatal(err)
	}
	newer := newerBackup(t)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		what, name, secret string
		data               []byte
		status             int
		says               string
		kept               bool // the file waits for another passphrase
	}{
		{"no file", "", backupLock.Passphrase, nil, 422, "Choose the file of the backup", false},
		{"an empty file", "a.age", backupLock.Passphrase, nil, 422, "This file is empty", false},
		{"no passphrase", "a.age", "  ", whole, 422, "Type the passphrase of this backup", true},
		{"a wrong passphrase", "a.age", "correct horse", whole, 403, "does not open the backup", true},
		{"a key for a passphrase", "a.age", secretKey, whole, 422, "made with a passphrase", true},
		{"a passphrase for a key", "a.age", "correct horse battery", readAll(t, byKey), 422, "made for a public key", true},
		{"another key", "a.age", strings.Repeat(" ", 3) + anotherKey(t), readAll(t, byKey), 403, "does not open the backup", true},
		{"cut off", "a.age", backupLock.Passphrase, whole[:len(whole)/3], 422, "damaged or cut off", false},
		{"damaged", "a.age", backupLock.Passphrase, flipped, 422, "damaged", false},
		{"a newer program's", "a.age", backupLock.Passphrase, newer, 503, "newer Specter", false},
		{"the original's zip", "specter-backup.zip", "", []byte("PK\x03\x04\x14\x00\x00\x00"), 422, "This is a zip file", false},
		{"a JSON file", "wallet.json", "", []byte(`{"alias": "x"}`), 422, "This is a JSON file", false},
		{"a backup sheet", "sheet.pdf", "", []byte("%PDF-1.7 ..."), 422, "This is a PDF", false},
		{"a database", "specter.db", "", []byte("SQLite format 3\x00..."), 422, "a database and no backup", false},
		{"something", "x.bin", "", []byte("something"), 422, "This is no backup of Specter", false},
	} {
		status, head, page := v.send(at, c.name, c.data, c.secret)
		if status == 303 {
			t.Errorf("%s leads to %v", c.what, head)
			continue
		}
		if status != c.status || !strings.Contains(page, c.says) || strings.Contains(page, `data-test="restore-again"`) != c.kept {
			t.Errorf("%s answers %d: %s", c.what, status, regexp.MustCompile(`(?s)data-test="error".*?</div>`).FindString(page))
		}
		if old := strings.Contains(page, `data-test="to-import"`); old != (c.what == "the original's zip" || c.what == "a JSON file") {
			t.Errorf("%s: that it belongs to the take-over is said %v", c.what, old)
		}
		if strings.Contains(page, c.secret) && len(c.secret) > 5 {
			t.Errorf("%s: the page repeats the secret", c.what)
		}
		if c.kept {
			if _, head, _ := v.post(at+"/drop", nil); head.Get("Location") != "/settings/backups" {
				t.Errorf("%s: leaving it leads to %v", c.what, head)
			}
		}
		if left := leftBehind(t, dir); len(left) > 0 {
			t.Errorf("%s leaves %v", c.what, left)
		}
	}
	if status, _, _ := v.send(at, "a.age", readAll(t, byKey), "# public key: "+public+" "+strings.ToLower(secretKey)); status != 303 {
		t.Errorf("an identity file in one line answers %d", status)
	}
	if h.record(walletRef("spending")).Name == "" || h.restores.decision() != nil {
		t.Error("something changed")
	}
}

func anotherKey(t *testing.T) string {
	t.Helper()
	secret, _, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// newerBackup is one in a layout of times to come.
func newerBackup(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(context.Background(), filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	raw := openRaw(t, filepath.Join(dir, databaseFile))
	if _, err := raw.Exec(`INSERT INTO schema (version, name, applied) VALUES (9999, 'later', 0)`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	path := filepath.Join(t.TempDir(), "newer.age")
	if _, err := backup.Make(context.Background(), path, backup.Manifest{Program: "99", Made: time.Now(), Instance: "x", Schema: 9999}, []backup.Part{partOf(filepath.Join(dir, databaseFile), backup.Database)}, backupLock); err != nil {
		t.Fatal(err)
	}
	return readAll(t, path)
}

// Guesses at a passphrase wait as those at a login do.
func TestGuessesAtABackupWait(t *testing.T) {
	dir, file := storyBackup(t)
	now := time.Now()
	h := openTurning(t, Config{Demo: &Demo{}, DataDir: dir, Now: func() time.Time { return now }})
	at := h.URL() + "settings/backups/restore"
	v := newVisitor(t).in(h)
	if status, _, _ := v.send(at, "a.age", readAll(t, file), "a guess"); status != 403 {
		t.Fatalf("it answers %d", status)
	}
	for i := range 4 {
		if status, _, _ := v.post(at, url.Values{"secret-text": {fmt.Sprint("guess ", i)}}); status != 403 {
			t.Errorf("guess %d answers %d", i, status)
		}
	}
	status, head, page := v.post(at, url.Values{"secret-text": {backupLock.Passphrase}})
	if status != 429 || head.Get("Retry-After") == "" || !strings.Contains(page, "Too many attempts") || !strings.Contains(page, `data-test="restore-again"`) {
		t.Errorf("the sixth answers %d %v", status, head)
	}
	now = now.Add(time.Minute)
	if status, _, _ := v.post(at, url.Values{"secret-text": {backupLock.Passphrase}}); status != 303 {
		t.Errorf("a minute later: %d", status)
	}
}

// A state in which nobody logs in is not restored where other machines come in; and one that cannot
// be opened is put away again, with the state from before in its place.
func TestAStateThatCannotHoldIsNotRestored(t *testing.T) {
	h := open(t, Config{})
	openToAll(t, h)
	open1 := h.cfg.DataDir
	h.stop()
	file := backUp(t, open1)
	dir, _ := storyBackup(t)
	house := openTurning(t, Config{DataDir: dir, Host: "0.0.0.0", InsecureHTTP: true})
	at := house.URL() + "settings/backups/restore"
	v := newVisitor(t).in(house)
	if status, _, page := v.send(at, "a.age", readAll(t, file), backupLock.Passphrase); status != 409 || !strings.Contains(page, "nobody logs in") {
		t.Errorf("it answers %d", status)
	}
	if left := leftBehind(t, dir); len(left) > 0 {
		t.Errorf("%v stays behind", left)
	}
}

// What cannot be opened after all is put away, the state from before comes back, and who decided on
// it is told why.
func TestARestoredStateThatDoesNotOpenGivesWay(t *testing.T) {
	dir, file := storyBackup(t)
	h := openTurning(t, Config{Demo: &Demo{}, DataDir: dir})
	base := strings.TrimSuffix(h.URL(), "/")
	v := newVisitor(t).in(h)
	at := base + "/settings/backups/restore"
	if status, _, page := v.send(at, "a.age", readAll(t, file), backupLock.Passphrase); status != 303 {
		t.Fatalf("it answers %d %s", status, page)
	}
	_, _, page := v.get(at)
	staged := filepath.Join(dir, stageFolder, databaseFile)
	if err := os.WriteFile(staged, junk(4096), 0o600); err != nil { // the disk fails between looking and doing
		t.Fatal(err)
	}
	_, head, _ := v.post(at+"/take", url.Values{"id": {idOn(t, page)}, "current": {ownersWord}})
	status, _, page := v.come(h, head, base)
	if status != 503 || !strings.Contains(page, "Nothing was restored") {
		t.Errorf("afterwards: %d %s", status, page)
	}
	if status, _, page = v.get(base + "/wallets/savings_2_of_3/history"); status != 200 || !strings.Contains(page, "Sold the bicycle") {
		t.Errorf("the old state answers its owner %d", status)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*")); len(left) > 0 {
		t.Errorf("%v stays behind", left)
	}
}

func junk(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// What nobody works on any more goes: the file and what came out of it.
func TestWhatWasSentIsForgotten(t *testing.T) {
	dir, file := storyBackup(t)
	h := openTurning(t, Config{Demo: &Demo{}, DataDir: dir})
	at := h.URL() + "settings/backups/restore"
	v := newVisitor(t).in(h)
	for _, secret := range []string{"wrong wrong wrong", backupLock.Passphrase} {
		v.send(at, "a.age", readAll(t, file), secret)
		h.restores.expire(time.Now().Add(keptFor - time.Minute))
		if left := leftBehind(t, dir); len(left) != 1 {
			t.Errorf("kept are %v", left)
		}
		h.restores.expire(time.Now().Add(keptFor + time.Minute))
		if left := leftBehind(t, dir); len(left) != 0 {
			t.Errorf("after half an hour there are %v", left)
		}
		if s := h.restores.RestoreState(); s.File != "" || s.Found != nil {
			t.Errorf("the page still tells of %+v", s)
		}
	}
	v.send(at, "a.age", readAll(t, file), backupLock.Passphrase)
	h.stop()
	if left := leftBehind(t, dir); len(left) != 0 {
		t.Errorf("a program that ended leaves %v", left)
	}
}

// A backup that is made on the way of a restore stays: no work of the house is swept away under it.
func TestBackupsGoOnWhileARestoreIsLookedAt(t *testing.T) {
	dir, file := storyBackup(t)
	h := openTurning(t, Config{Demo: &Demo{}, DataDir: dir})
	_, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.settings.ChangeBackup(context.Background(), func(b *setting.Backup) error { b.Recipients = []string{public}; return nil }); err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t).in(h)
	errc := make(chan error)
	go func() {
		var err error
		for range 5 {
			if _, e := h.backups.Auto(context.Background()); e != nil {
				err = e
			}
		}
		errc <- err
	}()
	for range 3 {
		if status, _, page := v.send(h.URL()+"settings/backups/restore", "a.age", readAll(t, file), backupLock.Passphrase); status != 303 {
			t.Errorf("it answers %d %.500s", status, page)
		}
		v.post(h.URL()+"settings/backups/restore/drop", nil)
	}
	if err := <-errc; err != nil {
		t.Error(err)
	}
}

func partOf(path, name string) backup.Part {
	return backup.Part{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

func openRaw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// The ports stay over a restore: HTTPS, its plain requests and the further port go on by the same
// numbers, also for a second one.
func TestARestoreUnderHTTPS(t *testing.T) {
	dir, file := storyBackup(t)
	h := openTurning(t, Config{DataDir: dir, TLS: TLS{Mode: TLSSelfSigned, HTTPPort: testkit.Port(t)}})
	plain := "http://" + h.plainPort.Addr().String()
	base := strings.TrimSuffix(h.URL(), "/")
	for range 2 {
		v := newVisitor(t)
		v.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		v.in(h)
		at := base + "/settings/backups/restore"
		if status, _, page := v.send(at, "a.age", readAll(t, file), backupLock.Passphrase); status != 303 {
			t.Fatalf("it answers %d %s", status, page)
		}
		_, _, page := v.get(at)
		_, head, _ := v.post(at+"/take", url.Values{"id": {idOn(t, page)}, "current": {ownersWord}})
		if _, head, _ = v.come(h, head, base); head.Get("Location") != "/auth/login?restored=yes" {
			t.Errorf("afterwards: %v", head)
		}
		if h.URL() != base+"/" {
			t.Errorf("it is at %s and was at %s", h.URL(), base)
		}
		for _, from := range []string{plain, "http" + strings.TrimPrefix(base, "https")} {
			if status, head, _ := newVisitor(t).get(from + "/overview"); status != 308 || !strings.HasPrefix(head.Get("Location"), base) {
				t.Errorf("%s answers %d %v", from, status, head)
			}
		}
	}
}
