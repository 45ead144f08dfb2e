package schema

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unaudited names the store functions that write and add no line to the audit log, and why.
var unaudited = map[string]string{
	"AddLooks":            "a log of its own: who looked",
	"AddScans":            "a log of its own: counts of scans",
	"ScanKey":             "a key of a day for counts of scans; nobody decides anything",
	"SeeSession":          "when a session was last used, to the minute",
	"PruneSessions":       "sessions that ended by themselves: the end stands in the line of their beginning",
	"UseTOTP":             "which code of a second factor came last; the session that follows has its line",
	"UsePartnerKey":       "when a key was last used, to the minute; what it looked at is a look",
	"ReserveIndex":        "an intent; its issue or its abandonment has a line",
	"ReserveIndexes":      "intents; their issue or their abandonment has a line",
	"TakeLease":           "which process works",
	"RenewLease":          "which process works",
	"ReleaseLease":        "which process works",
	"Heartbeat":           "which process works",
	"StartRun":            "a run has its line when it ends, with what it did",
	"FinishRange":         "a part of a run: its digest goes into the line of the run",
	"ReadPopulation":      "a copy in memory, of a moment of the clock",
	"RenewPopulation":     "a copy in memory, of a moment of the clock",
	"Know":                "a moment of the clock",
	"SequenceChanges":     "a log of its own: the change feed",
	"MarkPublished":       "a log of its own: the outbox",
	"ClaimWebhooks":       "which process delivers",
	"PassWebhook":         "a log of its own: deliveries",
	"SaveLists":           "signed publications of their own, up to two a second; what they say follows from steps of codes and from runs",
	"SaveAuditCheckpoint": "the end of the log itself",
	"AddSubmission":       "its receipt, or its end, has a line",
	"AddChunk":            "a part of a submission that is still received; its receipt, or its end, has a line",
	"ClaimSubmission":     "which process works",
	"ReleaseSubmission":   "which process works",
	"BeginIdempotent":     "an answer that is remembered for a day; the change that it answers has its line",
	"EndIdempotent":       "an answer that is remembered for a day; the change that it answers has its line",
	"DropIdempotent":      "an answer that is remembered for a day; there was no change",
	"PruneIdempotent":     "answers of yesterday, once an hour",
	"PruneLists":          "old publications, once a minute",
}

// storeFunc is what a function of this package writes or calls.
type storeFunc struct {
	exported, onDB bool
	calls          map[string]bool
}

// storeFuncs reads the sources of this package. Calls are known by their names alone: of functions with one name it takes them all together.
func storeFuncs(t *testing.T) map[string]*storeFunc {
	t.Helper()
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*storeFunc{}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Body != nil {
				note(found, f)
			}
		}
	}
	return found
}

func note(found map[string]*storeFunc, f *ast.FuncDecl) {
	one := found[f.Name.Name]
	if one == nil {
		one = &storeFunc{calls: map[string]bool{}}
		found[f.Name.Name] = one
	}
	if f.Recv != nil {
		if star, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok {
			one.onDB = one.onDB || star.X.(*ast.Ident).Name == "DB"
		}
	}
	one.exported = f.Name.IsExported()
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			one.calls[n.Sel.Name] = true
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok {
				one.calls[name.Name] = true
			}
		}
		return true
	})
}

// reaches reports whether a function calls another one, directly or through others.
func reaches(all map[string]*storeFunc, from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	f := all[from]
	if f == nil || seen[from] || from == "once" || from == "inWrite" && to == "audit" { // every transaction may write lines at its end
		return false
	}
	seen[from] = true
	for _, next := range slices.Sorted(maps.Keys(f.calls)) {
		if reaches(all, next, to, seen) {
			return true
		}
	}
	return false
}

// TestWritersAudit holds every store function that writes to a line in the audit log, or to a reason why there is none.
func TestWritersAudit(t *testing.T) {
	all := storeFuncs(t)
	writers := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := all[name]
		if !f.exported || !f.onDB || !reaches(all, name, "inWrite", map[string]bool{}) {
			continue
		}
		writers++
		audits := reaches(all, name, "audit", map[string]bool{})
		reason, excused := unaudited[name]
		switch {
		case !audits && !excused:
			t.Errorf("%s writes and adds no line to the audit log (t.audit), nor is it in unaudited with a reason", name)
		case audits && excused:
			t.Errorf("%s is in unaudited but adds a line", name)
		case excused && reason == "":
			t.Errorf("%s is in unaudited without a reason", name)
		}
	}
	for name := range unaudited {
		if f := all[name]; f == nil || !f.exported {
			t.Errorf("unaudited names %s, which is no store function", name)
		}
	}
	if writers < 50 {
		t.Errorf("found only %d functions that write", writers)
	}
}
