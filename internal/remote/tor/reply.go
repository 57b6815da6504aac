package tor

import (
	"bufio"
	"fmt"
	"strings"
)

// Bounds of what the control port may say. Real replies have some hundred bytes.
const (
	maxLine  = 16 << 10
	maxReply = 256 << 10
	maxLines = 1000
)

// reply is one answer, or one event (codes 6xx).
type reply struct {
	code  int
	lines []line
}

// line is one line of a reply without its code, with the data that follows a "+" line.
type line struct{ text, data string }

// ok reports whether tor did what it was asked.
func (r reply) ok() bool { return r.code >= 200 && r.code < 300 }

// last is the text of the last line: "OK", or why not.
func (r reply) last() string { return r.lines[len(r.lines)-1].text }

// refused is tor's refusal as an error.
type refused struct {
	code int
	text string
}

func (r *refused) Error() string { return fmt.Sprintf("tor answers %d %.300q", r.code, r.text) }

// readReply reads one answer: lines "NNN-text", "NNN+text" with data up to a lone dot, and
// "NNN text" at the end, all of one code.
func readReply(r *bufio.Reader) (reply, error) {
	var out reply
	total := 0
	for {
		text, err := readLine(r, &total)
		if err != nil {
			return out, err
		}
		code, kind, err := splitCode(text)
		if err != nil {
			return out, err
		}
		if len(out.lines) == 0 {
			out.code = code
		}
		if code != out.code {
			return out, fmt.Errorf("the control port mixes the codes %d and %d in one answer", out.code, code)
		}
		l := line{text: text[4:]}
		if kind == '+' {
			if l.data, err = readData(r, &total); err != nil {
				return out, err
			}
		}
		if out.lines = append(out.lines, l); len(out.lines) > maxLines {
			return out, fmt.Errorf("an answer of more than %d lines", maxLines)
		}
		if kind == ' ' {
			return out, nil
		}
	}
}

// splitCode reads the code of a line and the sign that follows it.
func splitCode(text string) (code int, kind byte, err error) {
	if len(text) < 4 || strings.IndexByte("-+ ", text[3]) < 0 {
		return 0, 0, fmt.Errorf("%.40q is no answer of tor's control port", text)
	}
	for _, c := range []byte(text[:3]) {
		if c < '0' || c > '9' {
			return 0, 0, fmt.Errorf("%.40q is no answer of tor's control port", text)
		}
		code = code*10 + int(c-'0')
	}
	if code < 200 || code > 699 {
		return 0, 0, fmt.Errorf("tor's control port knows no code %d", code)
	}
	return code, text[3], nil
}

// readLine reads a line that ends in CR LF, without that end.
func readLine(r *bufio.Reader, total *int) (string, error) {
	raw, err := r.ReadSlice('\n')
	if err == bufio.ErrBufferFull || len(raw) > maxLine {
		return "", fmt.Errorf("a line of more than %d bytes", maxLine)
	}
	if err != nil {
		return "", err
	}
	if *total += len(raw); *total > maxReply {
		return "", fmt.Errorf("an answer of more than %d bytes", maxReply)
	}
	text, ended := strings.CutSuffix(string(raw), "\r\n")
	if !ended || strings.ContainsAny(text, "\r\x00") {
		return "", fmt.Errorf("a line that does not end as the control port's do")
	}
	return text, nil
}

// readData reads lines up to a lone dot; a dot at a line's start was doubled.
func readData(r *bufio.Reader, total *int) (string, error) {
	var b strings.Builder
	for n := 0; ; n++ {
		text, err := readLine(r, total)
		switch {
		case err != nil:
			return "", err
		case text == ".":
			return b.String(), nil
		case n >= maxLines*10:
			return "", fmt.Errorf("data of more than %d lines", maxLines*10)
		}
		b.WriteString(strings.TrimPrefix(text, "."))
		b.WriteByte('\n')
	}
}

// word is one piece of a line: KEY=value, KEY="quoted value", or a bare word (then key is "").
type word struct{ key, value string }

// words splits a line at its spaces. Keys are letters, digits, dashes, dots, slashes and
// underscores.
func words(text string) ([]word, error) {
	var out []word
	for rest := text; rest != ""; {
		if rest[0] == ' ' {
			rest = rest[1:]
			continue
		}
		var w word
		end := strings.IndexByte(rest, ' ')
		if end < 0 {
			end = len(rest)
		}
		if eq := strings.IndexByte(rest[:end], '='); eq > 0 && isKey(rest[:eq]) {
			w.key, rest, end = rest[:eq], rest[eq+1:], end-eq-1
		}
		if strings.HasPrefix(rest, `"`) {
			value, after, err := unquote(rest)
			if err != nil {
				return nil, err
			}
			if after != "" && after[0] != ' ' {
				return nil, fmt.Errorf("a quoted word that goes on: %.60q", text)
			}
			w.value, rest = value, after
		} else {
			w.value, rest = rest[:end], rest[end:]
		}
		out = append(out, w)
	}
	return out, nil
}

func isKey(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != '/'
	})
}

// unquote reads a quoted string with C's escapes from the start of a text; rest is what follows.
func unquote(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c != '\\':
			b.WriteByte(c)
		default:
			n, size, err := escape(text[i+1:])
			if err != nil {
				return "", "", err
			}
			b.WriteByte(n)
			i += size
		}
	}
	return "", "", fmt.Errorf("a quote that is not closed: %.60q", text)
}

// escape reads what follows a backslash.
func escape(text string) (value byte, size int, err error) {
	if text == "" {
		return 0, 0, fmt.Errorf("a backslash at the end")
	}
	switch c := text[0]; c {
	case 'n':
		return '\n', 1, nil
	case 't':
		return '\t', 1, nil
	case 'r':
		return '\r', 1, nil
	case '"', '\\', '\'':
		return c, 1, nil
	}
	n := 0
	for size < 3 && size < len(text) && text[size] >= '0' && text[size] <= '7' {
		n = n*8 + int(text[size]-'0')
		size++
	}
	if size == 0 || n > 255 {
		return 0, 0, fmt.Errorf("an unknown escape: %.10q", text)
	}
	return byte(n), size, nil
}

// quote writes a string as the control port reads it.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
