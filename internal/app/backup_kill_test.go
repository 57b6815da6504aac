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
	"strings"
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

// Whatever stands in the tables comes back, letter for letter: every table that is no cache.
func TestRandomStatesComeBack(t *testing.T) {
	base := told(t)
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue { // each one writes files and syncs them
		if err := flag.Set("rapid.checks", "20"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set("rapid.checks", f.DefValue) })
	}
	written := map[string]int64{}
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
		scribble(rt, filepath.Join(dir, databaseFile), written)
		for _, name := range []string{signersFile, "tls/a.key", "ssh/b", "tor/c"} {
			data := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(rt, name)
			if err := (&files{path: dir}).Write(name, data); err != nil {
				rt.Fatal(err)
			}
		}
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
		deskAt(t, into).Close()
		sameState(t, "and opened", want, stateOf(t, into))
	})
	for _, table := range store.Kept {
		if table != "schema" && written[table] == 0 {
			t.Errorf("nothing was ever written into %s, so nothing is proved of it; teach scribble what its rows look like", table)
		}
	}
}

// columns says what random rows cannot guess of columns: of "table.column", or "column" of all.
var columns = map[string]func(t *rapid.T) any{
	"role": constant("member"), "network": constant("regtest"), "active": constant(int64(0)), "id": nil, "users.id": text, "tokens.id": text, "agents.id": text,
	"owner": constant("admin"), "wallet": one, "device": one, "draft": one, "branch": constant(int64(0)), "scan_mode": constant(""), "scan_state": constant(""), "scan_found": constant(""),
	"fingerprint": blob(4), "tokens.hash": blob(32), "invitations.hash": blob(32), "agents.key": blob(32), "block_hash": blob(32),
	"gap": among(1, 10_000), "amount": among(0, 21e14), "labels.kind": anyOf("tx", "addr", "output", "input", "pubkey", "xpub"),
	"txs.txid": blob(32), "drafts.recipients": constant("[]"), "drafts.warnings": constant("[]"), "wallets.cosigners": constant("[]"), "drafts.token": text,
	"has_origin": bit, "autodetect": bit, "needs_secret": bit, "gone": bit, "related": bit, "replaceable": bit, "live": bit, "coinbase": bit, "coins.frozen": bit, "used": bit, "import": bit, "parents": bit,
	"settings.name": func(t *rapid.T) any { return "x-" + fmt.Sprint(text(t)) },
}

func constant(v any) func(*rapid.T) any { return func(*rapid.T) any { return v } }
func text(t *rapid.T) any               { return rapid.StringN(1, 40, 200).Draw(t, "text") }
func bit(t *rapid.T) any                { return among(0, 1)(t) }
func one(*rapid.T) any                  { return int64(1) }

func blob(n int) func(*rapid.T) any {
	return func(t *rapid.T) any { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes") }
}

func among(from, to int64) func(*rapid.T) any {
	return func(t *rapid.T) any { return rapid.Int64Range(from, to).Draw(t, "number") }
}

func anyOf(words ...string) func(*rapid.T) any {
	return func(t *rapid.T) any { return rapid.SampledFrom(words).Draw(t, "word") }
}

// scribble writes random rows into every table that a backup holds, also such as only the program
// writes, and changes and removes some; it counts the rows by table.
func scribble(t *rapid.T, path string, written map[string]int64) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range store.Kept {
		if table == "schema" {
			continue
		}
		for range rapid.IntRange(0, 3).Draw(t, table) {
			names, values := randomRow(t, db, table)
			marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
			// A row that clashes with one that is there is left out; one that may not be is, too, and the count shows it.
			r, err := db.Exec(`INSERT OR IGNORE INTO `+table+` (`+strings.Join(names, ", ")+`) VALUES (`+marks+`)`, values...)
			if err != nil {
				t.Fatalf("%s: %v", table, err)
			}
			n, _ := r.RowsAffected()
			written[table] += n
		}
	}
	for _, query := range []string{`DELETE FROM drafts WHERE id = ?`, `DELETE FROM history WHERE id = ?`, `UPDATE wallets SET name = name || ? WHERE id = 1`} {
		if _, err := db.Exec(query, rapid.IntRange(1, 20).Draw(t, "row")); err != nil {
			t.Fatal(err)
		}
	}
}

// randomRow makes a row of a table by what its schema says.
func randomRow(t *rapid.T, db *sql.DB, table string) (names []string, values []any) {
	rows, err := db.Query(`SELECT name, type, "notnull" FROM pragma_table_info(?)`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, kind string
		var must bool
		if err := rows.Scan(&name, &kind, &must); err != nil {
			t.Fatal(err)
		}
		of, known := columns[table+"."+name]
		if !known {
			of, known = columns[name]
		}
		switch {
		case known && of == nil:
			continue // a number that the database gives
		case known:
			values = append(values, of(t))
		case !must && rapid.Bool().Draw(t, "null"):
			values = append(values, nil)
		case kind == "TEXT":
			values = append(values, rapid.StringN(0, 40, 200).Draw(t, name))
		case kind == "BLOB":
			values = append(values, rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, name))
		default:
			values = append(values, rapid.Int64().Draw(t, name))
		}
		names = append(names, `"`+name+`"`)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names, values
}
