package legacy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"specter/internal/errs"
)

// object is a JSON object whose values are read one by one: one of a wrong type is no reason to
// lose the others.
type object map[string]json.RawMessage

// text reads a string; numbers count as their digits. "" where there is none.
func (o object) text(key string) string {
	var s string
	raw := o[key]
	if json.Unmarshal(raw, &s) == nil {
		return strings.ToValidUTF8(s, "?")
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// whole reads a number, or a text of one, from least to most; fallback for anything else.
// Decimals are cut off.
func (o object) whole(key string, least, most, fallback int64) int64 {
	text := strings.TrimSpace(o.text(key))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= least && n <= most {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f >= float64(least) && f <= float64(most) {
		return int64(f)
	}
	return fallback
}

// seconds reads a time in unix seconds, with or without decimals, in whole nanoseconds; 0 where
// there is none.
func (o object) seconds(key string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(o.text(key)), 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1e11 {
		return 0
	}
	return f
}

// yes reads a switch: true, or a text that says so.
func (o object) yes(key string) bool {
	var b bool
	if json.Unmarshal(o[key], &b) == nil {
		return b
	}
	return affirmed(o.text(key))
}

// affirmed reports whether a text says yes.
func affirmed(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "1", "1.0", "on":
		return true
	}
	return false
}

// put writes a field. One that reads the same is left as it stands: "8332" is 8332.
func (o object) put(key string, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = []byte("null")
	}
	was := object{"": o[key]}
	now := object{"": raw}
	if o.has(key) && now.has("") && scalar(o[key]) && scalar(raw) && was.plain("") == now.plain("") {
		return
	}
	o[key] = raw
}

// without is a copy that lacks some fields.
func (o object) without(keys ...string) object {
	out := maps.Clone(o)
	for _, key := range keys {
		delete(out, key)
	}
	return out
}

// scalar reports whether a JSON value is neither a list nor an object.
func scalar(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && raw[0] != '{' && raw[0] != '['
}

// plain is a text, a number's digits, or a switch as "true" and "false".
func (o object) plain(key string) string {
	var b bool
	if json.Unmarshal(o[key], &b) == nil {
		return strconv.FormatBool(b)
	}
	return o.text(key)
}

// object reads an object inside; empty where it is none.
func (o object) object(key string) object {
	var in object
	if json.Unmarshal(o[key], &in) != nil || in == nil {
		return object{}
	}
	return in
}

// has reports whether a key stands there with a value.
func (o object) has(key string) bool {
	raw, has := o[key]
	return has && len(raw) > 0 && !bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// objects reads a list of objects; those that are none are empty. ok is false where it is no
// list.
func (o object) objects(key string) (list []object, ok bool) {
	var raw []json.RawMessage
	if json.Unmarshal(o[key], &raw) != nil {
		return nil, false
	}
	for _, r := range raw {
		var in object
		if json.Unmarshal(r, &in) != nil || in == nil {
			in = object{}
		}
		list = append(list, in)
	}
	return list, true
}

// texts reads a list of strings; other things in it are left out.
func (o object) texts(key string) []string {
	var raw []json.RawMessage
	if json.Unmarshal(o[key], &raw) != nil {
		return nil
	}
	var out []string
	for _, r := range raw {
		var s string
		if json.Unmarshal(r, &s) == nil {
			out = append(out, s)
		}
	}
	return out
}

// decode reads a JSON file into v. Where it is missing or damaged, its copy (.bkp) is read, and
// that is told. found is false where there is neither; then nothing is told.
func (f *Found) decode(s *Source, name string, v any, check func() error) (found, ok bool) {
	var first error
	for _, n := range []string{name, name + bkp} {
		raw, err := s.read(n, maxJSON)
		if errors.Is(err, fs.ErrNotExist) {
			if first == nil {
				first = err
			}
			continue
		}
		if err == nil {
			err = unmarshal(raw, v, check)
		}
		if err == nil {
			if n != name && errors.Is(first, fs.ErrNotExist) {
				f.problem(name, "it is missing; its copy "+n+" is used")
			} else if n != name {
				f.problem(name, fmt.Sprintf("it cannot be read (%s); its copy %s is used", why(first), n))
			}
			return true, true
		}
		if first == nil || errors.Is(first, fs.ErrNotExist) {
			first = err
		}
		found = true
	}
	if found {
		f.problem(name, fmt.Sprintf("it cannot be read (%s), and no copy of it can; it is left out", why(first)))
	}
	return found, false
}

func unmarshal(raw []byte, v any, check func() error) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return errs.E(errs.Invalid, "it is empty")
	}
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("?"))
	}
	switch p := v.(type) { // what a damaged file left is no part of its copy
	case *object:
		*p = nil
	case *[]object:
		*p = nil
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	err := json.Unmarshal(raw, v)
	if err != nil {
		if strict, had := withoutNaN(raw); had { // Python writes and reads them
			err = json.Unmarshal(strict, v)
		}
	}
	if err != nil {
		return err
	}
	if p, is := v.(*object); is && *p == nil {
		return errs.E(errs.Invalid, "it holds nothing")
	}
	if check == nil {
		return nil
	}
	return check()
}

// bkp ends the name of the copy that the old program made of a file before it wrote the file anew.
const bkp = ".bkp"

// withoutNaN writes null for NaN and Infinity, which Python's JSON has and JSON has not. had is
// false where there are none.
func withoutNaN(raw []byte) (out []byte, had bool) {
	inText := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case inText && c == '\\' && i+1 < len(raw):
			out = append(out, c)
			i++
			c = raw[i]
		case c == '"':
			inText = !inText
		case !inText && (c == 'N' || c == 'I' || c == '-'):
			for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
				if bytes.HasPrefix(raw[i:], []byte(word)) {
					out, had, i, c = append(out, "nul"...), true, i+len(word)-1, 'l'
					break
				}
			}
		}
		out = append(out, c)
	}
	return out, had
}

// why words a trouble without what the file holds.
func why(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return "it is missing"
	case errors.As(err, &syntax):
		return fmt.Sprintf("no sound JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return "another kind of JSON than is wanted"
	case errs.KindOf(err) != errs.Internal:
		return clip(err.Error(), 300)
	}
	return "the disk or the archive is at fault"
}
