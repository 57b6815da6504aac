package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/web"
)

const ageHead = "age-encryption.org/v1\n-> scrypt abc 18\n"

// sendBackup posts the form with a file and what opens it.
func (c *client) sendBackup(path, file, secret string) answer {
	c.t.Helper()
	return c.uploadWith(path, "file", map[string]string{"mine.specter-backup.age": file}, url.Values{"secret-text": {secret}})
}

func visitRestores(t *testing.T, g *gatehouse) (*client, *restorer) {
	k := newRestorer("")
	return visit(t, g, func(c *web.Config) { c.Restores, c.Backups, c.Imports = k, &keeper{h: c.Settings.(*house)}, oldOnes{} }), k
}

func TestTheOwnersRestoreShowsTheDifferenceFirst(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c, k := visitRestores(t, g)
	c.login("admin", "correct horse").want(200)
	c.get("/settings/backups").want(200).says("to-restore", "Restore a backup")
	at := "/settings/backups/restore"
	a := c.get(at).want(200)
	if a.one("restore-form") == "" || a.one("restore-back") != "" || a.field("current") != nil {
		t.Errorf("the page is %s", a.body)
	}
	a = c.sendBackup(at, ageHead+"data", backupWord).want(200)
	if a.path != at || k.sent != ageHead+"data" {
		t.Fatalf("led to %s, sent was %q", a.path, k.sent)
	}
	a.says("restore-wallet", "Wallets").says("restore-login", "satoshi").says("restore-loses", "set aside").says("restore-problems", "no addresses").says("names-label", "1 goes 2 come 1 changes").says("names-label", "label gone").says("names-label", "and 7 more")
	if a.one("names-setting") != "" {
		t.Error("settings, whose names are for programs, are named")
	}
	// the password is asked anew, and a wrong one leaves everything as it is
	for _, password := range []string{"", "wrong"} {
		if a = c.post(at+"/take", url.Values{"id": {"found-1"}, "current": {password}}).want(403); a.one("restore-found") == "" || a.one("error") == "" || k.done {
			t.Fatalf("with the password %q: %s", password, a.body)
		}
	}
	g.tooFast = 3 * time.Second
	if a = c.post(at+"/take", url.Values{"id": {"found-1"}, "current": {"correct horse"}}).want(429); a.header.Get("Retry-After") != "3" {
		t.Errorf("who guesses is told to wait %q", a.header.Get("Retry-After"))
	}
	g.tooFast = 0
	c.post(at+"/take", url.Values{"id": {"other"}, "current": {"correct horse"}}).want(409)
	a = c.post(at+"/take", url.Values{"id": {"found-1"}, "current": {"correct horse"}}).want(200).says("restoring", "goes on by itself")
	if a.header.Get("Refresh") != "3; url=/auth/restored?ticket=the-ticket" || a.header.Get("Cache-Control") != "no-store" || strings.Contains(a.body, `id="nav"`) {
		t.Errorf("the waiting page goes on to %q", a.header.Get("Refresh"))
	}
	if a = c.get("/auth/restored?ticket=another"); a.path == "/auth/login?restored=yes" {
		t.Error("another's ticket tells how it went")
	}
	g.end(func(auth.Session) bool { return true })
	if a = c.get("/auth/restored?ticket=the-ticket").want(200); a.path != "/auth/login?restored=yes" {
		t.Errorf("it leads to %s", a.path)
	}
	a.says("note", "restore is done")
	k.out.Trouble = "the disk is full"
	c.get("/auth/restored?ticket=the-ticket").want(503).says("error", "The disk is full").says("not-restored", "as it was")
}

// What is refused says why; the file need not be sent twice, and no secret is repeated.
func TestARefusedBackupIsToldPlainly(t *testing.T) {
	c, k := visitRestores(t, newGatehouse(auth.MethodNone))
	at := "/settings/backups/restore"
	c.sendBackup(at, "PK\x03\x04....", "x").want(422).says("error", "zip file").says("to-import", "old Specter")
	c.sendBackup(at, "%PDF-1.7", "x").want(422).says("error", "PDF")
	c.post(at, url.Values{"secret-text": {"x"}}).want(422).says("error", "Choose the file")
	a := c.sendBackup(at, ageHead, "my wrong guess").want(403)
	a.says("error", "does not open").says("restore-file", "mine.specter-backup.age")
	if strings.Contains(a.body, "my wrong guess") {
		t.Error("the page repeats what was typed as a secret")
	}
	c.get(at).want(200).says("restore-file", "mine.specter-backup.age")
	k.fast = 5 * time.Second
	if a = c.post(at, url.Values{"secret-text": {backupWord}}).want(429); a.header.Get("Retry-After") != "5" || a.one("restore-file") == "" {
		t.Error("a guess too many loses the file, or is not told to wait")
	}
	k.fast = 0
	k.state.Key = true
	if a = c.get(at); !strings.Contains(a.one("restore-again"), "Secret key") {
		t.Errorf("a file that a key opens asks for %s", a.one("restore-again"))
	}
	k.state.Key = false
	a = c.post(at, url.Values{"secret-text": {backupWord}}).want(200)
	if a.one("restore-found") == "" || a.field("current") != nil {
		t.Errorf("nobody logs in here: %s", a.body)
	}
	if a = c.post(at+"/drop", nil).want(200); a.path != "/settings/backups" || k.state.Found != nil {
		t.Errorf("leaving it leads to %s", a.path)
	}
	k.state = web.RestoreState{Running: true}
	if a = c.get(at).want(200); a.one("running") == "" || !strings.Contains(a.body, `hx-trigger="every 2s"`) {
		t.Error("what is under way is not told")
	}
	k.state = web.RestoreState{Trouble: errs.E(errs.Invalid, "the backup is damaged or cut off")}
	c.get(at).want(200).says("error", "damaged or cut off")
}

