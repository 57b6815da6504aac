// Package vectors reads the public test vectors for tests and counts what passed. Only tests
// import it. The folder is $SPECTER_VECTORS, else ../shared/vectors beside the checkout.
package vectors

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Dir returns the folder of the vectors, or skips the test loudly where there is none.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("SPECTER_VECTORS")
	if dir == "" {
		_, here, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "vectors")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED WITHOUT VECTORS: set SPECTER_VECTORS to the folder of the public test vectors (%v)", err)
	}
	return dir
}

// Case is one case of a vector file; Decode reads the fields that a test wants.
type Case struct {
	ID          string `json:"id"`
	Informative bool   `json:"informative"`
	Raw         json.RawMessage
	t           testing.TB
}

// Decode reads the whole case into v.
func (c Case) Decode(v any) {
	c.t.Helper()
	if err := json.Unmarshal(c.Raw, v); err != nil {
		c.t.Fatalf("case %s: %v", c.ID, err)
	}
}

// Cases reads the cases of a file, named relative to the folder.
func Cases(t testing.TB, file string) []Case {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Dir(t), file))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Cases []json.RawMessage }
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Cases) == 0 {
		t.Fatalf("%s holds no cases", file)
	}
	out := make([]Case, len(doc.Cases))
	for i, raw := range doc.Cases {
		var c Case
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatalf("%s case %d: %v", file, i, err)
		}
		c.Raw, c.t = raw, t
		out[i] = c
	}
	return out
}

// Read returns a file of the folder as it is.
func Read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Dir(t), file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Each runs check for every case as a subtest and, where $SPECTER_VECTORS_REPORT names a file,
// appends a line with the counts (what `make vectors` adds up). check returns an error where
// the case fails; a failing informative case is only reported. exceptions maps a case id to
// the reason why it is not held to; an exception that passes is an error too, so that the
// list stays short.
func Each(t *testing.T, file string, exceptions map[string]string, check func(c Case) error) {
	t.Helper()
	var passed, failed, informative, excepted int
	for i, c := range Cases(t, file) {
		t.Run(fmt.Sprintf("%d_%s", i, c.ID), func(t *testing.T) {
			err := check(c)
			reason, except := exceptions[c.ID]
			switch {
			case err != nil && except:
				excepted++
				t.Logf("exception (%s): %v", reason, err)
			case err != nil && c.Informative:
				informative++
				t.Logf("informative: %v", err)
			case err != nil:
				failed++
				t.Error(err)
			case except:
				failed++
				t.Errorf("listed as an exception (%s) but passes", reason)
			default:
				passed++
			}
		})
	}
	report(t, file, passed, failed, informative, excepted)
}

func report(t *testing.T, file string, passed, failed, informative, excepted int) {
	t.Helper()
	name := os.Getenv("SPECTER_VECTORS_REPORT")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintf(f, "%s\t%s\t%d\t%d\t%d\t%d\n", file, t.Name(), passed, failed, informative, excepted)
}
