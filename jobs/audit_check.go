package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"healthcode/credential"
	"healthcode/schema"
)

// AuditCheck looks whether the audit log is what it was: every line, its head, every stored checkpoint with its signature, and checkpoints that
// somebody kept elsewhere. It writes nothing.
type AuditCheck struct {
	DB       *schema.DB
	Keys     *credential.KeySet // that checkpoints are verified with; nil: every key of the database, removed ones included
	Kept     []KeptCheckpoint
	After    int64                // look only at the lines after this one
	Progress func(done, of int64) // may be nil
}

// KeptCheckpoint is a checkpoint that somebody kept.
type KeptCheckpoint struct {
	Source string // such as the name of its file
	Token  string
}

// AuditReport says what a check of the audit log found.
type AuditReport struct {
	Lines       int64                 `json:"lines"` // that were looked at
	Last        int64                 `json:"last"`  // the number of the last one
	Checkpoints int                   `json:"checkpoints"`
	Kept        int                   `json:"kept"`             // checkpoints from elsewhere
	Newest      *time.Time            `json:"newest,omitempty"` // when the last stored checkpoint was made
	Found       int                   `json:"found"`            // faults
	Findings    []schema.AuditFinding `json:"findings"`         // the first hundred
}

// Run checks and reports.
func (j *AuditCheck) Run(ctx context.Context) (*AuditReport, error) {
	stored, err := j.DB.AuditCheckpoints(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	slices.Reverse(stored)
	keys, err := j.keys(ctx)
	if err != nil {
		return nil, err
	}
	report := &AuditReport{Checkpoints: len(stored), Kept: len(j.Kept), Findings: []schema.AuditFinding{}}
	points := report.stored(stored, keys)
	for _, k := range j.Kept {
		c, err := credential.ParseCheckpoint(strings.TrimSpace(k.Token), keys)
		if err != nil {
			report.find(0, "%s: %v", k.Source, err)
			continue
		}
		points = append(points, schema.AuditPoint{Number: c.Number, Hash: c.Hash, Source: fmt.Sprintf("%s, of %s,", k.Source, c.IssuedAt.Format(time.RFC3339))})
	}
	if j.Progress == nil {
		j.Progress = func(_, _ int64) {}
	}
	checker, err := j.DB.CheckAudit(ctx, j.After, points, j.Progress)
	if err != nil {
		return nil, err
	}
	report.Lines, report.Last, report.Found = checker.Lines, checker.Last, report.Found+checker.Found
	report.Findings = append(report.Findings, checker.Findings...)
	return report, nil
}

func (r *AuditReport) find(number int64, detail string, values ...any) {
	r.Found++
	r.Findings = append(r.Findings, schema.AuditFinding{Fault: schema.AuditBadCheckpoint, Number: number, Detail: fmt.Sprintf(detail, values...)})
}

// stored looks at the stored checkpoints, oldest first: each must say what its row says, follow the one before, and be signed.
func (r *AuditReport) stored(rows []schema.AuditCheckpoint, keys *credential.KeySet) []schema.AuditPoint {
	points := make([]schema.AuditPoint, 0, len(rows))
	last := credential.LogBeginning()
	for i := range rows {
		row := &rows[i]
		points = append(points, schema.AuditPoint{Number: row.Number, Hash: row.Hash, Source: fmt.Sprintf("checkpoint %d, of %s,", row.Number, row.At.Format(time.RFC3339))})
		c, err := credential.ParseCheckpoint(row.Token, keys)
		switch {
		case err != nil:
			r.find(row.Number, "checkpoint %d: %v", row.Number, err)
		case c.Number != row.Number || c.Hash != row.Hash || !c.IssuedAt.Equal(row.At) || c.KeyID != row.KID:
			r.find(row.Number, "checkpoint %d: its row is not what was signed", row.Number)
		case c.Previous != last:
			r.find(row.Number, "checkpoint %d follows line %d; the one stored before it is of line %d: one is missing or was put in", row.Number, c.Previous.Number, last.Number)
		}
		last = credential.LogPoint{Number: row.Number, Hash: row.Hash}
		r.Newest = &row.At
	}
	return points
}

func (j *AuditCheck) keys(ctx context.Context) (*credential.KeySet, error) {
	if j.Keys != nil {
		return j.Keys, nil
	}
	rows, err := j.DB.Keys(ctx)
	if err != nil {
		return nil, err
	}
	return schema.EveryKey(rows)
}
