package api

import (
	"reflect"
	"strings"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/danielgtaylor/huma/v2"
)

// schemaName names a type in the document. Types of other packages carry the package's name, for some are called alike.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	path := strings.Split(t.PkgPath(), "/")
	if own := path[len(path)-1]; own != "" && own != "api" && t.Name() != "" {
		name = strings.ToUpper(own[:1]) + own[1:] + name
	}
	return name
}

// The schemas of types that are written as words, or by a method of their own. Each stands for one type: see aliases.
type (
	dayForm         struct{}
	usccForm        struct{}
	tierForm        struct{}
	colourForm      struct{}
	riskForm        struct{}
	evidenceForm    struct{}
	severityForm    struct{}
	codeStatusForm  struct{}
	purposeForm     struct{}
	scopeForm       struct{}
	regionLevelForm struct{}
	coloursForm     struct{}
	putOutcomeForm  struct{}
)

func (dayForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date"}
}

func (usccForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9A-Z]{18}$"}
}

func (tierForm) Schema(huma.Registry) *huma.Schema   { return words(registry.Tiers()...) }
func (colourForm) Schema(huma.Registry) *huma.Schema { return words(registry.Colours()...) }
func (riskForm) Schema(huma.Registry) *huma.Schema {
	return words(registry.RiskGeneral, registry.RiskHigher, registry.RiskHigh)
}
func (codeStatusForm) Schema(huma.Registry) *huma.Schema {
	return words(schema.CodeValid, schema.CodeRevoked, schema.CodeSuspended, schema.CodeSuperseded)
}
func (purposeForm) Schema(huma.Registry) *huma.Schema     { return enumOf(access.Purposes) }
func (scopeForm) Schema(huma.Registry) *huma.Schema       { return enumOf(access.Scopes) }
func (regionLevelForm) Schema(huma.Registry) *huma.Schema { return enumOf(regionLevels) }

func (evidenceForm) Schema(huma.Registry) *huma.Schema {
	return words(registry.EvidenceNone, registry.EvidenceLow, registry.EvidenceFair, registry.EvidenceStrong)
}

func (severityForm) Schema(huma.Registry) *huma.Schema {
	return words(registry.SeverityMinor, registry.SeverityMajor, registry.SeverityCritical)
}

// Schema of what became of a record.
func (putOutcomeForm) Schema(huma.Registry) *huma.Schema {
	return words(schema.Added, schema.Changed, schema.Unchanged, schema.Waiting, schema.Refused)
}

// Schema of a list of colours, which are bytes to the generator.
func (coloursForm) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: colourForm{}.Schema(r)}
}

func words[T interface{ String() string }](values ...T) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, value := range values {
		s.Enum = append(s.Enum, value.String())
	}
	return s
}

func enumOf[T ~string](values []T) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, value := range values {
		s.Enum = append(s.Enum, string(value))
	}
	return s
}

// aliases tells the schema generator what types look like that write themselves.
func aliases(r huma.Registry) {
	alias := func(of, like reflect.Type) { r.RegisterTypeAlias(of, like) }
	alias(reflect.TypeFor[registry.Day](), reflect.TypeFor[dayForm]())
	alias(reflect.TypeFor[registry.USCC](), reflect.TypeFor[usccForm]())
	alias(reflect.TypeFor[registry.Tier](), reflect.TypeFor[tierForm]())
	alias(reflect.TypeFor[registry.Colour](), reflect.TypeFor[colourForm]())
	alias(reflect.TypeFor[[]registry.Colour](), reflect.TypeFor[coloursForm]())
	alias(reflect.TypeFor[registry.RiskLevel](), reflect.TypeFor[riskForm]())
	alias(reflect.TypeFor[registry.EvidenceLevel](), reflect.TypeFor[evidenceForm]())
	alias(reflect.TypeFor[registry.Severity](), reflect.TypeFor[severityForm]())
	alias(reflect.TypeFor[registry.RegionLevel](), reflect.TypeFor[regionLevelForm]())
	alias(reflect.TypeFor[schema.CodeStatus](), reflect.TypeFor[codeStatusForm]())
	alias(reflect.TypeFor[schema.PutOutcome](), reflect.TypeFor[putOutcomeForm]())
	alias(reflect.TypeFor[access.Purpose](), reflect.TypeFor[purposeForm]())
	alias(reflect.TypeFor[access.Scope](), reflect.TypeFor[scopeForm]())
	alias(reflect.TypeFor[VerdictAnswer](), reflect.TypeFor[verdictForm]())
	alias(reflect.TypeFor[credential.KeySet](), reflect.TypeFor[keySetForm]())
}

