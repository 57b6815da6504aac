package interop

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"rsc.io/qr"

	"specter/internal/errs"
)

//go:embed font/*.ttf
var fontFiles embed.FS

// covered lists the characters that all three fonts have.
var covered = &unicode.RangeTable{R16: []unicode.Range16{
	{0x0020, 0x007E, 1}, {0x00A0, 0x01C3, 1}, {0x01CD, 0x01E3, 1}, {0x01E6, 0x01F0, 1}, {0x01F4, 0x01F6, 1}, {0x01F8, 0x01F9, 1}, {0x01FC, 0x0221, 1},
	{0x0224, 0x0241, 1}, {0x0243, 0x0245, 1}, {0x024C, 0x024D, 1}, {0x0250, 0x02B9, 1}, {0x02BB, 0x02C1, 1}, {0x02C6, 0x02C9, 1}, {0x02CC, 0x02D3, 1},
	{0x02D6, 0x02DE, 1}, {0x02E0, 0x02E9, 1}, {0x02EE, 0x02EE, 1}, {0x02F3, 0x02F3, 1}, {0x0374, 0x0377, 1}, {0x037A, 0x037F, 1}, {0x0384, 0x038A, 1},
	{0x038C, 0x038C, 1}, {0x038E, 0x03A1, 1}, {0x03A3, 0x03CE, 1}, {0x03D0, 0x03E1, 1}, {0x03F0, 0x045F, 1}, {0x0462, 0x0463, 1}, {0x0472, 0x0473, 1},
	{0x0490, 0x049B, 1}, {0x04A2, 0x04A5, 1}, {0x04AA, 0x04B3, 1}, {0x04BA, 0x04BB, 1}, {0x04C0, 0x04C4, 1}, {0x04C7, 0x04C8, 1}, {0x04CB, 0x04CC, 1},
	{0x04CF, 0x04F9, 1}, {0x0510, 0x0511, 1}, {0x051A, 0x051D, 1}, {0x1E00, 0x1E13, 1}, {0x1E18, 0x1E2D, 1}, {0x1E30, 0x1E4D, 1}, {0x1E54, 0x1E63, 1},
	{0x1E68, 0x1E79, 1}, {0x1E7C, 0x1E99, 1}, {0x1E9B, 0x1E9B, 1}, {0x1E9F, 0x1EA1, 1}, {0x1EAC, 0x1EAD, 1}, {0x1EB0, 0x1EB1, 1}, {0x1EB6, 0x1EB9, 1},
	{0x1EBC, 0x1EBD, 1}, {0x1EC6, 0x1EC7, 1}, {0x1ECA, 0x1ECD, 1}, {0x1ED8, 0x1EDD, 1}, {0x1EE0, 0x1EE5, 1}, {0x1EE8, 0x1EEB, 1}, {0x1EEE, 0x1EF5, 1},
	{0x1EF8, 0x1EF9, 1}, {0x2010, 0x2023, 1}, {0x2026, 0x2026, 1}, {0x2030, 0x2037, 1}, {0x2039, 0x203A, 1}, {0x203C, 0x203F, 1}, {0x2045, 0x2049, 1},
	{0x204B, 0x204B, 1}, {0x20A0, 0x20B5, 1}, {0x20B8, 0x20BA, 1}, {0x20BD, 0x20BD, 1}, {0x2116, 0x2116, 1}, {0x2122, 0x2122, 1}, {0x2190, 0x2195, 1},
	{0x2212, 0x2212, 1}, {0x2248, 0x2248, 1}, {0x2260, 0x2260, 1}, {0x2264, 0x2265, 1}, {0x2713, 0x2713, 1}, {0x2717, 0x2717, 1}, {0xFFFD, 0xFFFD, 1},
}, LatinOffset: 1}

// printable writes what the fonts lack by number, so that nothing is lost without a trace:
// 中 becomes [4E2D]. Control and direction characters become blanks.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			b.WriteByte(' ')
		case unicode.Is(covered, r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "[%04X]", r)
		}
	}
	return b.String()
}

// Measures of a page in mm.
const (
	pageWidth  = 210.0
	pageHeight = 297.0
	margin     = 15.0
	textWidth  = pageWidth - 2*margin
	bottom     = pageHeight - 18
)

// page draws a document from top to bottom and begins new pages by itself.
type page struct {
	f *fpdf.Fpdf
	y float64
}

// newPage begins a document; title and foot stand on every page.
func newPage(title, foot string, printed time.Time) (*page, error) {
	f := fpdf.New("P", "mm", "A4", "")
	for _, font := range [][3]string{{"text", "", "DejaVuSans"}, {"text", "B", "DejaVuSans-Bold"}, {"mono", "", "DejaVuSansMono"}} {
		data, err := fontFiles.ReadFile("font/" + font[2] + ".ttf")
		if err != nil {
			return nil, err
		}
		f.AddUTF8FontFromBytes(font[0], font[1], data)
	}
	f.SetMargins(margin, margin, margin)
	f.SetAutoPageBreak(false, 0)
	f.SetTitle(printable(title), true)
	f.SetCreator("Specter", true)
	f.SetProducer("Specter", true)
	f.SetCatalogSort(true)
	f.SetCreationDate(printed.UTC())
	f.SetModificationDate(printed.UTC())
	f.AliasNbPages("{pages}")
	f.SetFooterFunc(func() {
		f.SetFont("text", "", 7)
		f.SetTextColor(90, 90, 90)
		f.SetXY(margin, pageHeight-13)
		f.CellFormat(textWidth-20, 4, printable(foot), "", 0, "L", false, 0, "")
		f.CellFormat(20, 4, fmt.Sprintf("%d / {pages}", f.PageNo()), "", 0, "R", false, 0, "")
		f.SetTextColor(0, 0, 0)
	})
	p := &page{f: f}
	p.next()
	return p, f.Error()
}