func TestWhatWasBeforeIsOfferedAgain(t *testing.T) {
	c, k := visitRestores(t, newGatehouse(auth.MethodNone))
	at := "/settings/backups/restore"
	c.post(at+"/back", nil).want(409).says("error", "No restore")
	k.state.Back = time.Unix(1_790_000_000, 0)
	c.get("/settings/backups").want(200).says("to-restore", "Restore")
	c.get(at).want(200).says("restore-back", "set a state aside")
	a := c.post(at+"/back", nil).want(200)
	if a.path != at || !strings.Contains(a.body, "What was before") || !strings.Contains(a.body, "Bring this state back") {
		t.Errorf("led to %s: %s", a.path, a.body)
	}
	c.post(at+"/take", url.Values{"id": {"found-1"}}).want(200).says("restoring", "goes on")
}

// While nobody owns this Specter, the link's holder restores in its frame, and is led on.
func TestTheFirstStartBringsSomethingAlong(t *testing.T) {
	g := newGatehouse(auth.MethodUnset)
	c, k := visitRestores(t, g)
	a := c.get("/setup?secret=setup-secret").want(200)
	if a.one("have-backup") == "" || a.one("have-old") == "" {
		t.Fatalf("the first start offers nothing: %s", a.body)
	}
	at := "/setup/restore?secret=setup-secret"
	a = c.get(at).want(200)
	if a.one("restore-form") == "" || strings.Contains(a.body, `id="nav"`) || !strings.Contains(a.body, "/setup?secret=setup-secret&amp;then=import") {
		t.Fatalf("the page is %s", a.body)
	}
	c.sendBackup(at, "PK\x03\x04....", "x").want(422).says("to-import", "old Specter")
	c.sendBackup(at, ageHead, "wrong").want(403).says("restore-again", "mine")
	a = c.post(at, url.Values{"secret-text": {backupWord}}).want(200)
	if a.path != at || a.field("current") != nil || a.one("restore-found") == "" {
		t.Fatalf("led to %s", a.path)
	}
	if !strings.Contains(a.body, `action="/setup/restore/take?secret=setup-secret"`) {
		t.Errorf("the form is %s", a.body)
	}
	if a = c.post("/setup/restore/drop?secret=setup-secret", nil).want(200); a.path != "/setup?secret=setup-secret" {
		t.Errorf("leaving it leads to %s", a.path)
	}
	c.sendBackup(at, ageHead, backupWord).want(200)
	c.post("/setup/restore/take?secret=setup-secret", url.Values{"id": {"found-1"}}).want(200).says("restoring", "goes on")
	k.out.Link = "setup-secret" // the other state has no owner either
	if a = c.get("/auth/restored?ticket=the-ticket").want(200); a.path != "/setup?secret=setup-secret" {
		t.Errorf("it leads to %s", a.path)
	}
}

// Who comes from an old Specter chooses a login and is led to the take-over.
func TestAnOldSpecterIsTakenOverAfterTheFirstStart(t *testing.T) {
	g := newGatehouse(auth.MethodUnset)
	c, _ := visitRestores(t, g)
	a := c.get("/setup?secret=setup-secret&then=import").want(200)
	a.says("then-import", "old Specter is taken over")
	if a.one("have-old") != "" || attr(a.field("then"), "value") != "import" {
		t.Errorf("the page is %s", a.body)
	}
	form := url.Values{"secret": {"setup-secret"}, "then": {"import"}, "name": {"Satoshi"}, "password": {"short"}, "again": {"short"}}
	if a = c.post("/setup", form).want(422); attr(a.field("then"), "value") != "import" || attr(a.field("name"), "value") != "Satoshi" {
		t.Error("a refused form forgets what was wanted")
	}
	form.Set("password", "long enough")
	form.Set("again", "long enough")
	if a = c.post("/setup", form).want(200); a.path != "/settings/import" {
		t.Errorf("led to %s", a.path)
	}
}

