package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// stairs lists what each room may import besides itself. A room that is not listed fails the
// test; nil means: not checked. docs/ARCHITECTURE.md tells why.
var stairs = map[string][]string{
	"errs":    {},
	"vectors": {}, // reads the public test vectors; tests alone import it
	"raced":   {}, // how much tests do under the race detector; tests alone import it
	"testkit": {}, // programs, ports, browsers and patience; tests alone import it
	"btc":     {"errs"}, "auth": {"errs"}, "safe": {"errs"}, "backup": {"errs"}, "rates": {"btc", "errs"}, "remote": {"errs", "testkit"}, "door": {"errs"},
	"chain": {"btc", "errs", "testkit"}, "signer": {"btc", "errs", "raced"}, "interop": {"btc", "errs"}, "airgap": {"btc", "errs"},
	"node":   {"btc", "chain", "errs"},
	"device": {"btc", "interop", "errs"},
	"wallet": {"btc", "chain", "interop", "errs"}, "setting": {"auth", "backup", "btc", "rates", "errs"},
	"store":  {"auth", "btc", "chain", "device", "node", "safe", "setting", "wallet", "errs"},
	"legacy": {"auth", "btc", "chain", "device", "interop", "node", "rates", "setting", "wallet", "errs"},
	"api":    {"airgap", "auth", "backup", "btc", "chain", "device", "door", "interop", "node", "rates", "remote", "setting", "wallet", "errs"},
	"web":    {"airgap", "auth", "backup", "btc", "device", "door", "node", "rates", "remote", "setting", "wallet", "errs"},
	"app":    nil,
}

// within lists, for families whose members know each other, which members each may import.
// A member of another family may import its parent alone.
var within = map[string][]string{
	"btc":            {},
	"btc/miniscript": {"btc"},
	"btc/descriptor": {"btc", "btc/miniscript"},
	"btc/psbt":       {"btc", "btc/miniscript", "btc/descriptor"},
	"btc/coinselect": {"btc"},
	"btc/spend":      {"btc", "btc/miniscript", "btc/descriptor", "btc/psbt", "btc/coinselect"},
	"btc/txgraph":    {"btc"},
	"btc/mnemonic":   {"btc"},
	"btc/headers":    {"btc"},
	"btc/message":    {"btc", "btc/descriptor", "btc/miniscript"},
}

// onlyIn lists imports that few rooms may have: SQL, and the library's own psbt never.
var onlyIn = map[string][]string{
	"database/sql":                       {"store"},
	"github.com/btcsuite/btcd/psbt/v2":   {},
	"github.com/btcsuite/btcd/rpcclient": {},
}

// pure rooms see no disk, net, log or clock-bound package.
var pure = []string{"errs", "btc", "airgap", "interop"}

// drivers know no operating system either: they are to be built into pages as well.
var drivers = []string{
	"signer", "signer/trezor", "signer/keepkey", "signer/codec1", "signer/protolite", "signer/ledger", "signer/coldcard",
	"signer/bitbox02", "signer/bitbox02/hww", "signer/jade", "signer/specterdiy",
}

var impure = []string{"os", "net", "net/http", "log", "log/slog", "database/sql"}

func TestStairs(t *testing.T) {
	const root = "specter/internal/"
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		path = filepath.ToSlash(path)
		from, _, _ := strings.Cut(path, "/")
		dir := filepath.ToSlash(filepath.Dir(path))
		allowed, planned := stairs[from]
		if !planned {
			t.Errorf("%s: no such room; put it on the plan first", path)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			if rooms, limited := onlyIn[imp]; limited && !slices.Contains(rooms, from) {
				t.Errorf("%s imports %s, which only %v may", path, imp, rooms)
			}
			if slices.Contains(pure, from) && slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: %s is a pure room", path, imp, from)
			}
			if slices.Contains(drivers, dir) && slices.Contains(impure, imp) && imp != "log/slog" {
				t.Errorf("%s imports %s: drivers know no operating system", path, imp)
			}
			inside, ours := strings.CutPrefix(imp, root)
			if !ours {
				continue
			}
			to, _, _ := strings.Cut(inside, "/")
			switch {
			case to == from:
				checkFamily(t, path, from, dir, inside)
			case allowed != nil && !slices.Contains(allowed, to):
				t.Errorf("%s imports %s: %s may not know %s", path, imp, from, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// shared are packages inside a room that all members of its family may know.
var shared = []string{
	"signer/transport", "signer/signertest",
	"signer/protolite",                          // protobuf: Trezor, KeepKey, BitBox02
	"signer/codec1", "signer/codec1/codec1test", // the protocol that Trezor and KeepKey speak
	"signer/bitbox02/hww", // frames and numbers, for the driver and the software device
}

// checkFamily holds imports inside one room to the family's own rules.
func checkFamily(t *testing.T, path, room, dir, imported string) {
	t.Helper()
	if may, listed := within[dir]; listed {
		if imported != dir && !slices.Contains(may, imported) {
			t.Errorf("%s imports %s: %s may not know it", path, imported, dir)
		}
		return
	}
	if room == "btc" {
		t.Errorf("%s: %s has no row in the family's table", path, dir)
		return
	}
	free := room == "app" || room == "web" || room == "store"
	parent := strings.HasPrefix(dir, imported+"/") // a member, or a package below it, knows its parents
	below := strings.HasPrefix(imported, dir+"/")  // a parent may know what lies inside itself
	common := slices.Contains(shared, imported)
	if !free && !parent && !below && !common {
		t.Errorf("%s imports its sibling %s", path, imported)
	}
}
