package main

import (
	"context"
	"errors"
	"fmt"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// What the demo puts on lists: so many of each, at most demoCountyShare of them of one county.
const (
	demoListed      = 24 // trusted merchants that meet everything
	demoSuspended   = 3  // that do not, so that the job suspends them
	demoApplied     = 4  // that wait for a decision
	demoSerious     = 2
	demoCountyShare = 5
)

// demoHistory is how many days before the city's day the demo grades everybody once more, so that grades have been held for a while.
const demoHistory = 120

// demoLists fills the lists of an invented city through the same steps that people take, once.
type demoLists struct {
	p     *program
	db    *schema.DB
	facts *jobs.ListingFacts
	asked *supervision.Criteria
	today registry.Day

	taken     map[string]int // listed merchants by county
	listed    int
	applied   int
	suspended int
	serious   int
	noticed   bool
}

// listDemo puts enterprises of the city on lists, grades those whose records that changed, and follows the lists up.
// The enterprise that the demo's account acts for is left to apply by itself.
func (p *program) listDemo(ctx context.Context, db *schema.DB, own registry.USCC, today registry.Day) error {
	for _, list := range supervision.Lists {
		for _, err := range db.ListingsIn(ctx, list, supervision.ListingStates...) {
			return err // it was done already, or cannot be read
		}
	}
	asked, err := db.ListingCriteria(ctx, supervision.ListTrusted, today)
	if err != nil {
		return err
	}
	d := &demoLists{p: p, db: db, facts: jobs.NewListingFacts(db), asked: asked, today: today, taken: map[string]int{}}
	for a, err := range db.Assessments(ctx) {
		if err != nil {
			return err
		}
		if a.USCC == own {
			continue
		}
		if err := d.place(ctx, &a); err != nil {
			return fmt.Errorf("put %s on a list: %w", a.USCC, err)
		}
		if d.full() {
			break
		}
	}
	_, err = p.recompute(ctx, &jobs.Recompute{DB: db, Clock: p.now, AsOf: today, ChangedOnly: true, Lease: recomputeLease})
	if err != nil && !errors.Is(err, schema.ErrNothingDue) {
		return err
	}
	if _, err = (&jobs.Listings{DB: db, Clock: today.Time}).RunOnce(ctx); errors.Is(err, schema.ErrNothingDue) {
		err = nil
	}
	return err
}

func (d *demoLists) full() bool {
	return d.listed == demoListed && d.applied == demoApplied && d.suspended == demoSuspended && d.serious == demoSerious && d.noticed
}

// place decides where an enterprise goes, if anywhere.
func (d *demoLists) place(ctx context.Context, a *schema.Assessment) error {
	found, _, err := d.facts.Of(ctx, a.USCC, d.today)
	if err != nil {
		return err
	}
	found.Commitment = registry.OutcomeMade // it will be, with the application
	missed := supervision.Missed(d.asked.Check(found, d.today))
	county := string(a.USCC[2:8])
	switch {
	case len(missed) == 0 && d.listed < demoListed && d.taken[county] < demoCountyShare:
		d.listed++
		d.taken[county]++
		return d.list(ctx, a.USCC, 60)
	case len(missed) == 0 && d.applied < demoApplied && d.taken[county] >= demoCountyShare:
		d.applied++
		return d.take(ctx, "enterprise", schema.ListingAct{List: supervision.ListTrusted, USCC: a.USCC, Step: supervision.StepApply, Day: d.today - 2, Commitment: demoPromise})
	case len(missed) > 0 && found.Vetoes == 0 && d.suspended < demoSuspended && d.suspended < d.listed:
		d.suspended++
		return d.list(ctx, a.USCC, 90)
	case found.Vetoes == 0 && (d.serious < demoSerious || !d.noticed):
		return d.notice(ctx, a.USCC)
	}
	return nil
}

const demoPromise = "不合格产品不出厂，问题产品先行赔付。"

// take takes a step in the name of somebody.
func (d *demoLists) take(ctx context.Context, who string, act schema.ListingAct) error {
	_, err := d.db.TakeListingStep(schema.WithActor(ctx, schema.Actor{Kind: "command", Name: who}), act)
	return err
}

// list applies so many days ago and lists five days later.
func (d *demoLists) list(ctx context.Context, code registry.USCC, ago registry.Day) error {
	act := schema.ListingAct{List: supervision.ListTrusted, USCC: code, Step: supervision.StepApply, Day: d.today - ago, Commitment: demoPromise}
	if err := d.take(ctx, "enterprise", act); err != nil {
		return err
	}
	act.Step, act.Day, act.Commitment, act.Reason = supervision.StepList, d.today-ago+5, "", "条件全部满足"
	return d.take(ctx, "supervisor", act)
}

// notice gives an enterprise with a grave penalty notice, and lists the first ones.
func (d *demoLists) notice(ctx context.Context, code registry.USCC) error {
	records, err := d.db.RecordsOf(ctx, code)
	if err != nil {
		return err
	}
	for _, r := range registry.Standing(records, d.today) {
		if r.Kind != registry.KindPenalty || r.Severity < registry.SeverityMajor || r.OccurredOn > d.today-40 {
			continue
		}
		act := schema.ListingAct{List: supervision.ListSerious, USCC: code, Step: supervision.StepNotice, Day: d.today - 30, Reason: "较重行政处罚，情节严重",
			Basis: "《市场监督管理严重违法失信名单管理办法》（示例）", Penalty: supervision.RecordRef{Source: r.Source, Ref: r.SourceRef}}
		if d.serious == demoSerious {
			d.noticed, act.Day = true, d.today-2
			return d.take(ctx, "supervisor.nanhu", act)
		}
		d.serious++
		if err := d.take(ctx, "supervisor.nanhu", act); err != nil {
			return err
		}
		act.Step, act.Day, act.Reason = supervision.StepList, d.today-20, "陈述申辩理由不成立"
		return d.take(ctx, "supervisor", act)
	}
	return nil
}
