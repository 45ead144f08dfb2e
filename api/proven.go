package api

import (
	"strings"
	"sync"

	"healthcode/credential"
)

// maxProven bounds each of the two generations of kept proofs: together at most some ten megabytes.
const maxProven = 8192

// provenCache keeps codes whose signature was found good, by their exact bytes and for one set of keys. That a signature is good does not
// depend on the time; what has become of the code, and the grade, are read each time. Two generations bound it: when the newer one is full,
// the older one goes.
type provenCache struct {
	mu           sync.Mutex
	keys         *credential.KeySet
	newer, older map[string]*credential.Proven
}

func (p *provenCache) prove(text string, keys *credential.KeySet) (*credential.Proven, error) {
	if known := p.find(text, keys); known != nil {
		return known, nil
	}
	proven, err := credential.Prove(text, keys)
	if err == nil {
		p.keep(strings.Clone(text), keys, proven)
	}
	return proven, err
}

func (p *provenCache) find(text string, keys *credential.KeySet) *credential.Proven {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys != keys {
		return nil
	}
	if known := p.newer[text]; known != nil {
		return known
	}
	return p.older[text]
}

func (p *provenCache) keep(text string, keys *credential.KeySet, proven *credential.Proven) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys != keys { // a key has come or gone
		p.keys, p.newer, p.older = keys, nil, nil
	}
	if p.newer == nil || len(p.newer) >= maxProven {
		p.newer, p.older = make(map[string]*credential.Proven), p.newer
	}
	p.newer[text] = proven
}
