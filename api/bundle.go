package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"healthcode/jobs"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// Bundler makes the bundle of verifiers that have no network.
type Bundler interface {
	// Newest returns the bundle of what is published now; jobs.ErrNoKeySet, jobs.ErrOldKeySet and jobs.ErrNoLists.
	Newest(ctx context.Context) (*jobs.Bundled, error)
}

// RootReader reads the root key.
type RootReader interface {
	// Root returns the newest root key, or schema.ErrNotFound.
	Root(ctx context.Context) (*schema.RootKey, error)
}

// bundle answers GET /bundle: key set, lists and manifest in one document, for verifiers without a network.
func (s *server) bundle(c *gin.Context) {
	if s.Bundle == nil {
		s.fail(c, ErrNoBundle)
		return
	}
	made, err := s.Bundle.Newest(c.Request.Context())
	if err != nil {
		s.fail(c, fmt.Errorf("make the bundle: %w", err))
		return
	}
	document, err := s.lists.get("bundle/"+strconv.FormatInt(made.IssuedAt.Unix(), 10)+"/"+made.Digest, func() (*shared, error) {
		return newShared(typeJSON, made.Body), nil
	})
	if err != nil {
		s.fail(c, err)
		return
	}
	answerShared(c, document, s.freshFor(made.Oldest()))
}

// root answers GET /.well-known/root.json: the public half of the root key, to be compared with the one that a verifier has pinned. A
// verifier never pins what it finds here without comparing it with what the issuer gave out by another way.
func (s *server) root(c *gin.Context) {
	root, err := s.store.Root(c.Request.Context())
	if errors.Is(err, schema.ErrNotFound) {
		s.fail(c, ErrNoRoot)
		return
	}
	if err != nil {
		s.fail(c, fmt.Errorf("read the root key: %w", err))
		return
	}
	answerShared(c, newShared("application/jwk+json", []byte(root.JWK)), minFresh)
}
