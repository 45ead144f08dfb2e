package api

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/gin-gonic/gin"
)

// ModelLifeReader reads what became of model versions.
type ModelLifeReader interface {
	Models(ctx context.Context) iter.Seq2[schema.StoredModel, error]
	ModelEvents(ctx context.Context, code string, version int) ([]schema.ModelEvent, error)
	ModelSimulations(ctx context.Context, code string, version int) ([]schema.ModelSimulation, error)
	ModelComments(ctx context.Context, sight access.Sight, code string, version int) ([]schema.ModelComment, error)
}

// ModelItem is one model version as JSON, without its body.
type ModelItem struct {
	schema.ModelRef
	scoring.Life
	CreatedAt   time.Time `json:"created_at"`
	ProposedAt  time.Time `json:"proposed_at,omitzero"`
	ApprovedAt  time.Time `json:"approved_at,omitzero"`
	ActivatedAt time.Time `json:"activated_at,omitzero"`
	RetiredAt   time.Time `json:"retired_at,omitzero"`
}

// NewModelItem returns what lists show of a version.
func NewModelItem(m *schema.StoredModel) ModelItem {
	return ModelItem{m.ModelRef, m.Life, m.CreatedAt, m.ProposedAt, m.ApprovedAt, m.ActivatedAt, m.RetiredAt}
}

// ModelDetail is one model version with everything that its approver needs: its steps, what it would change, what enterprises say.
type ModelDetail struct {
	ModelItem
	Body        json.RawMessage       `json:"body"`
	Events      []schema.ModelEvent   `json:"events"`
	Simulations []ModelSimulation     `json:"simulations"` // newest first
	Comments    []schema.ModelComment `json:"comments"`
}

// ModelSimulation is a recorded simulation as JSON.
type ModelSimulation struct {
	Base      schema.ModelRef `json:"base"`
	AsOf      registry.Day    `json:"as_of"`
	KnownAt   time.Time       `json:"known_at"`
	CreatedAt time.Time       `json:"created_at"`
	Result    json.RawMessage `json:"result"`
}

// ReadModelDetail puts together what is stored about a version. Simulations name enterprises of the whole register, so only who sees all of
// it gets them.
func ReadModelDetail(ctx context.Context, store ModelLifeReader, sight access.Sight, m *schema.StoredModel) (*ModelDetail, error) {
	d := &ModelDetail{ModelItem: NewModelItem(m), Body: json.RawMessage(m.Body), Simulations: []ModelSimulation{}}
	var err error
	if d.Events, err = store.ModelEvents(ctx, m.Code, m.Version); err != nil {
		return nil, fmt.Errorf("read the steps of %s: %w", m, err)
	}
	if d.Comments, err = store.ModelComments(ctx, sight, m.Code, m.Version); err != nil {
		return nil, fmt.Errorf("read the comments on %s: %w", m, err)
	}
	if !sight.All {
		return d, nil
	}
	simulations, err := store.ModelSimulations(ctx, m.Code, m.Version)
	if err != nil {
		return nil, fmt.Errorf("read the simulations of %s: %w", m, err)
	}
	for _, s := range simulations {
		d.Simulations = append(d.Simulations, ModelSimulation{s.Base, s.AsOf, s.KnownAt, s.CreatedAt, json.RawMessage(s.Result)})
	}
	return d, nil
}

// ModelDiff is the difference of two versions as JSON.
type ModelDiff struct {
	From    scoring.ModelName `json:"from"`
	To      scoring.ModelName `json:"to"`
	Changes []scoring.Change  `json:"changes"`
}

// modelsListed answers GET /api/v1/models.
func (s *server) modelsListed(c *gin.Context) {
	query := s.query(c)
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	page, from := newList[ModelItem](limit), query.Get("cursor") == ""
	for m, err := range s.store.Models(c.Request.Context()) {
		if err != nil {
			s.fail(c, fmt.Errorf("read models: %w", err))
			return
		}
		if from && !page.add(NewModelItem(&m), m.String()) {
			break
		}
		from = from || m.String() == query.Get("cursor")
	}
	if !from {
		s.fail(c, badField("cursor", "is not of this list", "next of the page before"))
		return
	}
	c.JSON(http.StatusOK, page)
}

// modelShown answers GET /api/v1/models/:code/:version.
func (s *server) modelShown(c *gin.Context) {
	stored, err := s.pathModel(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	detail, err := ReadModelDetail(c.Request.Context(), s.store, s.sight(c), stored)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, detail)
}

// modelDiffed answers GET /api/v1/models/:code/:version/diff?with=VERSION: what changes from that version to this one. Without with it is
// the active version.
func (s *server) modelDiffed(c *gin.Context) {
	query := s.query(c)
	diff, err := s.diff(c, query)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, diff)
}

func (s *server) diff(c *gin.Context, query url.Values) (*ModelDiff, error) {
	stored, err := s.pathModel(c)
	if err != nil {
		return nil, err
	}
	to, err := s.models.parse(stored)
	if err != nil {
		return nil, err
	}
	var ref schema.ModelRef
	if text := query.Get("with"); text != "" {
		if ref, err = readVersion(stored.Code, "with", text); err != nil {
			return nil, err
		}
		if _, err := s.store.Model(c.Request.Context(), ref.Code, ref.Version); err != nil {
			return nil, fmt.Errorf("read model: %w", err)
		}
	}
	from, err := s.model(c.Request.Context(), ref)
	if err != nil {
		return nil, err
	}
	return &ModelDiff{From: from.Name(), To: to.Name(), Changes: scoring.Diff(from, to)}, nil
}

// pathModel reads the version that the path names.
func (s *server) pathModel(c *gin.Context) (*schema.StoredModel, error) {
	ref, err := readVersion(c.Param("code"), "version", c.Param("version"))
	if err != nil {
		return nil, err
	}
	m, err := s.store.Model(c.Request.Context(), ref.Code, ref.Version)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	return m, nil
}

func readVersion(code, field, text string) (schema.ModelRef, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 65535 {
		return schema.ModelRef{}, badField(field, "is not a version", "a number from 1 to 65535")
	}
	return schema.ModelRef{Code: code, Version: n}, nil
}
