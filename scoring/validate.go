package scoring

import (
	"fmt"
	"slices"

	"healthcode/registry"
)

// Bounds that keep every sum of masses inside 64 bits: an enterprise may have 100,000 records of the largest mass.
const (
	maxWindow = 1920   // days: 64 blocks of 30
	maxMass   = 50_000 // thousandths of a check
	maxK      = 1_000_000
)

// checker collects problems with the path of each.
type checker struct{ problems registry.Problems }

func (c *checker) add(path, problem, want string) {
	c.problems = append(c.problems, registry.Problem{Field: path, Problem: problem, Want: want})
}

func (c *checker) within(path string, value, from, to int64) {
	if value < from || value > to {
		c.add(path, fmt.Sprintf("%d is out of range", value), fmt.Sprintf("a whole number from %d to %d", from, to))
	}
}

// validate returns every problem of the model at its path.
func (m *Model) validate() registry.Problems {
	c := &checker{}
	if m.Code == "" || len(m.Code) > 60 {
		c.add("code", "is missing or too long", "1 to 60 characters")
	}
	c.within("version", int64(m.Version), 1, 65535)
	c.within("window_days", int64(m.Window), 30, maxWindow)
	c.within("half_life_days", int64(m.HalfLife), 1, 3650)
	c.weights(m.Weights)
	c.bases(m.Evidence)
	c.visit(&m.Visit)
	c.items(m.Items)
	c.factors(&m.Factors)
	c.peers(&m.Peers)
	c.levels(m.Levels)
	c.tiers(m.Tiers)
	c.matrix(&m.Matrix)
	c.vetoes(m.Vetoes)
	c.within("movement.cycle_days", int64(m.Movement.Cycle), 1, 366)
	c.within("movement.margin", int64(m.Movement.Margin), 0, 1000)
	c.regionColour(&m.RegionColour)
	c.productRisk(&m.ProductRisk)
	return c.problems
}

func (c *checker) weights(weights []Weight) {
	if len(weights) != int(dimensions) {
		c.add("dimensions", fmt.Sprintf("%d dimensions", len(weights)), "each of the five once, in order")
		return
	}
	sum := int64(0)
	for i, w := range weights {
		path := fmt.Sprintf("dimensions[%d]", i)
		if w.Dimension != Dimension(i) {
			c.add(path+".dimension", w.Dimension.String()+" stands in the place of "+Dimension(i).String(), "each of the five once, in order")
		}
		c.within(path+".weight_milli", w.Weight, 0, 1000)
		c.within(path+".quiet_milli", w.Quiet, 0, maxMass)
		c.within(path+".cap_milli", w.Cap, 0, maxMass)
		if w.Cap > 0 && w.Dimension != Complaint {
			c.add(path+".cap_milli", "only complaints are capped by the month", "0")
		}
		if w.Quiet > 0 && w.Dimension != Complaint && w.Dimension != Compliance {
			c.add(path+".quiet_milli", "quiet time is for dimensions made only of events", "0, except in complaint and compliance")
		}
		sum += w.Weight
	}
	if sum != 1000 {
		c.add("dimensions", fmt.Sprintf("the weights add up to %d", sum), "weights that add up to 1000")
	}
}

