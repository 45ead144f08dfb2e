package web

import "net/url"

// SignInPage asks for name and password, then for the code of the second factor.
type SignInPage struct {
	Page
	Next         string // where to go afterwards, a path of this site
	Code         bool   // the password was right: now the code
	Problem      string // the stable code of what was wrong, empty at first
	DemoAccounts []DemoAccount
	Elsewhere    bool // one can sign in with an OpenID provider too
}

// DemoAccount is an account of the invented city that one click signs in to.
type DemoAccount struct {
	Login string
	Title Phrase
}

// ElsewherePath is where signing in with the provider begins.
func (p SignInPage) ElsewherePath() string {
	return p.Link("/login/oidc?next=" + url.QueryEscape(p.Next))
}

// Problems says what was wrong, in the page's language.
func (p SignInPage) Problems() string { return p.Term("problem", p.Problem) }
