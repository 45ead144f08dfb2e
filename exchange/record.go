package exchange

import (
	"fmt"
	"strconv"
	"time"

	"healthcode/registry"
)

// recordDraft collects a record and those columns that become part of it at the end, when its kind is known.
type recordDraft struct {
	r       registry.Record
	people  registry.People
	counts  [registry.SeverityCritical + 1]int // findings by severity
	finding registry.Finding                   // the one finding of a row
	details []detailValue
}

var recordColumns = func() *columnSet[recordDraft] {
	type d = recordDraft
	s := &columnSet[d]{kind: kindRecords, columns: []column[d]{
		codeColumn("uscc", func(x *d) *registry.USCC { return &x.r.USCC }),
		textColumn("source", func(x *d) *string { return &x.r.Source }),
		textColumn("source_ref", func(x *d) *string { return &x.r.SourceRef }),
		revisionColumn,
		textColumn("kind", func(x *d) *registry.Kind { return &x.r.Kind }),
		textColumn("outcome", func(x *d) *string { return &x.r.Outcome }),
		levelColumn("severity", func(x *d) *registry.Severity { return &x.r.Severity }, wantSeverity),
		dayColumn("occurred_on", func(x *d) *registry.Day { return &x.r.OccurredOn }),
		knownAtColumn,
		textColumn("product_code", func(x *d) *string { return &x.r.ProductCode }),
		textColumn("stage", func(x *d) *string { return &x.r.Stage }),
		textColumn("purpose", func(x *d) *string { return &x.r.Purpose }),
		textColumn("case_id", func(x *d) *string { return &x.r.CaseID }),
		textColumn("state", func(x *d) *registry.State { return &x.r.State }),
		dayColumn("provisional_until", func(x *d) *registry.Day { return &x.r.ProvisionalUntil }),
		dayColumn("rectify_by", func(x *d) *registry.Day { return &x.r.RectifyBy }),
		dayColumn("rectified_on", func(x *d) *registry.Day { return &x.r.RectifiedOn }),
		jsonColumnOf("findings", func(x *d) *[]registry.Finding { return &x.r.Findings }),
		textColumn("sampler", func(x *d) *string { return &x.people.Sampler }),
		textColumn("tester", func(x *d) *string { return &x.people.Tester }),
		listColumn("inspectors", func(x *d) *[]string { return &x.people.Inspectors }),
	}}
	for _, name := range detailNames {
		s.columns = append(s.columns, detailColumn(name))
	}
	s.columns = append(s.columns, findingColumns()...)
	return s
}()

const wantSeverity = "minor, major or critical"

var revisionColumn = column[recordDraft]{name: "revision",
	set: func(into *recordDraft, text string) *fault { return setInt(&into.r.Revision, text, 1_000_000) },
	get: func(from *recordDraft) string { return positive(int64(from.r.Revision)) }}

func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

var knownAtColumn = column[recordDraft]{name: "known_at",
	set: func(into *recordDraft, text string) *fault {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return &fault{fmt.Sprintf("%.40q is not an instant", text), "an instant such as 2024-03-01T08:00:00Z"}
		}
		into.r.KnownAt = at.UTC()
		return nil
	},
	get: func(from *recordDraft) string {
		if from.r.KnownAt.IsZero() {
			return ""
		}
		return from.r.KnownAt.Format(time.RFC3339Nano)
	}}

// findingColumns are the short ways to say findings: how many of each severity, or the one finding of a row.
func findingColumns() []column[recordDraft] {
	type d = recordDraft
	var columns []column[d]
	for severity := registry.SeverityMinor; severity <= registry.SeverityCritical; severity++ {
		columns = append(columns, column[d]{name: "findings_" + severity.String(),
			set: func(into *d, text string) *fault {
				return setInt(&into.counts[severity], text, registry.MaxFindings)
			}})
	}
	return append(columns,
		readOnly(textColumn("finding_item", func(x *d) *string { return &x.finding.Item })),
		readOnly(levelColumn("finding_severity", func(x *d) *registry.Severity { return &x.finding.Severity }, wantSeverity)),
		readOnly(textColumn("finding_standard", func(x *d) *string { return &x.finding.Standard })),
		readOnly(textColumn("finding_limit", func(x *d) *string { return &x.finding.Limit })),
		readOnly(textColumn("finding_value", func(x *d) *string { return &x.finding.Value })),
		readOnly(textColumn("finding_cause", func(x *d) *string { return &x.finding.Cause })))
}

// finish puts the collected columns into the record. Without a word about it a record is final, and a finding as severe as its record.
func (x *recordDraft) finish() (*registry.Record, registry.Problems) {
	for severity, n := range x.counts {
		for range n {
			x.r.Findings = append(x.r.Findings, registry.Finding{Severity: registry.Severity(severity)})
		}
	}
	if x.finding != (registry.Finding{}) {
		if x.finding.Severity == registry.SeverityNone {
			x.finding.Severity = x.r.Severity
		}
		x.r.Findings = append(x.r.Findings, x.finding)
	}
	if x.people.Sampler != "" || x.people.Tester != "" || len(x.people.Inspectors) > 0 {
		x.r.People = &x.people
	}
	return &x.r, x.finishDetail()
}

// recordDraftOf prepares a record for writing.
func recordDraftOf(r *registry.Record) *recordDraft {
	draft := &recordDraft{r: *r}
	if r.People != nil {
		draft.people = *r.People
	}
	return draft
}
