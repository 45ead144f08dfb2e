package scoring

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"healthcode/registry"
)

// ProductModel says how the records of a product, over all enterprises, and its sensitivity factors make its risk level (产品分级).
type ProductModel struct {
	Kinds        []ProductKind `json:"kinds"` // of records that count
	Evidence     []ProductBase `json:"evidence"`
	Prior        ProductPrior  `json:"prior"`
	AtLeastClean int64         `json:"at_least_clean_milli"` // good mass without which a product is never placed below its prior's level
	HigherFrom   int64         `json:"higher_from_ppm"`
	HighFrom     int64         `json:"high_from_ppm"`
}

// ProductKind lets the records of a kind count with the masses of the model's evidence table, times a factor in thousandths.
type ProductKind struct {
	Kind   registry.Kind `json:"kind"`
	Factor int64         `json:"factor_milli"`
}

// ProductBase is the mass that a record has for a product only: risk signals move no enterprise's index.
type ProductBase struct {
	Kind     registry.Kind     `json:"kind"`
	Outcome  string            `json:"outcome"`
	Severity registry.Severity `json:"severity"`
	Bad      int64             `json:"bad_milli"`
}

// ProductPrior is the belief about a product before its records are seen: mu is the base and what its factors add, in millionths, and
// k says how many checks that belief is worth.
type ProductPrior struct {
	Base      int64            `json:"base_ppm"`
	Licence   int64            `json:"licence_needed_ppm"`
	Users     map[string]int64 `json:"users_ppm"`     // by registry.Product.Users; none stated: as general
	Attention map[string]int64 `json:"attention_ppm"` // by registry.Product.Attention; none stated: as normal
	K         int64            `json:"k_milli"`
}

// PriorParts shows what the prior of a product is made of, in millionths.
type PriorParts struct {
	Base      int64 `json:"base_ppm"`
	Licence   int64 `json:"licence_needed_ppm"`
	Users     int64 `json:"users_ppm"`
	Attention int64 `json:"attention_ppm"`
	Mu        int64 `json:"mu_ppm"` // their sum
	K         int64 `json:"k_milli"`
}

func (p *ProductPrior) of(product *registry.Product) PriorParts {
	parts := PriorParts{Base: p.Base, Users: p.Users[cmp.Or(product.Users, registry.UsersGeneral)],
		Attention: p.Attention[cmp.Or(product.Attention, registry.AttentionNormal)], K: p.K}
	if product.LicenceNeeded {
		parts.Licence = p.Licence
	}
	parts.Mu = parts.Base + parts.Licence + parts.Users + parts.Attention
	return parts
}

// ProductGrade is the risk that a product's records and sensitivity factors say, with everything that led to it. Start and the points
// of all groups add up to the loss exactly. Losses and points are in millionths, masses in millionths of a check; high is bad.
type ProductGrade struct {
	Code        string             `json:"code"`
	Name        string             `json:"name"`
	Group       string             `json:"group"`
	Declared    registry.RiskLevel `json:"declared"` // what the catalogue says: grading uses this one
	Reason      string             `json:"risk_reason,omitempty"`
	Computed    registry.RiskLevel `json:"computed"`
	Proposal    string             `json:"proposal"` // agrees, higher or lower: the computed level against the declared one
	PriorLevel  registry.RiskLevel `json:"prior_level"`
	HeldByPrior bool               `json:"held_by_prior"` // the loss alone says a lower level, but there is too little clean evidence for that
	Enough      bool               `json:"enough_evidence"`
	Prior       PriorParts         `json:"prior"`
	LossPPM     int32              `json:"loss_ppm"`
	Records     int                `json:"records"` // that have a mass, also those counted with another of their case
	Enterprises int                `json:"enterprises"`
	Bad         int64              `json:"bad"`
	Good        int64              `json:"good"`
	Groups      []ProductGroup     `json:"groups"`
	Makers      []ProductMaker     `json:"makers"` // the enterprises that move it most, at most ten; their points are within those of the groups
}

// ProductGroup is the part of the records of one kind, outcome and severity.
type ProductGroup struct {
	Kind     registry.Kind     `json:"kind"`
	Outcome  string            `json:"outcome"`
	Severity registry.Severity `json:"severity,omitzero"`
	Records  int               `json:"records"`
	Bad      int64             `json:"bad"`
	Good     int64             `json:"good"`
	Points   int32             `json:"points_ppm"`
}

// ProductMaker is the part of the records of one enterprise.
type ProductMaker struct {
	USCC    registry.USCC `json:"uscc"`
	Records int           `json:"records"`
	Bad     int64         `json:"bad"`
	Good    int64         `json:"good"`
	Points  int32         `json:"points_ppm"`
	pull    int64
}

