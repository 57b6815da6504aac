package bbqr_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"specter/internal/airgap/bbqr"
	"specter/internal/errs"
	"specter/internal/vectors"
)

func TestVectorsJoin(t *testing.T) {
	vectors.Each(t, "bbqr/join.json", nil, func(c vectors.Case) error {
		var v struct {
			Parts    []string
			Complete bool
			Error    bool
			Type     string `json:"file_type"`
			Hex      string `json:"payload_hex"`
			Text     string `json:"payload_text"`
			PSBT     string
		}
		c.Decode(&v)
		f, err := bbqr.Join(v.Parts...)
		switch {
		case v.Error:
			if code := errs.CodeOf(err); err == nil || code == errs.Incomplete {
				return fmt.Errorf("want a refusal, got %v", err)
			}
			return nil
		case !v.Complete:
			if errs.CodeOf(err) != errs.Incomplete {
				return fmt.Errorf("want incomplete, got %v", err)
			}
			return nil
		case err != nil:
			return err
		}
		want := []byte(v.Text)
		if v.Hex != "" {
			want, _ = hex.DecodeString(v.Hex)
		} else if v.PSBT != "" {
			want, _ = base64.StdEncoding.DecodeString(v.PSBT)
		}
		if len(want) == 0 || !bytes.Equal(f.Data, want) || string(rune(f.Type)) != v.Type {
			return fmt.Errorf("type %c, data %x, want %s %x", f.Type, f.Data, v.Type, want)
		}
		return nil
	})
}

func TestVectorsFilesRoundTrip(t *testing.T) {
	vectors.Each(t, "bbqr/files.json", nil, func(c vectors.Case) error {
		var v struct {
			Base64 []byte
			Size   int
		}
		c.Decode(&v)
		if len(v.Base64) != v.Size {
			return fmt.Errorf("the file has %d bytes, not %d", len(v.Base64), v.Size)
		}
		for _, e := range []bbqr.Encoding{bbqr.Hex, bbqr.Base32, bbqr.Deflate} {
			for _, chars := range []int{24, 27, 100, 500, 4296} {
				parts, err := bbqr.Split(bbqr.File{Type: bbqr.PSBT, Data: v.Base64}, e, chars)
				if err != nil {
					return err
				}
				rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				longest := 0
				for _, p := range parts {
					longest = max(longest, len(p))
				}
				f, err := bbqr.Join(append(parts, parts[0])...)
				if err != nil || !bytes.Equal(f.Data, v.Base64) || f.Type != bbqr.PSBT || longest > chars {
					return fmt.Errorf("%c in %d characters: %v, longest part %d", e, chars, err, longest)
				}
			}
		}
		return nil
	})
}

func part(head, body string) string { return "B$" + head + body }

func TestBadPartsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		parts []string
		code  errs.Code
	}{
		"0 of 0":               {[]string{part("HU0000", "AA")}, errs.Malformed},
		"2 of 1":               {[]string{part("HU0101", "AA")}, errs.Malformed},
		"numbers wrong":        {[]string{part("HU0*00", "AA")}, errs.Malformed},
		"empty":                {[]string{part("HU0100", "")}, errs.Malformed},
		"half a byte":          {[]string{part("HU0100", "AAA")}, errs.BadEncoding},
		"no hex":               {[]string{part("HU0100", "XX")}, errs.BadEncoding},
		"cut in a byte":        {[]string{part("2U0200", "MFRGG")}, errs.BadEncoding},
		"too long":             {[]string{part("HU0100", strings.Repeat("AA", 4296))}, errs.TooLarge},
		"another count":        {[]string{part("HU0300", "AA"), part("HU0401", "AA")}, errs.Mismatch},
		"another type":         {[]string{part("HU0300", "AA"), part("HP0301", "AA")}, errs.Mismatch},
		"another content":      {[]string{part("HU0300", "AA"), part("HU0300", "AB")}, errs.Mismatch},
		"not deflate":          {[]string{part("ZU0100", "77777777")}, errs.BadEncoding},
		"deflate cut off":      {[]string{part("ZU0100", "KNWWC3DM")}, errs.BadEncoding},
		"no header":            {[]string{"B$H"}, errs.Malformed},
		"something else":       {[]string{"cHNidP8BAMMC"}, errs.Malformed},
		"1294 of 1295 missing": {[]string{part("HUZZ00", "AA")}, errs.Incomplete},
	} {
		if _, err := bbqr.Join(c.parts...); errs.CodeOf(err) != c.code {
			t.Errorf("%s: got %v (%s)", name, err, errs.CodeOf(err))
		}
	}
}

