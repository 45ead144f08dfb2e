package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// decodeJSON reads a JSON object into a flat struct, strictly: UTF-8 only, no unknown and no repeated member, nothing after the object.
// What is wrong comes back as ErrMediaType, ErrTooLarge or ErrField, always with the field.
func decodeJSON(r *http.Request, into any) error {
	body, err := readJSON(r)
	if err != nil {
		return err
	}
	return decodeObject(body, into)
}

// readJSON reads the body of a request that says it is JSON.
func readJSON(r *http.Request) ([]byte, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != typeJSON {
		return nil, badType()
	}
	body, err := readBody(r)
	if err != nil {
		return nil, bodyError(err)
	}
	return body, nil
}

func decodeObject(body []byte, into any) error {
	if !utf8.Valid(body) {
		return badField("body", "is not valid UTF-8", "a JSON object in UTF-8")
	}
	members, err := readMembers(body)
	if err != nil {
		return err
	}
	return assign(members, into)
}

func badType() error {
	return badFieldFor(ErrMediaType, "Content-Type", "is not application/json", "application/json")
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return badFieldFor(ErrTooLarge, "body", fmt.Sprintf("is longer than %d bytes", tooLarge.Limit), "a shorter body")
	}
	return badField("body", "could not be read", "a JSON object")
}

// readMembers splits an object into its members without looking into their values.
func readMembers(body []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	open, err := decoder.Token()
	if err != nil || open != json.Delim('{') {
		return nil, badField("body", "is not a JSON object", "a JSON object")
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		if err := readMember(decoder, members); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, badField("body", "is not valid JSON", "a JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, badField("body", "goes on after the object", "one JSON object")
	}
	return members, nil
}

func readMember(decoder *json.Decoder, members map[string]json.RawMessage) error {
	token, err := decoder.Token()
	name, isName := token.(string)
	if err != nil || !isName {
		return badField("body", "is not valid JSON", "a JSON object")
	}
	if _, twice := members[name]; twice {
		return badField(shortened(name), "stands twice", "each member once")
	}
	var value json.RawMessage
	if err := decoder.Decode(&value); err != nil {
		return badField(shortened(name), "is not valid JSON", "a JSON value")
	}
	members[name] = value
	return nil
}

// assign fills the fields of a struct by their JSON names.
func assign(members map[string]json.RawMessage, into any) error {
	target := reflect.ValueOf(into).Elem()
	names := make([]string, target.NumField())
	for i := range target.NumField() {
		names[i] = target.Type().Field(i).Tag.Get("json")
	}
	for name, value := range members {
		at := slices.Index(names, name)
		if at < 0 {
			return badField(shortened(name), "is not known", "one of "+strings.Join(names, ", "))
		}
		field := target.Field(at)
		if string(value) == "null" || json.Unmarshal(value, field.Addr().Interface()) != nil || holdsNull(field, value) {
			return badField(name, "has the wrong type", "a "+field.Kind().String())
		}
	}
	return nil
}

// holdsNull reports whether a list has an element that is null, which would be read as an empty text.
func holdsNull(field reflect.Value, value json.RawMessage) bool {
	var elements []json.RawMessage
	if field.Kind() != reflect.Slice || field.Type() == reflect.TypeFor[json.RawMessage]() || json.Unmarshal(value, &elements) != nil {
		return false
	}
	return slices.ContainsFunc(elements, func(element json.RawMessage) bool { return string(element) == "null" })
}

// shortened keeps a name that a client made up from filling answers. One that is empty is still named.
func shortened(name string) string {
	if name == "" {
		return `""`
	}
	runes := []rune(name)
	if len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return name
}

// maxQuery bounds the query of a request, in bytes: the longest code has under 1,024.
const maxQuery = 4096

// readQuery returns the values of a query whose names are all known, each given once, in UTF-8 without control characters.
func readQuery(r *http.Request, known ...string) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return url.Values{}, nil
	}
	if len(r.URL.RawQuery) > maxQuery {
		return nil, badField("query", fmt.Sprintf("is longer than %d bytes", maxQuery), "a shorter query")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badField("query", "is not a valid query", "name=value pairs, percent-encoded")
	}
	for name, given := range values {
		if !slices.Contains(known, name) {
			return nil, badField(shortened(strings.ToValidUTF8(name, "�")), "is not known", "one of "+strings.Join(known, ", "))
		}
		if len(given) > 1 {
			return nil, badField(name, "stands twice", "one value")
		}
		if !utf8.ValidString(given[0]) || strings.ContainsFunc(given[0], isControl) {
			return nil, badField(name, "is not plain UTF-8 text", "one line of UTF-8 text")
		}
	}
	return values, nil
}

// readForm reads the fields of a form that was sent as application/x-www-form-urlencoded: all known, each given once, in UTF-8.
func readForm(r *http.Request, known ...string) (url.Values, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != typeForm {
		return nil, badFieldFor(ErrMediaType, "Content-Type", "is not "+typeForm, typeForm)
	}
	body, err := readBody(r)
	if err != nil {
		return nil, bodyError(err)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badField("body", "is not a form", "name=value pairs, percent-encoded")
	}
	for name, given := range values {
		if !slices.Contains(known, name) {
			return nil, badField(shortened(strings.ToValidUTF8(name, "�")), "is not known", "one of "+strings.Join(known, ", "))
		}
		if len(given) > 1 || !utf8.ValidString(given[0]) || strings.ContainsRune(given[0], 0) {
			return nil, badField(name, "stands twice, is not UTF-8 or has a zero byte", "one text in UTF-8")
		}
	}
	return values, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
