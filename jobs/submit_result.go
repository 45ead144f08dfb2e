package jobs

import (
	"encoding/json"
	"strconv"

	"healthcode/registry"
	"healthcode/schema"
)

// RowResult says what became of one row of a submission.
type RowResult struct {
	Row       int64             `json:"row"`     // the line, from 1
	Outcome   schema.PutOutcome `json:"outcome"` // added, changed, unchanged, waiting or refused
	Source    string            `json:"source,omitempty"`
	SourceRef string            `json:"source_ref,omitempty"`
	Revision  int               `json:"revision,omitempty"`
	Errors    registry.Problems `json:"errors,omitempty"`
}

// appendLine appends the result as a line of JSON. Those of good rows are written here, with the bytes that encoding/json would write.
func (r *RowResult) appendLine(dst []byte) ([]byte, error) {
	if len(r.Errors) > 0 {
		text, err := json.Marshal(r)
		return append(append(dst, text...), '\n'), err
	}
	dst = strconv.AppendInt(append(dst, `{"row":`...), r.Row, 10)
	dst = registry.AppendJSON(append(dst, `,"outcome":`...), r.Outcome.String())
	if r.Source != "" {
		dst = registry.AppendJSON(append(dst, `,"source":`...), r.Source)
	}
	if r.SourceRef != "" {
		dst = registry.AppendJSON(append(dst, `,"source_ref":`...), r.SourceRef)
	}
	if r.Revision != 0 {
		dst = strconv.AppendInt(append(dst, `,"revision":`...), int64(r.Revision), 10)
	}
	return append(dst, "}\n"...), nil
}
