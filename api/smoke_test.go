package api

import (
	"testing"
)

func TestSmoke(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for _, p := range []string{"/", "/enterprises/" + string(w.first), "/v/" + w.codes[w.first].Digits, "/v/" + w.codes[w.first].JWT, "/.well-known/jwks.json", "/api/v1/enterprises?limit=2", "/api/v1/enterprises/" + string(w.first), "/api/v1/runs", "/api/v1/regions?limit=1", "/api/v1/products?limit=1", "/healthz", "/readyz", "/api/v1/enterprises/" + string(w.first) + "/code.svg", "/api/v1/enterprises/" + string(w.first) + "/code.png"} {
		a := get(h, p)
		t.Logf("%d %s %.200s", a.Code, p[:min(len(p), 40)], a.Body)
	}
	t.Log(w.log.String())
}
