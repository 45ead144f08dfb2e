package registry

import "slices"

// The users of a product (使用对象), a sensitivity factor of its risk. None stated counts as the general public.
const (
	UsersGeneral      = "general"
	UsersChildren     = "children"
	UsersElderly      = "elderly"
	UsersPatients     = "patients"
	UsersProfessional = "professional" // trained people at work
)

// The public's attention to a product (社会关注度), a sensitivity factor of its risk. None stated counts as normal.
const (
	AttentionLow    = "low"
	AttentionNormal = "normal"
	AttentionHigh   = "high"
)

var (
	productUsers = []string{UsersGeneral, UsersChildren, UsersElderly, UsersPatients, UsersProfessional}
	attentions   = []string{AttentionLow, AttentionNormal, AttentionHigh}
)

// ProductUsers lists what Product.Users may be, besides nothing.
func ProductUsers() []string { return slices.Clone(productUsers) }

// Attentions lists what Product.Attention may be, besides nothing.
func Attentions() []string { return slices.Clone(attentions) }

// Product is a kind of product in the key-product catalogue (重点产品目录, requirements J1, J2). Risk is the declared level, which grading
// uses; changing it is a new, dated revision that people make. What the records say of a product's risk is computed beside it.
type Product struct {
	Code          string    `json:"code"`
	Group         string    `json:"group"`
	Name          string    `json:"name"`
	Risk          RiskLevel `json:"risk"`
	LicenceNeeded bool      `json:"licence_needed"`
	Standards     []string  `json:"standards,omitempty"`
	Users         string    `json:"users,omitempty"`       // general, children, elderly, patients, professional
	Attention     string    `json:"attention,omitempty"`   // low, normal, high
	RiskReason    string    `json:"risk_reason,omitempty"` // why people set this risk although the records say another one
	Since         Day       `json:"since,omitzero"`        // the first day on which this description holds; none = always
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
	if p.Users != "" {
		problems.oneOf("users", p.Users, productUsers)
	}
	if p.Attention != "" {
		problems.oneOf("attention", p.Attention, attentions)
	}
	problems.text("risk_reason", p.RiskReason, 500)
	problems.between("since", p.Since, MustDay("1949-10-01"), today)
	return problems
}
