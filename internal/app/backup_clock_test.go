package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"specter/internal/backup"
	"specter/internal/btc"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// clock is a clock that tests set; each look at it moves it by a millisecond.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Millisecond)
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bell makes backups by itself as run does, with a clock that is moved by hand.
type bell struct {
	*house
	t      *testing.T
	clock  *clock
	folder string
	keys   backup.Keys
	w      *watch
}

func newBell(t *testing.T, choose func(*setting.Backup)) *bell {
	t.Helper()
	b := &bell{t: t, clock: &clock{at: time.Unix(1_800_000_000, 0)}, folder: t.TempDir(), w: &watch{writes: -1}}
	b.house, b.keys = kept(t, Config{Now: b.clock.now}, b.folder, 3)
	b.stop() // its own loop looks at the true time
	d, err := OpenDesk(context.Background(), b.cfg, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	b.App = d.app
	b.backups = b.newBackups()
	if _, err := b.settings.ChangeBackup(context.Background(), func(c *setting.Backup) error { choose(c); return nil }); err != nil {
		t.Fatal(err)
	}
	return b
}

// passes lets time pass and has the clock looked at as often as the program does, at most a
// hundred times; it returns how many backups were made.
func (b *bell) passes(d time.Duration) (made int) {
	b.t.Helper()
	steps := min(100, max(1, int(d/lookEvery)))
	for range steps {
		b.clock.move(d / time.Duration(steps))
		made += b.looks()
	}
	return made
}

// looks has the clock looked at once.
func (b *bell) looks() int {
	b.t.Helper()
	before, _ := b.backups.State(context.Background())
	if err := b.backups.look(context.Background(), b.w); err != nil {
		b.t.Fatal(err)
	}
	if after, _ := b.backups.State(context.Background()); after.Path != before.Path {
		return 1
	}
	return 0
}

func (b *bell) label(text string) {
	b.t.Helper()
	ctx := context.Background()
	all, err := b.db.AllWallets(ctx)
	if err != nil || len(all) == 0 {
		b.t.Fatal(len(all), err)
	}
	if err := b.wallets.SetLabel(ctx, all[0].Ref(), wallet.LabelTx, fmt.Sprintf("%064x", 7), text); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bell) made(what string, have, want int) {
	b.t.Helper()
	if have != want {
		b.t.Errorf("%s: %d backups were made, not %d", what, have, want)
	}
}

// A backup after each change of labels and wallets, once they rest; not for what is no word.
func TestABackupAfterEachChange(t *testing.T) {
	ctx := context.Background()
	b := newBell(t, func(c *setting.Backup) { c.OnChange = true })
	b.made("what was there before", b.passes(10*time.Minute), 1)
	b.made("nothing happens", b.passes(3*time.Hour), 0)
	b.label("one")
	b.made("right after", b.looks(), 0)
	b.made("a label", b.passes(5*time.Minute), 1)
	for i := range 6 {
		b.label(fmt.Sprint("typing ", i))
		b.made("still typing", b.passes(time.Minute), 0)
	}
	b.made("a person who rests", b.passes(5*time.Minute), 1)
	b.made("afterwards", b.passes(time.Hour), 0)
	devices, err := b.db.Devices(ctx, demoOwner)
	if err != nil || len(devices) == 0 {
		t.Fatal(err)
	}
	key := devices[0].KeysFor(btc.Regtest, "wpkh")
	w, err := b.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: "Another", ScriptType: "wpkh", Keys: []string{key[0].Expression()}})
	if err != nil {
		t.Fatal(err)
	}
	b.made("a wallet", b.passes(10*time.Minute), 1)
	if err := b.wallets.Rename(ctx, w.Ref(), "Renamed"); err != nil {
		t.Fatal(err)
	}
	b.made("its name", b.passes(10*time.Minute), 1)
	if _, err := b.wallets.NewAddress(ctx, w.Ref()); err != nil {
		t.Fatal(err)
	}
	b.made("an address that was handed out", b.passes(10*time.Minute), 1)
	b.made("nothing new", b.passes(time.Hour), 0)
	list := standing(t, b.folder, b.keys, 3)
	s, err := b.backups.State(ctx)
	if err != nil || s.Path != list[2] || s.Old(b.clock.now()) || !s.Old(b.clock.now().Add(31*24*time.Hour)) {
		t.Errorf("the state is %+v, %v", s, err)
	}
}

