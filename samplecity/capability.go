package samplecity

import (
	"strconv"

	"healthcode/registry"
)

// items says which capability items the enterprise was found to hold or to lack, and when last.
func (x *dossier) items() {
	held := min(itemHeld+(1000-x.bad)/25, 97)
	if x.key {
		held = min(held+keyItemHeld, 97)
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
		if !due && !x.chance(200_000) {
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
