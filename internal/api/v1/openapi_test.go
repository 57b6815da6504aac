package v1_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	v1 "specter/internal/api/v1"
)

func TestEveryRouteIsDescribedAndNothingElse(t *testing.T) {
	described := map[string]bool{}
	for path, methods := range doc.Paths {
		for method := range methods {
			described[strings.ToUpper(method)+" "+strings.TrimSuffix(path, "/")] = true
		}
	}
	for _, r := range v1.Routes() {
		name := r.Method + " " + r.FullPattern()
		op, ok := doc.Paths[r.FullPattern()][strings.ToLower(r.Method)]
		if r.Pattern == "" {
			op, ok = doc.Paths[v1.Root+"/"]["get"]
		}
		if !ok || !described[name] {
			t.Errorf("%s is not in openapi.json", name)
			continue
		}
		delete(described, name)
		describedRight(t, r, op)
	}
	for name := range described {
		t.Errorf("openapi.json describes %s, which there is not", name)
	}
}

// describedRight holds one operation against its row of the table.
func describedRight(t *testing.T, r v1.Route, op operation) {
	t.Helper()
	if op.ID != r.OperationID || op.Summary == "" || len(op.Tags) != 1 {
		t.Errorf("%s: its description is named %q, %q, tags %v", r.OperationID, op.ID, op.Summary, op.Tags)
	}
	if r.Audience != v1.Everyone && !strings.Contains(op.Description, "Right: `"+string(r.Right)+"`") {
		t.Errorf("%s: the description says %q, its right is %s", r.OperationID, op.Description, r.Right)
	}
	if r.Audience == v1.OwnerOnly != strings.Contains(op.Description, "the owner alone") {
		t.Errorf("%s: the description says %q, it is for %s", r.OperationID, op.Description, r.Audience)
	}
	var names []string
	for _, p := range op.Parameters {
		if p.Ref != "" {
			p = doc.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
		}
		if p.Schema == nil {
			t.Errorf("%s: the parameter %s has no schema", r.OperationID, p.Name)
		}
		names = append(names, p.In+" "+p.Name)
	}
	var want []string
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(r.Pattern, -1) {
		want = append(want, "path "+m[1])
	}
	for _, q := range r.Query() {
		want = append(want, "query "+q)
	}
	if r.Method == "POST" {
		want = append(want, "header Idempotency-Key")
	}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("%s: parameters %v are described, there are %v", r.OperationID, names, want)
	}
	if _, ok := op.Responses[fmt.Sprint(r.Status())]; !ok || op.Responses["default"].Ref == "" {
		t.Errorf("%s: the answers %d and default are to be described: %v", r.OperationID, r.Status(), op.Responses)
	}
	if (op.Security != nil && len(*op.Security) == 2) != r.Basic() || (op.Security != nil && len(*op.Security) == 0) != (r.Audience == v1.Everyone) {
		t.Errorf("%s: the ways to log in are described wrongly", r.OperationID)
	}
}

func TestEveryFieldIsDescribedAndReal(t *testing.T) {
	used := map[string]bool{}
	for _, r := range v1.Routes() {
		op, _ := doc.Paths[r.FullPattern()][strings.ToLower(r.Method)]
		if in := r.In(); in != nil {
			if op.RequestBody == nil {
				t.Errorf("%s: its body is not described", r.OperationID)
				continue
			}
			sameFields(t, reflect.TypeOf(in), op.RequestBody.Content["application/json"].Schema, r.OperationID+" request", used)
			if _, ok := op.RequestBody.Content["application/octet-stream"]; ok != r.Binary() {
				t.Errorf("%s: binary bodies are described wrongly", r.OperationID)
			}
		} else if op.RequestBody != nil {
			t.Errorf("%s takes no body", r.OperationID)
		}
		if out := r.Out(); out != nil && reflect.TypeOf(out).Kind() == reflect.Struct {
			sameFields(t, reflect.TypeOf(out), op.Responses[fmt.Sprint(r.Status())].Content["application/json"].Schema, r.OperationID+" answer", used)
		}
	}
	sameFields(t, reflect.TypeOf(v1.ProblemBody), &schema{Ref: "#/components/schemas/Problem"}, "problem", used)
	sameFields(t, reflect.TypeOf(v1.EventView), &schema{Ref: "#/components/schemas/Event"}, "event", used)
	for name := range doc.Components.Schemas {
		if !used[name] {
			t.Errorf("the schema %s is of nothing", name)
		}
	}
}

