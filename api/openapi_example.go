package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
)

// examplesFile holds one real answer of each operation, shortened: recorded by `go test ./api -run TestRecordExamples -update`.
//
//go:embed examples.json
var examplesFile []byte

var examples = sync.OnceValues(func() (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(examplesFile, &all); err != nil {
		return nil, fmt.Errorf("read the recorded examples: %w", err)
	}
	return all, nil
})

// recorded returns the recorded answer of an operation with a status; nil when there is none.
func recorded(id string, status int) any {
	all, err := examples()
	if err != nil {
		return nil
	}
	if example, ok := all[id+" "+strconv.Itoa(status)]; ok {
		return example
	}
	return nil
}
