package web

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/device"
	"specter/internal/wallet"
)

//go:embed templates
var templateFiles embed.FS

// templateSet makes the pages of one language, each parsed together with the layout and the
// partials, so that pages may use the same block names. A page is made when it is first shown:
// all of them in all languages would be most of the program's memory.
type templateSet struct {
	words catalogue
	frame *template.Template // layout and partials; never executed, so that it can be cloned

	mu    sync.Mutex
	pages map[string]*template.Template
}

// loadTemplates parses layout and partials for every language.
func (s *Server) loadTemplates() (map[string]*templateSet, error) {
	catalogues, err := loadCatalogues()
	if err != nil {
		return nil, err
	}
	sets := map[string]*templateSet{}
	for lang, words := range catalogues {
		frame, err := template.New("frame").Funcs(s.funcs(words)).Funcs(s.lookingFuncs(words)).Option("missingkey=error").
			ParseFS(templateFiles, "templates/layout.html", "templates/partials/*.html")
		if err != nil {
			return nil, err
		}
		sets[lang] = &templateSet{words: words, frame: frame, pages: map[string]*template.Template{}}
	}
	return sets, nil
}

// page returns a page, made now where nobody has asked for it yet.
func (t *templateSet) page(name string) (*template.Template, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.pages[name]; p != nil {
		return p, nil
	}
	p, err := t.frame.Clone()
	if err != nil {
		return nil, err
	}
	if p, err = p.ParseFS(templateFiles, "templates/pages/"+name+".html"); err != nil {
		return nil, fmt.Errorf("page %q: %w", name, err)
	}
	t.pages[name] = p
	return p, nil
}

func (t *templateSet) execute(w io.Writer, name, block string, data any) error {
	page, err := t.page(name)
	if err != nil {
		return err
	}
	return page.ExecuteTemplate(w, block, data)
}

// funcs are the words that templates know. They depend on the language alone; what depends on
// the user (unit, hidden amounts) are methods of page.
func (s *Server) funcs(words catalogue) template.FuncMap {
	return template.FuncMap{
		"t":       words.t,
		"n":       words.n,
		"n64":     func(count int32, one, many string) string { return words.n(int(count), one, many) },
		"deref":   func(a *btcutil.Amount) btcutil.Amount { return *a },
		"url":     func(format string, args ...any) string { return s.url(fmt.Sprintf(format, args...)) },
		"asset":   func(name string) (string, error) { p, err := s.assets.path(name); return s.url(p), err },
		"icon":    icon,
		"short":   short,
		"dict":    dict,
		"add":     func(a, b int) int { return a + b },
		"percent": percent,
		"join":    strings.Join,
		"group":   groupText,

		"walletwords": words.walletWords,
		"scriptwords": words.scriptWords,
		"addresswords": func(a wallet.AddressRow) string {
			if a.Branch == 1 {
				return words.t("Change #%d", a.Index)
			}
			return words.t("Address #%d", a.Index)
		},
		"gigabytes":  func(n int64) int64 { return n >> 30 },
		"devicetype": func(id string) string { return device.TypeOf(id).Name },
		"deviceicon": deviceIcon,
		"codewords":  words.codeWords,

		"providerwords": words.providerWords,
		"explorerwords": words.explorerWords,

		"pinplaces":   words.pinPlaces,
		"stepwords":   words.bridgeStepWords,
		"proxywords":  words.proxyStepWords,
		"targetwords": words.targetWords,
		"sourcewords": words.sourceWords,
		"remarkwords": words.remarkWords,
		"thingwords":  words.thingWords,
		"held":        held,
		"holds":       holds,
		"editable":    editable,
	}
}

// dict packs named values for a partial: dict "Label" "Name" "Value" .Name.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: a name without a value")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
