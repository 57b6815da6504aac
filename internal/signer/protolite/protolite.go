// Package protolite reads and writes protobuf messages by their field numbers, without generated
// code: what the protocols of signing devices need and no more. Messages from a device are
// hostile bytes, so every length is checked before it is believed and groups are refused.
package protolite

import (
	"google.golang.org/protobuf/encoding/protowire"

	"specter/internal/errs"
)

// MaxFields is how many fields a message may have; more are refused.
const MaxFields = 1 << 14

// Message is a message that was read. Fields of a number keep their order.
type Message struct{ fields []field }

type field struct {
	number protowire.Number
	value  uint64 // of varints and fixed numbers
	bytes  []byte // of strings, bytes and messages; not nil then
}

// Parse reads a message. The bytes are not copied. The error is of kind Invalid.
func Parse(b []byte) (Message, error) {
	var m Message
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return Message{}, malformed(n)
		}
		b = b[n:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
			if f.bytes == nil {
				f.bytes = []byte{}
			}
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.value = uint64(v)
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(b)
		default:
			return Message{}, errs.E(errs.Invalid, "the device's message holds a field of kind %d, which is not in use", kind)
		}
		if n < 0 {
			return Message{}, malformed(n)
		}
		if len(m.fields) == MaxFields {
			return Message{}, errs.E(errs.Invalid, "the device's message has more than %d fields", MaxFields)
		}
		b, m.fields = b[n:], append(m.fields, f)
	}
	return m, nil
}

func malformed(n int) error {
	return errs.E(errs.Invalid, "the device's message is damaged: %w", protowire.ParseError(n))
}

// last finds the last field of a number, as protobuf has it for single fields.
func (m Message) last(number int) (field, bool) {
	for i := len(m.fields) - 1; i >= 0; i-- {
		if m.fields[i].number == protowire.Number(number) {
			return m.fields[i], true
		}
	}
	return field{}, false
}

// Has reports whether the message has the field.
func (m Message) Has(number int) bool { _, ok := m.last(number); return ok }

// Uint is the field as a number, 0 without.
func (m Message) Uint(number int) uint64 { f, _ := m.last(number); return f.value }

// Uint32 is the field as a number of 32 bits, 0 without; higher bits are cut as protobuf does.
func (m Message) Uint32(number int) uint32 { return uint32(m.Uint(number)) }

// Bool is the field as a truth value, false without.
func (m Message) Bool(number int) bool { return m.Uint(number) != 0 }

// Bytes are the field's bytes, nil without.
func (m Message) Bytes(number int) []byte { f, _ := m.last(number); return f.bytes }

// Text is the field as text, "" without.
func (m Message) Text(number int) string { return string(m.Bytes(number)) }

// Message reads the field as a message; ok is false without.
func (m Message) Message(number int) (sub Message, ok bool, err error) {
	f, ok := m.last(number)
	if !ok || f.bytes == nil {
		return Message{}, false, nil
	}
	sub, err = Parse(f.bytes)
	return sub, err == nil, err
}

// All are the bytes of every field of the number, in order.
func (m Message) All(number int) [][]byte {
	var all [][]byte
	for _, f := range m.fields {
		if f.number == protowire.Number(number) && f.bytes != nil {
			all = append(all, f.bytes)
		}
	}
	return all
}

// Uints are the numbers of a repeated field, packed or one by one.
func (m Message) Uints(number int) ([]uint64, error) {
	var all []uint64
	for _, f := range m.fields {
		switch {
		case f.number != protowire.Number(number):
		case f.bytes == nil:
			all = append(all, f.value)
		default:
			for b := f.bytes; len(b) > 0; {
				v, n := protowire.ConsumeVarint(b)
				if n < 0 {
					return nil, malformed(n)
				}
				all, b = append(all, v), b[n:]
			}
		}
	}
	return all, nil
}

// Builder writes a message. Its methods return the longer builder, for chains; fields are
// written in the order of the calls.
type Builder []byte

// Uint adds a number, zero too.
func (b Builder) Uint(number int, v uint64) Builder {
	return protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(number), protowire.VarintType), v)
}

// Bool adds a truth value, false too.
func (b Builder) Bool(number int, v bool) Builder {
	return b.Uint(number, protowire.EncodeBool(v))
}

// Bytes adds bytes, empty ones too.
func (b Builder) Bytes(number int, v []byte) Builder {
	return protowire.AppendBytes(protowire.AppendTag(b, protowire.Number(number), protowire.BytesType), v)
}

// Text adds text, empty too.
func (b Builder) Text(number int, v string) Builder { return b.Bytes(number, []byte(v)) }

// Message adds a message, empty too.
func (b Builder) Message(number int, v Builder) Builder { return b.Bytes(number, v) }

// Uint32s adds a repeated number, one field each (proto2's form, which every reader takes).
func (b Builder) Uint32s(number int, list []uint32) Builder {
	for _, v := range list {
		b = b.Uint(number, uint64(v))
	}
	return b
}
