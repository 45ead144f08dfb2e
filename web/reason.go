package web

import (
	"strconv"
	"strings"

	"healthcode/registry"
	"healthcode/scoring"
)

// Teller puts reasons and the path up into words.
type Teller struct {
	Lang     Language
	Products map[string]string // names by product code; a code without a name is shown itself
}

// Words is what an explanation says in one language, entry by entry as in its reasons and its path up.
type Words struct {
	Reasons []ReasonWords `json:"reasons"`
	Time    []string      `json:"time"`    // what time alone does
	Actions []string      `json:"actions"` // one sentence for each lift; one alone when there is none
}

// ReasonWords is a reason and what can be done about it.
type ReasonWords struct {
	Text   string `json:"text"`
	Advice string `json:"advice"`
}

// Words writes the reasons and the path up of an explanation.
func (t Teller) Words(x *scoring.Explanation) Words {
	w := Words{Reasons: []ReasonWords{}, Time: t.Time(x), Actions: []string{}}
	for i := range x.Reasons {
		w.Reasons = append(w.Reasons, ReasonWords{t.Reason(&x.Reasons[i]), t.phrase("advice." + string(x.Reasons[i].Action))})
	}
	for i := range x.PathUp.Actions {
		w.Actions = append(w.Actions, t.Lift(&x.PathUp.Actions[i], x.AsOf))
	}
	switch {
	case len(w.Actions) > 0:
	case top(x):
		w.Actions = append(w.Actions, t.phrase("path.top"))
	default:
		w.Actions = append(w.Actions, t.phrase("path.none"))
	}
	return w
}

// top reports whether nothing better can be earned.
func top(x *scoring.Explanation) bool { return x.EarnedTier == registry.TierAA && len(x.Vetoes) == 0 }

// ProductCodes lists the codes of the products that the words of an explanation name, each once.
func ProductCodes(x *scoring.Explanation) []string {
	seen := map[string]bool{"": true}
	var codes []string
	note := func(code string) {
		if !seen[code] {
			seen[code] = true
			codes = append(codes, code)
		}
	}
	for _, r := range x.Reasons {
		note(r.ProductCode)
	}
	for _, l := range x.PathUp.Actions {
		for _, a := range l.Actions {
			note(a.ProductCode)
		}
	}
	return codes
}

// Reason writes a reason: what happened, what it caps, what it costs.
func (t Teller) Reason(r *scoring.Reason) string {
	text := t.phrase("reason." + string(r.Code))
	if own := r.Count; own > 1 && !strings.Contains(text, "{count}") && !strings.Contains(text, "{items}") {
		text += t.phrase("tail.more")
	}
	tier := ""
	switch {
	case r.Veto != 0:
		text += t.phrase("tail.veto")
	case r.Gate != nil && r.EndsOn != 0:
		tier, text = r.Gate.Tier.String(), text+t.phrase("tail.gate_ends")
	case r.Gate != nil:
		tier, text = r.Gate.Tier.String(), text+t.phrase("tail.gate")
	case r.Code == scoring.ReasonTooLittleEvidence:
		text += t.phrase("tail.new")
	}
	if r.Rising != nil {
		text += t.risingTail(r)
	}
	if r.CountedWith > 0 {
		text += t.phrase("tail.counted_with")
	}
	if r.Points < 0 {
		text += t.phrase("tail.points")
	}
	if r.Rising != nil {
		text = t.fill(text, "{margin}", Hundredths(int64(r.Rising.Margin)), "{cycle}", strconv.Itoa(r.Rising.Cycle))
	}
	text = t.fill(text+t.phrase("tail.end"), "{date}", Date(t.Lang, r.OccurredOn), "{days}", Count(int64(r.DaysSince)), "{due}", Date(t.Lang, r.RectifyBy),
		"{ends}", Date(t.Lang, r.EndsOn), "{number}", r.Subject, "{items}", t.items(r.Items), "{count}", strconv.Itoa(r.Count),
		"{more}", strconv.Itoa(r.Count-1), "{with}", strconv.Itoa(r.CountedWith), "{checks}", checks(r.Checks), "{needed}", checks(r.Needed),
		"{outcome}", Term(t.Lang, "outcome", r.Outcome),
		"{findings}", t.findings(r.Findings), "{product}", t.product(r.ProductCode), "{detail}", t.detail(r.Severity, r.Outcome, r.ProductCode),
		"{record}", t.record(r.Kind, t.detail(r.Severity, r.Outcome, r.ProductCode)),
		"{earned}", t.earned(r), "{points}", Hundredths(int64(r.Points)), "{tier}", Term(t.Lang, "tier", tier), "{colour}", t.colour(r.Veto))
	return capital(text)
}

// risingTail says how far a published grade has come on its way up.
func (t Teller) risingTail(r *scoring.Reason) string {
	tail := ""
	if r.Rising.Since != 0 {
		tail += t.phrase("tail.since")
	}
	if r.EndsOn != 0 {
		tail += t.phrase("tail.rises")
	}
	return t.fill(tail, "{since}", Date(t.Lang, r.Rising.Since))
}

