package api

import (
	"net/http"

	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// Access says who may call a route.
type Access string

// The accesses. Until people can sign in, everything that is not public is for the machine itself only.
const (
	Public        Access = "public"
	LoopbackStaff Access = "loopback staff"
)

// Route is one line of the table of contents.
type Route struct {
	Method, Path string
	Access       Access
	handle       gin.HandlerFunc
}

// table lists every route of the program. A GET answers HEAD too.
//
//	public          what anyone may know: is this code real, with which keys is it signed, does the service live
//	loopback staff  the register with its grades: later for people who have signed in, now for this machine only
func (s *server) table() []Route {
	get, post, options := http.MethodGet, http.MethodPost, http.MethodOptions
	return []Route{
		{get, "/v/:code", Public, s.scanned},
		{get, "/.well-known/jwks.json", Public, s.jwks},
		{get, "/.well-known/root.json", Public, s.root},
		{get, "/lists", Public, s.listsNamed},
		{get, "/lists/status/:n", Public, s.statusList},
		{get, "/lists/grade/:n", Public, s.gradeList},
		{get, "/bundle", Public, s.bundle},
		{options, "/.well-known/root.json", Public, s.preflight},
		{options, "/lists", Public, s.preflight},
		{options, "/lists/status/:n", Public, s.preflight},
		{options, "/lists/grade/:n", Public, s.preflight},
		{options, "/bundle", Public, s.preflight},
		{get, "/api/v1/verify", Public, s.verifyQueried},
		{post, "/api/v1/verify", Public, s.verifyPosted},
		{get, checkerPath, Public, s.verifyPage},
		{get, checkerWorker, Public, s.verifyWorker},
		{get, "/static/:hash/:name", Public, s.static},
		{get, "/healthz", Public, s.healthz},
		{get, "/readyz", Public, s.readyz},

		{get, "/", LoopbackStaff, s.home},
		{get, "/enterprises/:uscc", LoopbackStaff, s.enterprisePage},
		{get, "/regions", LoopbackStaff, s.regionsPage},
		{get, "/regions/:code", LoopbackStaff, s.regionsPage},
		{get, "/api/v1/enterprises", LoopbackStaff, s.enterprises},
		{get, "/api/v1/enterprises/:uscc", LoopbackStaff, s.enterprise},
		{get, "/api/v1/enterprises/:uscc/code.svg", LoopbackStaff, s.codeSVG},
		{get, "/api/v1/enterprises/:uscc/code.png", LoopbackStaff, s.codePNG},
		{get, "/api/v1/enterprises/:uscc/screen", LoopbackStaff, s.screenCode},
		{get, "/enterprises/:uscc/screen", LoopbackStaff, s.screenPage},
		{get, "/api/v1/codes", LoopbackStaff, s.codesListed},
		{get, "/api/v1/codes/:idx", LoopbackStaff, s.codeShown},
		{post, "/api/v1/codes/:idx/suspend", LoopbackStaff, s.codeStepped(schema.StepSuspend)},
		{post, "/api/v1/codes/:idx/resume", LoopbackStaff, s.codeStepped(schema.StepResume)},
		{post, "/api/v1/codes/:idx/revoke", LoopbackStaff, s.codeStepped(schema.StepRevoke)},
		{post, "/api/v1/codes/:idx/supersede", LoopbackStaff, s.codeStepped(schema.StepSupersede)},
		{post, "/api/v1/codes/:idx/renew", LoopbackStaff, s.codeStepped(schema.StepRenew)},
		{get, "/api/v1/signals", LoopbackStaff, s.signalsListed},
		{get, "/api/v1/regions", LoopbackStaff, s.regions},
		{get, "/api/v1/regions/:code", LoopbackStaff, s.region},
		{get, "/api/v1/products", LoopbackStaff, s.products},
		{get, "/api/v1/products/:code", LoopbackStaff, s.product},
		{get, "/api/v1/runs", LoopbackStaff, s.runs},
		{get, "/api/v1/models", LoopbackStaff, s.modelsListed},
		{get, "/api/v1/models/:code/:version", LoopbackStaff, s.modelShown},
		{get, "/api/v1/models/:code/:version/diff", LoopbackStaff, s.modelDiffed},
		{get, "/api/v1/enterprises/:uscc/preview", LoopbackStaff, s.preview},
		{post, "/api/v1/simulations", LoopbackStaff, s.simulate},
	}
}

func (s *server) routes(e *gin.Engine) {
	for _, route := range s.table() {
		handlers := []gin.HandlerFunc{route.handle}
		if route.Access != Public {
			handlers = []gin.HandlerFunc{s.localOnly, route.handle}
		}
		e.Handle(route.Method, route.Path, handlers...)
		if route.Method == http.MethodGet {
			e.Handle(http.MethodHead, route.Path, handlers...)
		}
	}
}
