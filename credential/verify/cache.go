package verify

import (
	"strings"
	"sync"

	"healthcode/credential"
)

// cacheSize is how many codes each of the two halves of a cache holds: a few megabytes.
const cacheSize = 4096

// cache keeps codes whose signature was found good, by their exact text. It belongs to one key set, so a new bundle begins with an empty
// one. What was used since the last change of halves stays, the rest goes: at most 2·cacheSize are held. Refused texts are not kept, since
// anybody can make them.
type cache struct {
	mu         sync.Mutex
	young, old map[string]*credential.Proven
}

// get returns nil when the text is not there.
func (c *cache) get(text string) *credential.Proven {
	c.mu.Lock()
	defer c.mu.Unlock()
	if proven := c.young[text]; proven != nil {
		return proven
	}
	proven := c.old[text]
	if proven != nil {
		c.keep(text, proven)
	}
	return proven
}

func (c *cache) put(text string, proven *credential.Proven) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(strings.Clone(text), proven) // the text may be part of a much larger one
}

func (c *cache) keep(text string, proven *credential.Proven) {
	if len(c.young) >= cacheSize || c.young == nil {
		c.old, c.young = c.young, make(map[string]*credential.Proven)
	}
	c.young[text] = proven
}
