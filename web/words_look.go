package web

// lookWords are the texts about who looked at an enterprise.
var lookWords = map[string]Phrase{
	"looks.title":      {"谁查看过", "Who looked"},
	"looks.text":       {"合作单位每次通过本码或授权票得到答复，都会记录在此。", "Each answer that a partner got for a code or a ticket is kept here."},
	"looks.none":       {"还没有合作单位查看过。", "No partner has looked yet."},
	"looks.at":         {"时间", "When"},
	"looks.partner":    {"单位", "Partner"},
	"looks.purpose":    {"用途", "Purpose"},
	"looks.means":      {"凭据", "By"},
	"looks.count":      {"次数", "Times"},
	"tickets.title":    {"授权票", "Tickets"},
	"tickets.text":     {"持授权票的合作单位可为一种用途查看本企业一次。授权票只显示一次，未使用前可以撤回。", "With a ticket a partner may look once, for one purpose. It is shown once, and can be withdrawn until it is used."},
	"tickets.made":     {"新的授权票，只在此显示一次：", "The new ticket. It is shown here and never again:"},
	"tickets.make":     {"开具", "Make a ticket"},
	"tickets.withdraw": {"撤回", "Withdraw"},
	"tickets.partner":  {"合作单位名称（不填：任一单位）", "Name of the partner (nothing: any)"},
	"tickets.any":      {"任一单位", "any"},
	"tickets.days":     {"有效天数", "Valid for days"},
	"tickets.id":       {"编号", "Number"},
	"tickets.made_at":  {"开具时间", "Made"},
	"tickets.state":    {"状态", "State"},
	"tickets.until":    {"有效至 %s", "until %s"},
	"tickets.none":     {"没有授权票。", "There are no tickets."},

	"looks.more": {"这里显示最近 %d 条；全部记录：", "These are the last %d. All of them:"},
}