func TestMixedPartLeavesTheScanUntouched(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 30)
	parts, err := bbqr.Split(bbqr.File{Type: bbqr.Binary, Data: data}, bbqr.Base32, 100)
	if err != nil {
		t.Fatal(err)
	}
	var d bbqr.Decoder
	for i, p := range parts {
		if err := d.Add(strings.ToLower(p)); err != nil {
			t.Fatal(err)
		}
		if err := d.Add("B$HU0200AA"); errs.CodeOf(err) != errs.Mismatch {
			t.Errorf("a foreign part: %v", err)
		}
		if known, total := d.Parts(); known != i+1 || total != len(parts) || d.Progress() != float64(i+1)/float64(total) {
			t.Errorf("%d of %d after %d", known, total, i+1)
		}
	}
	if f, ok := d.File(); !ok || !bytes.Equal(f.Data, data) {
		t.Error("the file did not come out")
	}
}

// A megabyte of zeros deflates to one kilobyte; 100 MB fit in the BBQr of a few pictures.
func TestInflationBombIsDefused(t *testing.T) {
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression)
	zeros := make([]byte, 1<<20)
	for range 100 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	parts := splitRaw(packed.Bytes())
	if _, err := bbqr.Join(parts...); errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("got %v", err)
	}
}

// splitRaw writes deflated data of others as a BBQr: as Base32 with the letter changed.
func splitRaw(packed []byte) []string {
	parts, err := bbqr.Split(bbqr.File{Type: bbqr.Text, Data: packed}, bbqr.Base32, 4000)
	if err != nil {
		panic(err)
	}
	for i := range parts {
		parts[i] = "B$Z" + parts[i][3:]
	}
	return parts
}

func TestSplitRefusesWhatDoesNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		f     bbqr.File
		e     bbqr.Encoding
		chars int
	}{
		"nothing":         {bbqr.File{Type: bbqr.Text}, bbqr.Hex, 100},
		"too much":        {bbqr.File{Type: bbqr.Text, Data: make([]byte, bbqr.MaxFile+1)}, bbqr.Hex, 100},
		"too many parts":  {bbqr.File{Type: bbqr.Text, Data: make([]byte, 100_000)}, bbqr.Hex, 100},
		"unknown type":    {bbqr.File{Type: 'Q', Data: []byte{1}}, bbqr.Hex, 100},
		"unknown letters": {bbqr.File{Type: bbqr.Text, Data: []byte{1}}, 'Y', 100},
		"tiny parts":      {bbqr.File{Type: bbqr.Text, Data: []byte{1}}, bbqr.Hex, 10},
	} {
		if _, err := bbqr.Split(c.f, c.e, c.chars); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzJoin(f *testing.F) {
	f.Add("B$2U0100KNWWC3DMEBRW63TUMVXHI")
	f.Add("B$HU0201AA\nB$HU0200BB")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := bbqr.Join(strings.Split(text, "\n")...)
		if err != nil || len(file.Data) == 0 {
			return
		}
		parts, err := bbqr.Split(file, bbqr.Deflate, 4296)
		if err != nil {
			t.Fatal(err)
		}
		back, err := bbqr.Join(parts...)
		if err != nil || back.Type != file.Type || !bytes.Equal(back.Data, file.Data) {
			t.Fatalf("not read again: %v", err)
		}
	})
}
