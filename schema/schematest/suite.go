package schematest

import (
	"slices"
	"testing"
)

// suiteCase is one thing that both engines must do.
type suiteCase struct {
	name string
	run  func(*testing.T, Opener)
}

// keyCases are those about keys.
var keyCases = []suiteCase{
	{"keys: one way, one active of an algorithm", keyLife},
	{"keys: one key, one number, one algorithm", keyMaterial},
	{"keys: steps wait for their day, are noted and told", keySteps},
	{"keys: of two processes one takes the step", keyRaces},
	{"keys: steps together or not at all", keyStepsTogether},
	{"keys: a rotation is asked for once", keyRotationDue},
	{"keys: the codes that fall with a key, and what takes their place", lostCodes},
	{"copies: tried out beside the original, which does not change", copies},
}

// changeCases are those about what partners are told.
var changeCases = []suiteCase{
	{"changes: what partners are told, by sight and topic", feed},
	{"changes: one order for every reader, nothing missed", feedRaces},
	{"webhooks: kept, with their secrets", webhooks},
	{"webhooks: one process delivers, and notes it", webhookClaims},
	{"webhooks: of claims at once one is taken", webhookRaces},
}

// accountCases are those about who may see what.
var accountCases = []suiteCase{
	{"accounts: rights come and go", accounts},
	{"accounts: passwords, second factors, sessions", signIns},
	{"accounts: recovery codes, once each", recovery},
	{"partners: purposes and keys", partners},
	{"sight: every reader shows what lies within and nothing else", sights},
}

// Exercise runs every case of the suite on one engine.
func Exercise(t *testing.T, fresh Opener) {
	for _, c := range slices.Concat(keyCases, liveCases, lookCases, changeCases, accountCases, versionCases, auditCases, recordInCases, recourseCases, listingCases, []suiteCase{
		{"records: sending a batch twice changes nothing", recordsTwice},
		{"records: a difference is the next revision", recordsRevised},
		{"records: rules of a revision number that comes along", recordsNumbered},
		{"records: a number of a source stays with one enterprise", recordsOneOwner},
		{"records: a batch that is new but for some rows", recordsNearlyNew},
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
		{"runs: whether there is anything to do", changesDue},
		{"runs: never an older assessment over a newer one", rangeOlder},
		{"runs: ranges at once", rangesAtOnce},
		{"runs: an error of the callback stores nothing", rangeError},
		{"codes: an index is given once", codes},
		{"codes: a range of codes at once", codeRanges},
		{"codes: printed ones of many enterprises", printedCodes},
		{"codes: intents are read back before signing", codeIntents},
		{"codes: renewed and superseded, with both histories", codesReplaced},
		{"codes: of renewals at once one is taken", codeReplaceRaces},
		{"codes: who gets one by itself", codeNeedsByStatus},
		{"codes: all screen codes share a place", screenPlaces},
		{"codes: pages in every order", codePages},
		{"codes: reminded once of each date", codeReminders},
		{"scans: counted, and a signal for many areas", scans},
		{"scans: counted at once by several processes", scanRaces},
		{"scans: a key a day", scanKeys},
		{"codes: every step allowed and refused", codeSteps},
		{"codes: bounds of a step", codeStepBounds},
		{"codes: of final steps at once one is taken", codeStepRaces},
		{"codes: old intents are abandoned", abandonedIntents},
		{"lists: what marks an enterprise", listMarks},
		{"lists: published once, never back in time", listTokens},
		{"lists: history thins out", listHistory},
		{"leases: one holder, taken over when it runs out", leases},
		{"keys: sets that the root signed", signedKeySets},
		{"first load: while a run is under way", firstLoadDuringRun},
		{"models: immutable, one active", modelBody},
		{"models: every step allowed and refused", modelSteps},
		{"models: of two approvals or activations at once one is taken", modelRaces},
		{"models: activation asks for new grades of everybody", modelActivation},
		{"models: previews, comments, simulations", modelNotes},
		{"outbox: told once", outbox},
	}) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, fresh)
		})
	}
}
