package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"healthcode/credential"
)

// MaxMemory is how large a memory may be as JSON, in bytes: room for the 8192 lists of one issuer.
const MaxMemory = 1 << 20

// ErrMemory means that a text is no memory.
var ErrMemory = errors.New("not the memory of a verifier")

// Memory is what a verifier must not forget between two runs: the newest iat of all that it has loaded, in Unix seconds. It is written and
// read as JSON.
type Memory struct {
	KeySet uint32            `json:"key_set"`
	Lists  map[string]uint32 `json:"lists"` // by sub
}

// ParseMemory reads a memory. Every error wraps ErrMemory.
func ParseMemory(data []byte) (Memory, error) {
	var m Memory
	if len(data) > MaxMemory {
		return m, fmt.Errorf("%w: %d bytes, more than %d", ErrMemory, len(data), MaxMemory)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return Memory{}, fmt.Errorf("%w: %w", ErrMemory, err)
	}
	return m, nil
}

func (m *Memory) clone() Memory {
	lists := maps.Clone(m.Lists)
	if lists == nil {
		lists = map[string]uint32{}
	}
	return Memory{m.KeySet, lists}
}

// takeKeySet notes a key set, or refuses an older one.
func (m *Memory) takeKeySet(issued time.Time) error {
	if seconds(issued) < m.KeySet {
		return fmt.Errorf("%w: the key set is of %s", ErrRollback, issued.Format(time.RFC3339))
	}
	m.KeySet = seconds(issued)
	return nil
}

// takeList notes a list, or refuses an older one.
func (m *Memory) takeList(list *credential.List) error {
	sub := list.Subject()
	if seconds(list.IssuedAt) < m.Lists[sub] {
		return fmt.Errorf("%w: %s is of %s", ErrRollback, sub, list.IssuedAt.Format(time.RFC3339))
	}
	m.Lists[sub] = seconds(list.IssuedAt)
	return nil
}

// seconds is exact: an iat has 32 bits.
func seconds(t time.Time) uint32 { return uint32(t.Unix()) }
