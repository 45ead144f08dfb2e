package api

import (
	"encoding/json"
	"net/http"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/web"

	"github.com/danielgtaylor/huma/v2"
)

var registerOperations = operations{
	"GET /api/v1/regions": {id: "listRegions", tag: "register", title: web.Phrase{ZhCN: "区划列表", En: "List divisions with their colours"},
		query:   paged(text("parent", "Those right below this division.", 12, "330400"), choice("level", "Level.", regionLevels...).with(string(registry.LevelCounty))),
		answers: ok(List[RegionItem]{}, "A page of divisions.")},
	"GET /api/v1/regions/:code": {id: "readRegion", tag: "register", title: web.Phrase{ZhCN: "区划的色级", En: "A division, its colour and the rules that gave it"}, problems: []error{ErrNoRegion},
		answers: ok(RegionAnswer{}, "The division.")},
	"GET /api/v1/products": {id: "listProducts", tag: "register", title: web.Phrase{ZhCN: "产品目录", En: "List products with their risks"}, query: paged(),
		answers: ok(ProductList{}, "A page of products.")},
	"GET /api/v1/products/:code": {id: "readProduct", tag: "register", title: web.Phrase{ZhCN: "产品风险", En: "A product and where its risk comes from"}, problems: []error{ErrNoProduct, ErrNoModel},
		answers: ok(ProductAnswer{}, "The product.")},
	"GET /api/v1/runs": {id: "listRuns", tag: "register", title: web.Phrase{ZhCN: "计算任务", En: "List runs"}, about: "Newest first.", query: paged(),
		answers: ok(List[RunItem]{}, "A page of runs.")},
}

var modelOperations = operations{
	"GET /api/v1/models": {id: "listModels", tag: "models", title: web.Phrase{ZhCN: "评分模型列表", En: "List models"}, query: paged(), answers: ok(List[ModelItem]{}, "A page of model versions.")},
	"GET /api/v1/models/:code/:version": {id: "readModel", tag: "models", title: web.Phrase{ZhCN: "一个模型版本", En: "A model version, its steps and comments"}, problems: []error{schema.ErrNotFound},
		answers: ok(ModelDetail{}, "The version.")},
	"GET /api/v1/models/:code/:version/diff": {id: "diffModels", tag: "models", title: web.Phrase{ZhCN: "模型版本差异", En: "What changes between two versions"}, problems: []error{schema.ErrNotFound, ErrNoModel},
		query: []parameter{number("with", "The other version; without it the active one.", 1, 65535, 1)}, answers: ok(ModelDiff{}, "The changes.")},
	"POST /api/v1/simulations": {id: "simulate", tag: "models", title: web.Phrase{ZhCN: "试算", En: "What a model would change"},
		about: "Regrades everybody by a model and by the active one. With `Accept: application/x-ndjson` lines about progress come first; the last line has `simulation` or `problem`.",
		body:  simulationBody{}, needs: []string{"model"}, example: simulationExample(), problems: []error{ErrBadModel, ErrNoModel},
		answers: []answer{{http.StatusOK, scoring.Simulation{}, "Who moves.", "", map[string]*huma.Schema{typeNDJSON: {Type: huma.TypeString}}}}},
}

// simulationExample asks for the default model.
func simulationExample() string {
	body, err := json.Marshal(struct {
		Model  json.RawMessage `json:"model"`
		Movers moversBody      `json:"movers"`
	}{scoring.DefaultModel().JSON(), moversBody{Limit: 5}})
	if err != nil {
		return ""
	}
	return string(body)
}
