package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed locale/*.json
var localeFiles embed.FS

// source is the language that the program is written in: its sentences are the keys of every
// other catalogue.
const source = "en"

// catalogue turns the program's English sentences into another language. A sentence that is
// missing stays English, so a page is never empty.
type catalogue struct {
	lang  string
	words map[string]string
}

// loadCatalogues reads them all, once: they are part of the program.
var loadCatalogues = sync.OnceValues(readCatalogues)

func readCatalogues() (map[string]catalogue, error) {
	all := map[string]catalogue{}
	files, err := localeFiles.ReadDir("locale")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		data, err := localeFiles.ReadFile("locale/" + f.Name())
		if err != nil {
			return nil, err
		}
		c := catalogue{lang: strings.TrimSuffix(f.Name(), path.Ext(f.Name()))}
		if err := json.Unmarshal(data, &c.words); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		all[c.lang] = c
	}
	if _, ok := all[source]; !ok {
		return nil, fmt.Errorf("the catalogue %s.json is missing", source)
	}
	return all, nil
}

// t translates a sentence and fills in its arguments (fmt verbs).
func (c catalogue) t(text string, args ...any) string {
	if translated, ok := c.words[text]; ok && translated != "" {
		text = translated
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// n translates a sentence that counts something: one form for 1, one for the rest. A sentence
// that does not say the number only chooses its form by it.
func (c catalogue) n(count int, one, many string) string {
	text := many
	if count == 1 {
		text = one
	}
	if !strings.Contains(text, "%") {
		return c.t(text)
	}
	return c.t(text, count)
}

// tr translates for a request.
func (s *Server) tr(r *http.Request, text string, args ...any) string {
	return s.words(r).t(text, args...)
}

// words is the catalogue of a request's language.
func (s *Server) words(r *http.Request) catalogue { return s.templates[s.language(r)].words }
