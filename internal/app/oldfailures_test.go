package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/wallet"
)

// What people lost money, time or patience over with the old Specter, played again. The others
// are in the rooms they belong to: docs/parity.md lists them all.

// TestSigningThatTakesTwelveHours: a cosigner lives far away. The first signature is made in the
// morning, the program is started anew meanwhile, the second comes at night by the page that has
// been open since, when the login has long ended: nothing is lost, nobody starts again, the coins
// were held all day.
func TestSigningThatTakesTwelveHours(t *testing.T) {
	ctx := context.Background()
	var ahead atomic.Int64
	h := owned(t, Config{Demo: &Demo{}, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	ref := walletRef("savings_2_of_3")
	admin, err := h.auth.User(ctx, auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := h.logIn(admin, "correct horse battery")
	coins, err := h.wallets.Coins(ctx, ref, wallet.Query{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	coin := coins.Rows[0]
	d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(3), Coins: []wire.OutPoint{coin.OutPoint}, Recipients: []wallet.Recipient{{Address: nobodys, Amount: coin.Amount / 2, Label: "Far away"}}})
	if err != nil {
		t.Fatal(err)
	}
	red, err := h.devices.Get(ctx, demoOwner, "red_key")
	if err != nil {
		t.Fatal(err)
	}
	d = h.sign(ref, d, red)

	ahead.Store(int64(12 * time.Hour))
	h = h.reopen()
	at := fmt.Sprintf("%swallets/savings_2_of_3/drafts/%d", h.URL(), d.ID)
	if r := h.record(ref); r.Balance.Reserved < coin.Amount {
		t.Errorf("%v held, want at least %v", r.Balance.Reserved, coin.Amount)
	}
	signed := h.signedBy(demoKeys[1].words, d.PSBT)
	if status, header, body := page.post(at+"/signatures", url.Values{"psbt": {base64.StdEncoding.EncodeToString(signed)}}); status != 303 || !strings.Contains(header.Get("Location"), "kept") {
		t.Fatalf("a signature after the login's end is answered %d %v: %s", status, header, body)
	}
	if status, _, body := page.post(h.URL()+"auth/login", url.Values{"username": {"admin"}, "password": {"correct horse battery"}}); status != 303 {
		t.Fatalf("the login answers %d: %s", status, body)
	}
	_, _, body := page.get(h.URL() + "auth/kept")
	waits := regexp.MustCompile(`/(auth/kept/[^"/]+/send)"`).FindStringSubmatch(body)
	if waits == nil {
		t.Fatalf("nothing was kept: %s", body)
	}
	if status, _, body := page.post(h.URL()+waits[1], nil); status != 303 {
		t.Fatalf("what was kept is answered %d: %s", status, body)
	}
	if status, _, body := page.get(at); status != 200 || !strings.Contains(body, "2 of 2") {
		t.Fatalf("the draft answers %d: %s", status, body)
	}
	if status, _, body := page.post(at+"/broadcast", url.Values{}); status != 303 {
		t.Fatalf("sending is answered %d: %s", status, body)
	}
	mine(t, h)
	h.sync(ref)
	if d, err = h.wallets.Draft(ctx, ref, d.ID); err != nil || d.State != "broadcast" {
		t.Errorf("the draft is %q, %v", d.State, err)
	}
}

// TestEmptyFilesAfterACrash: the old Specter wrote its files in place; a power cut left config.json
// with no byte in it, and the program did not start again. Here one database holds everything, and
// what a crash may leave beside it or instead of it stops nothing and loses nothing.
func TestEmptyFilesAfterACrash(t *testing.T) {
	dir := t.TempDir()
	h := open(t, Config{Demo: &Demo{}, DataDir: dir})
	before := h.record(walletRef("savings_2_of_3"))
	h.stop()
	db := databaseOf(t, dir)
	for _, name := range []string{filepath.Join(dir, "config.json"), filepath.Join(dir, "otps.json"), db + "-wal", db + "-shm", db + "-journal"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h = open(t, Config{Demo: &Demo{}, DataDir: dir})
	if after := h.record(walletRef("savings_2_of_3")); after.Balance != before.Balance || after.Descriptor != before.Descriptor || before.Balance.Confirmed == 0 {
		t.Errorf("the wallet was %+v and is %+v", before.Balance, after.Balance)
	}
	h.stop()

	// a crash in the very first moment: the file is there and empty, nobody has anything to lose
	fresh := t.TempDir()
	if err := os.WriteFile(filepath.Join(fresh, filepath.Base(db)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Demo: &Demo{}, DataDir: fresh}).stop()

	// half a database is refused in words and left as it is, for whoever repairs it
	whole, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(db, whole[:len(whole)/2/4096*4096], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = New(context.Background(), Config{Demo: &Demo{}, DataDir: dir, Host: "127.0.0.1", Log: quiet(), Now: time.Now})
	if err == nil {
		t.Fatal("half a database was opened as if nothing were missing")
	}
	t.Logf("half a database: %v", err)
	if now, _ := os.ReadFile(db); len(now) != len(whole)/2/4096*4096 {
		t.Errorf("the damaged file was changed: %d bytes", len(now))
	}
}

// databaseOf finds the one database of a data folder.
func databaseOf(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil || len(found) != 1 {
		t.Fatalf("databases: %v, %v", found, err)
	}
	return found[0]
}
