// Package codes reads QR codes as another program does. Tests alone import it.
package codes

import (
	"encoding/base64"
	"image"
	"image/color"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Read reads a code of n modules a side that is packed as pages have it: base64 of its rows, a bit
// for each module, the highest first, 1 for black. The test fails where the reader sees none.
func Read(t testing.TB, n int, packed string) string {
	t.Helper()
	bits, err := base64.StdEncoding.DecodeString(packed)
	if err != nil || len(bits) < (n*n+7)/8 {
		t.Fatalf("%d bytes of a code of %d modules a side: %v", len(bits), n, err)
	}
	img := image.NewGray(image.Rect(0, 0, n+8, n+8))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for i := range n * n {
		if bits[i/8]&(0x80>>(i%8)) != 0 {
			img.SetGray(i%n+4, i/n+4, color.Gray{})
		}
	}
	bmp, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	r, err := qrcode.NewQRCodeReader().Decode(bmp, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatalf("another reader does not see a code of %d modules a side: %v", n, err)
	}
	return r.GetText()
}
