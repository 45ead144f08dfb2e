package api

import "sync"

// generations keeps values by key for as long as its mark stays the same. Two generations bound it: when the newer one is full, the older one goes.
// The zero value keeps nothing until most is set.
type generations[M, K comparable, V any] struct {
	most int // values a generation

	mu           sync.Mutex
	mark         M
	newer, older map[K]V
}

// find returns what was kept under this mark.
func (g *generations[M, K, V]) find(mark M, key K) (value V, found bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mark != mark {
		return value, false
	}
	if value, found = g.newer[key]; found {
		return value, true
	}
	value, found = g.older[key]
	return value, found
}

// keep adds a value. One with another mark than those before it ends them all.
func (g *generations[M, K, V]) keep(mark M, key K, value V) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mark != mark {
		g.mark, g.newer, g.older = mark, nil, nil
	}
	if g.newer == nil || len(g.newer) >= g.most {
		g.newer, g.older = make(map[K]V), g.newer
	}
	g.newer[key] = value
}