// verdictForm is what VerdictAnswer.MarshalJSON writes. Without a valid signature everything between Detail and CheckedAt is left out.
type verdictForm struct {
	Authentic      bool                `json:"authentic" doc:"The code is ours and may be relied on."`
	Current        credential.Currency `json:"current,omitempty" enum:"yes,no,unknown"`
	Reason         credential.Reason   `json:"reason" doc:"ok, or why not."`
	SignatureValid bool                `json:"signature_valid" doc:"True also for codes that are out of date, revoked, suspended or superseded."`
	Detail         string              `json:"detail,omitempty"`

	Form       credential.Form  `json:"form,omitempty" enum:"printed,screen,jwt"`
	Issuer     string           `json:"issuer,omitempty"`
	KeyID      string           `json:"kid,omitempty"`
	USCC       registry.USCC    `json:"uscc,omitempty"`
	Tier       registry.Tier    `json:"tier,omitempty" doc:"At issue, not today's."`
	Colour     registry.Colour  `json:"colour,omitempty" doc:"At issue, not today's."`
	AtIssue    bool             `json:"at_issue,omitempty"`
	Model      uint16           `json:"model,omitempty"`
	IssuedAt   *timeForm        `json:"issued_at,omitempty"`
	ExpiresAt  *timeForm        `json:"expires_at,omitempty"`
	Index      uint32           `json:"idx,omitempty"`
	StatusAsOf *timeForm        `json:"status_as_of,omitempty"`
	CheckedAt  timeForm         `json:"checked_at"`
	Enterprise *EnterpriseBrief `json:"enterprise,omitempty"`
	Grade      *PublicTold      `json:"grade,omitempty" doc:"Today's grade; absent when a purpose is named, or when the code may not be relied on."`
	Statement  *ReplyTold       `json:"statement,omitempty" doc:"What the enterprise says beside its grade, as it was typed; nobody has verified it. Absent when a purpose is named."`
	Copied     bool             `json:"scanned_in_many_places,omitempty"`
	Purpose    access.Purpose   `json:"purpose,omitempty"`
	Disclosed  *disclosedForm   `json:"disclosed,omitempty" doc:"What the purpose may know."`
}

// recordForm is a record as exchange reads it: the members of every kind, and beside them those of its own.
type recordForm struct{}

// Schema of a record. docs/examples lists the members of each kind.
func (recordForm) Schema(r huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Required: []string{"uscc", "source_ref", "kind", "outcome", "occurred_on"}, Properties: map[string]*huma.Schema{}}
	for _, name := range []string{"source", "source_ref", "outcome", "severity", "product_code", "stage", "purpose", "case_id", "state"} {
		s.Properties[name] = &huma.Schema{Type: huma.TypeString}
	}
	for _, name := range []string{"rectify_by", "rectified_on", "provisional_until"} { // a day, or nothing
		s.Properties[name] = &huma.Schema{Type: huma.TypeString, Pattern: `^([0-9]{4}-[0-9]{2}-[0-9]{2})?$`}
	}
	s.Properties["occurred_on"] = dayForm{}.Schema(r)
	s.Properties["uscc"] = usccForm{}.Schema(r)
	s.Properties["kind"] = enumOf(registry.KindNames())
	s.Properties["findings"] = r.Schema(reflect.TypeFor[[]registry.Finding](), true, "")
	return s
}

// openListForm is a list as open data, whose form docs/listings.md gives.
type openListForm struct{}

// Schema of a list as open data.
func (openListForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// linesForm is NDJSON: a JSON object on each line.
type linesForm struct{}

// Schema of lines.
func (linesForm) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// resultsForm is a page of what became of rows.
type resultsForm struct {
	Items []jobs.RowResult `json:"items"`
	Next  string           `json:"next,omitempty"`
}

// timeForm is an instant.
type timeForm struct{}

func (timeForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}

// verifiedForm is either of the two answers of POST /api/v1/verify.
type verifiedForm struct{}

func (verifiedForm) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(reflect.TypeFor[VerdictAnswer](), true, ""), r.Schema(reflect.TypeFor[TicketAnswer](), true, "")}}
}

// bundleForm is the bundle of docs/formats.md, whose form has a version of its own.
type bundleForm struct{}

func (bundleForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// disclosedForm is what one of the purposes may know.
type disclosedForm struct{}

func (disclosedForm) Schema(r huma.Registry) *huma.Schema {
	s := &huma.Schema{}
	for _, t := range []reflect.Type{reflect.TypeFor[PublicTold](), reflect.TypeFor[FinanceTold](), reflect.TypeFor[PermittingTold](), reflect.TypeFor[ListingTold](), reflect.TypeFor[ProjectTold]()} {
		s.AnyOf = append(s.AnyOf, r.Schema(t, true, ""))
	}
	return s
}

// keySetForm is a JWK set.
type keySetForm struct {
	Keys []keyForm `json:"keys"`
}

// keyForm is a JWK (RFC 7517).
type keyForm struct {
	Kty        string `json:"kty"`
	Crv        string `json:"crv"`
	X          string `json:"x"`
	Y          string `json:"y,omitempty"`
	Kid        string `json:"kid"`
	Alg        string `json:"alg"`
	Use        string `json:"use"`
	Iss        string `json:"iss" doc:"For whom the key signs."`
	Thumbprint string `json:"thumbprint,omitempty" doc:"RFC 7638."`
	Nbf        uint32 `json:"nbf,omitempty"`
	Naf        uint32 `json:"naf,omitempty"`
}

// settle ends the generation: lists are never null, and answers may grow members, so clients must not refuse unknown ones. Bodies stay closed.
func (d *document) settle() {
	explainSchemas(d.Components.Schemas.Map())
	bodies := d.bodySchemas()
	for name, s := range d.Components.Schemas.Map() {
		if !bodies[name] && s.Type == huma.TypeObject && s.AdditionalProperties == false {
			s.AdditionalProperties = true
		}
		for _, property := range s.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false
			}
		}
	}
}

func (d *document) bodySchemas() map[string]bool {
	found := map[string]bool{}
	for _, item := range d.Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			for _, media := range op.RequestBody.Content {
				found[strings.TrimPrefix(media.Schema.Ref, schemaPrefix)] = true
			}
		}
	}
	return found
}