func (p *page) next() {
	p.f.AddPage()
	p.y = margin
}

// room begins a new page unless so much is left on this one.
func (p *page) room(h float64) {
	if p.y+h > bottom {
		p.next()
	}
}

// finish returns the file.
func (p *page) finish() ([]byte, error) {
	var b bytes.Buffer
	if err := p.f.Output(&b); err != nil {
		return nil, errs.E(errs.Internal, "the PDF could not be made: %w", err)
	}
	return b.Bytes(), nil
}

func (p *page) heading(text string) {
	p.y += 3
	p.room(36) // with the first lines below it
	p.f.SetFont("text", "B", 11)
	p.f.SetXY(margin, p.y)
	p.f.CellFormat(textWidth, 6, printable(text), "", 0, "L", false, 0, "")
	p.y += 6.5
	p.f.SetDrawColor(160, 160, 160)
	p.f.Line(margin, p.y, margin+textWidth, p.y)
	p.y += 1.5
}

// text writes a paragraph in a font of a size, indented.
func (p *page) text(style string, size, indent float64, text string) {
	p.f.SetFont("text", style, size)
	p.lines(p.wrap(printable(text), textWidth-indent), size*0.48, indent)
}

// mono writes characters in columns of equal width, so many to a line, cut anywhere.
func (p *page) mono(size, indent float64, columns int, text string) {
	p.f.SetFont("mono", "", size)
	var list []string
	for runes := []rune(printable(text)); len(runes) > 0; {
		n := min(columns, len(runes))
		list = append(list, string(runes[:n]))
		runes = runes[n:]
	}
	p.lines(list, size*0.46, indent)
}

func (p *page) lines(list []string, height, indent float64) {
	for _, l := range list {
		if p.y+height > bottom {
			size, _ := p.f.GetFontSize()
			p.next()
			p.f.SetFontSize(size)
		}
		p.f.SetXY(margin+indent, p.y)
		p.f.CellFormat(textWidth-indent, height, l, "", 0, "L", false, 0, "")
		p.y += height
	}
}

// wrap cuts a text into lines of a width in the font that is set, at blanks where there are.
func (p *page) wrap(text string, width float64) []string {
	width -= 2 * p.f.GetCellMargin()
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		for p.f.GetStringWidth(word) > width { // longer than a line: cut
			head := []rune(word)
			n := len(head)
			for n > 1 && p.f.GetStringWidth(string(head[:n])) > width {
				n--
			}
			if line != "" {
				out, line = append(out, line), ""
			}
			out, word = append(out, string(head[:n])), string(head[n:])
		}
		switch with := line + " " + word; {
		case line == "":
			line = word
		case p.f.GetStringWidth(with) > width:
			out, line = append(out, line), word
		default:
			line = with
		}
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// fact writes a name and what it is, side by side.
func (p *page) fact(name, value string) {
	p.f.SetFont("text", "", 9)
	list := p.wrap(printable(value), textWidth-40)
	p.room(5 * float64(max(len(list), 1)))
	p.f.SetFont("text", "B", 9)
	p.f.SetXY(margin, p.y)
	p.f.CellFormat(40, 5, printable(name), "", 0, "L", false, 0, "")
	p.f.SetFont("text", "", 9)
	p.lines(list, 5, 40)
}

// maxQR is how many bytes one printed code holds; longer texts make several, as pMofN.
const maxQR = 1400

// qrTexts cuts a text into what the codes hold.
func qrTexts(text string) []string {
	if len(text) <= maxQR {
		return []string{text}
	}
	n := (len(text) + maxQR - 1) / maxQR
	size := (len(text) + n - 1) / n
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("p%dof%d ", i+1, n)+text[i*size:min((i+1)*size, len(text))])
	}
	return out
}

// code draws a QR code out of rectangles, with a quiet zone of four modules, below its caption.
func (p *page) code(caption, text string) error {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return errs.E(errs.Internal, "the QR code could not be made: %w", err)
	}
	module := min(0.9, 150/float64(c.Size+8))
	side := module * float64(c.Size+8)
	p.room(side + 8)
	if caption != "" {
		p.text("", 8, 0, caption)
	}
	left := margin + (textWidth-side)/2
	p.f.SetFillColor(0, 0, 0)
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			run := x
			for run < c.Size && c.Black(run, y) {
				run++
			}
			if run > x {
				p.f.Rect(left+module*float64(x+4), p.y+module*float64(y+4), module*float64(run-x), module, "F")
				x = run
			}
		}
	}
	p.y += side
	return nil
}
