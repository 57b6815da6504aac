package interop

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"specter/internal/errs"
)

// Label is one label of BIP329; other formats are read into the same form.
type Label struct {
	Type      string // tx, addr, pubkey, input, output, xpub; others are kept
	Ref       string
	Label     string
	Origin    string
	Spendable *bool                      // outputs: false is frozen
	Extra     map[string]json.RawMessage // further members, kept as they are
}

// LabelFile is what a label file holds; bad lines are told and the good ones kept.
type LabelFile struct {
	Format   string // bip329, electrum, specter-json, specter-csv
	Labels   []Label
	Problems []Problem
}

// ReadLabels reads a label file. from is a format's name, or "" to find out.
func ReadLabels(data []byte, from string) (LabelFile, error) {
	if len(data) > MaxFile {
		return LabelFile{}, errs.Bad(errs.TooLarge, "the file has more than %d MB", MaxFile>>20)
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if from == "" {
		from = sniffLabels(data)
	}
	switch from {
	case "bip329":
		return readBIP329(data), nil
	case "electrum", "specter-json":
		return readLabelObject(data)
	case "specter-csv", "csv":
		return readLabelCSV(data)
	}
	return LabelFile{}, errs.Bad(errs.Unsupported, "the label format %q is not known; bip329, electrum, specter-json and specter-csv are", from)
}

// sniffLabels tells the format: JSON lines with a type, one JSON object, else CSV.
func sniffLabels(data []byte) string {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	var o map[string]json.RawMessage
	if json.Unmarshal(line, &o) == nil && o["type"] != nil && o["ref"] != nil {
		return "bip329"
	}
	if bytes.HasPrefix(data, []byte("{")) {
		return "electrum"
	}
	return "specter-csv"
}

// readBIP329 reads JSON lines.
func readBIP329(data []byte) LabelFile {
	f := LabelFile{Format: "bip329"}
	for i, line := range bytes.Split(data, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		l, err := labelOf(line)
		if err != nil {
			f.Problems = append(f.Problems, Problem{i + 1, err.Error()})
			continue
		}
		f.Labels = append(f.Labels, l)
	}
	return f
}

func labelOf(line []byte) (Label, error) {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(line, &o); err != nil {
		return Label{}, errs.Bad(errs.Malformed, "this is no JSON object")
	}
	l := Label{Type: str(o, "type"), Ref: str(o, "ref"), Origin: str(o, "origin")}
	if l.Type == "" || l.Ref == "" {
		return Label{}, errs.Bad(errs.Malformed, "type or ref is missing")
	}
	if raw, has := o["label"]; has && json.Unmarshal(raw, &l.Label) != nil {
		return Label{}, errs.Bad(errs.Malformed, "the label is no text")
	}
	if raw, has := o["spendable"]; has {
		s, err := strconv.ParseBool(strings.Trim(string(raw), `"`))
		if err != nil {
			return Label{}, errs.Bad(errs.Malformed, "spendable is neither true nor false")
		}
		l.Spendable = &s
	}
	for _, known := range []string{"type", "ref", "label", "origin", "spendable"} {
		delete(o, known)
	}
	if len(o) > 0 {
		l.Extra = o
	}
	return l, nil
}

// readLabelObject reads Electrum's {"address or txid": "label"}, or any object of Specter with
// labels {"label": ["address", …]}.
func readLabelObject(data []byte) (LabelFile, error) {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(data, &o); err != nil {
		return LabelFile{}, errs.Bad(errs.Malformed, "the label file is no JSON object: %w", err)
	}
	if raw, has := o["labels"]; has {
		var bySpecter map[string][]string
		if json.Unmarshal(raw, &bySpecter) == nil {
			f := LabelFile{Format: "specter-json"}
			for label, refs := range bySpecter {
				for _, ref := range refs {
					if ref == "" {
						f.Problems = append(f.Problems, Problem{Text: fmt.Sprintf("the label %q is of no address", label)})
						continue
					}
					f.Labels = append(f.Labels, Label{Type: "addr", Ref: ref, Label: label})
				}
			}
			f.sort()
			return f, nil
		}
	}
	f := LabelFile{Format: "electrum"}
	for ref, raw := range o {
		var text string
		if ref == "" {
			f.Problems = append(f.Problems, Problem{Text: "a label is of no address and no transaction"})
			continue
		}
		if json.Unmarshal(raw, &text) != nil {
			f.Problems = append(f.Problems, Problem{Text: fmt.Sprintf("the label of %q is no text", ref)})
			continue
		}
		f.Labels = append(f.Labels, Label{Type: typeOfRef(ref), Ref: ref, Label: text})
	}
	f.sort()
	return f, nil
}

// sort gives a file that came out of a map one order.
func (f *LabelFile) sort() {
	slices.SortFunc(f.Labels, func(a, b Label) int { return strings.Compare(a.Ref, b.Ref) })
	slices.SortFunc(f.Problems, func(a, b Problem) int { return strings.Compare(a.Text, b.Text) })
}

func typeOfRef(ref string) string {
	if len(ref) == 64 && strings.Trim(ref, "0123456789abcdefABCDEF") == "" {
		return "tx"
	}
	if txid, _, is := strings.Cut(ref, ":"); is && typeOfRef(txid) == "tx" {
		return "output"
	}
	return "addr"
}

// readLabelCSV reads Specter's CSV: columns address and label in any case and order, any
// usual delimiter; labels that Specter makes itself ("Address #5") are passed over.
func readLabelCSV(data []byte) (LabelFile, error) {
	f := LabelFile{Format: "specter-csv"}
	header, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = delimiter(string(header))
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = -1, true, true
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return f, errs.Bad(errs.Malformed, "the CSV cannot be read")
	}
	column := func(name string) int {
		return slices.IndexFunc(rows[0], func(c string) bool { return strings.EqualFold(strings.TrimSpace(c), name) })
	}
	a, l := column("address"), column("label")
	if a < 0 || l < 0 {
		return f, errs.Bad(errs.Malformed, "the CSV needs a header with the columns Address and Label")
	}
	for i, row := range rows[1:] {
		if len(row) <= max(a, l) {
			f.Problems = append(f.Problems, Problem{i + 2, "the line has too few columns"})
			continue
		}
		label := strings.TrimSpace(row[l])
		if safe, ok := strings.CutPrefix(label, "'"); ok && FormulaSafe(safe) == label {
			label = safe // as we write it ourselves
		}
		if label == "" || strings.HasPrefix(label, "Address #") || strings.HasPrefix(label, "Change #") {
			continue
		}
		ref := strings.TrimSpace(row[a])
		if ref == "" {
			f.Problems = append(f.Problems, Problem{i + 2, "the line has a label and no address"})
			continue
		}
		f.Labels = append(f.Labels, Label{Type: "addr", Ref: ref, Label: label})
	}
	return f, nil
}

