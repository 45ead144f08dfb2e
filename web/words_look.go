package web

// lookWords are the texts about who looked at an enterprise.
var lookWords = map[string]Phrase{
	"looks.title":   {"谁查看过", "Who looked"},
	"looks.text":    {"合作单位每次通过本码或授权票得到答复，都会记录在此。", "Each answer that a partner got for a code or a ticket is kept here."},
	"looks.none":    {"还没有合作单位查看过。", "No partner has looked yet."},
	"looks.at":      {"时间", "When"},
	"looks.partner": {"单位", "Partner"},
	"looks.purpose": {"用途", "Purpose"},
	"looks.means":   {"凭据", "By"},
	"looks.count":   {"次数", "Times"},
	"looks.more":    {"这里显示最近 %d 条；全部记录：", "These are the last %d. All of them:"},
}
