package web

// signInWords are the texts of signing in and of one's own account.
var signInWords = map[string]Phrase{
	"sign_in.title":    {"登录", "Sign in"},
	"sign_in.intro":    {"供监管人员、企业和检验机构使用。核验健康码无需登录。", "For regulators, enterprises and agencies. Verifying a code needs no account."},
	"sign_in.login":    {"登录名", "Login name"},
	"sign_in.password": {"密码", "Password"},
	"sign_in.code":     {"动态验证码", "Code of the second factor"},
	"sign_in.code_is":  {"身份验证器应用显示的 6 位数字", "The 6 digits that your authenticator shows"},
	"sign_in.submit":   {"登录", "Sign in"},
	"sign_in.out":      {"退出登录", "Sign out"},
	"sign_in.as":       {"当前账号：%s", "Signed in as %s"},
	"sign_in.demo":     {"演示账号", "Accounts of this demo"},
	"sign_in.demo_is":  {"数据均为虚构，点击即可登录。", "All data are invented. One click signs in."},
}
