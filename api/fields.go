package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// fieldsName is the parameter that picks members of an answer.
const fieldsName = "fields"

// itemsMember holds the items of a list.
const itemsMember = "items"

// selectable lists the members that fields= may name: of each item where the answer is a list, of the answer itself otherwise; nil when the
// answer is never cut.
func (o *operation) selectable() []string {
	if o.method != http.MethodGet || o.whole || len(o.answers) == 0 || o.answers[0].of == nil {
		return nil
	}
	of := reflect.TypeOf(o.answers[0].of)
	if item := listed(of); item != nil {
		return members(item)
	}
	return members(of)
}

// listed returns the type of a list's items, nil for what is no list.
func listed(t reflect.Type) reflect.Type {
	if t.Kind() != reflect.Struct {
		return nil
	}
	if field, ok := t.FieldByName("Items"); ok && field.Type.Kind() == reflect.Slice && field.Tag.Get("json") == itemsMember {
		return field.Type.Elem()
	}
	return nil
}

// members lists the JSON members of a struct in the order of their fields.
func members(t reflect.Type) (names []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			names = append(names, members(field.Type)...)
		case name != "" && name != "-":
			names = append(names, name)
		}
	}
	return names
}

// readFields reads fields=; nothing means everything.
func readFields(text string, known []string) ([]string, error) {
	wanted := splitWords(text)
	for i, name := range wanted {
		if !slices.Contains(known, name) || slices.Contains(wanted[:i], name) {
			return nil, badField(fieldsName, fmt.Sprintf("names %q, which is not known or stands twice", shortened(name)), "some of "+strings.Join(known, ", "))
		}
	}
	return wanted, nil
}

// selects cuts the answer of a GET to the members that fields= names. The handler knows nothing of it.
func (s *server) selects(o *operation) gin.HandlerFunc {
	known := o.selectable()
	return func(c *gin.Context) {
		text, given := s.query(c)[fieldsName]
		if !given {
			return
		}
		wanted, err := readFields(text[0], known)
		if err == nil && len(wanted) == 0 {
			err = badField(fieldsName, "is empty", "some of "+strings.Join(known, ", "))
		}
		if err != nil {
			s.fail(c, err)
			return
		}
		s.answerSelected(c, wanted)
	}
}

// answerSelected lets the handler answer into memory and passes on what is wanted of it.
func (s *server) answerSelected(c *gin.Context, wanted []string) {
	whole := &heldAnswer{ResponseWriter: c.Writer}
	c.Writer = whole
	defer func() { c.Writer = whole.ResponseWriter }() // also when the handler panics: then the problem is the answer
	c.Next()
	c.Writer = whole.ResponseWriter
	body := whole.body.Bytes()
	if c.Writer.Status() == http.StatusOK {
		cut, err := cutAnswer(body, wanted)
		if err != nil {
			s.fail(c, err)
			return
		}
		c.Writer.Header().Del("ETag") // that of the whole answer
		body = cut
	}
	if _, err := c.Writer.Write(body); err != nil {
		s.fail(c, fmt.Errorf("write a selected answer: %w", err)) // for the log: the client has gone
	}
}

// heldAnswer keeps what a handler writes.
type heldAnswer struct {
	gin.ResponseWriter
	body bytes.Buffer
}

// Write keeps a part of the answer.
func (h *heldAnswer) Write(part []byte) (int, error) { return h.body.Write(part) }

// WriteString keeps a part of the answer.
func (h *heldAnswer) WriteString(part string) (int, error) { return h.body.WriteString(part) }

// Written reports whether the answer has begun.
func (h *heldAnswer) Written() bool { return h.body.Len() > 0 || h.ResponseWriter.Written() }

// cutAnswer keeps the wanted members of an object, or of each item of a list.
func cutAnswer(body []byte, wanted []string) ([]byte, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, fmt.Errorf("select fields: %w", err)
	}
	list, isList := object[itemsMember]
	if !isList {
		return json.Marshal(cut(object, wanted))
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, fmt.Errorf("select fields: %w", err)
	}
	for i := range items {
		items[i] = cut(items[i], wanted)
	}
	list, err := json.Marshal(items)
	if err != nil {
		return nil, fmt.Errorf("select fields: %w", err)
	}
	object[itemsMember] = list
	return json.Marshal(object)
}

func cut(object map[string]json.RawMessage, wanted []string) map[string]json.RawMessage {
	kept := make(map[string]json.RawMessage, len(wanted))
	for _, name := range wanted {
		if value, ok := object[name]; ok {
			kept[name] = value
		}
	}
	return kept
}
