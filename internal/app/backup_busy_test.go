package app

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"specter/internal/backup"
	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// heldUpMost is how long somebody who writes may wait for a backup at most. It is some ten times
// what was seen on two busy cores.
const heldUpMost = 5 * time.Second

// typist writes labels one after the other, each of them twice, until it is told to stop.
type typist struct {
	waits []time.Duration
	last  int
}

func (w *typist) write(t *testing.T, ctx context.Context, h *house, ref wallet.Ref) {
	for i := 1; ctx.Err() == nil; i++ {
		for _, key := range []string{"a", "b"} {
			begun := time.Now()
			if err := h.wallets.SetLabel(context.Background(), ref, wallet.LabelTx, fmt.Sprintf("%s%063x", key, i), fmt.Sprint("word ", i)); err != nil {
				t.Error(err)
				return
			}
			w.waits = append(w.waits, time.Since(begun))
		}
		w.last = i
	}
}

// Backups of a Specter that works with its node: wallets are written to, blocks come, a wallet is
// looked through again and again. Each is of one moment and restores; nobody waits for it.
func TestBackupsWhileANodeTellsNews(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	d := h.keys("Red")[0]
	r, err := h.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: "Busy", ScriptType: "wpkh", Keys: []string{d.KeysFor(btc.Regtest, "wpkh")[0].Expression()}})
	if err != nil {
		t.Fatal(err)
	}
	pad(t, filepath.Join(h.cfg.DataDir, databaseFile), 40_000)
	work, stop := context.WithCancel(ctx)
	defer stop()
	var wait sync.WaitGroup
	w := &typist{}
	wait.Go(func() { w.write(t, work, h, r.Ref()) })
	wait.Go(func() {
		for work.Err() == nil {
			a, err := h.wallets.NewAddress(ctx, r.Ref())
			if err != nil {
				t.Error(err)
				return
			}
			n.Send(a.Address, "0.01")
			n.Mine(1)
		}
	})
	rescans := 0
	wait.Go(func() {
		for work.Err() == nil {
			switch err := h.wallets.Rescan(ctx, r.Ref(), 0); {
			case err == nil:
				rescans++
			case !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.Unavailable):
				t.Errorf("look through the blocks: %v", err)
				return
			}
			select {
			case <-work.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	dir := t.TempDir()
	var took []time.Duration
	for i := range 6 {
		begun := time.Now()
		if _, err := h.backups.Make(ctx, filepath.Join(dir, fmt.Sprint(i)), backupLock); err != nil {
			t.Error(err)
		}
		took = append(took, time.Since(begun))
	}
	stop()
	wait.Wait()
	most := 0
	for i := range 6 {
		most = max(most, ofOneMoment(t, filepath.Join(dir, fmt.Sprint(i))))
	}
	slices.Sort(w.waits)
	longest := w.waits[len(w.waits)-1]
	t.Logf("6 backups took %v; %d words were written meanwhile, the middle one in %v, the slowest in %v; %d rescans", took, len(w.waits), w.waits[len(w.waits)/2], longest, rescans)
	if longest > heldUpMost {
		t.Errorf("somebody waited for %v", longest)
	}
	if most < 10 || most > w.last || rescans == 0 {
		t.Errorf("the last backup has %d words of %d, %d rescans: nothing went on", most, w.last, rescans)
	}
	h.stop()
	into := filepath.Join(t.TempDir(), "new")
	restoring, err := OpenRestore(ctx, Config{DataDir: into, Log: quiet(), Now: time.Now}, filepath.Join(dir, "5"), backupKeys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := restoring.Commit(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := restoring.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, Config{DataDir: into})
	eventually(t, "the restored wallet is as the node says", func() (bool, string) {
		have, want := fmt.Sprint(h.ourCoins(r.Ref())), fmt.Sprint(coreCoins(t, n, h.record(r.Ref()).NodeName))
		return have == want, fmt.Sprintf("%s, not %s", have, want)
	})
	h.agree(n, actor{kind: "wpkh", ref: r.Ref()}, "after the restore")
}

// pad makes a database larger, so that copying it takes a while.
func pad(t *testing.T, path string, rows int) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO labels (wallet, kind, ref, label, search) SELECT (SELECT min(id) FROM wallets), 'tx', printf('%064x', i + 1000000000), hex(randomblob(40)), '' FROM n`, rows); err != nil {
		t.Fatal(err)
	}
}

// ofOneMoment restores a backup and looks at the words that were written one after the other: none
// is missing before the last, and none is there without the one before. It returns the last.
func ofOneMoment(t *testing.T, file string) (last int) {
	t.Helper()
	ctx := context.Background()
	if d, err := RunDrill(ctx, file, backupKeys); err != nil || len(d.Problems) > 0 {
		t.Errorf("%s: %v %v", file, err, d.Problems)
	}
	into := filepath.Join(t.TempDir(), "new")
	r, err := OpenRestore(ctx, Config{DataDir: into, Log: quiet(), Now: time.Now}, file, backup.Keys{Passphrase: backupLock.Passphrase})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	db, err := sql.Open("sqlite", filepath.Join(into, stageFolder, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var a, b, lastA, lastB int
	err = db.QueryRow(`SELECT sum(ref LIKE 'a%'), sum(ref LIKE 'b%'), max(CASE WHEN ref LIKE 'a%' THEN cast(substr(label, 6) AS INTEGER) ELSE 0 END), max(CASE WHEN ref LIKE 'b%' THEN cast(substr(label, 6) AS INTEGER) ELSE 0 END)
		FROM labels WHERE label LIKE 'word %'`).Scan(&a, &b, &lastA, &lastB)
	if err != nil || a != lastA || b != lastB || a != b && a != b+1 {
		t.Errorf("%s is of no one moment: %d words to %d, %d to %d, %v", file, a, lastA, b, lastB, err)
	}
	return a
}
