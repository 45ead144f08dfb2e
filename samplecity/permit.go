package samplecity

import (
	"strconv"

	"healthcode/registry"
)

// licenceDays is the life of a production licence: five years (工业产品生产许可证管理条例 art. 25). certificateDays is that of a
// management-system certificate.
const (
	licenceDays     = 5*365 + 1
	certificateDays = 3 * 365
)

// permits gives a production licence for each product that needs one, and certificates.
func (x *dossier) permits() {
	for _, code := range x.e.ProductCodes {
		if needsLicence(code) {
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

func needsLicence(code string) bool {
	for i := range catalogue {
		if catalogue[i].Code == code {
			return catalogue[i].LicenceNeeded
		}
	}
	return false
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
	switch span := int(x.until - from); {
	case x.chance(revokedYearly * 1000 * x.bad / 1000 * span / 365):
		x.licenceEvent(l, registry.OutcomeRevoked, on)
	case x.chance(lapsesYearly * 1000 * x.bad / 1000 * span / 365):
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
	if from >= x.until || !x.chance(lapsesYearly*1000*x.bad/1000*int(x.until-from)/365) {
		return
	}
	on := from + registry.Day(x.IntN(int(x.until-from)))
	outcome := pick(x.dice, []string{registry.OutcomeLapsed, registry.OutcomeSuspended})
	x.add(registry.KindCertification, outcome, on).Detail = &registry.Certification{Number: c.Number, Scheme: c.Scheme}
}

// items says which capability items the enterprise was found to hold or to lack, and when last.
func (x *dossier) items() {
	held := min(itemHeld+(1000-x.bad)/28, 97)
	if x.key {
		held = min(held+15, 97)
	}
	for _, item := range []string{registry.ItemQMS, registry.ItemTraceability, registry.ItemCapabilityAssessment} {
		if !x.key && x.chance((100-itemKnown)*10_000) {
			continue
		}
		since := max(x.city.today-registry.Day(x.between(20, 800)), x.e.RegisteredOn)
		x.e.CapabilityItems = append(x.e.CapabilityItems, registry.CapabilityItem{Item: item, Held: x.chance(max(held, 5) * 10_000), Since: since})
	}
}

// selfReports are the yearly reports of licence holders and key enterprises, due by the end of January; some others hand one in too.
func (x *dossier) selfReports() {
	due := len(x.e.Licences) > 0 || x.key
	for _, day := range januaries(x.from, x.until-45) {
		if !due && !x.chance(300_000) {
			continue
		}
		year := day.Time().Year() - 1
		missing, late := 12_000*x.bad/1000, 50_000*x.bad/1000
		switch {
		case due && x.chance(missing):
			x.add(registry.KindSelfInspection, registry.OutcomeMissing, day+40).Detail = &registry.SelfInspection{Year: year}
		case due && x.chance(late):
			x.add(registry.KindSelfInspection, registry.OutcomeLate, day+registry.Day(x.between(1, 40))).Detail = &registry.SelfInspection{Year: year}
		default:
			x.add(registry.KindSelfInspection, registry.OutcomeOnTime, day-registry.Day(x.between(0, 25))).Detail = &registry.SelfInspection{Year: year}
		}
	}
}

// januaries returns every 31 January from a day (with 25 days to spare) until another.
func januaries(from, until registry.Day) []registry.Day {
	var list []registry.Day
	for year := from.Time().Year(); year <= until.Time().Year(); year++ {
		if day := registry.MustDay(strconv.Itoa(year) + "-01-31"); day-25 >= from && day <= until {
			list = append(list, day)
		}
	}
	return list
}
