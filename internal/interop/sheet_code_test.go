package interop_test

import (
	"bytes"
	"compress/zlib"
	"image"
	"image/color"
	"image/draw"
	"io"
	"math"
	"regexp"
	"strconv"
	"testing"
)

var (
	streams    = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`)
	rectangles = regexp.MustCompile(`(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re f`)
)

// drawn paints the filled rectangles of every page of a PDF: the QR codes, as a printer would.
func drawn(t *testing.T, pdf []byte) (pages []image.Image) {
	t.Helper()
	const scale = 2.0 // pixels a point
	for _, s := range streams.FindAllSubmatch(pdf, -1) {
		r, err := zlib.NewReader(bytes.NewReader(s[1]))
		if err != nil {
			continue // a font
		}
		content, err := io.ReadAll(r)
		if err != nil {
			continue
		}
		found := rectangles.FindAllSubmatch(content, -1)
		if len(found) == 0 {
			continue
		}
		img := image.NewGray(image.Rect(0, 0, 595*scale, 842*scale))
		draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
		for _, m := range found {
			var v [4]float64
			for i := range v {
				if v[i], err = strconv.ParseFloat(string(m[i+1]), 64); err != nil {
					t.Fatal(err)
				}
			}
			left, right := v[0]*scale, (v[0]+v[2])*scale
			top, end := (841.89-v[1])*scale, (841.89-v[1]-v[3])*scale
			if top > end {
				top, end = end, top
			}
			area := image.Rect(int(math.Round(left)), int(math.Round(top)), int(math.Round(right)), int(math.Round(end)))
			draw.Draw(img, area, image.NewUniform(color.Black), image.Point{}, draw.Src)
		}
		pages = append(pages, img)
	}
	return pages
}

// What the PDF draws is read by another program's QR reader, without a PDF viewer in between.
func TestCodesOfTheSheetAreRead(t *testing.T) {
	for _, n := range []int{1, 3, 5} {
		s := testSheet(t, 1, n)
		pdf, err := s.PDF()
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, page := range drawn(t, pdf) {
			if text, err := scan(page); err == nil {
				codes = append(codes, text)
			}
		}
		if len(codes) != 1 || codes[0] != s.Descriptor {
			t.Errorf("%d keys: the codes read %q", n, codes)
		}
	}
}
