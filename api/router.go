package api

import (
	"net/http"
	"slices"
	"strings"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// Route is one line of the table of contents.
type Route struct {
	Method, Path string
	Rule         access.Rule
	handle       gin.HandlerFunc
}

// table lists every route of the program. A GET answers HEAD too. docs/security.md says the same in words, and what each shows.
//
// Beside its rule each route bounds what it shows (server.sight): staff by the regions where they hold a role of the rule, people of an
// enterprise by their own enterprise. Who names an enterprise or a code in the address is bounded before the handler runs (server.bounded).
func (s *server) table() []Route {
	return slices.Concat(s.publicRoutes(), s.registerRoutes(), s.accountRoutes(), s.changeRoutes(), s.auditRoutes(), s.recordRoutes(), s.recourseRoutes(), s.listingRoutes())
}

// publicRoutes are for everybody: verifying, and signing in.
func (s *server) publicRoutes() []Route {
	const get, post, options = http.MethodGet, http.MethodPost, http.MethodOptions
	public := access.Rule{Public: true}
	return []Route{
		{get, "/v/:code", public, s.scanned},
		{get, "/.well-known/jwks.json", public, s.jwks},
		{get, "/.well-known/root.json", public, s.root},
		{get, "/lists", public, s.listsNamed},
		{get, "/lists/status/:n", public, s.statusList},
		{get, "/lists/grade/:n", public, s.gradeList},
		{get, "/bundle", public, s.bundle},
		{options, "/.well-known/root.json", public, s.preflight},
		{options, "/lists", public, s.preflight},
		{options, "/lists/status/:n", public, s.preflight},
		{options, "/lists/grade/:n", public, s.preflight},
		{options, "/bundle", public, s.preflight},
		{get, verifyPath, public, s.verifyQueried},
		{post, verifyPath, public, s.verifyPosted},
		{get, checkerPath, public, s.verifyPage},
		{get, checkerWorker, public, s.verifyWorker},
		{get, "/static/:hash/:name", public, s.static},
		{get, "/login", public, s.signInPage},
		{post, "/login", public, s.signIn},
		{post, "/logout", public, s.signOut},
		{get, "/login/oidc", public, s.oidcLeave},
		{get, "/login/oidc/callback", public, s.oidcReturn},
		{get, "/openapi.json", public, s.openAPI},
		{get, "/docs", public, s.docsPage},
		{get, "/healthz", public, s.healthz},
		{get, "/readyz", public, s.readyz},
	}
}

// registerRoutes are about enterprises, regions, codes and models.
func (s *server) registerRoutes() []Route {
	const get, post = http.MethodGet, http.MethodPost
	reader := access.Rule{Roles: []access.Role{access.Reader}}
	own := access.Rule{Roles: []access.Role{access.Reader}, Enterprise: true}
	comments := access.Rule{Roles: []access.Role{access.Modeller}, Enterprise: true}
	supervisor := access.Rule{Roles: []access.Role{access.Supervisor}}
	modeller := access.Rule{Roles: []access.Role{access.Modeller, access.Approver}, Everywhere: true}
	return []Route{
		{get, "/", reader, s.home},
		{get, "/enterprises/:uscc", own, s.enterprisePage},
		{get, "/enterprises/:uscc/sign", own, s.signPage},
		{post, "/enterprises/:uscc/comments", comments, s.commentPosted},
		{get, "/regions", reader, s.regionsPage},
		{get, "/regions/:code", reader, s.regionsPage},
		{get, "/api/v1/enterprises", reader, s.enterprises},
		{get, "/api/v1/enterprises/:uscc", own, s.enterprise},
		{get, "/api/v1/enterprises/:uscc/code.svg", own, s.codeSVG},
		{get, "/api/v1/enterprises/:uscc/code.png", own, s.codePNG},
		{post, batchPath, access.Rule{Roles: reader.Roles, Scopes: []access.Scope{access.ScopeVerify}}, s.verifyBatch},
		{get, "/api/v1/enterprises/:uscc/looks", own, s.looksListed},
		{post, "/api/v1/enterprises/:uscc/tickets", access.Rule{Roles: supervisor.Roles, Enterprise: true}, s.ticketAdded},
		{get, "/api/v1/enterprises/:uscc/tickets", own, s.ticketsListed},
		{http.MethodDelete, "/api/v1/enterprises/:uscc/tickets/:id", access.Rule{Roles: supervisor.Roles, Enterprise: true}, s.ticketWithdrawn},
		{post, "/enterprises/:uscc/tickets", access.Rule{Roles: supervisor.Roles, Enterprise: true}, s.ticketFormMade},
		{post, "/enterprises/:uscc/tickets/:id/withdraw", access.Rule{Roles: supervisor.Roles, Enterprise: true}, s.ticketFormWithdrawn},
		{get, "/api/v1/enterprises/:uscc/screen", own, s.screenCode},
		{get, "/enterprises/:uscc/screen", own, s.screenPage},
		{get, "/api/v1/codes", reader, s.codesListed},
		{get, "/api/v1/codes/:idx", reader, s.codeShown},
		{post, "/api/v1/codes/:idx/suspend", supervisor, s.codeStepped(schema.StepSuspend)},
		{post, "/api/v1/codes/:idx/resume", supervisor, s.codeStepped(schema.StepResume)},
		{post, "/api/v1/codes/:idx/revoke", supervisor, s.codeStepped(schema.StepRevoke)},
		{post, "/api/v1/codes/:idx/supersede", supervisor, s.codeStepped(schema.StepSupersede)},
		{post, "/api/v1/codes/:idx/renew", supervisor, s.codeStepped(schema.StepRenew)},
		{get, "/api/v1/signals", reader, s.signalsListed},
		{get, "/api/v1/regions", reader, s.regions},
		{get, "/api/v1/regions/:code", reader, s.region},
		{get, "/api/v1/products", reader, s.products},
		{get, "/api/v1/products/:code", reader, s.product},
		{get, "/api/v1/runs", reader, s.runs},
		{get, "/api/v1/models", reader, s.modelsListed},
		{get, "/api/v1/models/:code/:version", reader, s.modelShown},
		{get, "/api/v1/models/:code/:version/diff", reader, s.modelDiffed},
		{get, "/api/v1/enterprises/:uscc/preview", own, s.preview},
		{get, "/api/v1/enterprises/:uscc/preview/comments", comments, s.comments},
		{post, "/api/v1/enterprises/:uscc/preview/comments", comments, s.comment},
		{post, "/api/v1/simulations", modeller, s.simulate},
	}
}

// accountRoutes are about people and partners. Who gives rights could give any, so an admin is one of the whole register.
func (s *server) accountRoutes() []Route {
	const get, post = http.MethodGet, http.MethodPost
	signedIn := access.Rule{SignedIn: true}
	admin := access.Rule{Roles: []access.Role{access.Admin}, Everywhere: true}
	return []Route{
		{get, "/account", signedIn, s.accountPage},
		{post, "/account/sessions", signedIn, s.sessionEnded},
		{post, "/account/password", signedIn, s.passwordChanged},
		{post, "/account/second-factor", signedIn, s.secondFactor},
		{post, "/account/second-factor/off", signedIn, s.secondFactorOff},
		{post, "/account/recovery", signedIn, s.recoveryRenewed},

		{get, "/api/v1/accounts", admin, s.accountsListed},
		{post, "/api/v1/accounts", admin, s.accountAdded},
		{get, "/api/v1/accounts/:login", admin, s.accountShown},
		{post, "/api/v1/accounts/:login/rights", admin, s.accountChanged(s.giveRights)},
		{post, "/api/v1/accounts/:login/password", admin, s.accountChanged(s.givePassword)},
		{post, "/api/v1/accounts/:login/totp-reset", admin, s.accountChanged(s.takeSecondFactor)},
		{post, "/api/v1/accounts/:login/disable", admin, s.accountChanged(s.disable)},
		{get, "/api/v1/partners", admin, s.partnersListed},
		{post, "/api/v1/partners", admin, s.partnerAdded},
		{get, "/api/v1/partners/:id", admin, s.partnerShown},
		{post, "/api/v1/partners/:id/disable", admin, s.partnerDisabled},
		{get, "/api/v1/partners/:id/keys", admin, s.partnerKeysListed},
		{post, "/api/v1/partners/:id/keys", admin, s.partnerKeyAdded},
		{post, "/api/v1/partners/:id/keys/:prefix/rotate", admin, s.partnerKeyRotated},
		{post, "/api/v1/partners/:id/keys/:prefix/revoke", admin, s.partnerKeyRevoked},
	}
}

// changeRoutes lists the routes of what partners are told.
func (s *server) changeRoutes() []Route {
	get, post := http.MethodGet, http.MethodPost
	feed := access.Rule{Roles: []access.Role{access.Reader}, Scopes: []access.Scope{access.ScopeChanges}}
	hooks := access.Rule{Roles: []access.Role{access.Admin}, Everywhere: true, Scopes: []access.Scope{access.ScopeChanges}}
	return []Route{
		{get, "/api/v1/changes", feed, s.changes},
		{get, "/api/v1/webhooks", hooks, s.webhooksListed},
		{post, "/api/v1/webhooks", hooks, s.webhookAdded},
		{get, "/api/v1/webhooks/:id", hooks, s.webhookShown},
		{http.MethodDelete, "/api/v1/webhooks/:id", hooks, s.webhookDeleted},
		{post, "/api/v1/webhooks/:id/rotate", hooks, s.webhookRotated},
		{post, "/api/v1/webhooks/:id/enable", hooks, s.webhookEnabled},
		{post, "/api/v1/webhooks/:id/redeliver", hooks, s.webhookRedelivered},
		{get, "/api/v1/webhooks/:id/deliveries", hooks, s.deliveriesListed},
	}
}

func (s *server) routes(e *gin.Engine) {
	for _, route := range s.table() {
		handlers := append([]gin.HandlerFunc{s.admit(route.Rule)}, s.bounded(&route)...)
		if s.keepsAnswers(&route) {
			handlers = append(handlers, s.idempotent)
		}
		handlers = slices.Concat(handlers, s.described(&route), []gin.HandlerFunc{route.handle})
		if !route.Rule.Public || !strings.HasPrefix(route.Path, "/api/") { // anybody's page may verify a code
			handlers = append([]gin.HandlerFunc{s.sameOrigin}, handlers...)
		}
		e.Handle(route.Method, route.Path, handlers...)
		if route.Method == http.MethodGet {
			e.Handle(http.MethodHead, route.Path, handlers...)
		}
	}
}
