package api

import (
	"strings"

	"healthcode/credential"
)

// maxProven bounds each of the two generations of kept proofs: together at most some ten megabytes.
const maxProven = 8192

// provenCache keeps codes whose signature was found good, by their exact bytes and for one set of keys. That a signature is good does not
// depend on the time; what has become of the code, and the grade, are looked up each time.
type provenCache struct {
	generations[*credential.KeySet, string, *credential.Proven]
}

func (p *provenCache) prove(text string, keys *credential.KeySet) (*credential.Proven, error) {
	if known, found := p.find(keys, text); found {
		return known, nil
	}
	proven, err := credential.Prove(text, keys)
	if err == nil {
		p.keep(keys, strings.Clone(text), proven)
	}
	return proven, err
}
