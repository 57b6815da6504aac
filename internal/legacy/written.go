package legacy

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// What the old program wrote of a thing that is taken over is kept beside it, sealed like all that
// is kept: the way back then writes every field as it stood, also those that nobody reads here,
// but for what was changed here since.

// writtenPrefix stands before the file's name where what is kept is what the old program wrote of
// a thing that is here.
const writtenPrefix = "written:"

// written is a JSON file of the old program, and what became of its fields here.
type written struct {
	Raw  object            `json:"raw"`
	Here map[string]string `json:"here,omitempty"` // as they were here after taking over
}

// put writes a field, unless it is here as it was after taking over: then it stays as the old
// program wrote it.
func (w written) put(key string, v any) {
	raw := object{}
	raw.put(key, v)
	if was, told := w.Here[key]; told && w.Raw.has(key) && was == raw.text(key) {
		return
	}
	w.Raw.put(key, v)
}

// keepWritten notes what the old program wrote of a thing. fresh says that the thing was made of it
// just now; otherwise what it became the first time holds.
func (t *taker) keepWritten(owner, file string, raw object, here map[string]string, fresh bool) error {
	if t.o.Dry || owner == "" || len(raw) == 0 {
		return nil
	}
	name := writtenPrefix + file
	_, value, found, err := t.before(owner, "kept", name)
	if err != nil {
		return err
	}
	w := written{Raw: raw, Here: here}
	if !fresh {
		w.Here = nil
		if old, ok := readWritten(value); ok {
			w.Here = old.Here
		}
	}
	data, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return t.noteWritten(owner, name, squeeze(data), value, found)
}

// keepTable notes a table as the old program wrote it.
func (t *taker) keepTable(owner, file string) error {
	if t.o.Dry || !t.s.Has(file) && !t.s.Has(file+bkp) {
		return nil
	}
	name := writtenPrefix + file
	_, value, found, err := t.before(owner, "kept", name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = t.s.rows(file, func(head []string) error { return w.Write(head) }, func(r row) error { // trouble was told when it was read
		if b.Len() > maxTable {
			return errTooMuch
		}
		return w.Write(r.fields)
	})
	w.Flush()
	return t.noteWritten(owner, name, squeeze(b.Bytes()), value, found)
}

func (t *taker) noteWritten(owner, name string, data, before []byte, found bool) error {
	if found && bytes.Equal(data, before) || len(data) > maxKept {
		return nil
	}
	return t.note(owner, "kept", name, "as written", data)
}

// squeeze packs what is kept; the same bytes become the same.
func squeeze(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		return nil // a buffer takes everything
	}
	if err := z.Close(); err != nil {
		return nil
	}
	return b.Bytes()
}

// unsqueeze opens what squeeze has packed; nil where it is damaged.
func unsqueeze(data []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(z, maxTable))
	if err != nil {
		return nil
	}
	return out
}

func readWritten(data []byte) (w written, ok bool) {
	err := json.Unmarshal(unsqueeze(data), &w)
	return w, err == nil && w.Raw != nil
}

// wrote is what the old program wrote in a file of a thing that is here; an empty one where it
// wrote none.
func (b *back) wrote(file string) written {
	w, ok := readWritten(b.written[file])
	if !ok {
		return written{Raw: object{}}
	}
	return w
}

// wroteRows are the rows of a table as the old program wrote them, by a column of theirs.
func (b *back) wroteRows(file, by string) map[string]row {
	out := map[string]row{}
	raw := unsqueeze(b.written[file])
	if raw == nil {
		return out
	}
	s := memory(file, raw)
	_ = s.table(file, func(r row) error { // it was written by ourselves
		key := strings.Clone(r.text(by))
		if _, twice := out[key]; !twice && key != "" {
			out[key] = row{r.at, slices.Clone(r.fields)}
		}
		return nil
	})
	return out
}

// memory is a source of one file.
func memory(name string, data []byte) *Source {
	return &Source{Name: name, files: map[string]file{name: {int64(len(data)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}}}
}
