package web

// commonWords are the texts that every page has.
var commonWords = map[string]Phrase{
	"app.name":       {"产品质量安全健康码", "Product Quality Safety Code"},
	"app.skip":       {"跳到正文", "Skip to content"},
	"app.language":   {"English", "中文"},
	"app.navigation": {"导航", "Navigation"},
	"app.footer":     {"评分方法公开，任何人都可以用导出的数据重新计算。", "The method is public: anyone can recompute a grade from the exported data."},
	"demo.banner":    {"示例数据：企业为虚构", "Invented sample data: these enterprises do not exist"},
	"demo.notice":    {"提示", "Notice"},
	"time.zone":      {"北京时间", "Beijing time"},
	"none":           {"无", "none"},
}
