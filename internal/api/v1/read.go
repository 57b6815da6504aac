package v1

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// take reads the JSON body into v, a pointer to one of the input structs. It refuses fields that
// are not known, are there twice or have another kind of value, and misses those that are tagged
// need: a misspelt optional field must not silently do something else with money.
func (c *call) take(v any) error {
	if !c.isJSON {
		return invalid("", "the body has to be JSON here")
	}
	return decode(c.body, v)
}

func decode(body []byte, v any) error {
	if !utf8.Valid(body) {
		return invalid("", "the body is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	k := checker{dec}
	if err := k.value(reflect.TypeOf(v).Elem(), ""); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return invalid("", "there is more after the JSON body's end")
	}
	if err := json.Unmarshal(body, v); err != nil {
		return invalid("", "the body cannot be read: %v", err)
	}
	return nil
}

// checker walks through JSON beside the type that it is for.
type checker struct{ dec *json.Decoder }

// value checks the next value. where is its name for people: recipients[0].amount_sat.
func (k checker) value(t reflect.Type, where string) error {
	token, err := k.dec.Token()
	if err != nil {
		return invalid("", "the body is not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if t.Kind() == reflect.Pointer {
		if token == nil {
			return nil
		}
		t = t.Elem()
	}
	want := ""
	switch t.Kind() {
	case reflect.Struct:
		if token == json.Delim('{') {
			return k.object(t, where)
		}
		want = "an object"
	case reflect.Slice:
		if token == json.Delim('[') {
			return k.array(t, where)
		}
		want = "a list"
	case reflect.String:
		if _, ok := token.(string); ok {
			return nil
		}
		want = "a text"
	case reflect.Bool:
		if _, ok := token.(bool); ok {
			return nil
		}
		want = "true or false"
	default:
		if n, ok := token.(json.Number); ok && fits(n.String(), t) {
			return nil
		}
		want = "a whole number in range"
	}
	if where == "" {
		return invalid("", "the body has to be %s", want)
	}
	return invalid(where, "the field %q has to be %s", where, want)
}

// fits reports whether a number is whole and of the type's size.
func fits(n string, t reflect.Type) bool {
	var err error
	if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
		_, err = strconv.ParseUint(n, 10, t.Bits())
	} else {
		_, err = strconv.ParseInt(n, 10, t.Bits())
	}
	return err == nil
}

func (k checker) array(t reflect.Type, where string) error {
	for i := 0; k.dec.More(); i++ {
		if err := k.value(t.Elem(), where+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return k.close()
}

func (k checker) object(t reflect.Type, where string) error {
	seen := map[string]bool{}
	for k.dec.More() {
		token, err := k.dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return invalid("", "the body is not JSON")
		}
		f, known := field(t, name)
		full := join(where, limit(name, 60))
		switch {
		case !known:
			return &problemError{status: 422, code: "unknown-field", field: full, detail: "there is no field " + strconv.Quote(full) + " here"}
		case seen[name]:
			return invalid(full, "the field %q is given twice", full)
		}
		seen[name] = true
		if err := k.value(f.Type, full); err != nil {
			return err
		}
	}
	if err := k.close(); err != nil {
		return err
	}
	for f := range fields(t) {
		if name := f.Tag.Get("json"); f.Tag.Get("need") != "" && !seen[name] {
			full := join(where, name)
			return &problemError{status: 422, code: "missing-field", field: full, detail: "the field " + strconv.Quote(full) + " is missing"}
		}
	}
	return nil
}

// close takes the bracket after the last member.
func (k checker) close() error {
	if _, err := k.dec.Token(); err != nil {
		return invalid("", "the body is not JSON: it ends in the middle")
	}
	return nil
}

// fields are the fields of an input struct; their tag json is the name alone.
func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// field finds a field by its exact name; encoding/json would take another case too.
func field(t reflect.Type, name string) (reflect.StructField, bool) {
	for f := range fields(t) {
		if f.Tag.Get("json") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func join(where, name string) string {
	if where == "" {
		return name
	}
	return where + "." + name
}

// id reads a row number out of the path; what is none is not found.
func (c *call) number(name, what string) (int64, error) {
	n, err := strconv.ParseInt(c.PathValue(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, notFound("there is no such " + what)
	}
	return n, nil
}

// flag reads a parameter that is true or false.
func (c *call) flag(name string) (bool, error) {
	switch c.params.Get(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, invalid(name, "the parameter %s is true or false", name)
}
