package descriptor

import (
	"strconv"
	"strings"

	"specter/internal/errs"
)

// Annotation is one key and value behind a descriptor (BIP393).
type Annotation struct {
	Key   string // lower-case letters: bh (birthday height), gl (gap limit), ml (max label)…
	Value uint64
}

// Annotations are what stands after the ? of a descriptor, in the order written.
type Annotations []Annotation

// Get returns the value of a key.
func (a Annotations) Get(key string) (value uint64, ok bool) {
	for _, n := range a {
		if n.Key == key {
			return n.Value, true
		}
	}
	return 0, false
}

// String prints the annotations with the ? in front; nothing where there are none.
func (a Annotations) String() string {
	var b strings.Builder
	for i, n := range a {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(n.Key + "=" + strconv.FormatUint(n.Value, 10))
	}
	return b.String()
}

// Annotations returns what the descriptor says about recovery; none changes its scripts.
func (d *Descriptor) Annotations() Annotations { return append(Annotations(nil), d.notes...) }

// WithAnnotations returns the descriptor with other annotations; nil removes them.
func (d *Descriptor) WithAnnotations(a Annotations) (*Descriptor, error) {
	if len(a) > 0 {
		if _, err := parseAnnotations(a.String()[1:]); err != nil {
			return nil, err
		}
	}
	c := *d
	c.notes = append(Annotations(nil), a...)
	return &c, nil
}

// splitAnnotations cuts ?key=value&… off a descriptor.
func splitAnnotations(s string) (body string, a Annotations, err error) {
	body, query, found := strings.Cut(s, "?")
	if !found {
		return s, nil, nil
	}
	a, err = parseAnnotations(query)
	return body, a, err
}

func parseAnnotations(query string) (Annotations, error) {
	var a Annotations
	for _, pair := range strings.Split(query, "&") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz") != "" {
			return nil, errs.Bad(errs.Malformed, "%q is no annotation; one looks like bh=800000", clip(pair))
		}
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || strconv.FormatUint(n, 10) != value {
			return nil, errs.Bad(errs.Malformed, "the annotation %q has no whole number", clip(pair))
		}
		if _, twice := a.Get(key); twice {
			return nil, errs.Bad(errs.Malformed, "the annotation %q is there twice", clip(key))
		}
		a = append(a, Annotation{key, n})
		if len(a) > 100 {
			return nil, errs.Bad(errs.TooLarge, "a descriptor has at most 100 annotations")
		}
	}
	return a, nil
}
