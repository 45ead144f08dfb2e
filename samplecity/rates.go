package samplecity

import "healthcode/registry"

// Figures with a source are national results of product spot checks (国家监督抽查, published by SAMR) of 2023 and 2024. The others are
// guesses of ours, set so that the grades of the default model spread about as real lists of graded enterprises do.

// window is the time before today that records cover: the three years that the default model reads.
const window = 1095

// sizes of enterprises, largest first, with their share in thousandths. 2023: large 1.9 %, medium 5.2 %, small and micro 93.0 %.
var (
	sizeNames  = []registry.Size{registry.SizeLarge, registry.SizeMedium, registry.SizeSmall, registry.SizeMicro}
	sizeShares = []int{19, 52, 529, 400}
)

// failPPM is how often a batch fails by where it was sampled. 2024: production 6.7 %, shops 15.1 %, e-commerce 23.5 %.
var failPPM = []int{67_000, 151_000, 235_000}

// sizeFactor, in thousandths, brings the mean failure to 0.8 % for large, 2.2 % for medium and 13.2 % for small firms (2023).
var sizeFactor = []int{80, 235, 1310, 1310}

// riskFactor, in thousandths: children's goods and appliances failed more often than the mean in 2022 (13.5 and 17.7 against 9.4 %).
var riskFactor = [3]int{820, 1080, 1260}

// stages, in the order of failPPM, and their shares of the spot checks in percent. 2023: 57 % of the batches at producers.
var (
	stages      = []string{registry.StageProduction, registry.StageShop, registry.StageOnline}
	stageShares = []int{58, 26, 16}
)

// badness is the hidden quality of an enterprise, as thousandths of the mean rate of everything bad, in twenty steps with mean 1000.
// A few firms make most of the trouble.
var badness = [20]int{150, 220, 290, 360, 430, 500, 570, 640, 710, 780, 860, 940, 1030, 1130, 1240, 1370, 1530, 1750, 2150, 3350}

// weakLeftPPM is the chance that a weak maker of products of higher or high risk has left the trade under stricter supervision.
const weakLeftPPM = 950_000

// What happens to an enterprise in a year, in thousandths of an event at mean badness.
const (
	complaintsYearly  = 700
	penaltiesYearly   = 80 // those that follow from no check and no complaint
	incidentsYearly   = 2
	recallsYearly     = 3
	signalsYearly     = 40
	lapsesYearly      = 14 // of a licence or certificate
	revokedYearly     = 1  // of a licence
	brokenYearly      = 15 // of a commitment
	refusalsPPM       = 400
	listedPPM         = 300   // on the list of serious violations
	unsubstantiated   = 34    // percent; 2024 reports: about a third of all complaints malicious
	criticalPercent   = 3     // of the failures
	majorPercent      = 33    // of the failures
	unrectifiedPPM    = 45000 // of the failures, at mean badness
	repairedPercent   = 30    // of the penalties older than a year
	voidedPercent     = 3     // of the failures, after an objection
	recheckDays       = 75    // the re-check is due this long after the order to correct
	objectionDays     = 15    // the objection window
	awardPPM          = 20_000
	commitmentPercent = 20
)

// checksYearly is how many inspections and spot checks an ordinary enterprise sees in a year, in thousandths, by risk: high risk is
// supervised more strictly. Key enterprises see keyChecks.
var (
	inspectionsYearly = [3]int{1250, 1300, 1700}
	spotChecksYearly  = [3]int{850, 900, 1300}
)

// Key enterprises (large and medium ones and a few others) are checked more often.
const (
	keySmallPPM          = 80_000
	keyInspectionsYearly = 2600
	keySpotChecksYearly  = 1900
	keyFindings          = 180 // thousandths of the findings of others: they keep quality officers
)

// findingsPerVisit is how many findings of each severity, minor first, an inspection makes at mean badness, in thousandths.
var findingsPerVisit = [3]int{3800, 500, 20}

// itemHeld is the chance of holding a capability item, in percent, for an enterprise of mean badness; a key enterprise holds it more
// often; itemKnown is how often it is known at all for the others.
const (
	itemHeld    = 14
	keyItemHeld = 60 // on top
	itemKnown   = 92
)

// creditShares are the shares of the external credit classes A, B, C and D, in percent.
var creditShares = []int{65, 25, 8, 2}