func delimiter(header string) rune {
	best, count := ',', 0
	for _, d := range ",;\t|" {
		if n := strings.Count(header, string(d)); n > count {
			best, count = d, n
		}
	}
	return best
}

// WriteLabels writes labels as bip329, electrum, specter-json or specter-csv; a format leaves
// out what it has no room for.
func WriteLabels(labels []Label, to string) ([]byte, error) {
	switch to {
	case "bip329":
		return writeBIP329(labels)
	case "electrum":
		o := map[string]string{}
		for _, l := range labels {
			if l.Type == "tx" || l.Type == "addr" {
				o[l.Ref] = l.Label
			}
		}
		return indented(o)
	case "specter-json":
		bySpecter := map[string][]string{}
		for _, l := range labels {
			if l.Type == "addr" {
				bySpecter[l.Label] = append(bySpecter[l.Label], l.Ref)
			}
		}
		return indented(map[string]any{"labels": bySpecter})
	case "specter-csv", "csv":
		return writeLabelCSV(labels)
	}
	return nil, errs.Bad(errs.Unsupported, "labels cannot be written as %q; bip329, electrum, specter-json and specter-csv are known", to)
}

func writeBIP329(labels []Label) ([]byte, error) {
	var b bytes.Buffer
	for _, l := range labels {
		line, err := l.MarshalJSON()
		if err != nil {
			return nil, err
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes(), nil
}

// MarshalJSON prints a BIP329 line: type, ref, label, then what else there is.
func (l Label) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	field := func(name string, v any) error {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", name)
		if err := enc.Encode(v); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the encoder's line end
		return nil
	}
	for _, m := range [][2]string{{"type", l.Type}, {"ref", l.Ref}, {"label", l.Label}} {
		if err := field(m[0], m[1]); err != nil {
			return nil, err
		}
	}
	if l.Origin != "" {
		if err := field("origin", l.Origin); err != nil {
			return nil, err
		}
	}
	if l.Spendable != nil {
		if err := field("spendable", *l.Spendable); err != nil {
			return nil, err
		}
	}
	var names []string
	for name := range l.Extra {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := field(name, l.Extra[name]); err != nil {
			return nil, err
		}
	}
	return []byte("{" + b.String() + "}"), nil
}

func writeLabelCSV(labels []Label) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write([]string{"Address", "Label"}); err != nil {
		return nil, err
	}
	for _, l := range labels {
		if l.Type != "addr" {
			continue
		}
		if err := w.Write([]string{l.Ref, FormulaSafe(l.Label)}); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// FormulaSafe puts an apostrophe before text that a spreadsheet would run as a formula.
func FormulaSafe(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
