package web

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

// TestEveryPageParsesInEveryLanguage holds the files that are parsed only when somebody looks.
func TestEveryPageParsesInEveryLanguage(t *testing.T) {
	assets, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	sets, err := (&Server{assets: assets}).loadTemplates()
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(templateFiles, "templates/pages/*")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	for lang, set := range sets {
		for _, f := range files {
			name, isPage := strings.CutSuffix(path.Base(f), ".html")
			if !isPage {
				t.Errorf("%s is no page", f)
				continue
			}
			if p, err := set.page(name); err != nil || p.Lookup("content") == nil {
				t.Errorf("%s in %s: %v", name, lang, err)
			}
		}
		if _, err := set.page("../layout"); err == nil {
			t.Error("a page outside of the pages")
		}
	}
}

func TestSizesKeepADigitThatSaysSomething(t *testing.T) {
	for n, want := range map[int64]string{0: "0.0 kB", 12_345: "12.3 kB", 999_940: "999.9 kB", 1_000_000: "1.0 MB", 12_345_678: "12.3 MB", 9_900_000_000: "9900.0 MB", 12_300_000_000: "12.3 GB"} {
		if got := megabytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
