package web

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"specter/internal/airgap"
	"specter/internal/airgap/qr"
	"specter/internal/errs"
)

// Bounds of what is shown as codes.
const (
	framesEach = 60   // codes in one answer
	maxFrames  = 4000 // the last code that is asked for
	listEach   = 24   // codes on one page for those without script
)

// showing is something on the screen as one QR code or several that follow each other.
type showing struct {
	Source  string        // path and query that answer with the codes; density and frames are added
	Words   string        // what the codes hold, for people and screen readers
	SVG     template.HTML // the first code
	Total   int           // codes that carry everything when none is missed
	Density int           // characters a code
	Fixed   bool          // the format is one code of any size
	Rate    string        // codes a second
	Copy    string        // the same as text; "" where there is none
	Saves   []saving
	List    []listed // all codes of one page, for those without script; nil: not asked for
	ListURL string
	NextURL string
}

// saving is a file that holds the same.
type saving struct{ URL, Words string }

// listed is one code that stands still.
type listed struct {
	Number int
	SVG    template.HTML
}

// Parts says that there is more than one code.
func (v showing) Parts() bool { return v.Total > 1 }

// exhibit is what a page shows as codes, and for which device.
type exhibit struct {
	payload airgap.Payload
	profile airgap.Profile
	format  airgap.Format
	words   string
	copy    string
	saves   []saving
}

// animate makes the codes as the request's sliders ask.
func (x exhibit) animate(r *http.Request) (airgap.Animation, airgap.Density, error) {
	density := airgap.Density(0)
	if typed := r.FormValue("density"); typed != "" {
		density = airgap.Density(max(100, min(atoi(typed), 2300)))
	}
	a, err := x.profile.Show(x.payload, x.format, density, 0)
	if density == 0 {
		density = x.profile.AutoDensity(x.payload)
	}
	return a, density, err
}

// show fills in what the page needs; the codes themselves are fetched by the page's script.
func (s *Server) show(r *http.Request, x exhibit) (showing, error) {
	a, density, err := x.animate(r)
	if err != nil {
		return showing{}, err
	}
	q := r.URL.Query()
	for _, name := range []string{"density", "frames", "list"} {
		q.Del(name)
	}
	v := showing{Source: r.URL.Path + "?" + q.Encode(), Words: x.words, Total: a.Len(), Density: int(density), Copy: x.copy, Saves: x.saves,
		Fixed: x.format == airgap.FormatBase43 || x.format == airgap.FormatText || x.format == airgap.FormatHex || x.format == airgap.FormatBase64,
		Rate:  strconv.FormatFloat(float64(time.Second)/float64(a.Interval), 'f', 1, 64)}
	if v.SVG, err = drawQR(a.Part(0), x.words); err != nil {
		return v, err
	}
	q.Set("density", strconv.Itoa(v.Density))
	listURL := func(from int) string {
		q.Set("list", strconv.Itoa(from))
		return r.URL.Path + "?" + q.Encode()
	}
	v.ListURL = listURL(0)
	if from := r.FormValue("list"); from != "" {
		first := max(0, min(atoi(from), a.Len()-1))
		last := min(first+listEach, a.Len())
		for i := first; i < last; i++ {
			svg, err := drawQR(a.Part(i), s.tr(r, "Code %d of %d", i+1, a.Len()))
			if err != nil {
				return v, err
			}
			v.List = append(v.List, listed{i + 1, svg})
		}
		if last < a.Len() {
			v.NextURL = listURL(last)
		}
	}
	return v, nil
}

// picture is a code as the page's script draws it: a side of n modules, row by row, a bit each.
type picture struct {
	N    int    `json:"n"`
	Bits string `json:"bits"`
}

type pictures struct {
	Total   int       `json:"total"`
	From    int       `json:"from"`
	Endless bool      `json:"endless"` // codes past the total are new ones that make up for missed ones
	Frames  []picture `json:"frames"`
}

// frames answers with a run of codes, for the script of the page that shows them.
func (s *Server) frames(w http.ResponseWriter, r *http.Request, x exhibit) error {
	a, _, err := x.animate(r)
	if err != nil {
		return err
	}
	from, err := strconv.Atoi(r.FormValue("frames"))
	if err != nil || from < 0 || from > maxFrames {
		return errs.E(errs.Invalid, "codes are asked for by the number of the first")
	}
	out := pictures{Total: a.Len(), From: from, Endless: a.Len() > 1 && a.Part(0) != a.Part(a.Len())}
	last := from + framesEach
	if !out.Endless {
		last = min(last, a.Len())
	}
	for i := from; i < last; i++ {
		code, err := qr.New(a.Part(i), qr.Low)
		if err != nil {
			return err
		}
		out.Frames = append(out.Frames, picture{code.Size(), modules(code)})
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(out)
}

// framesOf is frames, where there is an exhibit at all.
func (s *Server) framesOf(w http.ResponseWriter, r *http.Request, x exhibit, err error) error {
	if err != nil {
		return err
	}
	return s.frames(w, r, x)
}

// modules packs a code's modules into bits, the first the highest, in base64.
func modules(c *qr.Code) string {
	n := c.Size()
	bits := make([]byte, (n*n+7)/8)
	for i := range n * n {
		if c.Black(i%n, i/n) {
			bits[i/8] |= 0x80 >> (i % 8)
		}
	}
	return base64.StdEncoding.EncodeToString(bits)
}

// query appends names and values to a path of ours.
func query(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
