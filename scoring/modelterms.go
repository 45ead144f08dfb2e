package scoring

// term is a word in both languages; English keeps the names that models and records use.
type term struct{ zh, en string }

// unit says how a number is written: shifted by so many digits, with its unit behind.
type unit struct {
	digits int
	zh, en string
}

// modelUnits are found by the parts of a path, the last that has one.
var modelUnits = map[string]unit{
	"weight_milli":          {1, " %", " %"},
	"factors_milli":         {1, " %", " %"},
	"mu_ppm":                {4, " %", " %"},
	"k_milli":               {3, " 次检查", " checks"},
	"quiet_milli":           {3, " 次检查", " checks"},
	"cap_milli":             {3, " 次检查", " checks"},
	"bad_milli":             {3, " 次检查", " checks"},
	"good_milli":            {3, " 次检查", " checks"},
	"bad_at_most_milli":     {3, " 次检查", " checks"},
	"evidence_levels_milli": {3, " 次检查", " checks"},
	"index_from":            {2, " 分", " points"},
	"share_milli":           {1, " %", " %"},
	"factor_milli":          {1, " %", " %"},
	"at_least_clean_milli":  {3, " 次检查", " checks"},
	"base_ppm":              {4, " %", " %"},
	"licence_needed_ppm":    {4, " %", " %"},
	"users_ppm":             {4, " %", " %"},
	"attention_ppm":         {4, " %", " %"},
	"higher_from_ppm":       {4, " %", " %"},
	"high_from_ppm":         {4, " %", " %"},
	"margin":                {2, " 分", " points"},
	"window_days":           {0, " 天", " days"},
	"half_life_days":        {0, " 天", " days"},
	"cycle_days":            {0, " 天", " days"},
}