// The words for Proposal.
const (
	ProposalAgrees = "agrees"
	ProposalHigher = "higher"
	ProposalLower  = "lower"
)

// maxMakers bounds the enterprises that a product's risk names.
const maxMakers = 10

// ProductRisks gathers the records of a catalogue's products, enterprise by enterprise, and says each product's risk. The masses are
// the Assessor's own, in one pool for a product. It is not safe for concurrent use.
type ProductRisks struct {
	assessor *Assessor
	asOf     registry.Day
	counts   [16]bool // by kind
	pools    map[string]*pool
	evidence Evidence
	facts    []Fact
}

// pool is what is known of one product.
type pool struct {
	product     registry.Product
	prior       PriorParts
	bad, good   int64
	records     int
	enterprises int
	groups      map[[3]uint8]*ProductGroup
	makers      []ProductMaker // those that pull most, strongest first
}

// NewProductRisks returns an empty pool for each product of the catalogue, as of a day.
func NewProductRisks(m *Model, asOf registry.Day, catalogue []registry.Product) *ProductRisks {
	a := NewAssessor(m)
	t := *m.numbers
	for _, b := range m.ProductRisk.Evidence {
		t.base[kindNumbers[b.Kind]][outcomeNumbers[b.Outcome]][b.Severity] = base{bad: b.Bad, dimension: SpotCheck, level: b.Severity, listed: true}
	}
	a.t = &t
	r := &ProductRisks{assessor: a, asOf: asOf, pools: make(map[string]*pool, len(catalogue))}
	for _, k := range m.ProductRisk.Kinds {
		r.counts[kindNumbers[k.Kind]] = true
		t.scale(kindNumbers[k.Kind], k.Factor)
	}
	for _, product := range catalogue {
		r.pools[product.Code] = &pool{product: product, prior: m.ProductRisk.Prior.of(&product), groups: map[[3]uint8]*ProductGroup{}}
	}
	return r
}

// scale multiplies the base masses of a kind by a factor in thousandths.
func (t *tables) scale(kind uint8, factor int64) {
	for outcome := range t.base[kind] {
		for severity := range t.base[kind][outcome] {
			b := &t.base[kind][outcome][severity]
			b.bad, b.good = divide(b.bad*factor, 1000), divide(b.good*factor, 1000)
		}
	}
}

// Add takes all facts of one enterprise, in any order and of any products. Each enterprise comes once: a case is a matter of one
// enterprise. Facts of products that the catalogue does not have are passed over.
func (r *ProductRisks) Add(code registry.USCC, facts []Fact) {
	r.facts = r.facts[:0]
	for i := range facts {
		if f := &facts[i]; f.ProductCode != "" && r.counts[f.kind] && r.pools[f.ProductCode] != nil {
			r.facts = append(r.facts, *f)
		}
	}
	slices.SortFunc(r.facts, func(x, y Fact) int {
		return cmp.Or(strings.Compare(x.ProductCode, y.ProductCode), compareFacts(x, y))
	})
	for from := 0; from < len(r.facts); {
		to := from + 1
		for to < len(r.facts) && r.facts[to].ProductCode == r.facts[from].ProductCode {
			to++
		}
		r.addProduct(code, r.facts[from:to])
		from = to
	}
}

// addProduct weighs one enterprise's facts about one product. All are put in one dimension, so that of the records of a case only the
// heaviest counts, whatever its kind.
func (r *ProductRisks) addProduct(code registry.USCC, facts []Fact) {
	a, p := r.assessor, r.pools[facts[0].ProductCode]
	r.evidence.Set(Enterprise{USCC: code}, facts)
	a.weigh(&r.evidence, r.asOf)
	for i := range a.weighed {
		a.weighed[i].dimension = SpotCheck
	}
	a.settleCases(&r.evidence)
	maker := ProductMaker{USCC: code}
	for i := range a.weighed {
		p.addFact(&facts[i], &a.weighed[i], &maker)
	}
	if maker.Records == 0 {
		return
	}
	p.enterprises++
	maker.pull = maker.Bad*(1_000_000-p.prior.Mu) - maker.Good*p.prior.Mu
	p.addMaker(maker)
}

