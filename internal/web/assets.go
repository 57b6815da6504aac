package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

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

// loadAssets reads them all, once: they are part of the program.
var loadAssets = sync.OnceValues(readAssets)

func readAssets() (*assets, error) {
	a := &assets{hashed: map[string]string{}, files: map[string]asset{}}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return a.load(strings.TrimPrefix(name, "static/"), 0)
	})
	return a, err
}

// maxImports bounds how deep modules may import each other; a ring would never end.
const maxImports = 8

// imported matches what a script of ours imports from its own folder.
var imported = regexp.MustCompile(`(?m)^((?:import|export) .*from "\./)([a-z-]+\.js)(";)$`)

// load takes a file in. Modules name each other by their plain names; those that they import are
// loaded first, so that a module names them as they are served and its own name changes with theirs.
func (a *assets) load(plain string, depth int) error {
	if a.hashed[plain] != "" {
		return nil
	}
	data, err := staticFiles.ReadFile("static/" + plain)
	if err != nil {
		return err
	}
	ext := path.Ext(plain)
	contentType, ok := assetTypes[ext]
	if !ok || depth > maxImports {
		return fmt.Errorf("%s: no content type for %q, or modules import each other in a ring", plain, ext)
	}
	if ext == ".js" {
		for _, m := range imported.FindAllSubmatch(data, -1) {
			if err := a.load(path.Join(path.Dir(plain), string(m[2])), depth+1); err != nil {
				return fmt.Errorf("%s imports %s: %w", plain, m[2], err)
			}
		}
		data = imported.ReplaceAllFunc(data, func(line []byte) []byte {
			m := imported.FindSubmatch(line)
			return []byte(string(m[1]) + path.Base(a.hashed[path.Join(path.Dir(plain), string(m[2]))]) + string(m[3]))
		})
	}
	sum := sha256.Sum256(data)
	a.hashed[plain] = strings.TrimSuffix(plain, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	a.files[a.hashed[plain]] = asset{contentType, data}
	return nil
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
