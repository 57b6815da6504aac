package web

import (
	"html/template"
	"net/http"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
)

// keyForm is one way to write a public key down.
type keyForm struct {
	ID, Words, Text string
}

// deviceKeyPage shows a public key for another program: as a code and as text.
type deviceKeyPage struct {
	devicePage
	Key   device.Key
	Forms []keyForm
	Form  keyForm
	QR    template.HTML
}

// getDeviceKey shows the key that the query names, in the form that it asks for.
func (s *Server) getDeviceKey(w http.ResponseWriter, r *http.Request) error {
	d, err := s.devicePage(r)
	if err != nil {
		return err
	}
	v := deviceKeyPage{devicePage: d}
	q := r.URL.Query()
	found := false
	for _, k := range d.Device.Keys {
		if k.XPub == q.Get("xpub") && (k.ScriptType == q.Get("script") || !found) {
			v.Key, found = k, true
		}
	}
	if !found {
		return errs.E(errs.NotFound, "%s has no such key", d.Device.Name)
	}
	if v.Forms, err = s.keyForms(r, v.Key); err != nil {
		return err
	}
	v.Form = v.Forms[0]
	for _, f := range v.Forms {
		if f.ID == q.Get("form") {
			v.Form = f
		}
	}
	if v.QR, err = drawQR(v.Form.Text, s.tr(r, "QR code of the key %s", v.Key.Fingerprint)); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "device_key", v)
}

// keyForms lists the ways to write a key: with the path from its seed, without, and under the
// version bytes that tell its purpose (SLIP-132), which some older programs want.
func (s *Server) keyForms(r *http.Request, k device.Key) ([]keyForm, error) {
	var out []keyForm
	if k.HasOrigin {
		out = append(out, keyForm{"origin", s.tr(r, "With fingerprint and path"), k.Expression()})
	}
	out = append(out, keyForm{"plain", s.tr(r, "The key alone"), k.XPub})
	x, _, err := btc.ParseXKey(k.XPub)
	if err != nil {
		return nil, err
	}
	if old := x.Encode(btc.VersionFor(k.ScriptType, k.Main(), false).Bytes); old != k.XPub {
		out = append(out, keyForm{"slip132", s.tr(r, "With its purpose (SLIP-132)"), old})
	}
	return out, nil
}