func (c *checker) bases(bases []Base) {
	seen := map[string]bool{}
	for i, b := range bases {
		path := fmt.Sprintf("evidence[%d]", i)
		rule, known := registry.Kinds[b.Kind]
		switch {
		case !known || b.Kind == registry.KindInspection:
			c.add(path+".kind", fmt.Sprintf("%.40q has no base mass", b.Kind), "a kind of record other than inspection, whose masses stand in visit")
		case !slices.Contains(rule.Outcomes, b.Outcome):
			c.add(path+".outcome", fmt.Sprintf("%.40q is no outcome of %s", b.Outcome, b.Kind), fmt.Sprintf("one of %q", rule.Outcomes))
		case rule.SeverityNeeded(b.Outcome) != (b.Severity != registry.SeverityNone):
			c.add(path+".severity", "does not fit the outcome", fmt.Sprintf("a severity: %t", rule.SeverityNeeded(b.Outcome)))
		}
		key := fmt.Sprint(b.Kind, "/", b.Outcome, "/", b.Severity)
		if seen[key] {
			c.add(path, key+" is listed twice", "each kind, outcome and severity once")
		}
		seen[key] = true
		c.within(path+".bad_milli", b.Bad, 0, maxMass)
		c.within(path+".good_milli", b.Good, 0, maxMass)
		c.eventsAreBad(path, &b)
	}
	c.rising(bases)
	c.itemsAlike(bases)
}

// itemsAlike refuses a model in which the newest word about a capability item weighs less than an older one of the same kind: a clean
// record must never lower an index and a purely bad one never raise it.
func (c *checker) itemsAlike(bases []Base) {
	var first [2]*Base
	for i := range bases {
		b := &bases[i]
		if b.Kind != registry.KindCapability && b.Kind != registry.KindSelfInspection {
			continue
		}
		side := 0
		if b.Bad > 0 {
			side = 1
		}
		if first[side] == nil {
			first[side] = b
		}
		if b.Bad != first[side].Bad || b.Good != first[side].Good || b.Dimension != Capability {
			c.add(fmt.Sprintf("evidence[%d]", i), "differs from the other words about capability items", "one bad_milli and one good_milli for all of them, in the dimension capability")
		}
	}
}

// eventsAreBad keeps good records out of the dimensions whose good evidence is quiet time.
func (c *checker) eventsAreBad(path string, b *Base) {
	if b.Good > 0 && b.Bad > 0 {
		c.add(path+".good_milli", "a record with a base mass is good or bad", "0 in one of good_milli and bad_milli")
	}
	if b.Bad > 0 && b.Severity == registry.SeverityNone && b.CountsAs == registry.SeverityNone {
		c.add(path+".counts_as", "is missing", "the severity that the record has in gates")
	}
}

// rising refuses a model in which a higher severity weighs less: making a record worse must never raise an index.
func (c *checker) rising(bases []Base) {
	for i, worse := range bases {
		for _, b := range bases {
			same := b.Kind == worse.Kind && b.Outcome == worse.Outcome
			if same && b.Severity < worse.Severity && (b.Bad > worse.Bad || b.Good < worse.Good || b.Dimension != worse.Dimension) {
				c.add(fmt.Sprintf("evidence[%d]", i), "weighs less than the severity below it", "the same dimension, bad_milli rising and good_milli falling with severity")
			}
		}
	}
}

func (c *checker) visit(v *Visit) {
	for i, s := range []registry.Severity{registry.SeverityMinor, registry.SeverityMajor, registry.SeverityCritical} {
		c.within("visit.bad_milli."+s.String(), v.Bad.of(s), 0, maxMass)
		if v.Bad.of(s) < v.Bad.of(registry.Severity(i)) {
			c.add("visit.bad_milli."+s.String(), "weighs less than the severity below it", "numbers that rise with severity")
		}
		if v.Good.of(s) > v.Good.of(registry.Severity(i)) {
			c.add("visit.good_milli."+s.String(), "is more than for the severity below it", "numbers that fall with severity")
		}
	}
	c.within("visit.bad_milli.none", v.Bad.None, 0, 0)
	c.within("visit.good_milli.none", v.Good.None, 0, maxMass)
	c.within("visit.good_milli.critical", v.Good.Critical, 0, maxMass)
	c.within("visit.bad_at_most_milli", v.AtMost, v.Bad.Critical, maxMass)
}

func (c *checker) items(items []string) {
	if len(items) > 20 {
		c.add("capability_items", "too many", "at most 20")
	}
	for i, item := range items {
		if item == "" || slices.Contains(items[:i], item) {
			c.add(fmt.Sprintf("capability_items[%d]", i), "is empty or listed twice", "each item once")
		}
	}
}

