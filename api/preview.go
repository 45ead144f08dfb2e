package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/gin-gonic/gin"
)

// PreviewAnswer is what a proposed version would change for one enterprise.
type PreviewAnswer struct {
	scoring.OwnEffect
	EffectiveOn  registry.Day     `json:"effective_on"`
	PreviewUntil registry.Day     `json:"preview_until"`
	Changes      []scoring.Change `json:"changes"` // of the model
}

// preview answers GET /api/v1/enterprises/:uscc/preview?version=N: the enterprise's own grade by the active model and by one that is open
// for preview. Without a version it is the newest open one.
func (s *server) preview(c *gin.Context) {
	query := s.query(c)
	answer, err := s.previewOf(c.Request.Context(), c.Param("uscc"), query.Get("version"))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

func (s *server) previewOf(ctx context.Context, uscc, version string) (*PreviewAnswer, error) {
	code, err := readUSCC(uscc)
	if err != nil {
		return nil, err
	}
	if _, err := s.register(ctx, code); err != nil {
		return nil, err
	}
	before, err := s.model(ctx, schema.ModelRef{})
	if err != nil {
		return nil, err
	}
	stored, err := s.previewed(ctx, before.Code, version)
	if err != nil {
		return nil, err
	}
	after, err := s.models.parse(stored)
	if err != nil {
		return nil, err
	}
	today := registry.DayOf(s.now())
	evidence, err := s.store.EvidenceOf(ctx, code, today, s.now().UTC().Truncate(time.Microsecond))
	if errors.Is(err, schema.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrNotKnownThen, err)
	}
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	return &PreviewAnswer{OwnEffect: scoring.CompareOne(evidence, today, before, after), EffectiveOn: stored.EffectiveOn,
		PreviewUntil: stored.PreviewUntil, Changes: scoring.Diff(before, after)}, nil
}

// previewed returns a version that is open for preview today: the one that is named, or the newest. schema.ErrNoPreview when there is none.
func (s *server) previewed(ctx context.Context, code, version string) (*schema.StoredModel, error) {
	today := registry.DayOf(s.now())
	if version == "" {
		return s.newestPreview(ctx, code, today)
	}
	ref, err := readVersion(code, "version", version)
	if err != nil {
		return nil, err
	}
	stored, err := s.store.Model(ctx, ref.Code, ref.Version)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	if err := stored.OpenForPreview(today); err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	return stored, nil
}

func (s *server) newestPreview(ctx context.Context, code string, today registry.Day) (*schema.StoredModel, error) {
	var newest *schema.StoredModel
	for m, err := range s.store.Models(ctx) {
		if err != nil {
			return nil, fmt.Errorf("look for a preview: %w", err)
		}
		if m.Code == code && m.OpenForPreview(today) == nil && (newest == nil || m.Version > newest.Version) {
			newest = &m
		}
	}
	if newest == nil {
		return nil, fmt.Errorf("preview: %w", schema.ErrNoPreview)
	}
	return newest, nil
}
