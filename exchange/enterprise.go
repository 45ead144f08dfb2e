package exchange

import (
	"fmt"
	"strconv"
	"strings"

	"healthcode/registry"
)

// enterpriseDraft collects an enterprise and those columns that become part of it at the end.
type enterpriseDraft struct {
	e                   registry.Enterprise
	longitude, latitude *float64
	licence             registry.Permit
	certificate         registry.Permit
	capability          []registry.CapabilityItem
	capabilitySince     registry.Day
}

// capabilityItems are the items with a column of their own.
var capabilityItems = []string{registry.ItemQMS, registry.ItemTraceability, registry.ItemCapabilityAssessment, registry.ItemSelfInspection}

var enterpriseColumns = func() *columnSet[enterpriseDraft] {
	type d = enterpriseDraft
	s := &columnSet[d]{kind: kindEnterprises, columns: []column[d]{
		codeColumn("uscc", func(x *d) *registry.USCC { return &x.e.USCC }),
		textColumn("uscc_override", func(x *d) *string { return &x.e.USCCOverride }),
		textColumn("name", func(x *d) *string { return &x.e.Name }),
		textColumn("size", func(x *d) *registry.Size { return &x.e.Size }),
		textColumn("status", func(x *d) *string { return &x.e.Status }),
		textColumn("region_code", func(x *d) *string { return &x.e.RegionCode }),
		textColumn("industry_code", func(x *d) *string { return &x.e.IndustryCode }),
		textColumn("address", func(x *d) *string { return &x.e.Address }),
		degreeColumn("longitude", func(x *d) **float64 { return &x.longitude }),
		degreeColumn("latitude", func(x *d) **float64 { return &x.latitude }),
		dayColumn("registered_on", func(x *d) *registry.Day { return &x.e.RegisteredOn }),
		dayColumn("since", func(x *d) *registry.Day { return &x.e.Since }),
		listColumn("product_codes", func(x *d) *[]string { return &x.e.ProductCodes }),
		jsonColumnOf("licences", func(x *d) *[]registry.Permit { return &x.e.Licences }),
		jsonColumnOf("certificates", func(x *d) *[]registry.Permit { return &x.e.Certificates }),
		jsonColumnOf("capability_items", func(x *d) *[]registry.CapabilityItem { return &x.e.CapabilityItems }),
		readOnly(dayColumn("capability_since", func(x *d) *registry.Day { return &x.capabilitySince })),
	}}
	s.columns = append(s.columns, permitColumns("licence", func(x *d) *registry.Permit { return &x.licence })...)
	s.columns = append(s.columns, permitColumns("certificate", func(x *d) *registry.Permit { return &x.certificate })...)
	for _, item := range capabilityItems {
		s.columns = append(s.columns, capabilityColumn(item))
	}
	return s
}()

func readOnly[D any](c column[D]) column[D] {
	c.get = nil
	return c
}

func degreeColumn(name string, of func(*enterpriseDraft) **float64) column[enterpriseDraft] {
	return column[enterpriseDraft]{name: name,
		set: func(into *enterpriseDraft, text string) *fault {
			degree := new(float64)
			*of(into) = degree
			return setFloat(degree, text)
		},
		get: func(from *enterpriseDraft) string {
			if *of(from) == nil {
				return ""
			}
			return strconv.FormatFloat(**of(from), 'f', -1, 64)
		}}
}

func permitColumns(prefix string, of func(*enterpriseDraft) *registry.Permit) []column[enterpriseDraft] {
	type d = enterpriseDraft
	return []column[d]{
		readOnly(textColumn(prefix+"_number", func(x *d) *string { return &of(x).Number })),
		readOnly(textColumn(prefix+"_scheme", func(x *d) *string { return &of(x).Scheme })),
		readOnly(textColumn(prefix+"_product_code", func(x *d) *string { return &of(x).ProductCode })),
		readOnly(dayColumn(prefix+"_valid_from", func(x *d) *registry.Day { return &of(x).ValidFrom })),
		readOnly(dayColumn(prefix+"_valid_until", func(x *d) *registry.Day { return &of(x).ValidUntil })),
	}
}

func capabilityColumn(item string) column[enterpriseDraft] {
	return column[enterpriseDraft]{name: "capability_" + item, set: func(into *enterpriseDraft, text string) *fault {
		if text != registry.OutcomeHeld && text != registry.OutcomeMissing {
			return &fault{fmt.Sprintf("%.40q is not known", text), "held or missing"}
		}
		into.capability = append(into.capability, registry.CapabilityItem{Item: item, Held: text == registry.OutcomeHeld})
		return nil
	}}
}

// finish puts the collected columns into the enterprise.
func (x *enterpriseDraft) finish() (*registry.Enterprise, registry.Problems) {
	var problems registry.Problems
	if (x.longitude == nil) != (x.latitude == nil) {
		problems = append(problems, registry.Problem{Field: "point", Problem: "has one coordinate only", Want: "longitude and latitude, or neither"})
	} else if x.longitude != nil {
		x.e.Point = &registry.Point{Longitude: *x.longitude, Latitude: *x.latitude}
	}
	if x.licence != (registry.Permit{}) {
		x.e.Licences = append(x.e.Licences, x.licence)
	}
	if x.certificate != (registry.Permit{}) {
		x.e.Certificates = append(x.e.Certificates, x.certificate)
	}
	for _, item := range x.capability {
		item.Since = x.capabilitySince
		x.e.CapabilityItems = append(x.e.CapabilityItems, item)
	}
	return &x.e, problems
}

// registerColumns renames the fields of the records that an enterprise's row brings to the columns that they come from.
var registerColumns = strings.NewReplacer(
	"licence.occurred_on", "licence_valid_from", "certification.occurred_on", "certificate_valid_from", "capability.occurred_on", "capability_since",
	"licence.", "licence_", "certification.", "certificate_", "capability.", "capability_")

func validateEnterprise(e *registry.Enterprise, today registry.Day) registry.Problems {
	problems := e.Validate(today)
	for i := range problems {
		problems[i].Field = registerColumns.Replace(problems[i].Field)
	}
	return problems
}

// enterpriseDraftOf prepares an enterprise for writing.
func enterpriseDraftOf(e *registry.Enterprise) *enterpriseDraft {
	draft := &enterpriseDraft{e: *e}
	if e.Point != nil {
		draft.longitude, draft.latitude = &e.Point.Longitude, &e.Point.Latitude
	}
	return draft
}
