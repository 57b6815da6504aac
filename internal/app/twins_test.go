package app

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"specter/internal/api/v1"
	"specter/internal/btc"
	"specter/internal/web"
)

// twin is a row of the table in docs/parity.md: a page route, and how programs do the same.
type twin struct {
	who string
	ops []string // names of operations; empty: there is none
	why string
}

var inTicks = regexp.MustCompile("`([^`]+)`")

// readTwins reads the table and tells what is wrong with its form.
func readTwins(doc string) (rows map[string]twin, wrong []string) {
	rows = map[string]twin{}
	_, section, found := strings.Cut(doc, "## What pages do, programs do\n")
	if !found {
		return rows, []string{"docs/parity.md has no section \"What pages do, programs do\""}
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, line := range strings.Split(section, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		f := strings.Split(strings.Trim(line, "|"), "|")
		if len(f) != 4 {
			wrong = append(wrong, "a row of other than four fields: "+line)
			continue
		}
		route := inTicks.FindStringSubmatch(f[0])[1]
		row := twin{who: strings.TrimSpace(f[1]), why: strings.TrimSpace(f[3])}
		for _, m := range inTicks.FindAllStringSubmatch(f[2], -1) {
			row.ops = append(row.ops, m[1])
		}
		switch _, twice := rows[route]; {
		case twice:
			wrong = append(wrong, "two rows for "+route)
		case len(row.ops) == 0 && strings.TrimSpace(f[2]) != "none":
			wrong = append(wrong, route+" names neither an operation nor none")
		case len(row.ops) == 0 && len(strings.Fields(row.why)) < 5:
			wrong = append(wrong, route+" has no operation and no reason in a sentence")
		case row.why == "":
			wrong = append(wrong, route+" says nothing in its last field")
		}
		rows[route] = row
	}
	return rows, wrong
}

// holdTwins compares the table with the routes of the pages and of the API.
func holdTwins(rows map[string]twin, pages []web.RouteInfo, api []v1.Route) (wrong []string) {
	ops := map[string]v1.Route{}
	for _, r := range api {
		ops[r.OperationID] = r
	}
	seen := map[string]bool{}
	for _, p := range pages {
		seen[p.Pattern] = true
		row, ok := rows[p.Pattern]
		if !ok {
			wrong = append(wrong, "no row says how programs do what this page does: "+p.Pattern)
			continue
		}
		if row.who != p.Audience {
			wrong = append(wrong, p.Pattern+" is for "+p.Audience+", the table says "+row.who)
		}
		for _, name := range row.ops {
			op, ok := ops[name]
			switch {
			case !ok:
				wrong = append(wrong, p.Pattern+" names the operation "+name+", and there is none of that name")
			case p.Audience == "owner" && !strings.HasPrefix(p.Pattern, "GET ") && op.Audience != v1.OwnerOnly && name != "changeOwnPassword":
				wrong = append(wrong, p.Pattern+" is the owner's alone, its operation "+name+" is for others too")
			}
		}
	}
	for route := range rows {
		if !seen[route] {
			wrong = append(wrong, "a row of the past: "+route)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// TestEveryPageRouteHasItsTwinInTheAPI: everything that a page can do, the API can do, or
// docs/parity.md says why not.
func TestEveryPageRouteHasItsTwinInTheAPI(t *testing.T) {
	doc, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, wrong := readTwins(string(doc))
	pages, err := owned(t, Config{Demo: &Demo{}}).pages(btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range append(wrong, holdTwins(rows, pages.Routes(), v1.Routes())...) {
		t.Error(w)
	}
}

// TestTheTableOfTwinsFindsWhatIsWrong: a table that takes everything proves nothing.
func TestTheTableOfTwinsFindsWhatIsWrong(t *testing.T) {
	const head = "# x\n## What pages do, programs do\n\n| a | b | c | d |\n| --- | --- | --- | --- |\n"
	pages := []web.RouteInfo{{Pattern: "POST /a", Audience: "owner"}}
	api := []v1.Route{{OperationID: "makeA", Audience: v1.OwnerOnly}, {OperationID: "readA", Audience: v1.AnyUser}}
	for name, c := range map[string]struct{ row, want string }{
		"a whole row":            {"| `POST /a` | owner | `makeA` | same |", ""},
		"a reason":               {"| `POST /a` | owner | none | because programs do it in another way |", ""},
		"no row":                 {"", "no row says"},
		"no reason":              {"| `POST /a` | owner | none | same |", "no reason"},
		"neither":                {"| `POST /a` | owner | | same |", "neither an operation"},
		"no such operation":      {"| `POST /a` | owner | `makeB` | same |", "there is none of that name"},
		"another audience":       {"| `POST /a` | user | `makeA` | same |", "the table says user"},
		"an operation for all":   {"| `POST /a` | owner | `readA` | same |", "is for others too"},
		"a row of the past":      {"| `POST /a` | owner | `makeA` | same |\n| `POST /b` | user | `makeA` | same |", "a row of the past"},
		"twice":                  {"| `POST /a` | owner | `makeA` | same |\n| `POST /a` | owner | `makeA` | same |", "two rows"},
		"rows of another header": {"\n## Other\n| `POST /a` | owner | `makeA` | same |", "no row says"},
	} {
		rows, wrong := readTwins(head + c.row + "\n")
		text := strings.Join(append(wrong, holdTwins(rows, pages, api)...), "\n")
		if c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
	if _, wrong := readTwins("# no such section"); len(wrong) != 1 {
		t.Errorf("without the section: %v", wrong)
	}
}
