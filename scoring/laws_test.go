package scoring_test

import (
	"slices"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

var knownAt = time.Date(2026, 11, 22, 3, 0, 0, 123456000, time.UTC)

// level classifies a record by the masses of the default model: what it says alone, today.
func level(r *registry.Record) (bad, good bool) {
	x := scoring.NewAssessor(scoring.DefaultModel()).Explain(evidence(scoring.Enterprise{USCC: uscc}, []registry.Record{*r}), today, knownAt)
	return x.Records[0].Bad > 0, x.Records[0].Good > 0
}

func TestACleanRecordNeverLowersTheIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		clean := drawRecord(t, "zz")
		if bad, _ := level(&clean); bad {
			return
		}
		before, after := assess(who, records), assess(who, append(slices.Clone(records), clean))
		if after.Index < before.Index {
			t.Fatalf("%d fell to %d by a clean %s %s", before.Index, after.Index, clean.Kind, clean.Outcome)
		}
	})
}

func TestAPurelyBadRecordNeverRaisesTheIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		bad := drawRecord(t, rapid.SampledFrom([]string{"aa", "zz"}).Draw(t, "ref"))
		if hurts, helps := level(&bad); !hurts || helps {
			return
		}
		before, after := assess(who, records), assess(who, append(slices.Clone(records), bad))
		if after.Index > before.Index {
			t.Fatalf("%d rose to %d by a bad %s %s of %s", before.Index, after.Index, bad.Kind, bad.Outcome, bad.OccurredOn)
		}
	})
}

func TestARecordPullsTowardItsOwnLevelAndNeverPastIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		who.RegisteredOn = today - 1000
		for i := range records {
			records[i].CaseID = "" // a case may come to count in another dimension: the laws above hold across them
		}
		visit := drawRecord(t, "zz")
		visit.Kind, visit.Outcome, visit.Severity, visit.Detail = registry.KindInspection, registry.OutcomeDone, 0, &registry.Inspection{}
		visit.State, visit.ProvisionalUntil, visit.CaseID, visit.Findings = registry.StateFinal, 0, "", drawFindings(t)
		a := scoring.NewAssessor(scoring.DefaultModel())
		x := a.Explain(evidence(who, append(slices.Clone(records), visit)), today, knownAt)
		var own int64 = -1
		for _, r := range x.Records {
			if r.SourceRef == "zz" && r.Bad+r.Good > 0 {
				own = 1_000_000 * r.Bad / (r.Bad + r.Good)
			}
		}
		if own < 0 {
			return
		}
		before := int64(assess(who, records).LossPPM[scoring.Inspection])
		after := int64(x.Dimensions[scoring.Inspection].LossPPM)
		if after < min(before, own)-1 || after > max(before, own)+1 {
			t.Fatalf("loss %d became %d, own level %d", before, after, own)
		}
	})
}

// worse returns the record with one thing made worse, or false when there is nothing to make worse.
func worse(t *rapid.T, r registry.Record) (registry.Record, bool) {
	switch {
	case r.Kind == registry.KindInspection && r.Outcome == registry.OutcomeDone:
		r.Findings = append(slices.Clone(r.Findings), registry.Finding{Severity: drawSeverity(t)})
		return r, true
	case r.Severity == registry.SeverityMinor || r.Severity == registry.SeverityMajor:
		r.Severity++
		return r, true
	case r.Kind == registry.KindSpotCheck && r.Outcome == registry.OutcomePass:
		r.Outcome, r.Severity = registry.OutcomeFail, drawSeverity(t)
		return r, true
	}
	return r, false
}

func TestMakingARecordWorseNeverRaisesTheIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		if len(records) == 0 {
			return
		}
		at := rapid.IntRange(0, len(records)-1).Draw(t, "which")
		made, ok := worse(t, records[at])
		if !ok {
			return
		}
		changed := slices.Clone(records)
		changed[at] = made
		before, after := assess(who, records), assess(who, changed)
		if after.Index > before.Index {
			t.Fatalf("%d rose to %d: %+v", before.Index, after.Index, made)
		}
	})
}