func (c *checker) factors(f *Factors) {
	for path, value := range map[string]int64{"purpose.random": f.Purpose.Random, "purpose.targeted": f.Purpose.Targeted,
		"stage.production": f.Stage.Production, "stage.shop": f.Stage.Shop, "stage.online": f.Stage.Online,
		"rectified": f.Rectified, "repaired": f.Repaired} {
		c.within("factors_milli."+path, value, 0, 1000)
	}
}

func (c *checker) peers(p *Peers) {
	if p.GroupBy != "risk" {
		c.add("peers.group_by", fmt.Sprintf("%.40q is not known", p.GroupBy), "risk")
	}
	for name, beliefs := range map[string]*Beliefs{"general": &p.Groups.General, "higher": &p.Groups.Higher, "high": &p.Groups.High} {
		for d, belief := range beliefs.list() {
			path := fmt.Sprintf("peers.groups.%s.%s", name, Dimension(d))
			c.within(path+".mu_ppm", belief.Mu, 0, 1_000_000)
			c.within(path+".k_milli", belief.K, 1, maxK)
		}
	}
}

func (c *checker) levels(l Levels) {
	if l.Low < 1 || l.Fair < l.Low || l.Strong < l.Fair || l.Strong > 1_000_000 {
		c.add("evidence_levels_milli", "are not in order", "1 <= low <= fair <= strong <= 1000000")
	}
}

func (c *checker) tiers(rules []TierRule) {
	want := []registry.Tier{registry.TierAA, registry.TierA, registry.TierB}
	if len(rules) != len(want) {
		c.add("tiers", fmt.Sprintf("%d tiers", len(rules)), "AA, A, B in this order; C is what remains")
		return
	}
	above := int32(10_000)
	for i, rule := range rules {
		path := fmt.Sprintf("tiers[%d]", i)
		if rule.Tier != want[i] {
			c.add(path+".tier", rule.Tier.String()+" is out of order", want[i].String())
		}
		c.within(path+".index_from", int64(rule.IndexFrom), 0, int64(above))
		above = rule.IndexFrom
		for j := range rule.Gates {
			c.condition(fmt.Sprintf("%s.gates[%d]", path, j), &rule.Gates[j])
		}
	}
}

func (c *checker) condition(path string, condition *Condition) {
	if !slices.Contains([]string{">=", "<=", "=", ">", "<"}, condition.Operator) {
		c.add(path+".operator", fmt.Sprintf("%.10q is not known", condition.Operator), "one of >= <= = > <")
	}
	c.within(path+".value", int64(condition.Value), 0, never)
}

func (c *checker) matrix(m *Matrix) {
	for name, row := range map[string]ByTier{"general": m.General, "higher": m.Higher, "high": m.High} {
		for tier, colour := range row.list() {
			if colour < registry.ColourGreen || colour > registry.ColourRed {
				c.add(fmt.Sprintf("matrix.%s.%s", name, registry.Tier(tier)), "is missing", "green, blue, yellow or red")
			}
			if tier > int(registry.TierAA) && colour < row.list()[tier-1] {
				c.add(fmt.Sprintf("matrix.%s.%s", name, registry.Tier(tier)), "is better than the colour of the tier above", "colours that do not improve from AA to C")
			}
		}
	}
}

func (c *checker) vetoes(vetoes []Veto) {
	if len(vetoes) > 50 {
		c.add("vetoes", "too many", "at most 50")
	}
	for i := range vetoes {
		path := fmt.Sprintf("vetoes[%d]", i)
		if vetoes[i].Colour < registry.ColourBlue || vetoes[i].Colour > registry.ColourRed {
			c.add(path+".colour", "is no veto", "blue, yellow or red")
		}
		c.condition(path, &vetoes[i].Condition)
	}
}
