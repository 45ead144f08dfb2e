package schematest

import "testing"

// Exercise runs every case of the suite on one engine.
func Exercise(t *testing.T, fresh Opener) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Opener)
	}{
		{"records: sending a batch twice changes nothing", recordsTwice},
		{"records: a difference is the next revision", recordsRevised},
		{"records: rules of a revision number that comes along", recordsNumbered},
		{"records: a number of a source stays with one enterprise", recordsOneOwner},
		{"records: unknown enterprises' are kept aside and taken up", recordsWaiting},
		{"records: what comes back is what went in, of every kind", recordsRoundTrip},
		{"records: a row that cannot be stored does not fail its batch", recordsZeroByte},
		{"first load: its own moments, never after the fact", firstLoad},
		{"enterprises: as of a day, knowing a moment", enterprisesDated},
		{"enterprises: permits and capability items become records", enterprisesRecords},
		{"products: a new risk asks for new grades", productsRisk},
		{"regions: stored once, renamed", regions},
		{"regions: colours counted at every level", regionColours},
		{"products: the catalogue of a day and a moment", productsDated},
		{"products: facts in one pass", productFacts},
		{"population: in memory as in the database, kept current", populations},
		{"knowledge: a replay sees what the first reader saw", replay},
		{"knowledge: exact while others write", replayWhileWriting},
		{"knowledge: any order of batches reads as its model", knowledgeModel},
		{"knowledge: one pass of histories cuts like a reader of each moment", histories},
		{"engine: conflict of two writers loses nothing", conflict},
		{"engine: locking lets writers of two processes take turns", locking},
		{"engine: time is kept to the microsecond, in UTC", timePrecision},
		{"engine: empty is empty, never NULL", emptyText},
		{"engine: keys sort and compare by bytes", collation},
		{"engine: names are found in any case", caseSensitivity},
		{"engine: bulk load of 10,000 rows", bulkLoad},
		{"engine: big text", bigText},
		{"engine: iterators closed early free their connections", closedEarly},
		{"engine: a cancelled context stops and stores nothing", cancelled},
		{"engine: deep pages, each enterprise once, in every order", deepPaging},
		{"runs: one of a kind at a time", runsOneOfAKind},
		{"runs: a stopped one is taken up, the old worker is fenced off", runsTakenUp},
		{"runs: history, messages and due rows", rangeRows},
		{"runs: changed only", rangeChangedOnly},
		{"runs: never an older assessment over a newer one", rangeOlder},
		{"runs: ranges at once", rangesAtOnce},
		{"runs: an error of the callback stores nothing", rangeError},
		{"codes: an index is given once", codes},
		{"codes: a range of codes at once", codeRanges},
		{"first load: while a run is under way", firstLoadDuringRun},
		{"models: immutable, one active", modelBody},
		{"models: every step allowed and refused", modelSteps},
		{"models: of two approvals or activations at once one is taken", modelRaces},
		{"models: activation asks for new grades of everybody", modelActivation},
		{"models: previews, comments, simulations", modelNotes},
		{"keys: one way, one active", keyLife},
		{"outbox: told once", outbox},
		{"accounts: rights come and go", accounts},
		{"accounts: passwords, second factors, sessions", signIns},
		{"partners: purposes and keys", partners},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, fresh)
		})
	}
}
