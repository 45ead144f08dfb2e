package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// commentsFile holds what the comments of types and fields say, by the names of schemas and members: recorded from the sources by
// `go test ./api -run TestComments -update`.
//
//go:embed comments.json
var commentsFile []byte

var comments = sync.OnceValues(func() (map[string]string, error) {
	var all map[string]string
	if err := json.Unmarshal(commentsFile, &all); err != nil {
		return nil, fmt.Errorf("read the recorded comments: %w", err)
	}
	return all, nil
})

// explainSchemas gives schemas and members that have no description the comment of their type or field.
func explainSchemas(schemas map[string]*huma.Schema) {
	all, err := comments()
	if err != nil {
		return
	}
	for name, s := range schemas {
		if s.Description == "" {
			s.Description = all[name]
		}
		for member, property := range s.Properties {
			if property.Description == "" && property.Ref == "" {
				property.Description = all[name+"."+member]
			}
		}
	}
}
