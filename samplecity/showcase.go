package samplecity

import "healthcode/registry"

// Showcase is one of the first enterprises of every city: it shows one rule at work.
type Showcase struct {
	Rule    string // a stable short name, such as repaired-penalty
	Name    string // of the enterprise, without the county and the trade
	TitleZH string
	TitleEN string
	TextZH  string
	TextEN  string
	USCC    registry.USCC
	Company string // its full name

	county string
	good   string
	script func(x *dossier)
}

// showcases are the enterprises 0, 1, … of every city. Their dates are relative to the city's day, so the grades stay the same.
var showcases = []Showcase{
	{Rule: "repaired-penalty", Name: "归真", county: "330421", good: "FU01", script: scriptRepaired,
		TitleZH: "处罚已信用修复", TitleEN: "A repaired penalty",
		TextZH: "十四个月前受过较重处罚,半年后完成信用修复:记录仍在,不再扣分;修复之前那一天的指数仍可重算。",
		TextEN: "A major penalty fourteen months ago, repaired half a year later: the record stays and costs nothing; the index of any day before the repair can still be computed."},
	{Rule: "veto", Name: "悬石", county: "330483", good: "IN01", script: scriptVeto,
		TitleZH: "严重不合格未整改,一票否决", TitleEN: "A veto: a critical failure not rectified",
		TextZH: "电线电缆抽查严重不合格(安全标准),至今未整改复查合格:不论指数多少,一律红码,直至复查合格。",
		TextEN: "A cable sample failed a safety standard and the re-inspection has not passed: red whatever the index, until it passes."},
	{Rule: "licence-revoked", Name: "失钥", county: "330402", good: "FC01", script: scriptRevoked,
		TitleZH: "生产许可证被吊销", TitleEN: "A licence revoked",
		TextZH: "食品接触用塑料容器生产许可证两个月前被吊销:红码,直至重新取证。",
		TextEN: "The production licence for food-contact containers was revoked two months ago: red until it is granted again."},
	{Rule: "new", Name: "初芽", county: "330482", good: "DA01", script: scriptNew,
		TitleZH: "上月新设,证据不足", TitleEN: "NEW: registered last month",
		TextZH: "上月登记,只有一次检查:信用等级为“证据不足”,最高蓝码,缺少数据绝不显示绿码。",
		TextEN: "Registered last month with one visit so far: tier NEW, at best blue; missing data never reads as green."},
	{Rule: "one-case", Name: "一案", county: "330481", good: "TX04", script: scriptOneCase,
		TitleZH: "一案只计一次", TitleEN: "One case counts once",
		TextZH: "同一批面料:投诉、抽查不合格、处罚、复查合格,四条记录同属一案,只有最重的一条扣分,其余注明“已并入”。",
		TextEN: "One lot of fabric brought a complaint, a failed check, a penalty and a passed re-check: one case, and only its heaviest bad record costs points."},
	{Rule: "open-objection", Name: "存疑", county: "330411", good: "LO02", script: scriptObjection,
		TitleZH: "异议期内的不合格", TitleEN: "An objection window still open",
		TextZH: "集成灶抽查较重不合格,十五日异议期未满:记录可见,暂不计分,期满自动计入。",
		TextEN: "A cooker failed a check and the fifteen days for an objection still run: the record shows, counts for nothing yet, and will count when they end."},
	{Rule: "rectified", Name: "知改", county: "330424", good: "IN05", script: scriptRectified,
		TitleZH: "不合格已整改", TitleEN: "A failure rectified",
		TextZH: "紧固件抽查较重不合格,期限内整改并复查合格:扣分减为六成,随时间衰减。",
		TextEN: "Fasteners failed a check, were put right in time and passed the re-check: six tenths of the loss remain, and fade with time."},
	{Rule: "model", Name: "恒准", county: "330483", good: "TX01", script: scriptModel,
		TitleZH: "AA 级示范企业", TitleEN: "An AA enterprise",
		TextZH: "三年十八次检查全部合格,四项能力齐备:证据充分,AA 级,绿码,放心消费单位的样板。",
		TextEN: "Eighteen clean checks in three years and all four capability items held: strong evidence, AA, green."},
	{Rule: "refusal", Name: "闭门", county: "330482", good: "TX03", script: scriptRefusal,
		TitleZH: "拒绝检查", TitleEN: "A check refused",
		TextZH: "三周前拒绝监督检查:红码,直至接受检查。",
		TextEN: "A check was refused three weeks ago: red until one has been completed."},
}

// Showcases returns the showcases of this city with their codes, in the order of their enterprises.
func (c *City) Showcases() []Showcase {
	list := make([]Showcase, min(len(showcases), c.enterprises))
	for i := range list {
		list[i] = showcases[i]
		e, _ := c.showcase(i)
		list[i].USCC, list[i].Company = e.USCC, e.Name
	}
	return list
}

// showcase makes the enterprise of one showcase: a small firm registered twelve years ago, all checks clean but for its script.
func (c *City) showcase(i int) (*registry.Enterprise, []registry.Record) {
	s := &showcases[i]
	x := c.open(i)
	x.county, x.good, x.size, x.bad = countyOf(s.county), goodOf(s.good), 2, 400
	x.identify(s.Name)
	x.register(12 * 365)
	x.e.ProductCodes = []string{s.good}
	if x.good.LicenceNeeded {
		x.e.Licences = []registry.Permit{{Number: "浙XK-YY-" + x.nextNumber(), Scheme: "production-licence", ProductCode: s.good,
			ValidFrom: c.today - 700, ValidUntil: c.today - 700 + licenceDays}}
	}
	x.capable(3, 300)
	s.script(x)
	return x.close()
}

