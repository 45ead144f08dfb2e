package exchange

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// entry is one key of a YAML mapping with its line.
type entry struct {
	key   string
	line  int
	value ast.Node
}

// unknown refuses the key and says what there could be.
func (e *entry) unknown(known ...string) error {
	hint := "one of " + strings.Join(known, ", ")
	if near := nearest(e.key, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return fmt.Errorf("%w: line %d: %.60q is not known; %s", ErrMapping, e.line, e.key, hint)
}

// entriesOf lists the keys of a YAML mapping in order, each once.
func entriesOf(n ast.Node) ([]entry, error) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return nil, fmt.Errorf("%w: line %d: names with values are wanted here", ErrMapping, lineOf(n))
	}
	entries := make([]entry, 0, len(values))
	seen := map[string]bool{}
	for _, v := range values {
		key, err := scalarOf(v.Key)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, fmt.Errorf("%w: line %d: %.60q stands there twice", ErrMapping, lineOf(v.Key), key)
		}
		seen[key] = true
		entries = append(entries, entry{key: key, line: lineOf(v.Key), value: v.Value})
	}
	return entries, nil
}

// scalarOf returns a scalar's text as it was written: 330402 and "330402" are the same.
func scalarOf(n ast.Node) (string, error) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, nil
	case *ast.LiteralNode:
		return strings.TrimSpace(s.Value.Value), nil
	case *ast.NullNode:
		return "", nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	}
	return "", fmt.Errorf("%w: line %d: a plain value is wanted here", ErrMapping, lineOf(n))
}

// textsOf reads one text or a list of them.
func textsOf(n ast.Node) ([]string, error) {
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		text, err := scalarOf(n)
		return []string{text}, err
	}
	var texts []string
	for _, item := range items.Values {
		text, err := scalarOf(item)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%w: line %d: the list is empty", ErrMapping, lineOf(n))
	}
	return texts, nil
}

// nameOf reads a text that may not be empty.
func nameOf(n ast.Node) (string, error) {
	text, err := scalarOf(n)
	if err == nil && text == "" {
		err = fmt.Errorf("%w: line %d: a value is missing", ErrMapping, lineOf(n))
	}
	return text, err
}

func pointerTo(n ast.Node) (*string, error) {
	text, err := scalarOf(n)
	return &text, err
}

func valuesOf(n ast.Node) (map[string]string, error) {
	entries, err := entriesOf(n)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(entries))
	for _, e := range entries {
		if values[e.key], err = scalarOf(e.value); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func lineOf(n ast.Node) int {
	if n == nil {
		return 0
	}
	token := n.GetToken()
	if token == nil || token.Position == nil {
		return 0
	}
	return token.Position.Line
}
