package qr_test

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"specter/internal/airgap/qr"
	"specter/internal/errs"
)

// paint draws our SVG as a browser would, at some pixels per module.
func paint(t testing.TB, svg string, scale int) image.Image {
	t.Helper()
	box := regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`).FindStringSubmatch(svg)
	if box == nil || box[1] != box[2] {
		t.Fatalf("no square viewBox in %.100s", svg)
	}
	side, _ := strconv.Atoi(box[1])
	img := image.NewGray(image.Rect(0, 0, side*scale, side*scale))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		w, _ := strconv.Atoi(m[3])
		if m[3] != m[4] {
			t.Fatalf("the path %s is not closed", m[0])
		}
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+w)*scale; px++ {
				img.SetGray(px, py, color.Gray{})
			}
		}
	}
	return img
}

// read lets another program's reader find and read the code in the picture.
func read(t testing.TB, img image.Image, pure bool) (string, []byte, error) {
	t.Helper()
	bmp, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"}
	if pure {
		hints[gozxing.DecodeHintType_PURE_BARCODE] = true
	}
	result, err := qrcode.NewQRCodeReader().Decode(bmp, hints)
	if err != nil {
		return "", nil, err
	}
	segments, _ := result.GetResultMetadata()[gozxing.ResultMetadataType_BYTE_SEGMENTS].([][]byte)
	var raw []byte
	for _, s := range segments {
		raw = append(raw, s...)
	}
	return result.GetText(), raw, nil
}

// readAnyScale shows the code in several sizes, as a hand moves the camera: the reader's search
// for the corners goes astray on some pictures. What it does not find at any size it is told to
// read where it stands, module by module; found counts the others.
func readAnyScale(t testing.TB, svg string, found *int) (text string, raw []byte, err error) {
	for _, scale := range []int{3, 4, 5, 2, 6, 7} {
		if text, raw, err = read(t, paint(t, svg, scale), false); err == nil {
			*found++
			return text, raw, nil
		}
	}
	return read(t, paint(t, svg, 1), true)
}

func random(r *rand.Rand, alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// Every density that a page offers, and the largest codes there are, in each mode and level.
func TestCodesAreReadBackAtEveryDensity(t *testing.T) {
	found, all := 0, 0
	modes := map[string]struct {
		alphabet string
		most     int // of version 40 at the level Low
	}{
		"numeric":      {"0123456789", 7089},
		"alphanumeric": {"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", 4296},
		"bytes":        {"abcdefghijklmnopqrstuvwxyz0123456789+/=", 2953},
	}
	for name, m := range modes {
		r := rand.New(rand.NewPCG(1, uint64(m.most))) // the same texts in any order of the map
		for _, n := range []int{1, 2, 20, 60, 150, 300, 600, 900, 1200, 2300, m.most} {
			for level := qr.Low; level <= qr.High; level++ {
				if level > qr.Low && n > 900 {
					continue // the slow reader need not see the largest ones four times
				}
				text := random(r, m.alphabet, n)
				code, err := qr.New(text, level)
				if err != nil {
					t.Fatalf("%s %d: %v", name, n, err)
				}
				svg := code.SVG("a code")
				all++
				got, _, err := readAnyScale(t, svg, &found)
				if err != nil || got != text {
					t.Errorf("%s, %d characters, level %d, %d modules: %v", name, n, level, code.Size(), err)
				}
			}
		}
		if _, err := qr.New(random(r, m.alphabet, m.most+1), qr.Low); errs.CodeOf(err) != errs.TooLarge {
			t.Errorf("%s: one more than fits: %v", name, err)
		}
	}
	if t.Logf("%d of %d codes were found by their corners", found, all); found*100 < all*95 {
		t.Errorf("only %d of %d codes were found by their corners", found, all)
	}
}

func TestUpperCaseMakesASmallerCode(t *testing.T) {
	lower, err1 := qr.New(strings.Repeat("ur:crypto-psbt/", 20), qr.Low)
	upper, err2 := qr.New(strings.ToUpper(strings.Repeat("ur:crypto-psbt/", 20)), qr.Low)
	if err1 != nil || err2 != nil || upper.Size() >= lower.Size() {
		t.Errorf("%d modules in upper case, %d in lower (%v, %v)", upper.Size(), lower.Size(), err1, err2)
	}
}

func TestBytesStayBytes(t *testing.T) {
	for _, data := range []string{"0123456789012345", "\x00\x01\xfe\xff\x0a\x0d{}[]()<>ab", "ABCDEFGHIJKLMNOP"} {
		code, err := qr.NewBytes([]byte(data), qr.Low)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		_, raw, err := readAnyScale(t, code.SVG(""), &found)
		if err != nil || string(raw) != data {
			t.Errorf("%q: read %q, %v", data, raw, err)
		}
	}
}

func TestTitleIsEscaped(t *testing.T) {
	svg, err := qr.SVG("x", `"><script>`)
	if err != nil || strings.Contains(svg, "<script") {
		t.Errorf("%v %s", err, svg)
	}
	if _, err := qr.SVG(strings.Repeat("x", 3000), ""); errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("got %v", err)
	}
}

func TestEmptyTextIsACodeToo(t *testing.T) {
	code, err := qr.New("", qr.Low)
	if err != nil || code.Size() != 21 || code.Black(-1, 0) || code.Black(0, 21) || !code.Black(0, 0) {
		t.Errorf("%v", err)
	}
}

func BenchmarkSVG(b *testing.B) {
	for _, n := range []int{300, 1200, 2300} {
		text := strings.Repeat("UR:CRYPTO-", n/10)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := qr.SVG(text, "code"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
