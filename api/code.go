package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// CodeReader reads issued codes.
type CodeReader interface {
	// CodesOf returns the codes of an enterprise, newest first, intents included; none is no error.
	CodesOf(ctx context.Context, code registry.USCC) ([]schema.Code, error)
}

// The scales of a PNG, in pixels a module. A printed code has 53 modules with its white border.
const (
	defaultScale = 8
	maxScale     = 40
)

// codeSVG answers GET /api/v1/enterprises/:uscc/code.svg.
func (s *server) codeSVG(c *gin.Context) {
	s.answerImage(c, "image/svg+xml", "svg", drawSVG)
}

func drawSVG(qr *credential.QR) ([]byte, error) { return qr.SVG(), nil }

// codePNG answers GET /api/v1/enterprises/:uscc/code.png, ?scale= pixels a module.
func (s *server) codePNG(c *gin.Context) {
	query := s.query(c)
	scale, err := readScale(query.Get("scale"))
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerImage(c, "image/png", strconv.Itoa(scale), func(qr *credential.QR) ([]byte, error) { return qr.PNG(scale) })
}

func readScale(text string) (int, error) {
	if text == "" {
		return defaultScale, nil
	}
	scale, err := strconv.Atoi(text)
	if err != nil || scale < 1 || scale > maxScale {
		return 0, badField("scale", "is out of range", "pixels a module, 1 to "+strconv.Itoa(maxScale))
	}
	return scale, nil
}

func (s *server) answerImage(c *gin.Context, contentType, form string, draw func(*credential.QR) ([]byte, error)) {
	code, err := readUSCC(c.Param("uscc"))
	if err != nil {
		s.fail(c, err)
		return
	}
	shown, err := s.printedCode(c.Request.Context(), code)
	if err != nil {
		s.fail(c, err)
		return
	}
	sum := sha256.Sum256([]byte(form + " " + shown.Text))
	key := hex.EncodeToString(sum[:16])
	image, err := s.images.get(key, func() ([]byte, error) { return drawCode(shown.Text, draw) })
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Cache-Control", "private, no-cache")
	answerTagged(c, `"`+key+`"`, contentType, image)
}

func drawCode(text string, draw func(*credential.QR) ([]byte, error)) ([]byte, error) {
	qr, err := credential.NewQR(text)
	if err != nil {
		return nil, fmt.Errorf("draw code: %w", err)
	}
	image, err := draw(qr)
	if err != nil {
		return nil, fmt.Errorf("draw code: %w", err)
	}
	return image, nil
}

// printedCode returns the newest printed code of an enterprise that is valid now; ErrNoCode when there is none.
func (s *server) printedCode(ctx context.Context, code registry.USCC) (*jobs.Printed, error) {
	if _, err := s.register(ctx, code); err != nil {
		return nil, err
	}
	keys, err := s.keySet(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := s.store.CodesOf(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("read codes: %w", err)
	}
	found, err := jobs.NewestPrinted(codes, keys, s.now())
	if errors.Is(err, jobs.ErrNoPrintedCode) {
		return nil, ErrNoCode
	}
	return found, err
}

// codeView is the code on an enterprise's page, nil when there is none. Its link stays on this host: the payload is what counts.
func (s *server) codeView(ctx context.Context, code registry.USCC) (*web.CodeImage, error) {
	shown, err := s.printedCode(ctx, code)
	if errors.Is(err, ErrNoCode) {
		return nil, nil //nolint:nilnil // an enterprise without a code is ordinary
	}
	if err != nil {
		return nil, err
	}
	base := "/api/v1/enterprises/" + string(code) + "/code"
	return &web.CodeImage{SVG: base + ".svg", PNG: base + ".png", URL: shown.Text[strings.LastIndex(shown.Text, "/v/"):],
		Sign: web.PathToSign(code, web.SignSizes()[0]), IssuedAt: shown.Verdict.IssuedAt, ExpiresAt: shown.Verdict.ExpiresAt}, nil
}

// maxImages bounds the images kept in memory; an SVG has about 15 kB.
const maxImages = 512

// imageCache keeps drawn images by content: drawing takes milliseconds. When it is full it starts anew.
type imageCache struct {
	mu     sync.Mutex
	images map[string][]byte
}

func (i *imageCache) get(key string, draw func() ([]byte, error)) ([]byte, error) {
	i.mu.Lock()
	image, ok := i.images[key]
	i.mu.Unlock()
	if ok {
		return image, nil
	}
	image, err := draw()
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.images == nil || len(i.images) >= maxImages {
		i.images = map[string][]byte{}
	}
	i.images[key] = image
	return image, nil
}
