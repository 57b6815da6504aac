package internal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestParityNamesRealTests: docs/parity.md says for each thing of the old Specter how it is shown
// here. No field of its tables is blank, and every test it names exists.
func TestParityNamesRealTests(t *testing.T) {
	tests := map[string]bool{}
	decl := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, root := range []string{".", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			for _, m := range decl.FindAllSubmatch(data, -1) {
				tests[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	doc, err := os.ReadFile("../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for i, line := range strings.Split(string(doc), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") {
			continue
		}
		rows++
		fields := strings.Split(strings.Trim(line, "|"), "|")
		if len(fields) != 4 {
			t.Errorf("line %d has %d fields, want 4", i+1, len(fields))
		}
		for _, f := range fields {
			if strings.TrimSpace(f) == "" {
				t.Errorf("line %d has a blank field", i+1)
			}
		}
	}
	if rows < 150 {
		t.Errorf("%d rows: the table is not whole", rows)
	}
	for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(doc), -1) {
		if !tests[m[1]] {
			t.Errorf("docs/parity.md names %s, and there is no such test", m[1])
		}
	}
}
