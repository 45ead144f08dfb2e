package registry_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
)

var today = registry.MustDay("2026-11-22")

// valid returns a valid record of a kind with its first outcome.
func valid(kind registry.Kind) registry.Record {
	rule := registry.Kinds[kind]
	r := registry.Record{USCC: "91350100M000100Y43", Source: "bureau", SourceRef: "1", Kind: kind, Outcome: rule.Outcomes[0], State: registry.StateFinal,
		OccurredOn: registry.MustDay("2026-03-01"), Detail: rule.New()}
	if rule.SeverityNeeded(r.Outcome) {
		r.Severity = registry.SeverityMinor
	}
	switch d := r.Detail.(type) {
	case *registry.Licence:
		d.Number = "XK13-001"
	case *registry.Certification:
		d.Number = "CCC-1"
	case *registry.Capability:
		d.Item = registry.ItemQMS
	case *registry.SelfInspection:
		d.Year = 2025
	case *registry.Award:
		d.Name = "质量奖"
	}
	return r
}

func TestEveryKindHasAValidRecordThatReadsBack(t *testing.T) {
	t.Parallel()
	if len(registry.KindNames()) != 14 {
		t.Fatalf("%d kinds", len(registry.KindNames()))
	}
	for _, name := range registry.KindNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := valid(registry.Kind(name))
			if problems := r.Validate(today); len(problems) > 0 {
				t.Fatal(problems)
			}
			text, err := json.Marshal(&r)
			if err != nil {
				t.Fatal(err)
			}
			var back registry.Record
			if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(r, back) {
				t.Errorf("%v: %s became %+v", err, text, back)
			}
		})
	}
}

func TestRecordIsRefusedAtTheField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   registry.Kind
		change func(r *registry.Record)
		field  string
	}{
		"no code":                              {registry.KindAward, func(r *registry.Record) { r.USCC = "" }, "uscc"},
		"small letters in the code":            {registry.KindAward, func(r *registry.Record) { r.USCC = "91350100m000100y43" }, "uscc"},
		"no source":                            {registry.KindAward, func(r *registry.Record) { r.Source = " " }, "source"},
		"no reference":                         {registry.KindAward, func(r *registry.Record) { r.SourceRef = "" }, "source_ref"},
		"reference of two lines":               {registry.KindAward, func(r *registry.Record) { r.SourceRef = "a\nb" }, "source_ref"},
		"reference too long":                   {registry.KindAward, func(r *registry.Record) { r.SourceRef = strings.Repeat("x", 121) }, "source_ref"},
		"not UTF-8":                            {registry.KindAward, func(r *registry.Record) { r.CaseID = "\xff" }, "case_id"},
		"negative revision":                    {registry.KindAward, func(r *registry.Record) { r.Revision = -1 }, "revision"},
		"unknown kind":                         {registry.KindAward, func(r *registry.Record) { r.Kind = "gossip" }, "kind"},
		"unknown outcome":                      {registry.KindAward, func(r *registry.Record) { r.Outcome = "revoked" }, "outcome"},
		"unknown state":                        {registry.KindAward, func(r *registry.Record) { r.State = "open" }, "state"},
		"no date":                              {registry.KindAward, func(r *registry.Record) { r.OccurredOn = 0 }, "occurred_on"},
		"1900":                                 {registry.KindAward, func(r *registry.Record) { r.OccurredOn = registry.MustDay("1900-01-01") }, "occurred_on"},
		"2100":                                 {registry.KindAward, func(r *registry.Record) { r.OccurredOn = registry.MustDay("2100-01-01") }, "occurred_on"},
		"tomorrow":                             {registry.KindAward, func(r *registry.Record) { r.OccurredOn = today + 1 }, "occurred_on"},
		"severity missing":                     {registry.KindPenalty, func(r *registry.Record) { r.Severity = 0 }, "severity"},
		"severity of a passed check":           {registry.KindSpotCheck, func(r *registry.Record) { r.Severity = registry.SeverityMinor }, "severity"},
		"critical without a cause":             {registry.KindSpotCheck, func(r *registry.Record) { r.Outcome, r.Severity = "fail", registry.SeverityCritical }, "cause"},
		"cause of a minor failure":             {registry.KindSpotCheck, failFor(registry.CauseForged), "cause"},
		"severity below worst finding":         {registry.KindSpotCheck, failWith(registry.SeverityMajor), "severity"},
		"findings of a passed check":           {registry.KindSpotCheck, findings(registry.SeverityMinor), "findings"},
		"finding without severity":             {registry.KindInspection, findings(registry.SeverityNone), "findings[0].severity"},
		"201 findings":                         {registry.KindInspection, findings(slices.Repeat([]registry.Severity{1}, 201)...), "findings"},
		"sampler is tester":                    {registry.KindSpotCheck, by(registry.People{Sampler: "质检院", Tester: "质检院"}), "people.tester"},
		"one inspector":                        {registry.KindInspection, by(registry.People{Inspectors: []string{"a"}}), "people.inspectors"},
		"one inspector three times":            {registry.KindInspection, by(registry.People{Inspectors: []string{"a", "a", "a"}}), "people.inspectors"},
		"sampler is tester, written otherwise": {registry.KindSpotCheck, by(registry.People{Sampler: "SGS", Tester: " sgs"}), "people.tester"},
		"the same inspector twice":             {registry.KindInspection, by(registry.People{Inspectors: []string{"a", "a"}}), "people.inspectors"},
		"stage of an award":                    {registry.KindAward, func(r *registry.Record) { r.Stage = registry.StageShop }, "stage"},
		"unknown stage":                        {registry.KindSpotCheck, func(r *registry.Record) { r.Stage = "moon" }, "stage"},
		"purpose of a complaint":               {registry.KindComplaint, func(r *registry.Record) { r.Purpose = registry.PurposeRandom }, "purpose"},
		"rectified licence":                    {registry.KindLicence, func(r *registry.Record) { r.RectifiedOn = today }, "rectified_on"},
		"rectified before it happened":         {registry.KindPenalty, func(r *registry.Record) { r.RectifiedOn = r.OccurredOn - 1 }, "rectified_on"},
		"objection window before it":           {registry.KindPenalty, func(r *registry.Record) { r.ProvisionalUntil = r.OccurredOn - 1 }, "provisional_until"},
		"licence without number":               {registry.KindLicence, func(r *registry.Record) { r.Detail = &registry.Licence{} }, "number"},
		"licence that ends before":             {registry.KindLicence, func(r *registry.Record) { r.Detail = &registry.Licence{Number: "1", ValidUntil: r.OccurredOn - 1} }, "valid_until"},
		"detail of another kind":               {registry.KindLicence, func(r *registry.Record) { r.Detail = &registry.Award{Name: "x"} }, "detail"},
		"report about the next year":           {registry.KindSelfInspection, func(r *registry.Record) { r.Detail = &registry.SelfInspection{Year: 2027} }, "year"},
		"negative fine":                        {registry.KindPenalty, func(r *registry.Record) { r.Detail = &registry.Penalty{AmountCents: -1} }, "amount_cents"},
		"published until before":               {registry.KindPenalty, func(r *registry.Record) { r.Detail = &registry.Penalty{PublishUntil: r.OccurredOn - 1} }, "publish_until"},
		"negative injured":                     {registry.KindIncident, func(r *registry.Record) { r.Detail = &registry.Incident{Injured: -1} }, "injured"},
		"negative units":                       {registry.KindRecall, func(r *registry.Record) { r.Detail = &registry.Recall{Units: -1} }, "units"},
		"list without a name":                  {registry.KindExternalCredit, func(r *registry.Record) { r.Outcome = registry.OutcomeListed }, "list"},
		"capability item without a name":       {registry.KindCapability, func(r *registry.Record) { r.Detail = &registry.Capability{} }, "item"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := valid(c.kind)
			c.change(&r)
			problems := r.Validate(today)
			if !slices.ContainsFunc(problems, func(p registry.Problem) bool { return p.Field == c.field && p.Want != "" && p.Problem != "" }) {
				t.Errorf("no problem at %s: %v", c.field, problems)
			}
		})
	}
}

