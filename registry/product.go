package registry

// Product is a kind of product in the key-product catalogue (重点产品目录, requirements J1, J2).
type Product struct {
	Code          string    `json:"code"`
	Group         string    `json:"group"`
	Name          string    `json:"name"`
	Risk          RiskLevel `json:"risk"`
	LicenceNeeded bool      `json:"licence_needed"`
	Standards     []string  `json:"standards,omitempty"`
	Since         Day       `json:"since,omitzero"` // the first day on which this description holds; none = always
}

// Validate checks every field. today bounds the dates.
func (p *Product) Validate(today Day) Problems {
	var problems Problems
	problems.required("code", p.Code, 40)
	problems.required("group", p.Group, 100)
	problems.required("name", p.Name, 200)
	if p.Risk > RiskHigh {
		problems.add("risk", "is not known", "general, higher or high")
	}
	if len(p.Standards) > 50 {
		problems.add("standards", "too many", "at most 50")
	}
	for _, s := range p.Standards {
		problems.required("standards", s, 100)
	}
	problems.between("since", p.Since, MustDay("1949-10-01"), today)
	return problems
}