// Clocks that jump, and a program that slept.
func TestBackupsAndTheClock(t *testing.T) {
	ctx := context.Background()
	b := newBell(t, func(c *setting.Backup) { c.Every, c.Keep = setting.BackupDaily, 2 })
	b.made("the first", b.looks(), 1)
	b.made("before a day is over", b.passes(23*time.Hour), 0)
	b.made("after a day", b.passes(2*time.Hour), 1)
	b.clock.move(10 * 24 * time.Hour)
	b.made("asleep over ten days", b.looks(), 1)
	b.made("and awake again", b.passes(time.Hour), 0)
	b.clock.move(400 * 24 * time.Hour)
	b.made("a jump forwards", b.looks(), 1)
	b.clock.move(-400 * 24 * time.Hour)
	b.made("the clock is set right", b.looks(), 1)
	b.made("once", b.passes(20*time.Hour), 0)
	s, err := b.backups.State(ctx)
	if err != nil || s.Old(b.clock.now()) {
		t.Fatalf("the state is %+v, %v", s, err)
	}
	if _, err := os.Stat(s.Path); err != nil {
		t.Errorf("the newest backup was removed, as its name is not the greatest: %v", err)
	}
	standing(t, b.folder, b.keys, 2)
	b.made("the next day", b.passes(5*time.Hour), 1)
	for range 3 { // those of the future go first
		b.made("the next day", b.passes(25*time.Hour), 1)
	}
	for _, path := range standing(t, b.folder, b.keys, 2) {
		if filepath.Base(path) > backup.FileName(b.uid(), b.clock.now()) {
			t.Errorf("%s is of the future and still there", path)
		}
	}
	if !s.Old(b.clock.now().Add(-800 * 24 * time.Hour)) {
		t.Error("a backup of the future counts as one")
	}
}

func (b *bell) uid() string {
	uid, err := b.nodes.UID(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return uid
}

// A clock that is set back while words rest: nobody waits until it is there again.
func TestChangesWhileTheClockIsSetBack(t *testing.T) {
	b := newBell(t, func(c *setting.Backup) { c.OnChange = true })
	b.made("the first", b.passes(10*time.Minute), 1)
	b.label("before")
	b.made("it rests", b.passes(time.Minute), 0)
	b.clock.move(-500 * 24 * time.Hour)
	b.made("set back", b.passes(10*time.Minute), 1)
	b.label("after")
	b.made("and later", b.passes(10*time.Minute), 1)
}

// A step back goes to what was set aside last, whatever the clock said then.
func TestStepBackAfterTheClockWasSetBack(t *testing.T) {
	ctx := context.Background()
	dir := told(t)
	file := backUp(t, told(t))
	var want map[string][]string
	at := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	var names []string
	for _, at := range []time.Time{at, at.AddDate(-14, 0, 0), at.AddDate(-14, 0, 0)} {
		c := Config{DataDir: dir, Log: quiet(), Now: func() time.Time { return at }}
		want = stateOf(t, dir)
		r, err := OpenRestore(ctx, c, file, backupKeys)
		if err != nil {
			t.Fatal(err)
		}
		aside, err := r.Commit(at)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		names = append(names, aside)
		d := deskAt(t, dir) // a word that only the next state has
		if err := d.app.db.PutSetting(ctx, demoOwner, "x", aside); err != nil {
			t.Fatal(err)
		}
		d.Close()
	}
	back, _, err := StepBack(Config{DataDir: dir, Log: quiet(), Now: func() time.Time { return at.AddDate(-14, 0, 1) }})
	if err != nil || back != names[2] || names[2] <= names[1] || names[1] <= names[0] {
		t.Errorf("back to %q of %q, %v", back, names, err)
	}
	sameState(t, "the last one", want, stateOf(t, dir))
}
