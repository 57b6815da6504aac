package mnemonic

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"specter/internal/errs"
)

// Language names a word list, as the files of BIP39 are named: "english", "chinese_simplified".
type Language string

// The languages whose word lists are known.
const (
	English            Language = "english"
	Japanese           Language = "japanese"
	Korean             Language = "korean"
	Spanish            Language = "spanish"
	ChineseSimplified  Language = "chinese_simplified"
	ChineseTraditional Language = "chinese_traditional"
	French             Language = "french"
	Italian            Language = "italian"
	Czech              Language = "czech"
	Portuguese         Language = "portuguese"
	Russian            Language = "russian" // not in BIP39
	Turkish            Language = "turkish" // not in BIP39
)

var (
	//go:embed words/english.txt
	englishText string
	//go:embed words/japanese.txt
	japaneseText string
	//go:embed words/korean.txt
	koreanText string
	//go:embed words/spanish.txt
	spanishText string
	//go:embed words/chinese_simplified.txt
	chineseSimplifiedText string
	//go:embed words/chinese_traditional.txt
	chineseTraditionalText string
	//go:embed words/french.txt
	frenchText string
	//go:embed words/italian.txt
	italianText string
	//go:embed words/czech.txt
	czechText string
	//go:embed words/portuguese.txt
	portugueseText string
	//go:embed words/russian.txt
	russianText string
	//go:embed words/turkish.txt
	turkishText string
)

// wordList is one list: 2048 words in NFKD, and where each stands.
type wordList struct {
	language Language
	words    []string
	index    map[string]int
}

// lists is in the order of preference where a mnemonic is good in several languages. A list is
// only split when it is asked for: most programs need the English one alone.
var lists = []func() *wordList{
	load(English, &englishText), load(Japanese, &japaneseText), load(Korean, &koreanText),
	load(Spanish, &spanishText), load(ChineseSimplified, &chineseSimplifiedText),
	load(ChineseTraditional, &chineseTraditionalText), load(French, &frenchText),
	load(Italian, &italianText), load(Czech, &czechText), load(Portuguese, &portugueseText),
	load(Russian, &russianText), load(Turkish, &turkishText),
}

// languages names the lists in the same order.
var languages = []Language{
	English, Japanese, Korean, Spanish, ChineseSimplified, ChineseTraditional, French, Italian,
	Czech, Portuguese, Russian, Turkish,
}

func load(l Language, text *string) func() *wordList {
	return sync.OnceValue(func() *wordList {
		w := &wordList{language: l, words: strings.Fields(*text), index: make(map[string]int, 2048)}
		for i, word := range w.words {
			w.index[word] = i
		}
		return w
	})
}

// Languages lists every language, English first.
func Languages() []Language { return slices.Clone(languages) }

func listOf(l Language) (*wordList, error) {
	for i, name := range languages {
		if name == l {
			return lists[i](), nil
		}
	}
	return nil, errs.Bad(errs.Unsupported, "%q is no language of mnemonics; english is the usual one", string(l))
}

// Words returns the 2048 words of a language in order, in NFKD.
func Words(l Language) ([]string, error) {
	w, err := listOf(l)
	if err != nil {
		return nil, err
	}
	return slices.Clone(w.words), nil
}

// numbers returns the place of each word, or the position of the first word that is not in the
// list, counted from 0; found counts how many are.
func (w *wordList) numbers(words []string) (out []int, unknown, found int) {
	unknown = -1
	out = make([]int, len(words))
	for i, word := range words {
		n, ok := w.index[word]
		switch {
		case ok:
			found++
		case unknown < 0:
			unknown = i
		}
		out[i] = n
	}
	return out, unknown, found
}
