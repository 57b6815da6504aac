package web_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var verb = regexp.MustCompile(`%[-+# 0-9.\[\]*]*[a-zA-Z%]`)

func readCatalogue(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	if err := json.Unmarshal(data, &words); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return words
}

// Every other language says every sentence, with the same blanks in the same order. Who adds a
// sentence to en.json adds it to the others too.
func TestEveryLanguageSaysEverySentence(t *testing.T) {
	english := readCatalogue(t, "locale/en.json")
	others := 0
	for _, file := range glob(t, "locale/*.json") {
		if filepath.Base(file) == "en.json" {
			continue
		}
		others++
		words := readCatalogue(t, file)
		same := 0
		for _, s := range slices.Sorted(maps.Keys(english)) {
			got, ok := words[s]
			switch {
			case !ok || strings.TrimSpace(got) == "":
				t.Errorf("%s lacks %q", file, s)
			case !slices.Equal(verb.FindAllString(s, -1), verb.FindAllString(got, -1)):
				t.Errorf("%s: the blanks of %q are others than those of %q", file, got, s)
			case strings.ContainsAny(got, "<>") && !strings.ContainsAny(s, "<>"):
				t.Errorf("%s: %q holds markup", file, got)
			case got == s:
				same++
			}
		}
		for _, s := range slices.Sorted(maps.Keys(words)) {
			if _, ok := english[s]; !ok {
				t.Errorf("%s translates %q, which nobody says", file, s)
			}
		}
		if same > len(english)/10 {
			t.Errorf("%s: %d of %d sentences are as in English", file, same, len(english))
		}
	}
	if others == 0 {
		t.Error("there is no second language")
	}
}

// Every page renders in German, in German.
func TestEveryPageSpeaksGerman(t *testing.T) {
	c := open(t, newHouse(""))
	english := readCatalogue(t, "locale/en.json")
	for path, status := range everyPage() {
		if strings.HasPrefix(path, "/nav") {
			continue
		}
		req, err := http.NewRequest(http.MethodGet, c.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Language", "de")
		a := c.do(req).want(status)
		if strings.Contains(a.body, "%!") {
			t.Errorf("%s: a blank was filled wrongly", path)
		}
		if !strings.Contains(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		if !strings.Contains(a.body, `<html lang="de"`) {
			t.Errorf("%s does not say that it is German", path)
		}
		for _, s := range []string{"Settings", "Add wallet", "Skip to the page", "About Specter"} {
			if _, said := english[s]; said && strings.Contains(a.body, ">"+s+"<") {
				t.Errorf("%s still says %q", path, s)
			}
		}
	}
}
