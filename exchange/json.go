package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sort"
	"strings"

	"healthcode/registry"
)

// strictJSON reads exactly one JSON value and refuses unknown names at every depth.
func strictJSON(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read JSON: there is more behind the value")
	}
	return nil
}

// compactJSON writes a value that always can be written: lists of package registry's plain structs and texts.
func compactJSON(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// fromJSON reads one object of NDJSON.
func fromJSON[T any](data []byte) (*T, registry.Problems) {
	if _, isRecord := any((*T)(nil)).(*registry.Record); isRecord {
		if quick, ok := quickRecord(data); ok {
			value, _ := any(quick).(*T)
			return value, nil
		}
	}
	var value T
	if err := strictJSON(data, &value); err != nil {
		return nil, explainJSON[T](data, err)
	}
	return &value, nil
}

// explainJSON finds every field of an object that cannot be read, by reading each alone. The kind goes with each, because it
// says what a detail may hold.
func explainJSON[T any](data []byte, cause error) registry.Problems {
	var object map[string]json.RawMessage
	if err := strictJSON(data, &object); err != nil {
		return registry.Problems{{Field: "", Problem: plainJSONError(err), Want: "one JSON object in a line"}}
	}
	known := jsonNames(reflect.TypeFor[T]())
	var problems registry.Problems
	for _, name := range sortedNames(object) {
		if f := explainField[T](name, object, known); f != nil {
			problems = append(problems, registry.Problem{Field: fmt.Sprintf("%.60s", name), Problem: f.problem, Want: f.want})
		}
	}
	var missing registry.Problems
	if len(problems) == 0 && errors.As(cause, &missing) { // a kind that is not there
		problems = registry.Problems{{Field: missing[0].Field, Problem: missing[0].Problem, Want: "one of " + strings.Join(registry.KindNames(), ", ")}}
	}
	if len(problems) == 0 {
		problems = registry.Problems{{Field: "", Problem: plainJSONError(cause), Want: "the JSON that export writes"}}
	}
	return problems
}

func explainField[T any](name string, object map[string]json.RawMessage, known []string) *fault {
	alone := map[string]json.RawMessage{name: object[name]}
	if kind := object["kind"]; len(kind) > 0 && name != "kind" && reflect.TypeFor[T]() == reflect.TypeFor[registry.Record]() {
		alone["kind"] = knownKind(kind)
	}
	text, err := json.Marshal(alone)
	if err == nil {
		err = strictJSON(text, new(T))
	}
	var missing registry.Problems
	switch {
	case err == nil, errors.As(err, &missing) && name != "kind":
		return nil
	case errors.As(err, &missing):
		return &fault{missing[0].Problem, "one of " + strings.Join(registry.KindNames(), ", ")}
	}
	for _, k := range known {
		if k == name {
			return &fault{plainJSONError(err), "the form that export writes"}
		}
	}
	if near := nearest(name, known); near != "" {
		return &fault{"is not a known field", fmt.Sprintf("did you mean %q?", near)}
	}
	return &fault{"is not a known field", "one of " + strings.Join(known, ", ")}
}

// knownKind returns the kind as it is, or one that every other field can be read beside.
func knownKind(text json.RawMessage) json.RawMessage {
	var kind registry.Kind
	if err := json.Unmarshal(text, &kind); err == nil {
		if _, known := registry.Kinds[kind]; known {
			return text
		}
	}
	return json.RawMessage(`"` + registry.KindAward + `"`)
}

// plainJSONError says what is wrong without words of the programming language.
func plainJSONError(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("is a JSON %s, not %s", kind.Value, jsonTypeName(kind.Type))
	}
	text := err.Error()
	for _, noise := range []string{"read JSON: ", "detail: ", "json: "} {
		text = strings.ReplaceAll(text, noise, "")
	}
	return fmt.Sprintf("%.200s", text)
}

func jsonTypeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	}
	return "a whole number in range"
}

// jsonNames lists the JSON names of a struct's fields.
func jsonNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func sortedNames(object map[string]json.RawMessage) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
