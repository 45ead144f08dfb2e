package samplecity

import (
	"strconv"

	"healthcode/registry"
)

// settle decides who the enterprise is: place, size, hidden quality, products, age; and fills its row.
func (x *dossier) settle() {
	x.county = &counties[x.weighted(countyWeights...)]
	x.size = x.weighted(sizeShares...)
	x.good = &catalogue[x.weighted(goodWeights[x.county.code]...)]
	x.bad = x.quality()
	x.key = x.size < 2 || x.chance(keySmallPPM)
	x.identify(pick(x.dice, nameFirst) + pick(x.dice, nameSecond))
	x.register(x.age())
	x.e.ProductCodes = x.products()
	x.permits()
	x.items()
}

// quality draws the badness. Supervision of high and higher risk is stricter and the weakest have left: the worst draw is drawn again.
func (x *dossier) quality() int {
	bad := pick(x.dice, badness[:])
	if x.good.Risk > registry.RiskGeneral && bad > 1300 && x.chance(weakLeftPPM) {
		bad = pick(x.dice, badness[:])
	}
	return bad
}

// identify fills in name, code, place and address.
func (x *dossier) identify(word string) {
	t := &x.county.towns[x.IntN(len(x.county.towns))]
	x.e.USCC = makeUSCC(x.county.code, x.body)
	x.e.Name = x.county.short + word + x.good.Trade + "有限公司"
	x.e.Size = sizeNames[x.size]
	x.e.Status = registry.StatusOperating
	x.e.RegionCode = t.code
	x.e.IndustryCode = x.good.Industry
	x.e.Address = x.county.name + t.name + pick(x.dice, roads) + strconv.Itoa(x.between(1, 999)) + "号"
	x.e.Point = t.point(x.dice)
}

// age returns how many days ago the enterprise was registered: some this quarter, some within three years, most before.
func (x *dossier) age() int {
	switch x.weighted(20, 140, 840) {
	case 0:
		return x.between(5, 90)
	case 1:
		return x.between(91, window)
	}
	return x.between(window+1, 25*365)
}

// register sets the day of registration and with it the span of the records.
func (x *dossier) register(daysAgo int) {
	x.e.RegisteredOn = x.city.today - registry.Day(daysAgo)
	x.from = max(x.e.RegisteredOn+1, x.city.today-window)
}

// products returns one to four products: the main one and others of its group, none of higher risk.
func (x *dossier) products() []string {
	codes := []string{x.good.Code}
	others := inGroup[x.good.Code]
	for _, at := range x.Perm(len(others))[:min(x.weighted(55, 25, 14, 6), len(others))] {
		if !others[at].LicenceNeeded || x.good.LicenceNeeded {
			codes = append(codes, others[at].Code)
		}
	}
	return codes
}
