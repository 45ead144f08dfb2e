package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"healthcode/credential"
	"healthcode/schema"
)

// KeyReader reads the signing keys.
type KeyReader interface {
	// Keys returns every key in the order of their numbers, removed ones included.
	Keys(ctx context.Context) ([]schema.SigningKey, error)
}

// keyCache keeps the parsed key set for as long as the rows read the same. The rows themselves are read each time: a key that was
// compromised is gone at once.
type keyCache struct {
	mu   sync.Mutex
	rows string
	set  *credential.KeySet
}

// keySet returns the keys that a code may be signed with: all but the removed ones.
func (s *server) keySet(ctx context.Context) (*credential.KeySet, error) {
	stored, err := s.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var live []string
	for _, key := range stored {
		if key.State != schema.KeyRemoved {
			live = append(live, key.JWK)
		}
	}
	return s.keys.parse(live)
}

func (k *keyCache) parse(jwks []string) (*credential.KeySet, error) {
	rows := strings.Join(jwks, "\n")
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set != nil && k.rows == rows {
		return k.set, nil
	}
	keys := make([]credential.PublicKey, len(jwks))
	for i, text := range jwks {
		if err := json.Unmarshal([]byte(text), &keys[i]); err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
	}
	set, err := credential.NewKeySet(keys...)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	k.rows, k.set = rows, set
	return set, nil
}
