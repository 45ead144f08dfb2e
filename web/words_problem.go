package web

// problemWords are the titles and advice of problems, by their stable code. Package api writes the same titles into JSON.
var problemWords = map[string]Phrase{
	"problem.page":                   {"出了问题", "Something went wrong"},
	"problem.request_id":             {"请求编号", "Request id"},
	"problem.back":                   {"回到首页", "Back to the start"},
	"problem.malformed_code":         {"无法识别的码", "Not readable as a code"},
	"problem.unknown_key":            {"不是本系统签发的码", "Not a code of ours"},
	"problem.unknown_enterprise":     {"查无此企业", "No such enterprise"},
	"problem.unknown_region":         {"查无此区域", "No such region"},
	"problem.unknown_product":        {"查无此产品", "No such product"},
	"problem.not_known_then":         {"那时还没有该企业的资料", "Nothing was known of this enterprise at that moment"},
	"problem.no_model":               {"还没有评分模型", "There is no scoring model yet"},
	"problem.invalid_model":          {"评分模型有误", "The scoring model is wrong"},
	"problem.no_code":                {"该企业还没有码", "This enterprise has no code yet"},
	"problem.no_preview":             {"该模型不在预览期内", "This model is not open for preview"},
	"problem.not_found":              {"没有这个页面", "There is nothing at this address"},
	"problem.method_not_allowed":     {"此地址不支持该方法", "This address does not take that method"},
	"problem.not_local":              {"此地址只供本机使用", "This address is for the machine itself only"},
	"problem.client_gone":            {"请求已取消", "The request was given up"},
	"problem.invalid_field":          {"字段有误", "A field is wrong"},
	"problem.body_too_large":         {"请求内容过大", "The request body is too large"},
	"problem.unsupported_media_type": {"请求内容不是 JSON", "The request body is not JSON"},
	"problem.timeout":                {"处理超时，请稍后再试", "It took too long; please try again"},
	"problem.unavailable":            {"暂时不可用，请稍后再试", "Not available for the moment; please try again"},
	"problem.internal":               {"系统出错，已记录，请稍后再试", "Something failed here. It has been recorded; please try again"},
}
