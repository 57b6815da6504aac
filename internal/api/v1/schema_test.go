package v1_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "specter/internal/api/v1"
)

// schema is the part of JSON Schema that openapi.json uses. Whatever else a schema says makes
// the test fail: what is not checked here must not stand there.
type schema struct {
	Ref           string             `json:"$ref"`
	Type          any                `json:"type"`
	Format        string             `json:"format"`
	Description   string             `json:"description"`
	Enum          []any              `json:"enum"`
	Default       any                `json:"default"`
	Minimum       *json.Number       `json:"minimum"`
	Maximum       *json.Number       `json:"maximum"`
	MinLength     *int               `json:"minLength"`
	MaxLength     *int               `json:"maxLength"`
	Pattern       string             `json:"pattern"`
	Items         *schema            `json:"items"`
	MinItems      *int               `json:"minItems"`
	MaxItems      *int               `json:"maxItems"`
	Unique        bool               `json:"uniqueItems"`
	OneOf         []*schema          `json:"oneOf"`
	Properties    map[string]*schema `json:"properties"`
	Required      []string           `json:"required"`
	Additional    *bool              `json:"additionalProperties"`
	ContentMedia  string             `json:"contentMediaType"`
	UnknownFields map[string]any     `json:"-"`
}

// UnmarshalJSON refuses keywords that the validator does not know.
func (s *schema) UnmarshalJSON(b []byte) error {
	type plain schema
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	return dec.Decode((*plain)(s))
}

type media struct {
	Schema *schema `json:"schema"`
}

type response struct {
	Ref     string           `json:"$ref"`
	Content map[string]media `json:"content"`
	Headers map[string]any   `json:"headers"`
}

type parameter struct {
	Ref      string  `json:"$ref"`
	Name     string  `json:"name"`
	In       string  `json:"in"`
	Required bool    `json:"required"`
	Schema   *schema `json:"schema"`
}

type operation struct {
	ID          string                              `json:"operationId"`
	Summary     string                              `json:"summary"`
	Description string                              `json:"description"`
	Tags        []string                            `json:"tags"`
	Security    *[]map[string][]any                 `json:"security"`
	Parameters  []parameter                         `json:"parameters"`
	RequestBody *struct{ Content map[string]media } `json:"requestBody"`
	Responses   map[string]response                 `json:"responses"`
}

type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas    map[string]*schema   `json:"schemas"`
		Responses  map[string]response  `json:"responses"`
		Parameters map[string]parameter `json:"parameters"`
	} `json:"components"`
}

var doc = func() document {
	var d document
	if err := json.Unmarshal(v1.OpenAPI, &d); err != nil {
		panic(err)
	}
	return d
}()

func (d document) schema(s *schema) *schema {
	for s != nil && s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// check holds a value against a schema.
func (d document) check(v any, s *schema, where string) error {
	if s = d.schema(s); s == nil {
		return fmt.Errorf("%s: the schema is missing", where)
	}
	if len(s.OneOf) > 0 {
		var all []string
		for _, one := range s.OneOf {
			err := d.check(v, one, where)
			if err == nil {
				return nil
			}
			all = append(all, err.Error())
		}
		return fmt.Errorf("%s fits none of its kinds: %s", where, strings.Join(all, "; "))
	}
	if s.Type != nil && !isType(v, s.Type) {
		return fmt.Errorf("%s is %T %v, not %v", where, v, v, s.Type)
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return fmt.Sprint(e) == fmt.Sprint(v) }) {
		return fmt.Errorf("%s is %v, none of %v", where, v, s.Enum)
	}
	switch v := v.(type) {
	case string:
		return checkText(v, s, where)
	case json.Number:
		return checkNumber(v, s, where)
	case []any:
		for i, x := range v {
			if err := d.check(x, s.Items, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		return d.checkObject(v, s, where)
	}
	return nil
}

func (d document) checkObject(v map[string]any, s *schema, where string) error {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return fmt.Errorf("%s lacks %s", where, name)
		}
	}
	for name, x := range v {
		p := s.Properties[name]
		if p == nil {
			if s.Properties == nil {
				continue // any object
			}
			return fmt.Errorf("%s has %s, which is not described", where, name)
		}
		if err := d.check(x, p, where+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func checkText(v string, s *schema, where string) error {
	if s.Format == "date-time" {
		if t, err := time.Parse(time.RFC3339, v); err != nil || !strings.HasSuffix(v, "Z") || t.Year() < 1990 {
			return fmt.Errorf("%s is %q, no time in UTC", where, v)
		}
	}
	if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
		return fmt.Errorf("%s is %q, which does not match %s", where, v, s.Pattern)
	}
	return nil
}

func checkNumber(v json.Number, s *schema, where string) error {
	n, ok := new(big.Int).SetString(v.String(), 10)
	if !ok {
		return fmt.Errorf("%s is %s, no whole number", where, v)
	}
	for _, bound := range []struct {
		b    *json.Number
		sign int
	}{{s.Minimum, -1}, {s.Maximum, 1}} {
		if bound.b == nil {
			continue
		}
		if m, _ := new(big.Int).SetString(bound.b.String(), 10); n.Cmp(m) == bound.sign {
			return fmt.Errorf("%s is %s, out of bounds", where, v)
		}
	}
	return nil
}

func isType(v any, types any) bool {
	if list, ok := types.([]any); ok {
		return slices.ContainsFunc(list, func(t any) bool { return isType(v, t) })
	}
	switch v := v.(type) {
	case nil:
		return types == "null"
	case string:
		return types == "string"
	case bool:
		return types == "boolean"
	case json.Number:
		return types == "integer" && !strings.ContainsAny(v.String(), ".eE")
	case []any:
		return types == "array"
	case map[string]any:
		return types == "object"
	}
	return false
}

// operationOf finds the operation that answers a path.
func (d document) operationOf(method, path string) (operation, bool) {
	path, _, _ = strings.Cut(path, "?")
	if path == v1.Root {
		path += "/"
	}
	parts := strings.Split(path, "/")
	best, score := operation{}, -1
	for template, methods := range d.Paths {
		t := strings.Split(template, "/")
		op, ok := methods[strings.ToLower(method)]
		if !ok || len(t) != len(parts) {
			continue
		}
		same := 0
		for i := range t {
			if strings.HasPrefix(t[i], "{") {
				continue
			}
			if t[i] != parts[i] {
				same = -1
				break
			}
			same++
		}
		if same > score {
			best, score = op, same
		}
	}
	return best, score >= 0
}

// TestValidatorFindsWhatIsWrong: a validator that lets everything through proves nothing.
func TestValidatorFindsWhatIsWrong(t *testing.T) {
	good := `{"type":"urn:x","title":"t","status":422,"detail":"d","instance":"i","code":"c"}`
	for body, want := range map[string]string{
		good: "", `{"type":"urn:x"}`: "lacks", strings.Replace(good, "422", "422.0", 1): "integer",
		strings.Replace(good, `"t"`, "null", 1): "title", strings.Replace(good, `"code"`, `"kode"`, 1): "code",
		strings.Replace(good, `}`, `,"more":1}`, 1): "more",
	} {
		err := doc.check(parseJSON(t, []byte(body)), &schema{Ref: "#/components/schemas/Problem"}, "body")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func parseJSON(t *testing.T, b []byte) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v
}
