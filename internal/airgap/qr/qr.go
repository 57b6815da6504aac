// Package qr draws QR codes as SVG. Text that fits into the numeric or alphanumeric mode is
// written in it, so that what is upper case makes a smaller picture.
package qr

import (
	"fmt"
	"html"
	"strings"

	"rsc.io/qr/coding"

	"specter/internal/errs"
)

// Level is how much of a code may be unreadable.
type Level uint8

// The levels. Codes on a screen need no more than Low.
const (
	Low      Level = iota // 7 %
	Medium                // 15 %
	Quartile              // 25 %
	High                  // 30 %
)

// quiet is the white margin around a code in modules.
const quiet = 4

// Code is a QR code: a square of black and white modules.
type Code struct {
	size  int
	black []bool
}

// New makes the smallest code for a text: numeric, alphanumeric, or bytes. The error has the code
// too-large where the text does not fit into the largest code.
func New(text string, l Level) (*Code, error) {
	switch {
	case coding.Num(text).Check() == nil && text != "":
		return build(coding.Num(text), l)
	case coding.Alpha(text).Check() == nil:
		return build(coding.Alpha(text), l)
	}
	return build(coding.String(text), l)
}

// NewBytes makes a code of bytes, as a CompactSeedQR wants them.
func NewBytes(data []byte, l Level) (*Code, error) { return build(coding.String(data), l) }

func build(enc coding.Encoding, l Level) (*Code, error) {
	level := coding.Level(min(l, High))
	version := coding.Version(coding.MinVersion)
	for enc.Bits(version) > version.DataBytes(level)*8 {
		if version++; version > coding.MaxVersion {
			return nil, errs.Bad(errs.TooLarge, "the text does not fit into one QR code; show it as several")
		}
	}
	var best *Code
	least := 0
	for mask := range coding.Mask(8) {
		plan, err := coding.NewPlan(version, level, mask)
		if err != nil {
			return nil, errs.E(errs.Internal, "no QR code could be planned: %w", err)
		}
		drawn, err := plan.Encode(enc)
		if err != nil {
			return nil, errs.E(errs.Internal, "no QR code could be drawn: %w", err)
		}
		c := &Code{size: drawn.Size, black: make([]bool, drawn.Size*drawn.Size)}
		for i := range c.black {
			c.black[i] = drawn.Black(i%c.size, i/c.size)
		}
		if p := c.penalty(); best == nil || p < least {
			best, least = c, p
		}
	}
	return best, nil
}

// Size returns the modules of a side, 21 to 177, without the margin.
func (c *Code) Size() int { return c.size }

// Black reports whether a module is black; outside the code all are white.
func (c *Code) Black(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.size && y < c.size && c.black[y*c.size+x]
}

// SVG draws the code, black on white whatever the page's colours, with its margin. It scales to
// the width it is given. title is read out to those who do not see the picture.
func (c *Code) SVG(title string) string {
	var b strings.Builder
	full := c.size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges">`, full, full, html.EscapeString(title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="`, full, full)
	for y := range c.size {
		for x := 0; x < c.size; x++ {
			from := x
			for c.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}

// SVG draws a text at the level Low.
func SVG(text, title string) (string, error) {
	c, err := New(text, Low)
	if err != nil {
		return "", err
	}
	return c.SVG(title), nil
}

// penalty tells how hard a code is to read, by the four rules of ISO 18004 (7.8.3): long runs,
// blocks of one colour, look-alikes of the corner squares, and too much of one colour.
func (c *Code) penalty() int {
	sum, dark := 0, 0
	for i := range c.size {
		sum += c.line(func(j int) bool { return c.Black(j, i) }) + c.line(func(j int) bool { return c.Black(i, j) })
		for j := range c.size {
			v := c.Black(j, i)
			if v {
				dark++
			}
			if i+1 < c.size && j+1 < c.size && v == c.Black(j+1, i) && v == c.Black(j, i+1) && v == c.Black(j+1, i+1) {
				sum += 3
			}
		}
	}
	off := dark*20 - c.size*c.size*10
	return sum + max(off, -off)/(c.size*c.size)*10
}

// line counts the penalties of one row or column.
func (c *Code) line(at func(int) bool) int {
	sum, run, last := 0, 0, 0
	for j := range c.size {
		if j > 0 && at(j) == at(j-1) {
			run++
		} else {
			run = 1
		}
		if run == 5 {
			sum += 3
		} else if run > 5 {
			sum++
		}
		last <<= 1
		if at(j) {
			last |= 1
		}
		if v := last & 0x7ff; j >= 10 && (v == 0b00001011101 || v == 0b10111010000) {
			sum += 40
		}
	}
	return sum
}
