package door

import (
	"net/http"
	"net/url"
	"strings"

	"specter/internal/errs"
)

// Other people's pages in the same browser. Browsers say where a request comes from in
// Sec-Fetch-Site (https and localhost alone) and in Origin; programs say neither.

// foreign refuses what another site made the browser send.
func foreign(r *http.Request) error {
	site := r.Header.Get("Sec-Fetch-Site")
	here := site == "" || site == "same-origin" || site == "none"
	if safe(r.Method) {
		if here || visiting(r.Header) {
			return nil
		}
		return errs.E(errs.Denied, "Another site asked for this and was refused. Open Specter in its own tab.")
	}
	if here && fromHere(r, site) {
		return nil
	}
	return errs.E(errs.Denied, "This request came from another site and was refused. Nothing was changed. Open Specter in its own tab and try again.")
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// visiting reports whether a person follows a link to here in a tab of its own. Pictures,
// scripts, frames and fetches of other sites are not visits.
func visiting(h http.Header) bool {
	dest := h.Get("Sec-Fetch-Dest")
	return h.Get("Sec-Fetch-Mode") == "navigate" && (dest == "document" || dest == "")
}

// fromHere compares the Origin of a change with this server's name. A page without an origin
// ("null": a sandboxed frame, a file) is nobody's. A program that shows a token and no cookie
// may say what it likes: no browser adds tokens by itself. It does add a password it was asked
// for (Basic), so that does not count.
func fromHere(r *http.Request, site string) bool {
	origin := r.Header.Get("Origin")
	switch {
	case origin == "null":
		return false
	case origin == "" || site == "same-origin":
		return true
	case bearer(r) && r.Header.Get("Cookie") == "":
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func bearer(r *http.Request) bool {
	scheme, _, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return ok && strings.EqualFold(scheme, "Bearer")
}