// modelTerms are the words for the parts of a model's paths and for its values. A part without a word of its own in a line ("groups")
// has an empty one.
var modelTerms = map[string]term{
	"code": {"模型代码", "code"}, "title": {"名称", "title"}, "zh-CN": {"中文", "zh-CN"}, "en": {"英文", "en"},
	"window_days": {"计算期", "window"}, "half_life_days": {"半衰期", "half-life"},
	"dimensions": {"", ""}, "evidence": {"证据", "evidence"}, "dimension": {"所属维度", "dimension"}, "visit": {"每次检查", "visit"},
	"weight_milli": {"权重", "weight"}, "quiet_milli": {"每 30 天无不良记录", "quiet block"}, "cap_milli": {"每月上限", "monthly cap"},
	"kind": {"记录种类", "kind"}, "outcome": {"结果", "outcome"}, "severity": {"严重程度", "severity"}, "counts_as": {"视同", "counts as"},
	"bad_milli": {"不良证据", "bad mass"}, "good_milli": {"良好证据", "good mass"}, "bad_at_most_milli": {"不良证据上限", "bad mass at most"},
	"capability_items": {"能力项目", "capability item"}, "listed": {"列入", "listed"},
	"factors_milli": {"系数", "factor"}, "purpose": {"目的", "purpose"}, "stage": {"环节", "stage"}, "random": {"随机", "random"},
	"targeted": {"专项", "targeted"}, "production": {"生产", "production"}, "shop": {"销售", "shop"}, "online": {"网售", "online"},
	"rectified": {"已整改", "rectified"}, "repaired": {"已修复", "repaired"},
	"peers": {"同行", "peers"}, "group_by": {"分组依据", "grouped by"}, "risk": {"产品风险", "product risk"}, "groups": {"", ""},
	"general": {"一般风险", "general risk"}, "higher": {"较高风险", "higher risk"}, "high": {"高风险", "high risk"},
	"mu_ppm": {"平均损失", "mean loss"}, "k_milli": {"可信度 k", "k"},
	"evidence_levels_milli": {"证据充分程度", "evidence level"}, "low": {"较少", "low"}, "fair": {"尚可", "fair"}, "strong": {"充分", "strong"},
	"tiers": {"信用等级", "tier"}, "tier": {"等级", "tier"}, "index_from": {"最低指数", "index from"}, "gates": {"门槛", "gate"},
	"fact": {"情形", "fact"}, "operator": {"比较", "operator"}, "value": {"值", "value"}, "matrix": {"色级矩阵", "colour matrix"},
	"vetoes": {"一票否决", "veto"}, "colour": {"色级", "colour"},
	"region_colour": {"区域色级", "region colour"}, "rules": {"规则", "rule"}, "of": {"计入色级", "of"}, "otherwise": {"其他情形", "otherwise"},
	"share_milli": {"占比", "share"}, "at_least": {"至少企业数", "at least"}, "at_least_enterprises": {"最少企业数", "at least enterprises"},
	"product_risk": {"产品风险计算", "product risk"}, "kinds": {"记录种类", "kind"}, "factor_milli": {"系数", "factor"}, "prior": {"先验", "prior"},
	"base_ppm": {"基础损失", "base"}, "licence_needed_ppm": {"许可证产品加值", "licence needed"}, "users_ppm": {"使用对象", "users"},
	"attention_ppm": {"社会关注度", "attention"}, "at_least_clean_milli": {"最少良好证据", "clean evidence at least"},
	"higher_from_ppm": {"较高风险起点", "higher from"}, "high_from_ppm": {"高风险起点", "high from"}, "children": {"儿童", "children"},
	"elderly": {"老年人", "elderly"}, "patients": {"病人", "patients"}, "professional": {"专业人员", "professional"}, "normal": {"一般", "normal"},
	"movement": {"升降", "movement"}, "cycle_days": {"周期", "cycle"}, "margin": {"升级余量", "margin"},
	"AA": {"AA 级", "AA"}, "A": {"A 级", "A"}, "B": {"B 级", "B"}, "C": {"C 级", "C"}, "NEW": {"证据不足", "NEW"},
	"green": {"绿", "green"}, "blue": {"蓝", "blue"}, "yellow": {"黄", "yellow"}, "red": {"红", "red"},
	"none": {"无问题", "none"}, "minor": {"轻微", "minor"}, "major": {"较重", "major"}, "critical": {"严重", "critical"},
	">=": {"≥", ">="}, "<=": {"≤", "<="}, ">": {">", ">"}, "<": {"<", "<"}, "=": {"=", "="},

	"spot_check": {"监督抽查", "spot_check"}, "inspection": {"日常检查", "inspection"}, "complaint": {"投诉举报", "complaint"},
	"compliance": {"守法合规", "compliance"}, "capability": {"质量保证能力", "capability"}, "penalty": {"行政处罚", "penalty"},
	"incident": {"伤害事故", "incident"}, "recall": {"召回", "recall"}, "licence": {"生产许可证", "licence"},
	"certification": {"认证", "certification"}, "self_inspection": {"自查报告", "self_inspection"}, "commitment": {"质量承诺", "commitment"},
	"award": {"质量奖励", "award"}, "risk_signal": {"风险监测", "risk_signal"}, "external_credit": {"外部信用", "external_credit"},
	"qms": {"质量管理体系", "qms"}, "traceability": {"质量追溯", "traceability"}, "capability_assessment": {"能力评估", "capability_assessment"},

	"pass": {"合格", "pass"}, "fail": {"不合格", "fail"}, "refused": {"拒绝检查", "refused"}, "done": {"已检查", "done"},
	"substantiated": {"属实", "substantiated"}, "unsubstantiated": {"不属实", "unsubstantiated"}, "pending": {"待查", "pending"},
	"imposed": {"已处罚", "imposed"}, "confirmed": {"已确认", "confirmed"}, "suspected": {"疑似", "suspected"},
	"own_initiative": {"主动召回", "own_initiative"}, "ordered": {"责令召回", "ordered"}, "granted": {"授予", "granted"},
	"renewed": {"换证", "renewed"}, "relocated": {"迁址", "relocated"}, "extended": {"增项", "extended"}, "changed": {"变更", "changed"},
	"replaced": {"补领", "replaced"}, "revoked": {"吊销", "revoked"}, "withdrawn": {"撤回", "withdrawn"}, "cancelled": {"注销", "cancelled"},
	"suspended": {"暂停", "suspended"}, "lapsed": {"到期失效", "lapsed"}, "held": {"具备", "held"}, "missing": {"缺少", "missing"},
	"on_time": {"按时", "on_time"}, "late": {"逾期", "late"}, "made": {"作出", "made"}, "kept": {"兑现", "kept"}, "broken": {"违背", "broken"},
	"raised": {"发出", "raised"}, "cleared": {"解除", "cleared"}, "class_a": {"A 类", "class_a"}, "class_b": {"B 类", "class_b"},
	"class_c": {"C 类", "class_c"}, "class_d": {"D 类", "class_d"}, "delisted": {"移出名单", "delisted"},

	"evidence_level": {"证据充分程度", "evidence_level"}, "capability_items_not_held": {"缺少的能力项目数", "capability_items_not_held"},
	"days_since_worse_than_minor": {"距上次较重或严重问题天数", "days_since_worse_than_minor"},
	"days_since_worse_than_major": {"距上次严重问题天数", "days_since_worse_than_major"},
	"licences_revoked":            {"许可证被吊销", "licences_revoked"}, "serious_violation_listed": {"列入严重违法失信名单", "serious_violation_listed"},
	"critical_failures_not_rectified": {"严重不合格未整改", "critical_failures_not_rectified"}, "checks_refused": {"拒绝检查次数", "checks_refused"},
	"major_failures_overdue": {"较重不合格整改逾期", "major_failures_overdue"}, "index_while_new": {"证据不足时的指数", "index_while_new"},
}
