package schema

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What Live reads of one enterprise, and what Keys and the names of divisions are made of.
var (
	liveTables   = []string{"enterprise", "code", "code_signal", "assessment", "recourse"}
	commonTables = []string{"signing_key", "region"}
)

// untold names functions that write a column of these tables which no verifier is told, and why.
var untold = map[string]string{
	"decideRecord": "result_revision: which revision of a record was decided upon",
}

// writersOf returns the functions of this package, by name, that use a statement which writes one of these tables, or t.insert with its name.
func writersOf(t *testing.T, tables []string) map[string]*ast.FuncDecl {
	t.Helper()
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	statement := regexp.MustCompile(`(?i)\b(INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE)\s+(` + strings.Join(tables, "|") + `)\b`)
	name := regexp.MustCompile(`^(` + strings.Join(tables, "|") + `)$`)
	var functions []*ast.FuncDecl
	constants, found := map[string]bool{}, map[string]*ast.FuncDecl{}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok {
				functions = append(functions, f)
				continue
			}
			ast.Inspect(declared, func(n ast.Node) bool {
				if spec, ok := n.(*ast.ValueSpec); ok && uses(spec, statement, nil, nil) {
					constants[spec.Names[0].Name] = true
				}
				return true
			})
		}
	}
	for _, f := range functions {
		if uses(f, statement, name, constants) {
			found[f.Name.Name] = f
		}
	}
	return found
}

// uses reports whether a piece of source has a text that matches, names one of the constants, or inserts into a table.
func uses(n ast.Node, statement, table *regexp.Regexp, constants map[string]bool) (used bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(n.Value)
			used = used || err == nil && statement.MatchString(text)
		case *ast.Ident:
			used = used || constants[n.Name]
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && table != nil && f.Sel.Name == "insert" && len(n.Args) > 1 {
				literal, ok := n.Args[1].(*ast.BasicLit)
				used = used || ok && table.MatchString(strings.Trim(literal.Value, "`\""))
			}
		}
		return true
	})
	return used
}

// TestLiveWritersTouch holds whatever changes a row that Live reads to say so where the statement is, so that no caller can forget it.
func TestLiveWritersTouch(t *testing.T) {
	touching := map[string]bool{}
	found := writersOf(t, liveTables)
	for name, f := range found {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "touch" {
					touching[name] = true
				}
			}
			return true
		})
		if touching[name] == (untold[name] != "") {
			t.Errorf("%s writes what verifiers are told: it must say t.touch beside the statement, or stand in untold with a reason, and not both", name)
		}
	}
	for name := range untold {
		if found[name] == nil {
			t.Errorf("untold names %s, which writes none of the tables", name)
		}
	}
	if len(touching) < 9 {
		t.Errorf("found only %d functions that write what verifiers are told: %v", len(touching), touching)
	}
}

// TestCommonWritersTellAll holds whatever changes keys or divisions to tell everything: no store function that reaches it says touches or quiet.
func TestCommonWritersTellAll(t *testing.T) {
	all := readCalls(t)
	named, found := all.named(t, "tx", "touches"), writersOf(t, commonTables)
	for f := range all {
		if !f.Exported() || receiverOf(f) != "DB" || !all.reach(f, named, nil, map[*types.Func]bool{}) {
			continue
		}
		for writer := range all {
			if found[writer.Name()] != nil && all.reach(f, writer, nil, map[*types.Func]bool{}) {
				t.Errorf("%s says touches or quiet, and %s changes keys or divisions", f.Name(), writer.Name())
			}
		}
	}
	if len(found) < 3 {
		t.Errorf("found only %d functions that write keys or divisions: %v", len(found), found)
	}
}
