package door

import (
	"fmt"
	"net/http"
	"net/netip"
)

// Policy lets a page use its own files and nothing else: no inline script or style, no frame,
// no other server. Pictures may also be data (QR codes are inline SVG and need nothing). A page
// that needs one thing more (wasm for the camera) sets its own header before it answers.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// setHeaders puts on what every answer carries, errors included.
func (d *door) setHeaders(h http.Header, v *visit, r *http.Request) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(), geolocation=(), payment=()")
	h.Set("Cache-Control", "no-store") // private until a handler says otherwise
	h.Set("X-Request-Id", v.id)
	// A browser holds "https only" against a name on all ports; localhost has other programs.
	if d.c.HSTS > 0 && v.https && d.named(r.Host) {
		h.Set("Strict-Transport-Security", fmt.Sprintf("max-age=%d", int64(d.c.HSTS.Seconds())))
	}
}

// named reports whether a host is one of the configured names, and a name.
func (d *door) named(host string) bool {
	name := bareName(host)
	_, err := netip.ParseAddr(name)
	return err != nil && d.known(name)
}
