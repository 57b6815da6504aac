package web

import (
	"html/template"

	"specter/internal/airgap/qr"
)

// drawQR draws a text as a QR code for the page itself; title is read out instead of it.
func drawQR(text, title string) (template.HTML, error) {
	svg, err := qr.SVG(text, title)
	if err != nil {
		return "", err
	}
	return template.HTML(svg), nil //nolint:gosec // squares drawn by us; the title is escaped there
}
