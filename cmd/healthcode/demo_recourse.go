package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// demoPlea is something that an enterprise of the demo asks for, and what is done with it. Days are counted back from the city's.
type demoPlea struct {
	kind  supervision.Kind
	own   bool // of the enterprise whose people have an account
	ago   int
	text  string
	steps []demoStep
	then  string // the text of an appeal against the decision, empty for none
}

type demoStep struct {
	step    supervision.Step
	by      string
	ago     int
	outcome supervision.Outcome
	reason  string
}

// demoPleas show every kind and most states.
var demoPleas = []demoPlea{
	{kind: supervision.Reply, own: true, ago: 30, text: "本企业已于上月更换检验设备，欢迎消费者监督。"},
	{kind: supervision.Objection, ago: 9, text: "所涉产品并非本企业生产，请核对批号。"},
	{kind: supervision.Objection, ago: 6, text: "依据的标准已被代替，请复核。", steps: []demoStep{{supervision.Accept, "supervisor.nanhu", 4, "", ""}}},
	{kind: supervision.Objection, ago: 12, text: "情况与记录不符。", steps: []demoStep{{supervision.Accept, "supervisor.nanhu", 10, "", ""},
		{supervision.Decide, "supervisor.nanhu", 5, supervision.Dismissed, "经核对，记录与现场情况一致。"}}, then: "未说明核对的依据，请重新审查。"},
	{kind: supervision.Objection, ago: 12, text: "记录的企业名称有误，应为另一家企业。", steps: []demoStep{{supervision.Accept, "supervisor.nanhu", 11, "", ""},
		{supervision.Decide, "supervisor.nanhu", 6, supervision.Upheld, "经核对，记录归属有误，予以作废。"}}},
	{kind: supervision.Repair, ago: 2, text: "罚款已缴清，已完成整改。"},
	{kind: supervision.Repair, ago: 20, text: "义务已全部履行，附缴款凭证编号。", steps: []demoStep{{supervision.Accept, "supervisor.nanhu", 18, "", ""},
		{supervision.Decide, "supervisor.nanhu", 8, supervision.Granted, "材料齐全，符合修复条件。"}}},
	{kind: supervision.Repair, ago: 15, text: "申请提前终止公示。", steps: []demoStep{{supervision.Return, "supervisor.nanhu", 13, "", "请补交缴款凭证。"}}},
	{kind: supervision.Reply, ago: 25, text: "某执法人员态度不好。", steps: []demoStep{{supervision.Hide, "supervisor.nanhu", 24, "", "指向个人，不符合公开规定。"}}},
}

// pleadDemo lets enterprises of the demo ask for things, by the same way as everybody, once. Before that, publications that have lasted as long as
// they may end, as they do every night.
func (p *program) pleadDemo(ctx context.Context, db *schema.DB, own registry.USCC, today registry.Day) error {
	if _, err := (&jobs.EndPublications{DB: db, Clock: p.now}).RunOnce(ctx); err != nil && !errors.Is(err, schema.ErrNothingDue) {
		return err
	}
	filed, err := db.RecoursePage(ctx, access.Everything(), schema.RecourseFilter{Limit: 1})
	if err != nil || len(filed.Items) > 0 {
		return err
	}
	firms := []registry.USCC{}
	for e, err := range db.Enterprises(ctx) {
		if err != nil {
			return fmt.Errorf("read the demo's enterprises: %w", err)
		}
		if strings.HasPrefix(e.RegionCode, demoCounty) && e.USCC != own {
			firms = append(firms, e.USCC)
		}
	}
	for i := range demoPleas {
		plea := &demoPleas[i]
		if plea.own {
			if _, err := plea.file(ctx, db, own, "enterprise", today); err != nil {
				return err
			}
			continue
		}
		if firms, err = plea.place(ctx, db, firms, today); err != nil {
			return err
		}
	}
	return nil
}

// place files the plea for the first enterprise that has something to ask it about, and returns those that come after it.
func (d *demoPlea) place(ctx context.Context, db *schema.DB, firms []registry.USCC, today registry.Day) ([]registry.USCC, error) {
	for i, code := range firms {
		filed, err := d.file(ctx, db, code, "supervisor", today)
		if err != nil {
			return firms, err
		}
		if filed {
			return append(firms[:i:i], firms[i+1:]...), nil
		}
	}
	return firms, nil // a small city may have nobody
}

// file files the plea for an enterprise and takes its steps; false when the enterprise has nothing to ask it about.
func (d *demoPlea) file(ctx context.Context, db *schema.DB, code registry.USCC, by string, today registry.Day) (bool, error) {
	records, err := db.RecordsOf(ctx, code)
	if err != nil {
		return false, fmt.Errorf("read the demo's records: %w", err)
	}
	filing := schema.RecourseFiling{USCC: code, Kind: d.kind, Text: d.text, Duties: d.kind == supervision.Repair, By: by, OnBehalf: !d.own, On: today - registry.Day(d.ago), Days: supervision.China()} //nolint:gosec // days of the table above
	if d.kind == supervision.Reply {
		records = []registry.Record{{}}
	}
	for i := range records {
		r := &records[i]
		if grave := max(r.Severity, r.Worst()); d.kind == supervision.Objection && (grave == registry.SeverityNone || grave == registry.SeverityCritical || registry.DayOf(r.KnownAt) > filing.On) {
			continue
		}
		filing.Source, filing.SourceRef = r.Source, r.SourceRef
		filed, err := db.FileRecourse(ctx, filing)
		if refusedPlea(err) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("file the demo's recourses: %w", err)
		}
		return true, d.follow(ctx, db, filed, today)
	}
	return false, nil
}

// refusedPlea reports whether a record does not allow what is asked; the next one may.
func refusedPlea(err error) bool {
	for _, refusal := range []error{schema.ErrFiled, supervision.ErrRecord, supervision.ErrLate, supervision.ErrNotRepairable, supervision.ErrTooEarly, supervision.ErrDuties,
		supervision.ErrAgain, supervision.ErrListed} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

func (d *demoPlea) follow(ctx context.Context, db *schema.DB, r *schema.Recourse, today registry.Day) error {
	for _, one := range d.steps {
		act := schema.RecourseAct{Act: supervision.Act{Step: one.step, By: one.by, Side: supervision.Officer, On: today - registry.Day(one.ago), Outcome: one.outcome, Reason: one.reason}} //nolint:gosec // days of the table above
		if _, err := db.StepRecourse(ctx, access.Everything(), r.ID, act, supervision.China()); err != nil {
			return fmt.Errorf("take the demo's steps: %w", err)
		}
	}
	if d.then == "" {
		return nil
	}
	appeal := schema.RecourseFiling{USCC: r.USCC, Kind: supervision.Appeal, Against: r.ID, Text: d.then, By: "supervisor", OnBehalf: true, On: today - 1, Days: supervision.China()}
	if _, err := db.FileRecourse(ctx, appeal); err != nil {
		return fmt.Errorf("file the demo's appeal: %w", err)
	}
	return nil
}
