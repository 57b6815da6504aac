package app

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"specter/internal/backup"
	"specter/internal/store"
)

// killedChild restores or backs up without end, in a process that is killed at any moment.
func killedChild(what string) int {
	ctx := context.Background()
	dir, file := os.Getenv("SPECTER_TEST_DATA"), os.Getenv("SPECTER_TEST_FILE")
	c := Config{DataDir: dir, Log: quiet(), Now: time.Now}
	fmt.Println("begun")
	for {
		var err error
		if what == "restores" {
			var r *Restoring
			if r, err = OpenRestore(ctx, c, file, backupKeys); err == nil {
				if _, err = r.Commit(time.Now()); err == nil {
					err = r.Close()
				}
			}
		} else {
			var d *Desk
			if d, err = OpenDesk(ctx, c, false); err == nil {
				_, err = d.MakeBackup(ctx, file, backupLock)
				d.Close()
			}
		}
		if err != nil {
			fmt.Println("failed:", err)
			return 1
		}
	}
}

// killed runs a child and kills it after so long.
func killed(t *testing.T, what, dir, file string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what, "SPECTER_TEST_DATA="+dir, "SPECTER_TEST_FILE="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var word [6]byte
	if _, err := out.Read(word[:]); err != nil {
		t.Fatal(err)
	}
	<-time.After(after) // the moment of the kill is what is tried, not waited for
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// A process that is killed while it restores leaves the old or the new state; one that is killed
// while it backs up leaves the last good backup, which restores.
func TestKilledWhileRestoringAndBackingUp(t *testing.T) {
	old, newer := told(t), told(t)
	file := backUp(t, newer)
	want, was := stateOf(t, newer), stateOf(t, old)
	rounds := 16
	if testing.Short() {
		rounds = 4
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("the moments are those of the seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	moment := func() time.Duration { return time.Duration(moments.Int64N(int64(220 * time.Millisecond))) }
	for i := range rounds {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
			t.Fatal(err)
		}
		killed(t, "restores", dir, file, moment())
		f, err := openFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		have := stateOf(t, dir)
		if fmt.Sprint(have["settings"]) == fmt.Sprint(was["settings"]) {
			sameState(t, fmt.Sprintf("round %d: old", i), was, have)
		} else {
			sameState(t, fmt.Sprintf("round %d: new", i), want, have)
		}
		os.RemoveAll(dir)
	}
	mine := backUp(t, old)
	for i := range rounds {
		killed(t, "backs up", old, mine, moment())
		if d, err := RunDrill(context.Background(), mine, backupKeys); err != nil || len(d.Problems) > 0 {
			t.Fatalf("round %d: the last good backup: %v %v", i, err, d.Problems)
		}
		f, err := openFolder(old)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if left, _ := filepath.Glob(filepath.Join(old, ".*")); len(left) > 0 {
			t.Fatalf("round %d: %v stays behind", i, left)
		}
	}
	sameState(t, "backed up only", was, stateOf(t, old))
}

// Whatever stands in the tables comes back, letter for letter.
func TestRandomStatesComeBack(t *testing.T) {
	base := told(t)
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue { // each one writes files and syncs them
		if err := flag.Set("rapid.checks", "20"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set("rapid.checks", f.DefValue) })
	}
	rapid.Check(t, func(rt *rapid.T) {
		top, err := os.MkdirTemp("", "specter-random-")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(top)
		dir, into, file := filepath.Join(top, "a"), filepath.Join(top, "b"), filepath.Join(top, "f"+backup.Extension)
		if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
			rt.Fatal(err)
		}
		scribble(rt, filepath.Join(dir, databaseFile))
		d := deskAt(t, dir)
		_, err = d.MakeBackup(context.Background(), file, backupLock)
		d.Close()
		if err != nil {
			rt.Fatal(err)
		}
		want := stateOf(t, dir)
		r, err := OpenRestore(context.Background(), Config{DataDir: into, Log: quiet(), Now: time.Now}, file, backupKeys)
		if err != nil {
			rt.Fatal(err)
		}
		if _, err := r.Commit(time.Now()); err != nil {
			rt.Fatal(err)
		}
		if err := r.Close(); err != nil {
			rt.Fatal(err)
		}
		sameState(t, "a random state", want, stateOf(t, into))
		db, err := store.Open(context.Background(), filepath.Join(into, databaseFile))
		if err != nil {
			rt.Fatal(err)
		}
		db.Close()
	})
}

// scribble writes random words into the tables that people write.
func scribble(t *rapid.T, path string) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	text, bytes := rapid.StringN(0, 40, 200), rapid.SliceOfN(rapid.Byte(), 1, 300)
	for range rapid.IntRange(0, 12).Draw(t, "n") {
		run(`INSERT OR REPLACE INTO labels (wallet, kind, ref, label, search) SELECT id, ?, ?, ?, ? FROM wallets ORDER BY id LIMIT 1`,
			rapid.SampledFrom([]string{"tx", "addr", "output", "input", "pubkey", "xpub"}).Draw(t, "kind"), text.Draw(t, "ref"), text.Draw(t, "label"), text.Draw(t, "search"))
		run(`INSERT OR REPLACE INTO frozen (wallet, txid, vout) SELECT id, ?, ? FROM wallets ORDER BY id LIMIT 1`, bytes.Draw(t, "txid"), rapid.Uint32().Draw(t, "vout"))
		run(`INSERT INTO drafts (wallet, revision, created, changed, state, note, token, psbt, final, txid, recipients, warnings, change, import) SELECT id, ?, ?, 3, 'unsigned', ?, '', ?, ?, ?, '[]', '[]', -1, 0 FROM wallets ORDER BY id LIMIT 1`,
			rapid.Int64().Draw(t, "revision"), rapid.Int64().Draw(t, "created"), text.Draw(t, "note"), bytes.Draw(t, "psbt"), bytes.Draw(t, "final"), bytes.Draw(t, "of"))
		run(`INSERT OR REPLACE INTO imports (owner, kind, name, ref, value, at) VALUES ('admin', 'kept', ?, ?, ?, ?)`, text.Draw(t, "name"), text.Draw(t, "ref"), bytes.Draw(t, "value"), rapid.Int64().Draw(t, "at"))
		run(`INSERT OR REPLACE INTO settings (owner, name, value) VALUES ('admin', ?, ?)`, "x-"+text.Draw(t, "setting"), text.Draw(t, "value"))
		run(`UPDATE wallets SET name = ? WHERE id = (SELECT min(id) FROM wallets)`, text.Draw(t, "wallet"))
		run(`DELETE FROM drafts WHERE id = ?`, rapid.IntRange(1, 20).Draw(t, "gone"))
	}
}
