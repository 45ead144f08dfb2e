package exchange

// Kind of things a file may hold.
const (
	kindEnterprises = "enterprises"
	kindProducts    = "products"
	kindRegions     = "regions"
	kindRecords     = "records"
)

// headings are the Chinese headings that stand for a column, per kind of file. Only the exact word counts; everything else is the
// business of a mapping file. docs/examples/README.md lists them.
var headings = map[string]map[string]string{
	kindEnterprises: {
		"统一社会信用代码": "uscc", "企业名称": "name", "单位名称": "name", "企业规模": "size", "经营状态": "status", "行政区划代码": "region_code",
		"行业代码": "industry_code", "地址": "address", "经度": "longitude", "纬度": "latitude", "成立日期": "registered_on", "产品代码": "product_codes",
		"许可证编号": "licence_number", "许可证发证日期": "licence_valid_from", "许可证有效期至": "licence_valid_until",
	},
	kindProducts: {
		"产品代码": "code", "产品类别": "group", "产品名称": "name", "风险等级": "risk", "是否许可": "licence_needed", "执行标准": "standards",
		"使用对象": "users", "社会关注度": "attention", "风险等级理由": "risk_reason",
	},
	kindRegions: {"行政区划代码": "code", "名称": "name"},
	kindRecords: {
		"统一社会信用代码": "uscc", "数据来源": "source", "编号": "source_ref", "记录类型": "kind", "结论": "outcome", "检验结论": "outcome", "严重程度": "severity",
		"发生日期": "occurred_on", "抽查日期": "occurred_on", "检查日期": "occurred_on", "产品代码": "product_code", "环节": "stage", "案件编号": "case_id",
		"整改期限": "rectify_by", "复查合格日期": "rectified_on", "抽样单位": "sampler", "检验机构": "tester", "检查人员": "inspectors", "投诉人": "complainant",
	},
}

// words are the Chinese words that stand for a value, per column.
var words = map[string]map[string]string{
	"size":      {"大型": "large", "中型": "medium", "小型": "small", "微型": "micro"},
	"status":    {"在营": "operating", "存续": "operating", "停业": "suspended", "歇业": "suspended", "注销": "closed", "吊销": "closed"},
	"risk":      {"一般风险": "general", "较高风险": "higher", "高风险": "high"},
	"users":     {"一般公众": "general", "儿童": "children", "老年人": "elderly", "病患": "patients", "专业人员": "professional"},
	"attention": {"低": "low", "一般": "normal", "高": "high"},
	"kind": {
		"监督抽查": "spot_check", "日常巡查": "inspection", "专项检查": "inspection", "投诉举报": "complaint", "行政处罚": "penalty", "伤害事故": "incident", "召回": "recall",
		"生产许可证": "licence", "认证": "certification", "自查报告": "self_inspection", "质量承诺": "commitment", "表彰": "award",
		"风险监测": "risk_signal", "外部信用": "external_credit",
	},
	"outcome":          {"合格": "pass", "不合格": "fail", "拒检": "refused", "已检查": "done", "属实": "substantiated", "不属实": "unsubstantiated"},
	"severity":         {"轻微": "minor", "一般": "major", "较重": "major", "严重": "critical"},
	"finding_severity": {"轻微": "minor", "一般": "major", "较重": "major", "严重": "critical"},
	"stage":            {"生产": "production", "流通": "shop", "线上": "online", "网络": "online"},
	"purpose":          {"随机": "random", "双随机": "random", "专项": "targeted"},
	"state":            {"异议期": "provisional", "生效": "final", "作废": "voided", "已修复": "repaired"},
	"sanction": {"警告": "warning", "通报批评": "criticism", "罚款": "fine", "没收": "confiscation", "责令停产停业": "suspension", "停产停业": "suspension",
		"限制开展生产经营活动": "restriction", "降低资质等级": "downgrade", "吊销": "revocation", "吊销许可证件": "revocation"},
}

func init() {
	for _, item := range capabilityItems {
		words["capability_"+item] = map[string]string{"具备": "held", "缺失": "missing", "有": "held", "无": "missing"}
	}
}

// truth are the words for yes and no.
var truth = map[string]bool{
	"true": true, "TRUE": true, "1": true, "yes": true, "是": true,
	"false": false, "FALSE": false, "0": false, "no": false, "否": false,
}
