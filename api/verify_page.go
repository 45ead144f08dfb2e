package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// The addresses of the checker. Its service worker may reach no further than scope says.
const (
	checkerPath   = "/verify"
	checkerWorker = "/verify/sw.js"
)

// checkerPolicy is the content policy of the checker's page: as contentPolicy, and own scripts and workers, own data, pictures that the reader
// chose. No form is ever sent.
const checkerPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; manifest-src 'self'; style-src 'self'; " +
	"img-src 'self' blob: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// scriptPolicy is that of a script which a worker runs. A worker has the policy of its own answer, not that of its page; the QR reader is
// WebAssembly and fetches itself.
const scriptPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"

// verifyPage answers GET /verify: the checker, which verifies codes in the browser.
func (s *server) verifyPage(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", checkerPolicy)
	h.Set("Permissions-Policy", "camera=(self), geolocation=(), microphone=()")
	page := s.page(c)
	page.ID = "" // the same bytes for everybody: the service worker keeps them
	s.render(c, http.StatusOK, web.VerifyPage{Page: page})
}

// verifyWorker answers GET /verify/sw.js: the service worker, with the list of what it keeps before it.
func (s *server) verifyWorker(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", scriptPolicy)
	h.Set("Service-Worker-Allowed", checkerPath)
	h.Set("Cache-Control", "no-cache")
	sum := sha256.Sum256(s.checker)
	answerTagged(c, `"`+hex.EncodeToString(sum[:16])+`"`, "text/javascript; charset=utf-8", s.checker)
}

// shell is what the service worker keeps. A page that changes by one byte makes another version.
type shell struct {
	Version string                  `json:"version"`
	Pages   map[web.Language]string `json:"pages"`
	Files   []string                `json:"files"`
}

// checkerScript puts the service worker together. It is made once: nothing in it depends on a request.
func (s *server) checkerScript() ([]byte, error) {
	kept := shell{Pages: map[web.Language]string{}, Files: s.assets.Folder(web.CheckerFolder)}
	for _, name := range []string{"site.css", "emblem.svg"} {
		url, err := s.assets.URL(name)
		if err != nil {
			return nil, err
		}
		kept.Files = append(kept.Files, url)
	}
	whole := sha256.New()
	for _, language := range web.Languages() {
		page, err := s.renderer.Render(web.VerifyPage{Page: web.Page{Lang: language, Chosen: true, Path: checkerPath, Demo: s.Demo}})
		if err != nil {
			return nil, fmt.Errorf("render checker: %w", err)
		}
		whole.Write(page)
		kept.Pages[language] = checkerPath + "?lang=" + string(language)
	}
	kept.Version = hex.EncodeToString(whole.Sum(nil)[:8])
	list, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("write list of the checker's files: %w", err)
	}
	worker, err := s.assets.Body(web.CheckerFolder + "/service-worker.js")
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{[]byte("const SHELL = "), list, []byte(";\n"), worker}, nil), nil
}
