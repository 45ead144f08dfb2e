package api

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// previewed is a world of its own with a second version of the model, open for preview, and a third that is a draft.
func previewed(t *testing.T) (*world, http.Handler) {
	t.Helper()
	ctx := t.Context()
	w, err := newWorld(ctx, t.TempDir(), 30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	today := registry.DayOf(w.now)
	for version := 2; version <= 3; version++ {
		text := bytes.Replace(scoring.DefaultModel().JSON(), []byte(`"weight_milli":400`), []byte(`"weight_milli":450`), 1)
		m, err := scoring.ParseModel(bytes.Replace(text, []byte(`"weight_milli":200`), []byte(`"weight_milli":150`), 1))
		if err == nil {
			m, err = m.Renumbered(version)
		}
		if err == nil {
			err = w.db.AddModel(ctx, schema.StoredModel{ModelRef: schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()},
				Life: scoring.Life{Author: "Li Hua", Reason: "spot checks count more"}, Body: string(m.JSON())})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	step := scoring.ModelStep{Action: scoring.Propose, By: "Li Hua", Reason: "spot checks count more", Today: today, EffectiveOn: today + 30, PreviewUntil: today + 20}
	if _, err := w.db.StepModel(ctx, "default", 2, step); err != nil {
		t.Fatal(err)
	}
	if err := w.db.AddModelComment(ctx, "default", 2, schema.ModelComment{USCC: w.first, Text: "抽查权重过高"}, today); err != nil {
		t.Fatal(err)
	}
	return w, w.handler(t, nil)
}

func TestModels(t *testing.T) {
	t.Parallel()
	_, h := previewed(t)
	list := decoded[List[ModelItem]](t, get(h, "/api/v1/models?limit=2"))
	if len(list.Items) != 2 || list.Next != "default/2" || list.Items[0].State != schema.ModelActive || list.Items[0].Author != scoring.AuthorShipped {
		t.Fatalf("%+v", list)
	}
	rest := decoded[List[ModelItem]](t, get(h, "/api/v1/models?limit=2&cursor="+list.Next))
	if len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].Version != 3 || rest.Items[0].State != schema.ModelDraft {
		t.Errorf("%+v", rest)
	}
	detail := decoded[ModelDetail](t, get(h, "/api/v1/models/default/2"))
	if detail.State != schema.ModelProposed || len(detail.Comments) != 1 || detail.Comments[0].Text != "抽查权重过高" || len(detail.Events) != 2 || detail.Simulations == nil {
		t.Errorf("%+v", detail)
	}
	m, err := scoring.ParseModel(detail.Body)
	if err != nil || m.Digest() != detail.Digest {
		t.Errorf("the body is not the model: %v", err)
	}
	for path, want := range map[string]string{"/api/v1/models/default/2/diff": "spot_check weight 40 % → 45 %", "/api/v1/models/default/1/diff?with=2": "spot_check weight 45 % → 40 %"} {
		diff := decoded[ModelDiff](t, get(h, path))
		if len(diff.Changes) == 0 || !strings.Contains(get(h, path).Body.String(), want) {
			t.Errorf("%s: %+v", path, diff)
		}
	}
	problem(t, get(h, "/api/v1/models?cursor=default/9"), http.StatusBadRequest, "invalid_field")
	problem(t, get(h, "/api/v1/models/default/9"), http.StatusNotFound, "not_found")
	problem(t, get(h, "/api/v1/models/default/x"), http.StatusBadRequest, "invalid_field")
	problem(t, get(h, "/api/v1/models/default/1/diff?with=9"), http.StatusNotFound, "not_found")
	problem(t, get(h, "/api/v1/models/default/1/diff?with=0"), http.StatusBadRequest, "invalid_field")
}

func TestAnEnterpriseSeesItsOwnBeforeAndAfter(t *testing.T) {
	t.Parallel()
	w, h := previewed(t)
	path := "/api/v1/enterprises/" + string(w.first) + "/preview"
	got := decoded[PreviewAnswer](t, get(h, path+"?version=2"))
	live, err := w.db.Assessment(t.Context(), w.first)
	if err != nil {
		t.Fatal(err)
	}
	if got.USCC != w.first || got.Before.Index != live.Index || got.Before.Model.Version != 1 || got.After.Model.Version != 2 || got.PreviewUntil != registry.DayOf(w.now)+20 {
		t.Errorf("%+v, live %+v", got, live)
	}
	// In ten-thousandths of a hundredth of the index: each of the two is rounded for itself, so their difference is within one.
	exact := 45*(1e6-int64(got.After.LossPPM[0])) - 40*(1e6-int64(got.Before.LossPPM[0])) + 15*(1e6-int64(got.After.LossPPM[1])) - 20*(1e6-int64(got.Before.LossPPM[1]))
	if moved := int64(got.After.Index - got.Before.Index); moved*10000-exact > 10000 || moved*10000-exact < -10000 {
		t.Errorf("the index moves by %d, the weights say %d/10000", moved, exact)
	}
	problem(t, get(h, path+"?version=3"), http.StatusConflict, "no_preview")
	problem(t, get(h, path+"?version=1"), http.StatusConflict, "no_preview")
	problem(t, get(h, path+"?version=9"), http.StatusNotFound, "not_found")
	if newest := decoded[PreviewAnswer](t, get(h, path)); newest.After.Model != got.After.Model {
		t.Errorf("without a version: %+v", newest)
	}
	problem(t, get(h, path+"?version=0"), http.StatusBadRequest, "invalid_field")
	problem(t, get(h, "/api/v1/enterprises/91350100M000100Y43/preview?version=2"), http.StatusNotFound, "unknown_enterprise")
}