func (p *pool) addFact(f *Fact, w *weighed, maker *ProductMaker) {
	if w.bad == 0 && w.good == 0 {
		return
	}
	bad := w.bad
	if w.note == noteCountedWith {
		bad = 0
	}
	key := [3]uint8{f.kind, f.outcome, uint8(f.Severity)}
	g := p.groups[key]
	if g == nil {
		g = &ProductGroup{Kind: f.Kind(), Outcome: f.Outcome(), Severity: f.Severity}
		p.groups[key] = g
	}
	g.Records, g.Bad, g.Good = g.Records+1, g.Bad+bad, g.Good+w.good
	p.records, p.bad, p.good = p.records+1, p.bad+bad, p.good+w.good
	maker.Records, maker.Bad, maker.Good = maker.Records+1, maker.Bad+bad, maker.Good+w.good
}

// addMaker keeps the enterprises that pull most, in either direction; among equals the lower code.
func (p *pool) addMaker(maker ProductMaker) {
	at, _ := slices.BinarySearchFunc(p.makers, maker, func(x, y ProductMaker) int {
		return cmp.Or(cmp.Compare(max(y.pull, -y.pull), max(x.pull, -x.pull)), cmp.Compare(x.USCC, y.USCC))
	})
	if at == maxMakers {
		return
	}
	p.makers = slices.Insert(p.makers, at, maker)
	p.makers = p.makers[:min(len(p.makers), maxMakers)]
}

// Risk returns the risk of one product; ok is false when the catalogue does not have it.
func (r *ProductRisks) Risk(code string) (risk ProductGrade, ok bool) {
	p := r.pools[code]
	if p == nil {
		return risk, false
	}
	return p.risk(&r.assessor.model.ProductRisk), true
}

// All returns the risk of every product in the order of their codes.
func (r *ProductRisks) All() []ProductGrade {
	list := make([]ProductGrade, 0, len(r.pools))
	for _, p := range r.pools {
		list = append(list, p.risk(&r.assessor.model.ProductRisk))
	}
	slices.SortFunc(list, func(x, y ProductGrade) int { return strings.Compare(x.Code, y.Code) })
	return list
}

func (p *pool) risk(m *ProductModel) ProductGrade {
	k := p.prior.K * 1000
	total := p.bad + p.good + k
	x := ProductGrade{Code: p.product.Code, Name: p.product.Name, Group: p.product.Group, Declared: p.product.Risk, Reason: p.product.RiskReason,
		Prior: p.prior, Records: p.records, Enterprises: p.enterprises, Bad: p.bad, Good: p.good, PriorLevel: m.level(p.prior.Mu)}
	loss := p.loss(k, total)
	x.LossPPM, x.Computed = int32(loss), m.level(loss)
	x.Enough = p.good >= m.AtLeastClean*1000
	if x.HeldByPrior = !x.Enough && x.Computed < x.PriorLevel; x.HeldByPrior {
		x.Computed = x.PriorLevel
	}
	x.Proposal = []string{ProposalLower, ProposalAgrees, ProposalHigher}[1+cmp.Compare(x.Computed, x.Declared)]
	x.Groups = p.groupPoints(total, loss)
	x.Makers = slices.Clone(p.makers)
	for i := range x.Makers {
		maker := &x.Makers[i]
		maker.Points = int32(divideSigned(p.exact(maker.Bad, maker.Good, total), 1_000_000))
	}
	return x
}

// loss returns (N·10^6 + k·mu) / (N + G + k), rounded half up. 64 bits would not hold the product: there may be millions of records.
func (p *pool) loss(k, total int64) int64 {
	up := wideProduct(p.bad, 1_000_000)
	up.Add(up, big.NewInt(k*p.prior.Mu+total/2))
	return up.Div(up, big.NewInt(total)).Int64()
}

func (m *ProductModel) level(loss int64) registry.RiskLevel {
	switch {
	case loss >= m.HighFrom:
		return registry.RiskHigh
	case loss >= m.HigherFrom:
		return registry.RiskHigher
	}
	return registry.RiskGeneral
}

// groupPoints shares the distance between the prior and the loss among the groups, the worst first, so that they add up exactly.
func (p *pool) groupPoints(total, loss int64) []ProductGroup {
	groups := make([]ProductGroup, 0, len(p.groups))
	for _, g := range p.groups {
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(x, y ProductGroup) int {
		return cmp.Or(cmp.Compare(p.exact(y.Bad, y.Good, total), p.exact(x.Bad, x.Good, total)), cmp.Compare(x.Kind, y.Kind),
			cmp.Compare(x.Outcome, y.Outcome), cmp.Compare(x.Severity, y.Severity))
	})
	parts := make([]part, len(groups))
	for i := range groups {
		parts[i] = part{points: &groups[i].Points, exact: p.exact(groups[i].Bad, groups[i].Good, total)}
	}
	roundToSum(parts, loss-p.prior.Mu)
	return groups
}

