package miniscript_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"specter/internal/btc"
	"specter/internal/btc/miniscript"
	"specter/internal/vectors"
)

// expectation is what the vector files say about a miniscript; nil fields are not said.
type expectation struct {
	Miniscript     string
	Context        string
	Valid          *bool
	Script         *string
	Sane           *bool
	NonMalleable   *bool `json:"non_malleable"`
	NeedsSignature *bool `json:"needs_signature"`
	MixesTimelocks *bool `json:"mixes_timelocks"`
	DuplicateKeys  *bool `json:"duplicate_keys"`
	Ops            *int
	MaxStack       *int `json:"max_stack"`
	MaxWitnessSize *int `json:"max_witness_size"`
	ExecStack      *int `json:"exec_stack"`
}

// check compares an inspection with all that is expected. top says whether the case is about
// whole scripts.
func (e expectation) check(top bool) error {
	ctx, err := miniscript.ParseContext(e.Context)
	if err != nil {
		return err
	}
	n, err := miniscript.Parse(e.Miniscript, ctx)
	if err == nil && top {
		err = n.CheckTop()
	}
	if e.Valid != nil && !*e.Valid {
		if err == nil {
			return errors.New("accepted but must be refused")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if again, err := miniscript.Parse(n.String(), ctx); err != nil || again.String() != n.String() {
		return fmt.Errorf("printed as %s, which reads back as %v (%v)", n, again, err)
	}
	r := n.Inspect()
	return errors.Join(
		differ("non_malleable", e.NonMalleable, r.NonMalleable),
		differ("needs_signature", e.NeedsSignature, r.NeedsSignature),
		differ("mixes_timelocks", e.MixesTimelocks, r.MixesTimelocks),
		differ("duplicate_keys", e.DuplicateKeys, r.DuplicateKeys),
		differ("sane", e.Sane, r.Sane),
		differ("ops", e.Ops, r.Ops),
		differ("max_stack", e.MaxStack, r.MaxStack),
		differ("max_witness_size", e.MaxWitnessSize, r.MaxWitnessSize),
		differ("exec_stack", e.ExecStack, n.MaxExecStack()),
		differ("script", e.Script, hex.EncodeToString(r.Script)),
		checkScript(n, e.Script != nil),
	)
}

func differ[T comparable](what string, want *T, got T) error {
	if want == nil || *want == got {
		return nil
	}
	return fmt.Errorf("%s is %v, want %v", what, got, *want)
}

// checkScript compiles a miniscript, compares the length with the promised one and finds the
// miniscript of the script again.
func checkScript(n *miniscript.Node, must bool) error {
	script, err := n.Script(nil)
	if err != nil {
		if must {
			return err
		}
		return nil
	}
	if len(script) != n.ScriptSize() {
		return fmt.Errorf("the script has %d bytes, promised were %d", len(script), n.ScriptSize())
	}
	if n.CheckTop() != nil {
		return nil
	}
	back, err := miniscript.FromScript(script, n.Context(), keysOf(n))
	if err != nil {
		return fmt.Errorf("from script: %w", err)
	}
	again, err := back.Script(nil)
	if err != nil || !bytes.Equal(again, script) {
		return fmt.Errorf("script %x came back as %x (%v)", script, again, err)
	}
	return nil
}

// keysOf finds the keys of a miniscript by their hash.
func keysOf(n *miniscript.Node) func([20]byte) ([]byte, bool) {
	byHash := map[[20]byte][]byte{}
	for _, key := range n.Keys() {
		raw, err := hex.DecodeString(key)
		if err != nil {
			continue
		}
		if n.Context() == miniscript.Tapscript {
			raw = raw[len(raw)-32:]
		}
		byHash[hash160(raw)] = raw
	}
	return func(h [20]byte) ([]byte, bool) { k, ok := byHash[h]; return k, ok }
}

func TestCoreFixed(t *testing.T) {
	vectors.Each(t, "miniscript/core_fixed.json", nil, func(c vectors.Case) error {
		var both struct {
			Miniscript       string
			P2WSH, Tapscript *expectation
		}
		c.Decode(&both)
		var errs []error
		for ctx, e := range map[string]*expectation{"wsh": both.P2WSH, "tr": both.Tapscript} {
			if e == nil {
				continue
			}
			e.Miniscript, e.Context = both.Miniscript, ctx
			if err := e.check(true); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", ctx, err))
			}
		}
		return errors.Join(errs...)
	})
}

// exceptions names the cases that are not held to, and why.
var exceptions = map[string]map[string]string{
	"libwally_scripts": {
		"miniscript-random-16": "libwally takes d: for a unit in a witness script, which BIP379 and Core no longer do (MINIMALIF is only policy there)",
	},
	"rust_attributes": {
		"rm-1425": "rust-miniscript counts the ops of a malleable dissatisfaction of sha256 too; Core's own case core-578 wants 8 for the same miniscript",
	},
}

// checkForeignKey compiles a miniscript whose key is an xpub with a path or a WIF key.
func (e expectation) checkForeignKey() error {
	ctx, err := miniscript.ParseContext(e.Context)
	if err != nil {
		return err
	}
	n, err := miniscript.Parse(e.Miniscript, ctx)
	if err != nil {
		return err
	}
	script, err := n.Script(func(key string) ([]byte, error) {
		if wif, err := btcutil.DecodeWIF(key); err == nil {
			return wif.PrivKey.PubKey().SerializeCompressed()[1:], nil
		}
		_, key, _ = strings.Cut(key, "]")
		text, steps, _ := strings.Cut(key, "/")
		xkey, _, err := btc.ParseXKey(text)
		if err != nil {
			return nil, err
		}
		path, err := btc.ParsePath(steps)
		if err != nil {
			return nil, err
		}
		child, err := xkey.Derive(path)
		return child.PublicKey[1:], err
	})
	return errors.Join(err, differ("script", e.Script, hex.EncodeToString(script)))
}

func TestOtherVectors(t *testing.T) {
	for _, file := range []string{"core_sanity", "libwally_scripts", "rust_attributes"} {
		t.Run(file, func(t *testing.T) {
			vectors.Each(t, "miniscript/"+file+".json", exceptions[file], func(c vectors.Case) error {
				var e expectation
				c.Decode(&e)
				if strings.Contains(c.ID, "taproot") {
					return e.checkForeignKey()
				}
				return e.check(file != "libwally_scripts")
			})
		})
	}
}

func TestScriptsOfNoMiniscript(t *testing.T) {
	vectors.Each(t, "miniscript/core_not_miniscript_scripts.json", nil, func(c vectors.Case) error {
		var v struct{ Script, Context string }
		c.Decode(&v)
		script, err := hex.DecodeString(v.Script)
		if err != nil {
			return err
		}
		for _, ctx := range []miniscript.Context{miniscript.WSH, miniscript.Tapscript} {
			if n, err := miniscript.FromScript(script, ctx, nil); err == nil {
				return fmt.Errorf("%s: taken for %s", ctx, n)
			}
		}
		return nil
	})
}

func TestAlloyTypes(t *testing.T) {
	dir := filepath.Join(vectors.Dir(t), "miniscript", "alloy_types")
	var index struct{ Files []struct{ File string } }
	if err := json.Unmarshal(vectors.Read(t, "miniscript/alloy_types/INDEX.json"), &index); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tsv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of type letters: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		for i, line := range lines {
			expr, letters, typed := strings.Cut(strings.TrimRight(line, "\r\t "), "\t")
			n, err := miniscript.Parse(expr, miniscript.WSH)
			if err == nil && !typed {
				err = n.CheckTop()
				if err == nil {
					t.Errorf("%s:%d: %s is accepted as %s", filepath.Base(file), i+1, expr, n.Type())
				}
				continue
			}
			if typed && err != nil {
				t.Errorf("%s:%d: %s: %v", filepath.Base(file), i+1, expr, err)
			} else if typed && sorted(n.Type().String()) != sorted(letters) {
				t.Errorf("%s:%d: %s is %s, want %s", filepath.Base(file), i+1, expr, n.Type(), letters)
			}
		}
		t.Logf("%s: %d lines", filepath.Base(file), len(lines))
	}
}

func sorted(s string) string {
	b := []byte(s)
	slices.Sort(b)
	return string(b)
}