func (t Teller) earned(r *scoring.Reason) string {
	if r.Rising == nil {
		return ""
	}
	return t.grade(r.Rising.Tier, r.Rising.Colour)
}

// Lift writes what one action or two together bring, from the day that the path up is of.
func (t Teller) Lift(l *scoring.Lift, asOf registry.Day) string {
	var actions []string
	for i := range l.Actions {
		actions = append(actions, t.action(&l.Actions[i]))
	}
	if len(actions) == 2 && l.Actions[0] == l.Actions[1] {
		actions = []string{t.phrase("path.pass_two")} // nothing else can be done twice
	}
	key, on, published := "path.lift_unheard", "", ""
	if p := l.Published; p != nil {
		key, on, published = "path.lift_later", Date(t.Lang, p.On), t.grade(p.Tier, p.Colour)
		if p.On == asOf && p.Tier == l.Tier && p.Colour == l.Colour {
			key = "path.lift"
		}
	}
	return t.fill(t.phrase(key), "{actions}", strings.Join(actions, t.phrase("path.and")), "{grade}", t.grade(l.Tier, l.Colour),
		"{index}", Hundredths(int64(l.Index)), "{on}", on, "{published}", published)
}

func (t Teller) action(a *scoring.Action) string {
	record := t.record(a.Kind, t.detail(a.Severity, "", a.ProductCode))
	return t.fill(t.phrase("path."+string(a.Code)), "{date}", Date(t.Lang, a.OccurredOn), "{record}", record,
		"{items}", Term(t.Lang, "item", a.Subject), "{number}", a.Subject, "{kind}", t.record(a.Kind, ""))
}

// Time writes what time alone does.
func (t Teller) Time(x *scoring.Explanation) []string {
	lift, before := x.PathUp.Time, x.PathUp.Before
	step := func(key string, s *scoring.Step) string {
		return t.fill(t.phrase(key), "{on}", Date(t.Lang, s.On), "{grade}", t.grade(s.Tier, s.Colour))
	}
	switch {
	case lift != nil && before != nil:
		return []string{step("path.time", lift), step("path.before", before)}
	case lift != nil:
		return []string{step("path.time", lift)}
	case before != nil:
		return []string{step("path.falls", before)}
	case top(x):
		return []string{}
	}
	return []string{t.phrase("path.never")}
}

// phrase returns a sentence of the table. A code that has none, of a newer version, is shown as it is.
func (t Teller) phrase(key string) string {
	if phrase, ok := reasonWords[key]; ok {
		return phrase.In(t.Lang)
	}
	_, code, _ := strings.Cut(key, ".")
	return strings.ReplaceAll(code, "_", " ")
}

// fill puts values into the places that the braces mark.
func (Teller) fill(text string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(text)
}

func (t Teller) items(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = Term(t.Lang, "item", name)
	}
	return strings.Join(words, t.phrase("tail.comma"))
}

func (t Teller) findings(f scoring.FindingCounts) string {
	var words []string
	for i, n := range []int{f.Critical, f.Major, f.Minor} {
		if n > 0 {
			severity := Term(t.Lang, "severity", (registry.SeverityCritical - registry.Severity(i)).String())
			words = append(words, t.fill(t.phrase("tail.findings"), "{count}", strconv.Itoa(n), "{severity}", severity))
		}
	}
	return strings.Join(words, t.phrase("tail.comma"))
}

// record names a kind of record with details, in English within a sentence.
func (t Teller) record(kind registry.Kind, detail string) string {
	word := strings.ToLower(Term(t.Lang, "kind", string(kind)))
	if detail == "" {
		return word
	}
	return t.fill(t.phrase("tail.record"), "{record}", word, "{detail}", detail)
}

// detail says how grave a record is, or its outcome when it has no severity, and of which product.
func (t Teller) detail(severity registry.Severity, outcome, product string) string {
	how := Term(t.Lang, "severity", severity.String())
	if severity == registry.SeverityNone {
		how = Term(t.Lang, "outcome", outcome)
	}
	var parts []string
	for _, part := range []string{how, t.productName(product)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, t.phrase("tail.detail"))
}

func (t Teller) productName(code string) string {
	if name, known := t.Products[code]; known {
		return name
	}
	return code
}

// product adds a product's name in brackets.
func (t Teller) product(code string) string {
	if code == "" {
		return ""
	}
	return t.fill(t.phrase("tail.product"), "{name}", t.productName(code))
}

func (t Teller) colour(c registry.Colour) string {
	return strings.ToLower(Term(t.Lang, "colour", c.String()))
}

func (t Teller) grade(tier registry.Tier, c registry.Colour) string {
	word := Term(t.Lang, "tier", tier.String())
	if tier == registry.TierNew {
		word = t.phrase("path.new")
	}
	return t.fill(t.phrase("path.grade"), "{tier}", word, "{colour}", t.colour(c))
}

// checks writes a number of checks with one decimal, rounded down, so that what is not enough never looks as if it were.
func checks(millionths int64) string {
	tenths := millionths / 100_000
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10)
}

// capital begins a sentence with a capital letter.
func capital(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