// exact returns what masses add to the loss, in millionths of a millionth, rounded down: (N·(1 − mu) − G·mu) / (N + G + k).
func (p *pool) exact(bad, good, total int64) int64 {
	up := wideProduct(bad, 1_000_000-p.prior.Mu)
	up.Sub(up, wideProduct(good, p.prior.Mu))
	up.Mul(up, big.NewInt(1_000_000))
	return up.Div(up, big.NewInt(total)).Int64() // Euclidean: down, for a positive divisor
}

func wideProduct(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }

// divideSigned divides rounded half up, also below zero.
func divideSigned(a, b int64) int64 { return floorDivide(a+b/2, b) }

// productKinds are the kinds of records that can tell something of a product. An inspection looks at an enterprise.
var productKinds = []registry.Kind{registry.KindSpotCheck, registry.KindComplaint, registry.KindPenalty,
	registry.KindIncident, registry.KindRecall, registry.KindRiskSignal}

// productRisk checks the section product_risk.
func (c *checker) productRisk(p *ProductModel) {
	const path = "product_risk"
	for i, k := range p.Kinds {
		at := fmt.Sprintf("%s.kinds[%d]", path, i)
		twice := slices.ContainsFunc(p.Kinds[:i], func(other ProductKind) bool { return other.Kind == k.Kind })
		if !slices.Contains(productKinds, k.Kind) || twice {
			c.add(at+".kind", fmt.Sprintf("%.40q says nothing of a product or is listed twice", k.Kind), fmt.Sprintf("each once of %q", productKinds))
		}
		c.within(at+".factor_milli", k.Factor, 0, 1000)
	}
	c.productBases(p.Evidence)
	c.within(path+".prior.base_ppm", p.Prior.Base, 0, 1_000_000)
	c.within(path+".prior.licence_needed_ppm", p.Prior.Licence, -1_000_000, 1_000_000)
	c.within(path+".prior.k_milli", p.Prior.K, 1, maxK)
	c.additions(path+".prior.users_ppm", p.Prior.Users, registry.ProductUsers())
	c.additions(path+".prior.attention_ppm", p.Prior.Attention, registry.Attentions())
	c.priors(path+".prior", &p.Prior)
	c.within(path+".at_least_clean_milli", p.AtLeastClean, 0, 1_000_000_000)
	c.within(path+".higher_from_ppm", p.HigherFrom, 1, 1_000_000)
	c.within(path+".high_from_ppm", p.HighFrom, p.HigherFrom, 1_000_000)
}

// productBases allows masses of risk signals only: those of all other records stand in the evidence table.
func (c *checker) productBases(bases []ProductBase) {
	for i, b := range bases {
		path := fmt.Sprintf("product_risk.evidence[%d]", i)
		if b.Kind != registry.KindRiskSignal || b.Outcome != registry.OutcomeRaised || b.Severity == registry.SeverityNone {
			c.add(path, "is no raised risk signal with a severity", "risk_signal, raised, and minor, major or critical: other masses stand in evidence")
		}
		c.within(path+".bad_milli", b.Bad, 0, maxMass)
		for _, other := range bases[:i] {
			if other.Severity == b.Severity || (other.Severity < b.Severity) != (other.Bad <= b.Bad) && other.Bad != b.Bad {
				c.add(path+".bad_milli", "weighs less than the severity below it, or the severity is listed twice", "each severity once, bad_milli rising with severity")
			}
		}
	}
}

func (c *checker) additions(path string, given map[string]int64, names []string) {
	for _, name := range names {
		if _, ok := given[name]; !ok {
			c.add(path+"."+name, "is missing", "a number of millionths, 0 for no difference")
		}
		c.within(path+"."+name, given[name], -1_000_000, 1_000_000)
	}
	if len(given) > len(names) {
		c.add(path, "has a name that is not known", fmt.Sprintf("%q", names))
	}
}

// priors refuses factors with which some product would start below 0 or above 1.
func (c *checker) priors(path string, p *ProductPrior) {
	for _, users := range registry.ProductUsers() {
		for _, attention := range registry.Attentions() {
			for _, licence := range []int64{0, p.Licence} {
				if mu := p.Base + licence + p.Users[users] + p.Attention[attention]; mu < 0 || mu > 1_000_000 {
					c.add(path, fmt.Sprintf("users %s and attention %s add up to %d", users, attention, mu), "sums from 0 to 1000000")
					return
				}
			}
		}
	}
}
