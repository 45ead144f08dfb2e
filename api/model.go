package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"healthcode/schema"
	"healthcode/scoring"
)

// ModelReader reads scoring models. A version that is not stored is an error that wraps schema.ErrNotFound.
type ModelReader interface {
	ActiveModel(ctx context.Context) (*schema.StoredModel, error)
	ActiveModelAt(ctx context.Context, at time.Time) (*schema.StoredModel, error)
	Model(ctx context.Context, code string, version int) (*schema.StoredModel, error)
}

// maxModels bounds the parsed models kept in memory.
const maxModels = 16

// modelCache keeps parsed models by digest: a version never changes.
type modelCache struct {
	mu     sync.Mutex
	models map[string]*scoring.Model
}

// model returns one version of a model, or the active one when ref is empty.
func (s *server) model(ctx context.Context, ref schema.ModelRef) (*scoring.Model, error) {
	stored, err := s.storedModel(ctx, ref)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrNoModel, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	return s.models.parse(stored)
}

func (s *server) storedModel(ctx context.Context, ref schema.ModelRef) (*schema.StoredModel, error) {
	if ref.Code == "" {
		return s.store.ActiveModel(ctx)
	}
	return s.store.Model(ctx, ref.Code, ref.Version)
}

func (m *modelCache) parse(stored *schema.StoredModel) (*scoring.Model, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if model, ok := m.models[stored.Digest]; ok {
		return model, nil
	}
	model, err := scoring.ParseModel([]byte(stored.Body))
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", stored.String(), err)
	}
	if m.models == nil || len(m.models) >= maxModels {
		m.models = map[string]*scoring.Model{}
	}
	m.models[stored.Digest] = model
	return model, nil
}
