package api

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The descriptions of the document are the comments of the types of today.
func TestComments(t *testing.T) {
	t.Parallel()
	d := newDocument((&server{}).table(), allOperations(), samples{})
	sources := sourceSet{}
	want := map[string]string{}
	for name := range d.Components.Schemas.Map() {
		of := d.Components.Schemas.TypeFromRef(schemaPrefix + name)
		if of == nil || strings.Contains(of.Name(), "[") {
			continue
		}
		want[name] = sources.typeComment(t, of)
		for member, comment := range sources.fieldComments(t, of) {
			want[name+"."+member] = comment
		}
	}
	maps.DeleteFunc(want, func(_, comment string) bool { return comment == "" })
	if *update {
		text, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("comments.json", append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := comments()
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 100 {
		t.Errorf("only %d comments were found", len(want))
	}
	every := maps.Clone(want)
	maps.Copy(every, got)
	for key := range every {
		if want[key] != got[key] {
			t.Errorf("%s: the comment is %q, recorded is %q; record it: go test ./api -run TestComments -update", key, want[key], got[key])
		}
	}
}

// sourceSet holds the type declarations of packages, by path and name.
type sourceSet map[string]map[string]*declaredType

type declaredType struct {
	doc    string
	fields *ast.StructType
}

func (s sourceSet) find(t *testing.T, of reflect.Type) *declaredType {
	t.Helper()
	types, ok := s[of.PkgPath()]
	if !ok {
		types = parsedTypes(t, of.PkgPath())
		s[of.PkgPath()] = types
	}
	return types[of.Name()]
}

func parsedTypes(t *testing.T, path string) map[string]*declaredType {
	t.Helper()
	types := map[string]*declaredType{}
	inside, ours := strings.CutPrefix(path, "healthcode/")
	if !ours {
		return types
	}
	notTest := func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }
	packages, err := parser.ParseDir(token.NewFileSet(), filepath.Join("..", inside), notTest, parser.ParseComments) //nolint:staticcheck // types are not needed, only comments
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range packages {
		ast.Inspect(one, func(n ast.Node) bool {
			declaration, ok := n.(*ast.GenDecl)
			if !ok || declaration.Tok != token.TYPE {
				return true
			}
			for _, spec := range declaration.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok {
					found := &declaredType{doc: firstOf(s.Doc, declaration.Doc)}
					found.fields, _ = s.Type.(*ast.StructType)
					types[s.Name.Name] = found
				}
			}
			return false
		})
	}
	return types
}

// firstOf returns the text of the first comment there is, on one line.
func firstOf(groups ...*ast.CommentGroup) string {
	for _, group := range groups {
		if text := strings.Join(strings.Fields(group.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}

// typeComment returns the comment of a type. A form stands for another type and says so to its reader only.
func (s sourceSet) typeComment(t *testing.T, of reflect.Type) string {
	t.Helper()
	if found := s.find(t, of); found != nil && !strings.HasSuffix(of.Name(), "Form") {
		return found.doc
	}
	return ""
}

// fieldComments returns the comments of a struct's fields by their JSON members, embedded ones too.
func (s sourceSet) fieldComments(t *testing.T, of reflect.Type) map[string]string {
	t.Helper()
	all := map[string]string{}
	found := s.find(t, of)
	if found == nil || found.fields == nil {
		return all
	}
	byName := map[string]string{}
	for _, field := range found.fields.Fields.List {
		for _, name := range field.Names {
			byName[name.Name] = firstOf(field.Comment, field.Doc)
		}
	}
	for i := range of.NumField() {
		field := of.Field(i)
		member, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case field.Anonymous && member == "" && inner.Kind() == reflect.Struct:
			maps.Copy(all, s.fieldComments(t, inner))
		case member != "" && member != "-":
			all[member] = byName[field.Name]
		}
	}
	return all
}
