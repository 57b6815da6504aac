package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// printText prints an answer for people: a member a line, nested ones indented, in the
// answer's own order.
func printText(w io.Writer, dec *json.Decoder, raw []byte) error {
	var b strings.Builder
	if err := textValue(&b, dec, 0); err != nil {
		_, err = fmt.Fprintln(w, string(raw))
		return err
	}
	_, err := io.WriteString(w, strings.TrimLeft(strings.TrimRight(b.String(), "\n"), "\n")+"\n")
	return err
}

func textValue(b *strings.Builder, dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		return textMembers(b, dec, t, depth)
	case string:
		if strings.Contains(t, "\n") {
			t = "\n" + t
		}
		b.WriteString(" " + t + "\n")
	case nil:
		b.WriteString(" -\n")
	default:
		fmt.Fprintf(b, " %v\n", t)
	}
	return nil
}

func textMembers(b *strings.Builder, dec *json.Decoder, open json.Delim, depth int) error {
	b.WriteString("\n")
	for n := 1; dec.More(); n++ {
		indent := strings.Repeat("  ", depth)
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "%s%s:", indent, strings.ReplaceAll(name.(string), "_", " "))
		} else {
			fmt.Fprintf(b, "%s%d.", indent, n)
		}
		if err := textValue(b, dec, depth+1); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}
