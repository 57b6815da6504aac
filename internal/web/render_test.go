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