func TestRectifyingNeverLowersTheIndexNorTheGrade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		changed := slices.Clone(records)
		for i := range changed {
			if registry.Kinds[changed[i].Kind].Event && changed[i].RectifiedOn == 0 && rapid.Bool().Draw(t, "rectify") {
				changed[i].RectifiedOn = today
			}
		}
		before, after := assess(who, records), assess(who, changed)
		if after.Index < before.Index || after.Colour > before.Colour {
			t.Fatalf("%d %s became %d %s", before.Index, before.Colour, after.Index, after.Colour)
		}
	})
}

func TestOrderOfRecordsIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		shuffled := rapid.Permutation(records).Draw(t, "shuffled")
		a := scoring.NewAssessor(scoring.DefaultModel())
		x, y := a.Explain(evidence(who, records), today, knownAt), a.Explain(evidence(who, shuffled), today, knownAt)
		if x.Digest != y.Digest || x.Index != y.Index || x.NextChangeOn != y.NextChangeOn || !slices.Equal(x.Records, y.Records) {
			t.Fatalf("%+v\n%+v", x, y)
		}
	})
}

func TestVoidingEqualsNeverHavingHadIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		extra := drawRecord(t, "zz")
		extra.State, extra.ProvisionalUntil = registry.StateVoided, 0
		before, after := assess(who, records), assess(who, append(slices.Clone(records), extra))
		if before != after {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}

func TestAnAssessorForgetsTheEnterpriseBefore(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		if reused, fresh := a.Assess(evidence(who, records), today), assess(who, records); reused != fresh {
			t.Fatalf("%+v, but a new assessor says %+v", reused, fresh)
		}
	})
}

func TestEveryPointHasAnOwner(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	rapid.Check(t, func(t *rapid.T) {
		x := a.Explain(evidence(drawWho(t), drawRecords(t)), today, knownAt)
		records, dimensions := x.StartPoints, x.StartPoints
		for _, r := range x.Records {
			records += r.Points
			if r.Points != 0 && r.Bad+r.Good == 0 {
				t.Fatalf("%d points without mass: %+v", r.Points, r)
			}
			if (r.Good == 0 && r.Points > 1) || (r.Bad == 0 && r.Points < -1) {
				t.Fatalf("%d points on the wrong side: %+v", r.Points, r)
			}
		}
		for _, q := range x.Quiet {
			records += q.Points
		}
		for _, d := range x.Dimensions {
			dimensions += d.Points
		}
		if records != x.Index || dimensions != x.Index {
			t.Fatalf("records add up to %d, dimensions to %d, the index is %d", records, dimensions, x.Index)
		}
	})
}

func TestNextChangeIsTheFirstDayOnWhichTimeAloneChangesTheGrade(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	rapid.Check(t, func(t *rapid.T) {
		e := evidence(drawWho(t), drawRecords(t))
		got := a.NextChange(e, today)
		now := a.Assess(e, today)
		var want registry.Day
		for day := today + 1; day < today+1500 && want == 0; day++ {
			if then := a.Assess(e, day); then.Tier != now.Tier || then.Colour != now.Colour {
				want = day
			}
		}
		if got != want {
			t.Fatalf("got %s, day by day it is %s", got, want)
		}
	})
}

func TestIndexAndLossesStayInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := assess(drawWho(t), drawRecords(t))
		if x.Index < 0 || x.Index > 10_000 || x.Colour < registry.ColourGreen || x.Colour > registry.ColourRed {
			t.Fatalf("%+v", x)
		}
		if x.Evidence < registry.EvidenceFair && (x.Tier != registry.TierNew || x.Colour == registry.ColourGreen) {
			t.Fatalf("missing data reads as %s %s", x.Tier, x.Colour)
		}
	})
}
