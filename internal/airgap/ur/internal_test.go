package ur

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"specter/internal/vectors"
)

func TestVectorsBytewords(t *testing.T) {
	vectors.Each(t, "ur/bytewords.json", nil, func(c vectors.Case) error {
		var v struct {
			Hex, Standard, URI, Minimal string
			Style, Input, Error         string
		}
		c.Decode(&v)
		styles := map[string]Style{"standard": Standard, "uri": URI, "minimal": Minimal}
		if v.Error != "" {
			if got, err := DecodeBytewords(v.Input, styles[v.Style]); err == nil {
				return fmt.Errorf("accepted as %x", got)
			}
			return nil
		}
		data, err := hex.DecodeString(v.Hex)
		if err != nil {
			return err
		}
		checked := 0
		for name, text := range map[string]string{"standard": v.Standard, "uri": v.URI, "minimal": v.Minimal} {
			if text == "" {
				continue
			}
			checked++
			if got := EncodeBytewords(data, styles[name]); got != text {
				return fmt.Errorf("%s: wrote %s", name, got)
			}
			for _, in := range []string{text, strings.ToUpper(text)} {
				if got, err := DecodeBytewords(in, styles[name]); err != nil || !bytes.Equal(got, data) {
					return fmt.Errorf("%s: read %x, %v", name, got, err)
				}
			}
		}
		if checked < 2 {
			return fmt.Errorf("only %d styles in the case", checked)
		}
		return nil
	})
}

// wolf is the message of the reference's tests: bytes drawn by the generator itself.
func wolf(n int) []byte {
	x := newXoshiro([]byte("Wolf"))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(x.below(256))
	}
	return out
}

func TestVectorsFountain(t *testing.T) {
	vectors.Each(t, "ur/fountain.json", nil, func(c vectors.Case) error {
		var v struct {
			Seed     string
			Random   []int   `json:"first_100_mod_100"`
			SeqLen   int     `json:"seq_len"`
			Degrees  []int   `json:"degrees"`
			Checksum uint32  `json:"checksum"`
			Indexes  [][]int `json:"indexes_for_seq_1_to_30"`
			Min      int     `json:"min_fragment_len"`
			Max      int     `json:"max_fragment_len"`
			Message  string  `json:"message_hex"`
			Parts    []string
			Frags    []string `json:"fragments"`
			Cases    []struct {
				Message          int `json:"message_len"`
				Min, Max, Length int
			}
		}
		c.Decode(&v)
		message, err := hex.DecodeString(v.Message)
		if err != nil {
			return err
		}
		if !bytes.Equal(message, wolf(len(message))) {
			return fmt.Errorf("the generator does not give the message")
		}
		switch c.ID {
		case "prng":
			x, got := newXoshiro([]byte(v.Seed)), []int(nil)
			for range v.Random {
				got = append(got, int(x.next()%100))
			}
			return same(got, v.Random)
		case "degrees":
			s, got := newDegrees(v.SeqLen), []int(nil)
			for i := range v.Degrees {
				got = append(got, s.degree(newXoshiro(fmt.Appendf(nil, "Wolf-%d", i+1))))
			}
			return same(got, v.Degrees)
		case "choose-fragments":
			ch, got := newChooser(v.SeqLen, v.Checksum), [][]int(nil)
			for seq := range v.Indexes {
				f := slices.Clone(ch.fragments(uint32(seq + 1)))
				slices.Sort(f)
				got = append(got, f)
			}
			if sum := crc32.ChecksumIEEE(message); sum != v.Checksum {
				return fmt.Errorf("checksum %d", sum)
			}
			return same(got, v.Indexes)
		case "partition":
			n, got := fragmentLength(len(message), v.Min, v.Max), []string(nil)
			for from := 0; from < len(message); from += n {
				f := make([]byte, n)
				copy(f, message[from:])
				got = append(got, hex.EncodeToString(f))
			}
			return same(got, v.Frags)
		case "nominal-fragment-length":
			for _, k := range v.Cases {
				if got := fragmentLength(k.Message, k.Min, k.Max); got != k.Length {
					return fmt.Errorf("%+v: got %d", k, got)
				}
			}
			return nil
		case "parts-cbor":
			e, err := NewEncoder(UR{Type: "bytes", CBOR: message}, v.Max)
			if err != nil {
				return err
			}
			var got []string
			for i := range v.Parts {
				got = append(got, hex.EncodeToString(e.part(uint32(i+1))))
			}
			return same(got, v.Parts)
		}
		return fmt.Errorf("the case is not known to this test")
	})
}

func same(got, want any) error {
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) || string(a) == "null" {
		return fmt.Errorf("got  %s\nwant %s", a, b)
	}
	return nil
}