// sameFields holds a Go type and a schema against each other, both ways.
func sameFields(t *testing.T, g reflect.Type, s *schema, where string, used map[string]bool) {
	t.Helper()
	if s == nil {
		t.Errorf("%s: the schema is missing", where)
		return
	}
	null := false
	if g.Kind() == reflect.Pointer {
		g, null = g.Elem(), true
	}
	if len(s.OneOf) == 2 && s.OneOf[1].Type == "null" {
		if !null {
			t.Errorf("%s is never null", where)
		}
		s, null = s.OneOf[0], false
	}
	if s.Ref != "" {
		used[strings.TrimPrefix(s.Ref, "#/components/schemas/")] = true
		s = doc.schema(s)
		if s == nil {
			t.Errorf("%s: the schema is missing", where)
			return
		}
	}
	if g == reflect.TypeOf(v1.Moment) {
		if fmt.Sprint(s.Type) != "[string null]" || s.Format != "date-time" {
			t.Errorf("%s is a time, the schema says %v %s", where, s.Type, s.Format)
		}
		return
	}
	kind := kindOf(g)
	want := any(kind)
	if null {
		want = fmt.Sprintf("[%s null]", kind)
	}
	if fmt.Sprint(s.Type) != want {
		t.Errorf("%s is %v, the schema says %v", where, want, s.Type)
	}
	switch g.Kind() {
	case reflect.Slice:
		sameFields(t, g.Elem(), s.Items, where+"[]", used)
	case reflect.Struct:
		sameStruct(t, g, s, where, used)
	}
}

func sameStruct(t *testing.T, g reflect.Type, s *schema, where string, used map[string]bool) {
	t.Helper()
	input := strings.HasSuffix(g.Name(), "Input") || strings.HasSuffix(g.Name(), "Patch")
	seen, required := map[string]bool{}, []string{}
	for _, f := range flat(g) {
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || strings.ContainsFunc(name, unicode.IsUpper) {
			t.Errorf("%s: the field %s has no name in JSON", where, f.Name)
		}
		seen[name] = true
		if input && f.Tag.Get("need") != "" || !input && rest != "omitempty" {
			required = append(required, name)
		}
		p := s.Properties[name]
		if p == nil {
			t.Errorf("%s.%s is not described", where, name)
			continue
		}
		if p.Ref == "" && len(p.OneOf) == 0 && p.Description == "" {
			t.Errorf("%s.%s is not explained", where, name)
		}
		sameFields(t, f.Type, p, where+"."+name, used)
	}
	for name := range s.Properties {
		if !seen[name] {
			t.Errorf("%s.%s is described, but there is no such field", where, name)
		}
	}
	listed := slices.Clone(s.Required)
	slices.Sort(listed)
	slices.Sort(required)
	if !slices.Equal(listed, required) {
		t.Errorf("%s: required are %v, the schema says %v", where, required, listed)
	}
	if s.Additional == nil || *s.Additional {
		t.Errorf("%s: the schema lets other fields in", where)
	}
}

// flat lists the fields of a struct with those of embedded ones.
func flat(g reflect.Type) (out []reflect.StructField) {
	for i := range g.NumField() {
		if f := g.Field(i); f.Anonymous {
			out = append(out, flat(f.Type)...)
		} else {
			out = append(out, f)
		}
	}
	return out
}

func kindOf(g reflect.Type) string {
	switch g.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "array"
	case reflect.Struct:
		return "object"
	case reflect.Float32, reflect.Float64:
		return "a float, which no answer may hold"
	}
	return "integer"
}

func TestAmountsAndRatesSayTheirUnit(t *testing.T) {
	for _, r := range v1.Routes() {
		for _, body := range []any{r.In(), r.Out()} {
			if body == nil || reflect.TypeOf(body).Kind() != reflect.Struct {
				continue
			}
			for _, f := range flat(reflect.TypeOf(body)) {
				name := f.Tag.Get("json")
				for _, word := range []string{"amount", "fee", "feerate", "balance_", "price"} {
					if strings.HasPrefix(name, word) && !strings.HasSuffix(name, "_sat") && !strings.HasSuffix(name, "_sat_kvb") {
						t.Errorf("%s: %s does not say its unit", r.OperationID, name)
					}
				}
			}
		}
	}
}