func countyOf(code string) *county {
	for i := range counties {
		if counties[i].code == code {
			return &counties[i]
		}
	}
	panic("samplecity: no county " + code) // a test makes every showcase
}

// capable gives the first n capability items as held for some days.
func (x *dossier) capable(n, daysAgo int) {
	items := []string{registry.ItemQMS, registry.ItemTraceability, registry.ItemCapabilityAssessment, registry.ItemSelfInspection}
	x.e.CapabilityItems = nil
	for _, item := range items[:n] {
		x.e.CapabilityItems = append(x.e.CapabilityItems, registry.CapabilityItem{Item: item, Held: true, Since: x.city.today - registry.Day(daysAgo)})
	}
}

// ago returns the day so many days before the city's.
func (x *dossier) ago(days int) registry.Day { return x.city.today - registry.Day(days) }

// clean adds a clean visit or a passed spot check, in turn, on each of the days ago.
func (x *dossier) clean(daysAgo ...int) {
	for i, days := range daysAgo {
		if i%2 == 0 {
			r := x.visit(registry.OutcomeDone, x.ago(days))
			r.Purpose, r.Detail = registry.PurposeRandom, &registry.Inspection{}
			continue
		}
		x.sample(registry.OutcomePass, x.ago(days), registry.StageProduction)
	}
}

// failed adds a failed spot check at the producer.
func (x *dossier) failed(daysAgo int, severity registry.Severity, item, name string) *registry.Record {
	r := x.sample(registry.OutcomeFail, x.ago(daysAgo), registry.StageProduction)
	r.Severity, r.CaseID, r.RectifyBy = severity, name, r.OccurredOn+recheckDays
	r.Findings = []registry.Finding{{Item: item, Severity: severity}}
	return r
}

// fined adds a penalty.
func (x *dossier) fined(daysAgo int, severity registry.Severity, name string) *registry.Record {
	r := x.add(registry.KindPenalty, registry.OutcomeImposed, x.ago(daysAgo))
	r.Severity, r.CaseID = severity, name
	r.Detail = &registry.Penalty{DecisionNumber: "样市监处罚〔" + r.OccurredOn.String()[:4] + "〕" + r.SourceRef + "号",
		LegalBasis: legalBases[0], AmountCents: 3_000_000, PublishUntil: r.OccurredOn + window}
	return r
}

func scriptRepaired(x *dossier) {
	x.clean(990, 800, 620, 540, 300, 190, 60)
	r := x.fined(425, registry.SeverityMajor, "")
	x.correct(*r, x.ago(240)).State = registry.StateRepaired
}

func scriptVeto(x *dossier) {
	x.clean(950, 760, 580, 420, 260, 150)
	r := x.failed(110, registry.SeverityCritical, "导体电阻", "case-"+x.nextNumber())
	r.Detail = &registry.SpotCheck{Cause: registry.CauseSafetyStandard}
}

func scriptRevoked(x *dossier) {
	x.clean(900, 700, 500, 330, 160, 100)
	r := x.add(registry.KindLicence, registry.OutcomeRevoked, x.ago(61))
	r.ProductCode, r.Detail = x.good.Code, &registry.Licence{Number: x.e.Licences[0].Number}
}

func scriptNew(x *dossier) {
	x.register(31)
	x.e.CapabilityItems = nil
	x.clean(9)
}

func scriptOneCase(x *dossier) {
	x.clean(980, 790, 610, 440, 330)
	name := "case-" + x.nextNumber()
	c := x.complaint(registry.OutcomeSubstantiated, x.ago(250), complaintCauses[:1])
	c.Severity, c.CaseID = registry.SeverityMinor, name
	x.correct(*x.failed(238, registry.SeverityMajor, "色牢度", name), x.ago(180)).RectifiedOn = x.ago(180)
	x.fined(190, registry.SeverityMajor, name)
	again := x.sample(registry.OutcomePass, x.ago(180), registry.StageProduction)
	again.CaseID, again.Purpose = name, registry.PurposeTargeted
	x.clean(70)
}

func scriptObjection(x *dossier) {
	x.clean(940, 730, 560, 410, 280, 130, 80)
	r := x.failed(14, registry.SeverityMajor, "耐久性", "case-"+x.nextNumber())
	r.State, r.ProvisionalUntil = registry.StateProvisional, x.city.today+12
}

func scriptRectified(x *dossier) {
	x.clean(960, 770, 590, 400)
	name := "case-" + x.nextNumber()
	x.correct(*x.failed(300, registry.SeverityMajor, "拉伸强度", name), x.ago(240)).RectifiedOn = x.ago(240)
	again := x.sample(registry.OutcomePass, x.ago(240), registry.StageProduction)
	again.CaseID, again.Purpose = name, registry.PurposeTargeted
	x.clean(150, 90)
}

func scriptModel(x *dossier) {
	x.size, x.e.Size = 1, registry.SizeMedium
	x.e.Certificates = []registry.Permit{{Number: "YYQMS-" + x.nextNumber(), Scheme: "ISO 9001", ValidFrom: x.ago(400), ValidUntil: x.ago(400) + certificateDays}}
	x.capable(4, 200)
	for i := range 9 {
		x.clean(30+i*115, 80+i*110)
	}
	x.selfReports()
}

func scriptRefusal(x *dossier) {
	x.clean(970, 780, 600, 430, 270, 140)
	x.visit(registry.OutcomeRefused, x.ago(21))
}
