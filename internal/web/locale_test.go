package web_test

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"specter/internal/btc/spend"
	"specter/internal/wallet"
)

var update = flag.Bool("update", false, "write locale/en.json anew from templates and code")

var (
	templateText  = regexp.MustCompile(`\bt ("(?:[^"\\]|\\.)*")`)
	templateCount = regexp.MustCompile(`\bn(?:64)? \S+ ("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")|\bn(?:64)? \([^)]*\) ("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")`)
)

// The catalogue en.json lists every sentence that the pages say, for translators: none is
// missing and none is left over. Run with -update after changing a sentence.
func TestTheCatalogueHoldsEverySentence(t *testing.T) {
	want := map[string]string{}
	for _, file := range append(glob(t, "templates/*.html"), glob(t, "templates/*/*.html")...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, re := range []*regexp.Regexp{templateText, templateCount} {
			for _, m := range re.FindAllStringSubmatch(string(data), -1) {
				for _, quoted := range m[1:] {
					if quoted != "" {
						add(t, want, quoted)
					}
				}
			}
		}
		// a text that stands outside the translator would not be found: words between tags
		for _, m := range regexp.MustCompile(`>([^<>{}]*[A-Za-z]{4,}[^<>{}]*)<`).FindAllStringSubmatch(string(data), -1) {
			if words := strings.TrimSpace(m[1]); !slices.Contains([]string{"http", "https"}, words) {
				t.Errorf("%s: %q does not go through the translator", file, words)
			}
		}
	}
	for _, sentence := range spend.Sentences() { // remarks are translated by their format
		add(t, want, strconv.Quote(sentence))
	}
	for _, sentence := range wallet.FindingSentences() { // and so are findings
		add(t, want, strconv.Quote(sentence))
	}
	for _, file := range glob(t, "*.go") {
		if !strings.HasSuffix(file, "_test.go") {
			fromCode(t, file, want)
		}
	}
	if *update {
		data, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("locale/en.json", append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile("locale/en.json")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, s := range slices.Sorted(maps.Keys(want)) {
		if got[s] != s {
			t.Errorf("missing: %q", s)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(got)) {
		if want[s] == "" {
			t.Errorf("said nowhere: %q", s)
		}
	}
	if len(want) < 300 {
		t.Errorf("only %d sentences were found: the search is broken", len(want))
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func add(t *testing.T, into map[string]string, quoted string) {
	t.Helper()
	s, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatalf("%s: %v", quoted, err)
	}
	if strings.Trim(s, "%s ") != "" {
		into[s] = s
	}
}

// fromCode collects the literals in calls of the translating funcs.
func fromCode(t *testing.T, file string, into map[string]string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			name = sel.Sel.Name
		}
		if !slices.Contains([]string{"tr", "say", "t", "n", "nodeChange"}, name) {
			return true
		}
		for i, arg := range call.Args {
			if name == "nodeChange" && i != 2 {
				continue
			}
			switch a := arg.(type) {
			case *ast.BasicLit:
				if a.Kind == token.STRING {
					add(t, into, a.Value)
				}
			case *ast.IndexExpr: // a map of sentences
				ast.Inspect(a.X, func(n ast.Node) bool {
					if kv, ok := n.(*ast.KeyValueExpr); ok {
						if lit, ok := kv.Value.(*ast.BasicLit); ok {
							add(t, into, lit.Value)
						}
					}
					return true
				})
			}
		}
		return true
	})
}
