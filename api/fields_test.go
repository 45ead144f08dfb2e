package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	for name, c := range map[string]struct {
		address string
		members []string // of the answer, or of each item
		list    bool
	}{
		"a list":           {"/api/v1/enterprises?fields=uscc,name&limit=3", []string{"name", "uscc"}, true},
		"an item":          {"/api/v1/enterprises/" + string(w.first) + "?fields=region", []string{"region"}, false},
		"embedded members": {"/api/v1/regions?fields=code,level&limit=2", []string{"code", "level"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := get(h, c.address)
			whole := decoded[map[string]json.RawMessage](t, answer)
			items := []map[string]json.RawMessage{whole}
			if c.list {
				items = nil
				if err := json.Unmarshal(whole["items"], &items); err != nil || whole["next"] == nil {
					t.Fatalf("%v: %s", err, answer.Body)
				}
			}
			for _, item := range items {
				if len(item) != len(c.members) {
					t.Errorf("got %v, want %v", item, c.members)
				}
				for _, member := range c.members {
					if len(item[member]) < 3 {
						t.Errorf("%s is %s", member, item[member])
					}
				}
			}
		})
	}
}

func TestFieldsRefused(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	for name, given := range map[string]string{"unknown": "uscc,nonsense", "twice": "uscc,uscc", "nothing": "", "an empty one": "uscc,", "another case": "USCC", "a member of a member": "grade.tier"} {
		p := problem(t, get(h, "/api/v1/enterprises?fields="+given), http.StatusBadRequest, "invalid_field")
		if len(p.Errors) != 1 || p.Errors[0].Field != "fields" || !strings.Contains(p.Errors[0].Want, "region_code") {
			t.Errorf("%s: %+v", name, p.Errors)
		}
	}
	if p := problem(t, get(h, "/api/v1/enterprises?fields=nonsense"), http.StatusBadRequest, "invalid_field"); !strings.Contains(p.Errors[0].Problem, `"nonsense"`) {
		t.Errorf("the field is not named: %+v", p.Errors)
	}
	problem(t, get(h, "/api/v1/enterprises/91350100M000100Y43?fields=region"), http.StatusNotFound, "unknown_enterprise")
	problem(t, get(h, "/api/v1/verify?code=1&fields=uscc"), http.StatusBadRequest, "invalid_field")
}
