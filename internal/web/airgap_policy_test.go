package web_test

import (
	"regexp"
	"strings"
	"testing"
)

// fileInput is a field for files that is not the scanner's own for pictures.
var fileInput = regexp.MustCompile(`<input type="file" id="[a-z]+"`)

// The pages that read codes may start the worker and play a chosen film, and nothing more; no
// page may run compiled code, the worker's script alone may.
func TestOnlyTheScannersWorkerRunsCompiledCode(t *testing.T) {
	c := open(t, newHouse(""))
	scanners := 0
	for path, status := range everyPage() {
		if status != 200 || strings.HasPrefix(path, "/nav") {
			continue
		}
		a := c.get(path)
		policy := a.header.Get("Content-Security-Policy")
		has := strings.Contains(a.body, `id="scan"`)
		if has {
			scanners++
		}
		if strings.Contains(policy, "media-src blob:") != has || strings.Contains(policy, "wasm") || strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s: a scanner is there: %v; the policy is %s", path, has, policy)
		}
		if strings.Contains(a.body, "data-scan=") && !has {
			t.Errorf("%s has a button without a scanner", path)
		}
		if strings.Contains(a.body, "data-scan=") && !fileInput.MatchString(a.body) {
			t.Errorf("%s takes codes, but no files", path)
		}
	}
	if scanners < 8 {
		t.Errorf("only %d pages have a scanner", scanners)
	}
	page := c.get("/wallets/family_vault/import").body
	files := regexp.MustCompile(`/static/(?:js|vendor)/[a-z_.-]+\.[0-9a-f]{12}\.(?:js|wasm)`).FindAllString(page, -1)
	seen := map[string]bool{}
	for _, f := range files {
		a := c.get(f).want(200)
		worker := strings.Contains(f, "scan-worker")
		if strings.Contains(a.header.Get("Content-Security-Policy"), "wasm-unsafe-eval") != worker {
			t.Errorf("%s: the policy is %s", f, a.header.Get("Content-Security-Policy"))
		}
		if strings.HasSuffix(f, ".wasm") && a.header.Get("Content-Type") != "application/wasm" {
			t.Errorf("%s comes as %s", f, a.header.Get("Content-Type"))
		}
		if !strings.HasSuffix(f, ".wasm") && regexp.MustCompile("[\"'`]https?://").MatchString(a.body) {
			t.Errorf("%s names a foreign server", f)
		}
		seen[regexp.MustCompile(`\.[0-9a-f]{12}`).ReplaceAllString(f, "")] = true
	}
	for _, want := range []string{"/static/js/scan.js", "/static/js/scan-worker.js", "/static/vendor/zxing_reader.js", "/static/vendor/zxing_reader.wasm", "/static/vendor/jsqr.js"} {
		if !seen[want] {
			t.Errorf("the page does not name %s", want)
		}
	}
}
