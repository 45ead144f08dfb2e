package samplecity

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"healthcode/registry"
)

// dossier is one enterprise while it is being made.
type dossier struct {
	dice
	city    *City
	e       *registry.Enterprise
	body    string
	county  *county
	good    *good // its main product
	size    int   // index in sizeNames
	bad     int   // badness: thousandths of the mean rate of everything bad
	key     bool  // supervised more closely
	from    registry.Day
	until   registry.Day // the last day on which something can have happened
	number  int          // of records and cases
	records []registry.Record
}

// open starts the dossier of enterprise i with its dice and body.
func (c *City) open(i int) *dossier {
	return &dossier{dice: newDice(c.seed, i), city: c, e: &registry.Enterprise{}, body: body(c.seed, i), until: c.today - 1,
		records: make([]registry.Record, 0, 16)}
}

// close sorts the records by the moment at which they became known and hands everything over.
func (x *dossier) close() (*registry.Enterprise, []registry.Record) {
	slices.SortStableFunc(x.records, func(a, b registry.Record) int {
		return cmp.Or(a.KnownAt.Compare(b.KnownAt), cmp.Compare(a.SourceRef, b.SourceRef))
	})
	return x.e, x.records
}

// nextNumber returns a number that is new within the enterprise.
func (x *dossier) nextNumber() string {
	x.number++
	return x.body + "-" + strconv.Itoa(x.number)
}

// add writes down that something happened on a day. The caller completes the record before the next one is added.
func (x *dossier) add(kind registry.Kind, outcome string, on registry.Day) *registry.Record {
	x.records = append(x.records, registry.Record{
		USCC: x.e.USCC, Source: sources[kind], SourceRef: x.nextNumber(), Kind: kind, Outcome: outcome, OccurredOn: on,
		KnownAt: x.knownAfter(on), State: registry.StateFinal, Detail: registry.Kinds[kind].New()})
	return &x.records[len(x.records)-1]
}

// sources names who keeps each kind of record.
var sources = map[registry.Kind]string{
	registry.KindSpotCheck: "spot-check-system", registry.KindInspection: "inspection-app", registry.KindComplaint: "12315",
	registry.KindPenalty: "case-system", registry.KindIncident: "injury-monitoring", registry.KindRecall: "recall-centre",
	registry.KindLicence: "licence-office", registry.KindCertification: "certification-register", registry.KindSelfInspection: "self-reports",
	registry.KindCommitment: "commitments", registry.KindAward: "quality-awards", registry.KindRiskSignal: "risk-monitoring",
	registry.KindExternalCredit: "credit-platform",
}

// knownAfter returns an instant in office hours one to six days after the day, at the latest the beginning of the city's day.
func (x *dossier) knownAfter(on registry.Day) time.Time {
	at := (on + registry.Day(x.between(1, 6))).Time().Add(time.Duration(x.between(9*60, 17*60)) * time.Minute)
	if latest := x.city.today.Time(); at.After(latest) {
		at = latest
	}
	return at.UTC()
}

// correct adds a newer revision of a record, known later, and returns it for the caller to change.
func (x *dossier) correct(r registry.Record, knownOn registry.Day) *registry.Record {
	newer := r
	newer.KnownAt = x.knownAfter(knownOn)
	if !newer.KnownAt.After(r.KnownAt) {
		newer.KnownAt = r.KnownAt.Add(time.Minute)
	}
	x.records = append(x.records, newer)
	return &x.records[len(x.records)-1]
}

// days returns the span that the records cover.
func (x *dossier) days() int { return int(x.until - x.from) }

// scaled returns a yearly rate in thousandths as one for the enterprise's span, at its badness.
func (x *dossier) scaled(yearlyMilli int) int { return yearlyMilli * x.bad / 1000 * x.days() / 365 }

// ppm returns the chance in parts per million of something rare, with a yearly rate in thousandths, within some days.
func (x *dossier) ppm(yearlyMilli, days int) int { return yearlyMilli * x.bad * days / 365 }

// spread returns n days, one in each of n equal parts of the span.
func (x *dossier) spread(n int) []registry.Day {
	list := make([]registry.Day, n)
	for i := range list {
		list[i] = x.from + registry.Day(x.days()*i/n+x.IntN(max(x.days()/n, 1)))
	}
	return list
}

// anyDay returns a day of the span.
func (x *dossier) anyDay() registry.Day { return x.from + registry.Day(x.IntN(x.days()+1)) }

// happenings returns the days of events whose mean number, in thousandths, is meanMilli. Twelve draws make the number vary about as
// widely as independent events do.
func (x *dossier) happenings(meanMilli int) []registry.Day {
	var list []registry.Day
	for range 12 {
		if x.chance(min(meanMilli*1000/12, 1_000_000)) {
			list = append(list, x.anyDay())
		}
	}
	return list
}
