package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"specter/internal/errs"
)

//go:embed static
var staticFiles embed.FS

// assets are the static files under names that hold a piece of their hash, so that browsers may
// keep them for ever and a new version is fetched at once.
type assets struct {
	hashed map[string]string // css/specter.css -> css/specter.0123456789ab.css
	files  map[string]asset  // by hashed name
}

type asset struct {
	contentType string
	data        []byte
}

// types of the files we have; nothing is guessed from content.
var assetTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
	".wasm": "application/wasm",
}

func loadAssets() (*assets, error) {
	a := &assets{hashed: map[string]string{}, files: map[string]asset{}}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		ext := path.Ext(name)
		contentType, ok := assetTypes[ext]
		if !ok {
			return fmt.Errorf("%s: no content type for %q", name, ext)
		}
		sum := sha256.Sum256(data)
		plain := strings.TrimPrefix(name, "static/")
		hashed := strings.TrimSuffix(plain, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		a.hashed[plain] = hashed
		a.files[hashed] = asset{contentType, data}
		return nil
	})
	return a, err
}

// path returns where a static file is served; an unknown name is a mistake in a template.
func (a *assets) path(name string) (string, error) {
	hashed, ok := a.hashed[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return "/static/" + hashed, nil
}

func (s *Server) getStatic(w http.ResponseWriter, r *http.Request) error {
	f, ok := s.assets.files[r.PathValue("file")]
	if !ok {
		return errs.E(errs.NotFound, "there is no such file")
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(f.data)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if strings.HasPrefix(r.PathValue("file"), scanWorker) {
		h.Set("Content-Security-Policy", workerPolicy)
	}
	_, err := w.Write(f.data)
	return err
}
