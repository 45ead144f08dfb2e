package web

import (
	"time"

	"healthcode/registry"
	"healthcode/supervision"
)

// RecoursesPage is the desk: what enterprises ask for, what is overdue first.
type RecoursesPage struct {
	Page
	Filter   RecourseFilter
	Counties []Choice
	Rows     []RecourseRow
	Next     string // cursor of the next page, empty on the last one
}

// RecourseFilter is what the desk shows, as in its URL.
type RecourseFilter struct {
	Kind, State, County string
	Overdue             bool
	After               string // cursor
}

// KindChoices lists the choices for a kind.
func (r RecoursesPage) KindChoices() []Choice {
	choices := []Choice{}
	for _, kind := range supervision.Kinds {
		choices = append(choices, Choice{string(kind), r.Term("recourse_kind", string(kind))})
	}
	return choices
}

// StateChoices lists the choices for a state.
func (r RecoursesPage) StateChoices() []Choice {
	choices := []Choice{}
	for _, state := range supervision.States {
		choices = append(choices, Choice{string(state), r.Term("recourse_state", string(state))})
	}
	return choices
}

// NextURL returns the next page of this list.
func (r RecoursesPage) NextURL() string { return r.with("after", r.Next) }

// FirstURL returns the first page of this list.
func (r RecoursesPage) FirstURL() string { return r.with("after", "") }

// Filtered reports whether the list leaves something out.
func (r RecoursesPage) Filtered() bool {
	return r.Filter.Kind != "" || r.Filter.State != "" || r.Filter.County != "" || r.Filter.Overdue
}

// RecourseRow is one line of a list of recourses.
type RecourseRow struct {
	Number  int64
	USCC    registry.USCC
	Name    string
	Kind    string
	State   string
	Outcome string
	Record  string // source and number of the record, empty for none
	List    string // the list whose notice or entry it is about, empty for none
	FiledOn registry.Day
	DueOn   registry.Day
	Overdue bool
}

// StateOf writes where a recourse stands, with its outcome once it is decided.
func (p Page) StateOf(r RecourseRow) string {
	state := p.Term("recourse_state", r.State)
	if r.Outcome == "" {
		return state
	}
	return state + p.Term("quantity", "colon") + p.Term("recourse_outcome", r.Outcome)
}

// DueOf writes by when who is to do what.
func (p Page) DueOf(r RecourseRow) string {
	switch {
	case r.DueOn == 0:
		return "–"
	case r.Overdue:
		return p.Term("recourse_due", "overdue") + p.Date(r.DueOn)
	}
	return p.Term("recourse_due", r.State) + p.Date(r.DueOn)
}

// RecoursePage is one recourse with its steps and the forms for who may act.
type RecoursePage struct {
	Page
	RecourseRow
	Against      int64
	Text         string
	FiledBy      string
	OnBehalf     bool
	Duties       bool
	WeekendsOnly bool
	Steps        []RecourseStep
	Next         []supervision.Step
	Outcomes     []Choice // for the form of a decision
	Results      []Choice // outcomes that the record could have had
	Record       *RecourseRecord
	Problem      string // why the last try was refused
	Reason       string // what was typed then
	MaxReason    int
	MaxText      int
}

// May reports whether the reader may take a step now.
func (r RecoursePage) May(step string) bool {
	for _, one := range r.Next {
		if string(one) == step {
			return true
		}
	}
	return false
}

// Corrects reports whether a decision may correct a record.
func (r RecoursePage) Corrects() bool { return r.Record != nil && len(r.Results) > 0 }

// Severities lists the choices for the severity that a record should have had.
func (r RecoursePage) Severities() []Choice {
	choices := []Choice{}
	for _, severity := range []registry.Severity{registry.SeverityMinor, registry.SeverityMajor, registry.SeverityCritical} {
		choices = append(choices, Choice{severity.String(), r.Term("severity", severity.String())})
	}
	return choices
}

// RecourseRecord is the record that a recourse is about.
type RecourseRecord struct {
	Source, SourceRef string
	Kind, Outcome     string
	Severity          string
	OccurredOn        registry.Day
	State             string
	RepairFrom        registry.Day // 0: it is not published for a term, or never repaired early
	PublishedUntil    registry.Day
}

// RecourseStep is one line of the history of a recourse.
type RecourseStep struct {
	Step    string
	Outcome string
	By      string
	Higher  bool
	Reason  string
	At      time.Time
}

// Answering is what the page of an enterprise says of its recourses, with forms for who may file.
type Answering struct {
	Rows       []RecourseRow // newest first
	More       bool          // there are more
	MayFile    bool
	Objectable []Choice // records that can still be objected to; Value is what the form sends
	Repairable []Choice // records whose repair may be asked for
	Contested  []Choice // what can be appealed
	Terms      []RecourseRecord
	MayReply   bool
	MaxText    int
	MaxReply   int
	Problem    string // why the last try was refused
	Kind, Text string // what was typed then
}

// OpenForm reports whether a form stands open because it was just refused.
func (a Answering) OpenForm(kind string) bool { return a.Problem != "" && a.Kind == kind }

// TextOf returns what was typed into a form that was refused.
func (a Answering) TextOf(kind string) string {
	if a.OpenForm(kind) {
		return a.Text
	}
	return ""
}

// PublicReply is what an enterprise says beside its grade. Nobody has checked it.
type PublicReply struct {
	Text string
	On   registry.Day
}