func findings(severities ...registry.Severity) func(*registry.Record) {
	return func(r *registry.Record) {
		for _, s := range severities {
			r.Findings = append(r.Findings, registry.Finding{Severity: s})
		}
	}
}

func by(people registry.People) func(*registry.Record) {
	return func(r *registry.Record) { r.People = &people }
}

func failFor(cause string) func(*registry.Record) {
	return func(r *registry.Record) {
		r.Outcome, r.Severity, r.Detail = registry.OutcomeFail, registry.SeverityMinor, &registry.SpotCheck{Cause: cause}
	}
}

func failWith(worst registry.Severity) func(*registry.Record) {
	return func(r *registry.Record) {
		r.Outcome, r.Severity, r.Findings = registry.OutcomeFail, registry.SeverityMinor, []registry.Finding{{Severity: worst}}
	}
}

func TestRecordJSONIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown field":            `{"kind":"award","colour_of_door":"red"}`,
		"unknown field of detail":  `{"kind":"award","detail":{"nam":"x"}}`,
		"unknown field of finding": `{"kind":"inspection","findings":[{"sev":"minor"}]}`,
		"detail of another kind":   `{"kind":"award","detail":{"number":"x"}}`,
		"no kind":                  `{"source":"x"}`,
		"a wrong date":             `{"kind":"award","occurred_on":"2026-02-30"}`,
		"a wrong severity":         `{"kind":"penalty","severity":"awful"}`,
		"not an object":            `["award"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r registry.Record
			if err := json.Unmarshal([]byte(text), &r); err == nil {
				t.Errorf("accepted: %+v", r)
			}
		})
	}
}

func FuzzRecordJSON(f *testing.F) {
	for _, name := range registry.KindNames() {
		r := valid(registry.Kind(name))
		text, err := json.Marshal(&r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r registry.Record
		if json.Unmarshal(text, &r) != nil || len(r.Validate(today)) > 0 {
			return
		}
		again, err := json.Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		var back registry.Record
		if err := json.Unmarshal(again, &back); err != nil || len(back.Validate(today)) > 0 {
			t.Errorf("%s was accepted and written as %s, which is not: %v", text, again, err)
		}
	})
}
