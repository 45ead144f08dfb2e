package samplecity

import "healthcode/registry"

// licenceDays is the life of a production licence: five years (工业产品生产许可证管理条例 art. 25). certificateDays is that of a
// management-system certificate.
const (
	licenceDays     = 5*365 + 1
	certificateDays = 3 * 365
)

// permits gives a production licence for each product that needs one, and certificates.
func (x *dossier) permits() {
	for _, code := range x.e.ProductCodes {
		if goodOf(code).LicenceNeeded {
			x.e.Licences = append(x.e.Licences, x.permit("浙XK-YY-"+x.nextNumber(), "production-licence", code, licenceDays))
		}
	}
	if x.size < 2 || x.chance(220_000) {
		x.e.Certificates = append(x.e.Certificates, x.permit("YYQMS-"+x.nextNumber(), "ISO 9001", "", certificateDays))
	}
}

// permit is granted somewhere in the last life of such a permit, and not before the enterprise was registered.
func (x *dossier) permit(number, scheme, product string, life int) registry.Permit {
	daysAgo := x.between(1, min(life, int(x.city.today-x.e.RegisteredOn)))
	granted := x.city.today - registry.Day(daysAgo)
	return registry.Permit{Number: number, Scheme: scheme, ProductCode: product, ValidFrom: granted, ValidUntil: granted + registry.Day(life)}
}

// permitEvents tells what happened to licences and certificates: changes, lapses, a rare revocation.
func (x *dossier) permitEvents() {
	for i := range x.e.Licences {
		x.licenceEvents(&x.e.Licences[i])
	}
	for i := range x.e.Certificates {
		x.certificateEvents(&x.e.Certificates[i])
	}
}

func (x *dossier) licenceEvents(l *registry.Permit) {
	from := max(l.ValidFrom+1, x.from)
	if from >= x.until {
		return
	}
	on := from + registry.Day(x.IntN(int(x.until-from)))
	switch days := int(x.until - from); {
	case x.chance(x.ppm(revokedYearly, days)):
		x.licenceEvent(l, registry.OutcomeRevoked, on)
	case x.chance(x.ppm(lapsesYearly, days)):
		x.licenceEvent(l, registry.OutcomeLapsed, on)
		if back := on + registry.Day(x.between(30, 120)); back < x.until {
			x.licenceEvent(l, registry.OutcomeGranted, back).Detail.(*registry.Licence).ValidUntil = back + licenceDays
		}
	case x.chance(80_000):
		x.licenceEvent(l, pick(x.dice, []string{registry.OutcomeChanged, registry.OutcomeExtended, registry.OutcomeRelocated, registry.OutcomeReplaced}), on)
	}
}

func (x *dossier) licenceEvent(l *registry.Permit, outcome string, on registry.Day) *registry.Record {
	r := x.add(registry.KindLicence, outcome, on)
	r.ProductCode = l.ProductCode
	r.Detail = &registry.Licence{Number: l.Number}
	return r
}

func (x *dossier) certificateEvents(c *registry.Permit) {
	from := max(c.ValidFrom+1, x.from)
	if from >= x.until || !x.chance(x.ppm(lapsesYearly, int(x.until-from))) {
		return
	}
	on := from + registry.Day(x.IntN(int(x.until-from)))
	outcome := pick(x.dice, []string{registry.OutcomeLapsed, registry.OutcomeSuspended})
	x.add(registry.KindCertification, outcome, on).Detail = &registry.Certification{Number: c.Number, Scheme: c.Scheme}
}
