package schema

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
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

// calls holds what each function of this package uses: functions and methods of this package, by their objects.
type calls map[*types.Func][]*types.Func

// emptyPackages stands for whatever is imported: what is called there is of no interest here, and what cannot be resolved is passed over.
type emptyPackages struct{}

func (emptyPackages) Import(path string) (*types.Package, error) {
	empty := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	empty.MarkComplete()
	return empty, nil
}

// readCalls reads the sources of this package and resolves what their functions call.
func readCalls(t *testing.T) calls {
	t.Helper()
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set, files := token.NewFileSet(), []*ast.File{}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, source, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: emptyPackages{}, Error: func(error) {}}
	_, _ = config.Check("healthcode/schema", set, files, info) // the errors are about what is imported
	found := calls{}
	for _, file := range files {
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Body != nil {
				found.note(info, f)
			}
		}
	}
	return found
}

func (c calls) note(info *types.Info, f *ast.FuncDecl) {
	caller, ok := info.Defs[f.Name].(*types.Func)
	if !ok {
		return
	}
	c[caller] = nil
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok {
			if used, ok := info.Uses[name].(*types.Func); ok {
				c[caller] = append(c[caller], used.Origin())
			}
		}
		return true
	})
}

// named returns a method of this package, by its receiver and name.
func (c calls) named(t *testing.T, receiver, name string) *types.Func {
	t.Helper()
	for f := range c {
		if f.Name() == name && receiverOf(f) == receiver {
			return f
		}
	}
	t.Fatalf("there is no method %s of %s", name, receiver)
	return nil
}

// receiverOf returns the name of the type that a method belongs to, empty for a function.
func receiverOf(f *types.Func) string {
	receiver := f.Signature().Recv()
	if receiver == nil {
		return ""
	}
	of := receiver.Type()
	if pointer, ok := of.(*types.Pointer); ok {
		of = pointer.Elem()
	}
	if named, ok := of.(*types.Named); ok {
		return named.Obj().Name()
	}
	return ""
}

// reach reports whether a function uses another one, directly or through others, but not through one that every writer goes through.
func (c calls) reach(from, to, except *types.Func, seen map[*types.Func]bool) bool {
	if from == to {
		return true
	}
	if seen[from] || from == except {
		return false
	}
	seen[from] = true
	for _, next := range c[from] {
		if c.reach(next, to, except, seen) {
			return true
		}
	}
	return false
}

// TestWritersAudit holds every store function that writes to a line in the audit log, or to a reason why there is none.
func TestWritersAudit(t *testing.T) {
	all := readCalls(t)
	write, audit := all.named(t, "DB", "inWrite"), all.named(t, "tx", "audit")
	writers := map[string]bool{}
	for f := range all {
		if !f.Exported() || receiverOf(f) != "DB" || !all.reach(f, write, nil, map[*types.Func]bool{}) {
			continue
		}
		writers[f.Name()] = true
		audits := all.reach(f, audit, write, map[*types.Func]bool{})
		reason, excused := unaudited[f.Name()]
		switch {
		case !audits && !excused:
			t.Errorf("%s writes and adds no line to the audit log (t.audit), nor is it in unaudited with a reason", f.Name())
		case audits && excused:
			t.Errorf("%s is in unaudited but adds a line", f.Name())
		case excused && reason == "":
			t.Errorf("%s is in unaudited without a reason", f.Name())
		}
	}
	for name := range unaudited {
		if !writers[name] {
			t.Errorf("unaudited names %s, which is no store function that writes", name)
		}
	}
	if len(writers) < 50 {
		t.Errorf("found only %d functions that write", len(writers))
	}
}
