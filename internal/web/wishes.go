package web

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/text/language"

	"specter/internal/setting"
)

type wishesKey struct{}

// wishes are what who asks has chosen, read once for each request, and the language that follows.
type wishes struct {
	setting.User
	lang string
}

// wishesOf are the wishes of a request; those of nobody before the gate.
func wishesOf(ctx context.Context) (wishes, bool) {
	v, ok := ctx.Value(wishesKey{}).(wishes)
	return v, ok
}

// withWishes reads what a user has chosen, and hides amounts that were left on show.
func (s *Server) withWishes(r *http.Request, userID string) (*http.Request, error) {
	u, err := s.settings.User(r.Context(), userID)
	if err == nil && s.leftOnShow(r, userID, u) {
		u, err = s.settings.ChangeUser(r.Context(), userID, func(u *setting.User) error {
			u.Hide = true
			return nil
		})
	}
	if err != nil {
		return r, err
	}
	v := wishes{User: u, lang: s.languages.pick(u.Language, r.Header.Get("Accept-Language"))}
	return r.WithContext(context.WithValue(r.Context(), wishesKey{}, v)), nil
}

// leftOnShow tells whether amounts are to be hidden because nobody did anything for as long as
// the user said. After a start of the program nobody knows, so they are hidden too.
func (s *Server) leftOnShow(r *http.Request, userID string, u setting.User) bool {
	if u.HideAfter == 0 {
		return false
	}
	return s.shown.idle(userID, s.now(), passive(r)) > time.Duration(u.HideAfter)*time.Minute && !u.Hide
}

// present remembers when each user last did something, for hiding amounts. It is about users and
// not about sessions: where nobody logs in, amounts are hidden as well.
type present struct {
	mu sync.Mutex
	at map[string]time.Time
}

// ages is how long ago something was of which nothing is known.
const ages = 1000 * time.Hour

// idle is how long a user has done nothing. Unless the page asks by itself, the user does
// something now.
func (v *present) idle(userID string, now time.Time, passive bool) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	last, known := v.at[userID]
	if !passive {
		if v.at == nil || len(v.at) >= maxActive {
			v.at = map[string]time.Time{}
		}
		v.at[userID] = now
	}
	if !known {
		return ages
	}
	return now.Sub(last)
}

// note says that a user is there: amounts that were just shown again stay on show.
func (v *present) note(userID string, now time.Time) { v.idle(userID, now, false) }

// languages are those that there is a catalogue for, the language of the source first.
type languages struct {
	tags    []string
	matcher language.Matcher
}

func newLanguages(have []string) languages {
	slices.Sort(have)
	l := languages{tags: append([]string{source}, slices.DeleteFunc(have, func(tag string) bool { return tag == source })...)}
	var tags []language.Tag
	for _, tag := range l.tags {
		tags = append(tags, language.Make(tag))
	}
	l.matcher = language.NewMatcher(tags)
	return l
}

// pick is the language that was chosen, or the one that fits best what the browser asks for.
func (l languages) pick(chosen, accept string) string {
	if slices.Contains(l.tags, chosen) {
		return chosen
	}
	_, i := language.MatchStrings(l.matcher, limit(accept, 200))
	return l.tags[i]
}

// languageTags and languageNames are the languages for the menu, each in its own words.
var (
	languageTags  = []string{"en", "de"}
	languageNames = map[string]string{"en": "English", "de": "Deutsch"}
)

// language decides the language of an answer.
func (s *Server) language(r *http.Request) string {
	if v, ok := wishesOf(r.Context()); ok {
		return v.lang
	}
	return s.languages.pick("", r.Header.Get("Accept-Language"))
}