// Over a way on which everybody reads along no passphrase is taken.
func TestNoBackupIsOpenedInPlain(t *testing.T) {
	for method, at := range map[auth.Method]string{auth.MethodUnset: "/setup/restore?secret=setup-secret", auth.MethodNone: "/settings/backups/restore"} {
		k := newRestorer("")
		c := visit(t, newGatehouse(method), func(c *web.Config) {
			c.Restores = k
			c.Unsafe = func(*http.Request) error { return errs.E(errs.Denied, "this connection is not encrypted") }
		})
		c.sendBackup(at, ageHead, backupWord).want(403).says("error", "not encrypted")
		path, query, _ := strings.Cut(at, "?")
		k.state.Found = k.found("x")
		c.post(path+"/take?"+query, url.Values{"id": {"found-1"}}).want(403).says("error", "not encrypted")
		if k.sent != "" || k.done {
			t.Errorf("at %s something was taken", at)
		}
	}
}

// An empty house of the owner's offers the same; a member's does not, nor one with wallets.
func TestAnEmptyHouseOffersToBringSomethingAlong(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	h := newHouse("")
	h.wallets, h.devices = nil, nil
	c := visitHouse(t, h, g, nil)
	c.login("admin", "correct horse").want(200)
	c.get("/welcome").want(200).says("bring-along", "I have a backup").says("have-old", "old Specter")
	m := c.another()
	m.login("bob", "battery staple").want(200)
	if a := m.get("/welcome").want(200); a.one("bring-along") != "" {
		t.Error("a member is offered to replace the house")
	}
	full, _ := visitRestores(t, newGatehouse(auth.MethodNone))
	if a := full.get("/welcome").want(200); a.one("bring-along") != "" {
		t.Error("a house with wallets offers it on its first page")
	}
}

// Every field of the page about backups is kept, and a refusal keeps what was typed.
func TestTheBackupsFormKeepsEveryField(t *testing.T) {
	c := open(t, newHouse(""))
	_, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	at := "/settings/backups"
	form := url.Values{"recipients": {public}, "folder": {"/media/stick"}, "every": {"weekly"}, "on-change": {"yes"}, "keep": {"9"}}
	c.post(at, form).want(200).says("flash", "Settings saved.")
	b, err := setting.New(c.h).Backup(t.Context())
	if err != nil || len(b.Recipients) != 1 || b.Recipients[0] != public || b.Folder != "/media/stick" || b.Every != "weekly" || !b.OnChange || b.Keep != 9 {
		t.Fatalf("kept %+v, %v", b, err)
	}
	shown := c.get(at).want(200).fields(at)
	for name := range form {
		if strings.TrimSpace(shown.Get(name)) != form.Get(name) {
			t.Errorf("the form shows %s=%q", name, shown.Get(name))
		}
	}
	for name, bad := range map[string][2]string{
		"a key that is none": {"recipients", "age1nonsense"}, "a secret key": {"recipients", "AGE-SECRET-KEY-1QQ"}, "no number": {"keep", "many"}, "too many": {"keep", "100000"},
		"none": {"keep", "0"}, "a clock": {"every", "hourly"}, "a switch": {"on-change", "perhaps"}, "a folder that is no path": {"folder", "relative/path"},
	} {
		t.Run(name, func(t *testing.T) {
			typed := url.Values{"recipients": {public + " "}, "folder": {"/elsewhere"}, "every": {"daily"}, "on-change": {"no"}, "keep": {"11"}}
			typed.Set(bad[0], bad[1])
			a := c.post(at, typed).want(422)
			if a.one("error") == "" {
				t.Error("no sentence says why")
			}
			got := a.fields(at)
			for field := range typed {
				if field == bad[0] && (field == "every" || field == "on-change") {
					continue // what is no choice cannot be shown as one
				}
				if strings.TrimSpace(got.Get(field)) != strings.TrimSpace(typed.Get(field)) {
					t.Errorf("%s was typed as %q and is shown as %q", field, typed.Get(field), got.Get(field))
				}
			}
			if now, _ := setting.New(c.h).Backup(t.Context()); now.Keep != 9 || now.Every != "weekly" {
				t.Errorf("stored %+v", now)
			}
		})
	}
	c.post(at+"/download", url.Values{"passphrase": {"one two three four"}, "again": {"another"}}).want(422).says("error", "differ")
	c.post(at+"/download", url.Values{"passphrase": {"short"}, "again": {"short"}}).want(422).says("error", "at least")
	if a := c.post(at+"/download", url.Values{"passphrase": {"one two three four"}, "again": {"one two three four"}}).want(200); a.body != "data" || !strings.Contains(a.header.Get("Content-Disposition"), "one.age") {
		t.Errorf("the download is %q", a.body)
	}
	if a := c.post(at+"/key", nil).want(200); !strings.HasPrefix(a.one("secret"), "AGE-SECRET-KEY-1") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the new key is %q", a.one("secret"))
	}
	if b, _ = setting.New(c.h).Backup(t.Context()); len(b.Recipients) != 2 {
		t.Errorf("after a new pair there are %d keys", len(b.Recipients))
	}
	c.post(at+"/now", nil).want(200).says("flash", "12.3 MB")
	c.get(at).want(200).says("backup-state", "/media/stick/one.age")
	c.post(at, url.Values{"recipients": {""}}).want(422).says("error", "need a public key")
	c.post(at, url.Values{"recipients": {""}, "every": {""}, "on-change": {"no"}}).want(200)
	c.post(at+"/now", nil).want(409).says("error", "no public key")
}
