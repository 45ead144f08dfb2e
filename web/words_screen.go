package web

// screenWords are the texts of the page that an enterprise shows its code on.
var screenWords = map[string]Phrase{
	"screen.title":          {"亮码", "Show the code"},
	"screen.alt":            {"%s 的健康码", "Health code of %s"},
	"screen.left":           {"本码剩余", "This code lives for another"},
	"screen.seconds":        {"秒", "seconds"},
	"screen.renews":         {"本页每 %d 秒自动更新，截图无效。", "This page renews itself every %d seconds. A picture of it is of no use."},
	"screen.offline":        {"无法连接，本码已过期。连接恢复后会自动更新。", "No connection, and this code has ended. The next one comes by itself once there is a connection."},
	"screen.issued":         {"签发于", "Issued"},
	"screen.stop.suspended": {"亮码已暂停", "Screen codes are suspended"},
	"screen.text.suspended": {"该企业的屏幕码目前暂停使用，因此不显示。恢复后本页会自动显示。", "The screen codes of this enterprise are suspended, so none is shown. Once they are resumed this page shows them by itself."},
	"screen.stop.revoked":   {"亮码已撤销", "Screen codes are revoked"},
	"screen.text.revoked":   {"该企业的屏幕码已被撤销，因此不显示。请向当地市场监管部门了解情况（12315）。", "The screen codes of this enterprise are revoked, so none is shown. Ask the local market supervision office (12315)."},
	"screen.back":           {"企业页面", "Page of the enterprise"},
}

// codeWords are the texts about codes in the console.
var codeWords = map[string]Phrase{
	"codes.title":   {"签发过的码", "Codes that were issued"},
	"codes.code":    {"码", "Code"},
	"codes.number":  {"编号 %d", "number %d"},
	"codes.state":   {"状态", "State"},
	"codes.history": {"经过", "History"},
	"codes.scans":   {"近七天扫描", "Scans in seven days"},
	"codes.no_end":  {"每次 180 秒", "180 seconds each"},
	"signal.title":  {"可能被复制的码", "Codes that may have been copied"},
	"signal.text":   {"这些印刷码在一天之内于许多不同的地方被扫描。只记录粗略的地区编号，不记录是谁扫描的。", "These printed codes were scanned in many different places within a day. Only coarse areas are recorded, never who scanned."},
	"signal.counts": {"%d 个地区，%d 次扫描（通常不超过 %d 个地区）", "%d areas, %d scans (ordinary are up to %d areas)"},
	"signal.of":     {"编号 %d 的印刷码可能被复制：%s", "Printed code %d may have been copied: %s,"},
}
