package api

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"healthcode/credential"
	"healthcode/schema"
)

// KeyReader reads the signing keys.
type KeyReader interface {
	// Keys returns every key in the order of their numbers, removed ones included.
	Keys(ctx context.Context) ([]schema.SigningKey, error)
}

// keyCache keeps the key set for as long as the rows read the same. The rows themselves are read each time: a key that was
// compromised is gone at once.
type keyCache struct {
	mu   sync.Mutex
	rows []schema.SigningKey
	set  *credential.KeySet
}

// keySet returns the keys that a code may be signed with, pending ones too: all but the removed ones.
func (s *server) keySet(ctx context.Context) (*credential.KeySet, error) {
	rows, err := s.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return s.keys.read(rows)
}

func (k *keyCache) read(rows []schema.SigningKey) (*credential.KeySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set != nil && slices.Equal(k.rows, rows) {
		return k.set, nil
	}
	set, err := schema.KeySet(rows)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	k.rows, k.set = rows, set
	return set, nil
}
