package api

import (
	"net/http"

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
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, "/v/:code", Public, s.scanned},
		{get, "/.well-known/jwks.json", Public, s.jwks},
		{get, "/api/v1/verify", Public, s.verifyQueried},
		{post, "/api/v1/verify", Public, s.verifyPosted},
		{get, "/static/:hash/:name", Public, s.static},
		{get, "/healthz", Public, s.healthz},
		{get, "/readyz", Public, s.readyz},

		{get, "/", LoopbackStaff, s.home},
		{get, "/enterprises/:uscc", LoopbackStaff, s.enterprisePage},
		{post, "/enterprises/:uscc/comments", LoopbackStaff, s.commentPosted},
		{get, "/regions", LoopbackStaff, s.regionsPage},
		{get, "/regions/:code", LoopbackStaff, s.regionsPage},
		{get, "/api/v1/enterprises", LoopbackStaff, s.enterprises},
		{get, "/api/v1/enterprises/:uscc", LoopbackStaff, s.enterprise},
		{get, "/api/v1/enterprises/:uscc/code.svg", LoopbackStaff, s.codeSVG},
		{get, "/api/v1/enterprises/:uscc/code.png", LoopbackStaff, s.codePNG},
		{get, "/api/v1/regions", LoopbackStaff, s.regions},
		{get, "/api/v1/regions/:code", LoopbackStaff, s.region},
		{get, "/api/v1/products", LoopbackStaff, s.products},
		{get, "/api/v1/products/:code", LoopbackStaff, s.product},
		{get, "/api/v1/runs", LoopbackStaff, s.runs},
		{get, "/api/v1/models", LoopbackStaff, s.modelsListed},
		{get, "/api/v1/models/:code/:version", LoopbackStaff, s.modelShown},
		{get, "/api/v1/models/:code/:version/diff", LoopbackStaff, s.modelDiffed},
		{get, "/api/v1/enterprises/:uscc/preview", LoopbackStaff, s.preview},
		{get, "/api/v1/enterprises/:uscc/preview/comments", LoopbackStaff, s.comments},
		{post, "/api/v1/enterprises/:uscc/preview/comments", LoopbackStaff, s.comment},
		{post, "/api/v1/simulations", LoopbackStaff, s.simulate},
	}
}

func (s *server) routes(e *gin.Engine) {
	for _, route := range s.table() {
		handlers := []gin.HandlerFunc{route.handle}
		if route.Access != Public {
			handlers = []gin.HandlerFunc{s.localOnly, s.sameOrigin, route.handle}
		}
		e.Handle(route.Method, route.Path, handlers...)
		if route.Method == http.MethodGet {
			e.Handle(http.MethodHead, route.Path, handlers...)
		}
	}
}
