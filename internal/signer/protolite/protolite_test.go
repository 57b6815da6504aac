package protolite

import (
	"bytes"
	"slices"
	"testing"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	sub := Builder{}.Text(1, "inner").Bool(2, false)
	raw := Builder{}.Uint(1, 300).Bool(2, true).Bytes(3, nil).Text(4, "é").Message(5, sub).Message(5, sub).
		Uint32s(6, []uint32{0x80000054, 0, 7}).Uint(7, 1<<63)
	m, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if m.Uint(1) != 300 || !m.Bool(2) || !m.Has(3) || m.Bytes(3) == nil || len(m.Bytes(3)) != 0 || m.Text(4) != "é" || m.Uint(7) != 1<<63 {
		t.Errorf("read %+v", m)
	}
	if m.Has(9) || m.Uint(9) != 0 || m.Bytes(9) != nil || m.Text(9) != "" {
		t.Error("a field that is not there has a value")
	}
	inner, ok, err := m.Message(5)
	if err != nil || !ok || inner.Text(1) != "inner" || !inner.Has(2) || inner.Bool(2) {
		t.Errorf("the inner message: %+v %v %v", inner, ok, err)
	}
	if len(m.All(5)) != 2 {
		t.Errorf("%d inner messages, want 2", len(m.All(5)))
	}
	if got, err := m.Uints(6); err != nil || !slices.Equal(got, []uint64{0x80000054, 0, 7}) {
		t.Errorf("repeated numbers: %v %v", got, err)
	}
	packed := Builder{}.Bytes(6, []byte{0x01, 0xac, 0x02})
	m, _ = Parse(packed)
	if got, err := m.Uints(6); err != nil || !slices.Equal(got, []uint64{1, 300}) {
		t.Errorf("packed numbers: %v %v", got, err)
	}
}

func TestDamagedMessagesAreRefused(t *testing.T) {
	for name, raw := range map[string][]byte{
		"a tag without a value":       {0x08},
		"a length beyond the end":     {0x0a, 0x05, 'a'},
		"a length beyond all bounds":  {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"field number zero":           {0x00, 0x01},
		"a group":                     {0x0b, 0x0c},
		"an endless varint":           bytes.Repeat([]byte{0xff}, 20),
		"a fixed number that is cut":  {0x0d, 1, 2},
		"more fields than are decent": bytes.Repeat([]byte{0x08, 0x01}, MaxFields+1),
	} {
		if _, err := Parse(raw); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	m, err := Parse(Builder{}.Bytes(1, []byte{0x08}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Message(1); err == nil {
		t.Error("a damaged inner message was read")
	}
	if _, err := (Message{fields: []field{{number: 1, bytes: []byte{0x80}}}}).Uints(1); err == nil {
		t.Error("a damaged packed list was read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(Builder{}.Uint(1, 300).Text(2, "x").Uint32s(3, []uint32{1, 2})))
	f.Add([]byte{0x0a, 0x80, 0x80, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Parse(raw)
		if err != nil {
			return
		}
		for n := range 8 {
			for _, b := range m.All(n) {
				if len(b) > len(raw) {
					t.Fatal("a field is longer than its message")
				}
			}
			_, _ = m.Uints(n)
			_, _, _ = m.Message(n)
		}
	})
}
