package registry

import "errors"

// Size is the size class of an enterprise.
type Size string

// The sizes of the national classification (统计上大中小微型企业划分办法); empty when unknown.
const (
	SizeLarge  Size = "large"
	SizeMedium Size = "medium"
	SizeSmall  Size = "small"
	SizeMicro  Size = "micro"
)

// Sizes lists the sizes, largest first.
func Sizes() []string {
	return []string{string(SizeLarge), string(SizeMedium), string(SizeSmall), string(SizeMicro)}
}

// The operating states of an enterprise. A closed one stays in the register with its history.
const (
	StatusOperating = "operating"
	StatusSuspended = "suspended"
	StatusClosed    = "closed"
)

// Point is a place in degrees (WGS 84).
type Point struct {
	Longitude float64 `json:"longitude"`
	Latitude  float64 `json:"latitude"`
}

// Enterprise is a producer or seller under supervision (企业), keyed by its unified social credit code. What scoring reads of it
// (registration, products) holds from Since on, so that a past decision can be computed again.
type Enterprise struct {
	USCC            USCC             `json:"uscc"`
	USCCOverride    string           `json:"uscc_override,omitempty"` // why a code with a wrong check character is right, by whom reviewed
	Name            string           `json:"name"`
	Size            Size             `json:"size,omitempty"`
	Status          string           `json:"status,omitempty"`        // empty means operating
	RegionCode      string           `json:"region_code"`             // GB/T 2260 place of production: 6, 9 or 12 digits
	IndustryCode    string           `json:"industry_code,omitempty"` // GB/T 4754: section letter and up to four digits, e.g. C3831
	Address         string           `json:"address,omitempty"`
	Point           *Point           `json:"point,omitempty"`
	RegisteredOn    Day              `json:"registered_on,omitzero"`
	Since           Day              `json:"since,omitzero"` // the first day on which this description holds; none = always
	ProductCodes    []string         `json:"product_codes,omitempty"`
	Licences        []Permit         `json:"licences,omitempty"`
	Certificates    []Permit         `json:"certificates,omitempty"`
	CapabilityItems []CapabilityItem `json:"capability_items,omitempty"`
}

// Permit is a production licence or a certificate with its validity (requirements H1, C4, C5).
type Permit struct {
	Number      string `json:"number"`
	Scheme      string `json:"scheme,omitempty"` // e.g. production-licence, CCC, organic
	ProductCode string `json:"product_code,omitempty"`
	ValidFrom   Day    `json:"valid_from"`
	ValidUntil  Day    `json:"valid_until,omitzero"`
}

// CapabilityItem says that an enterprise holds or lacks one item of quality-assurance capability (requirements J3, K1).
type CapabilityItem struct {
	Item  string `json:"item"`
	Held  bool   `json:"held"`
	Since Day    `json:"since"`
}

// The capability items that the default model reads. A model may name others.
const (
	ItemQMS                  = "qms"
	ItemTraceability         = "traceability"
	ItemCapabilityAssessment = "capability_assessment"
	ItemSelfInspection       = "self_inspection"
)

// RegisterSource is the source of the records that an enterprise's own row brings: its permits and capability items.
const RegisterSource = "register"

// Validate checks every field. today bounds the dates.
func (e *Enterprise) Validate(today Day) Problems {
	var p Problems
	p.uscc("uscc", e.USCC, e.USCCOverride)
	p.text("uscc_override", e.USCCOverride, 200)
	p.required("name", e.Name, 200)
	if e.Size != "" {
		p.oneOf("size", string(e.Size), Sizes())
	}
	if e.Status != "" {
		p.oneOf("status", e.Status, []string{StatusOperating, StatusSuspended, StatusClosed})
	}
	p.regionCode("region_code", e.RegionCode)
	p.industryCode("industry_code", e.IndustryCode)
	p.text("address", e.Address, 300)
	if e.Point != nil && !(e.Point.Longitude >= -180 && e.Point.Longitude <= 180 && e.Point.Latitude >= -90 && e.Point.Latitude <= 90) {
		p.add("point", "is not on Earth", "longitude -180 to 180, latitude -90 to 90")
	}
	p.between("registered_on", e.RegisteredOn, MustDay("1949-10-01"), today)
	p.between("since", e.Since, MustDay("1949-10-01"), today)
	p.codes("product_codes", e.ProductCodes)
	p.registerRecords(e, today)
	return p
}

// uscc refuses a bad code; a wrong check character passes only with a reviewed override and its reason.
func (p *Problems) uscc(field string, code USCC, override string) {
	parsed, err := ParseUSCC(string(code))
	switch {
	case errors.Is(err, ErrUSCCCheckDigit) && override != "" && parsed == code:
	case errors.Is(err, ErrUSCCCheckDigit):
		p.add(field, err.Error(), "the right code, or uscc_override with the reason of a reviewer when the certificate really shows this one")
	case err != nil:
		p.add(field, err.Error(), "18 characters as on the licence, such as 91350100M000100Y43")
	case parsed != code:
		p.add(field, "has small letters or spaces", string(parsed))
	}
}

func (p *Problems) codes(field string, codes []string) {
	if len(codes) > 100 {
		p.add(field, "too many", "at most 100")
		return
	}
	seen := map[string]bool{}
	for _, code := range codes {
		p.required(field, code, 40)
		if seen[code] {
			p.add(field, code+" is listed twice", "each product once")
		}
		seen[code] = true
	}
}

func (p *Problems) registerRecords(e *Enterprise, today Day) {
	if len(e.Licences)+len(e.Certificates)+len(e.CapabilityItems) > 200 {
		p.add("licences", "too many licences, certificates and capability items", "at most 200")
		return
	}
	for _, r := range e.Records() {
		for _, one := range r.Validate(today) {
			if one.Field != "uscc" {
				p.add(string(r.Kind)+"."+one.Field, one.Problem, one.Want)
			}
		}
	}
}

// Records returns what the enterprise's row says as records: scoring reads licences, certificates and capability items only
// from records, so that each is dated and nothing has two homes. The order and the source_ref of each are stable.
func (e *Enterprise) Records() []Record {
	var records []Record
	permit := func(kind Kind, one Permit, detail Detail) {
		records = append(records, Record{USCC: e.USCC, Source: RegisterSource, Kind: kind, Outcome: OutcomeGranted, State: StateFinal,
			SourceRef: string(e.USCC) + "/" + string(kind) + "/" + one.Number, OccurredOn: one.ValidFrom, ProductCode: one.ProductCode, Detail: detail})
	}
	for _, l := range e.Licences {
		permit(KindLicence, l, &Licence{Number: l.Number, ValidUntil: l.ValidUntil})
	}
	for _, c := range e.Certificates {
		permit(KindCertification, c, &Certification{Number: c.Number, Scheme: c.Scheme, ValidUntil: c.ValidUntil})
	}
	for _, item := range e.CapabilityItems {
		outcome := OutcomeMissing
		if item.Held {
			outcome = OutcomeHeld
		}
		records = append(records, Record{USCC: e.USCC, Source: RegisterSource, Kind: KindCapability, Outcome: outcome, State: StateFinal,
			SourceRef: string(e.USCC) + "/capability/" + item.Item + "/" + item.Since.String(), OccurredOn: item.Since, Detail: &Capability{Item: item.Item}})
	}
	return records
}
