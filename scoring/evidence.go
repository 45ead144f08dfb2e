package scoring

import (
	"cmp"
	"slices"
	"strings"

	"healthcode/registry"
)

// Enterprise is what scoring reads of an enterprise itself, as of a day, knowing what was known.
type Enterprise struct {
	USCC         registry.USCC
	RegisteredOn registry.Day       // no day when unknown
	Risk         registry.RiskLevel // the highest among its products; general when it has none
}

// Evidence is everything that scoring reads of one enterprise. It can be filled again and again without new memory.
type Evidence struct {
	Enterprise
	facts  []Fact
	cases  []string // the names of the cases numbered 1, 2, …
	summed *summed  // in a grading pass; else nil
}

// summed is what facts add that a grading pass has added up beforehand and left out of the evidence.
type summed struct {
	tally
	marks
	alarms
	checks int64
	held   uint32 // capability items of the model
}

var nothingSummed summed // never written

// Set fills the evidence: facts holds the newest revision of each (source, source_ref) that was known, in any order. The slice
// is taken over and sorted in place.
func (e *Evidence) Set(who Enterprise, facts []Fact) {
	e.Enterprise, e.facts = who, facts
	if !slices.IsSortedFunc(facts, compareFacts) {
		slices.SortFunc(facts, compareFacts)
	}
	e.numberCases()
}

// Facts returns the facts in the order of occurrence, then source_ref, then source: the order of the digest and of ties.
func (e *Evidence) Facts() []Fact { return e.facts }

func compareFacts(a, b Fact) int {
	if a.OccurredOn != b.OccurredOn {
		return cmp.Compare(a.OccurredOn, b.OccurredOn)
	}
	if c := strings.Compare(a.SourceRef, b.SourceRef); c != 0 {
		return c
	}
	return strings.Compare(a.Source, b.Source)
}

// numberCases gives every case a number, so that grading compares numbers instead of texts.
func (e *Evidence) numberCases() {
	e.cases = e.cases[:0]
	if len(e.facts) > 100 {
		e.numberManyCases()
		return
	}
	for i := range e.facts {
		f := &e.facts[i]
		f.caseNo = 0
		if f.Case == "" {
			continue
		}
		at := slices.Index(e.cases, f.Case)
		if at < 0 {
			at = len(e.cases)
			e.cases = append(e.cases, f.Case)
		}
		f.caseNo = int32(at + 1)
	}
}

func (e *Evidence) numberManyCases() {
	byName := make(map[string]int32)
	for i := range e.facts {
		f := &e.facts[i]
		f.caseNo = 0
		if f.Case == "" {
			continue
		}
		no, seen := byName[f.Case]
		if !seen {
			e.cases = append(e.cases, f.Case)
			no = int32(len(e.cases))
			byName[f.Case] = no
		}
		f.caseNo = no
	}
}
