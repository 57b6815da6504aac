package v1

import (
	"html"
	"regexp"
	"strings"
)

// renderDocs makes the page of examples out of the manual: the little of Markdown that it uses
// (headings, paragraphs, lists, tables, code), and nothing of it is HTML by itself.
func renderDocs(prefix string) []byte {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n" +
		"<title>Specter API</title>\n</head>\n<body>\n<main>\n")
	m := markdown{out: &b, root: prefix + Root}
	for _, line := range strings.Split(manual, "\n") {
		m.line(line)
	}
	m.end()
	b.WriteString("</main>\n</body>\n</html>\n")
	return []byte(b.String())
}

// markdown writes one line after the other; open is the element that goes on.
type markdown struct {
	out  *strings.Builder
	root string
	open string // "", p, ul, table, pre
}

func (m *markdown) line(line string) {
	switch {
	case strings.HasPrefix(line, "```"):
		if m.open == "pre" {
			m.end()
			return
		}
		m.begin("pre")
		m.out.WriteString("<code>")
	case m.open == "pre":
		m.out.WriteString(html.EscapeString(line) + "\n")
	case strings.TrimSpace(line) == "":
		m.end()
	case strings.HasPrefix(line, "#"):
		m.end()
		text := strings.TrimLeft(line, "#")
		level := string(rune('0' + min(len(line)-len(text), 6)))
		m.out.WriteString("<h" + level + ">" + m.inline(strings.TrimSpace(text)) + "</h" + level + ">\n")
	case strings.HasPrefix(line, "- "):
		m.begin("ul")
		m.out.WriteString("<li>" + m.inline(line[2:]) + "</li>\n")
	case strings.HasPrefix(line, "|"):
		m.row(line)
	default:
		m.begin("p")
		m.out.WriteString(m.inline(line) + "\n")
	}
}

// row writes a table's row; the first one is its head, the one of dashes is none.
func (m *markdown) row(line string) {
	cell := "td"
	if m.open != "table" {
		cell = "th"
	}
	m.begin("table")
	if strings.Trim(line, "|-: ") == "" {
		return
	}
	m.out.WriteString("<tr>")
	for _, text := range strings.Split(strings.Trim(line, "|"), "|") {
		m.out.WriteString("<" + cell + ">" + m.inline(strings.TrimSpace(text)) + "</" + cell + ">")
	}
	m.out.WriteString("</tr>\n")
}

func (m *markdown) begin(element string) {
	if m.open == element {
		return
	}
	m.end()
	m.open = element
	m.out.WriteString("<" + element + ">")
}

func (m *markdown) end() {
	if m.open == "pre" {
		m.out.WriteString("</code>")
	}
	if m.open != "" {
		m.out.WriteString("</" + m.open + ">\n")
	}
	m.open = ""
}

var (
	inlineCode = regexp.MustCompile("`([^`]+)`")
	inlineLink = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)
)

func (m *markdown) inline(text string) string {
	text = html.EscapeString(text)
	text = inlineCode.ReplaceAllString(text, "<code>$1</code>")
	return inlineLink.ReplaceAllStringFunc(text, func(s string) string {
		part := inlineLink.FindStringSubmatch(s)
		if to, ours := strings.CutPrefix(part[2], Root); ours {
			part[2] = m.root + to
		}
		return `<a href="` + part[2] + `">` + part[1] + `</a>`
	})
}
