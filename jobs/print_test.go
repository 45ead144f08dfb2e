package jobs_test

import (
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"
)

// newPrint gives everybody a code, and returns a job that prints all of them, seven in a file.
func newPrint(t *testing.T, b *bench) *jobs.Print {
	t.Helper()
	publisher := newPublisher(t, b)
	keys, err := credential.NewKeySet(*publisher.Signer.PublicKey())
	check(t, err)
	return &jobs.Print{DB: b.db, Keys: keys, Clock: b.clock, Dir: filepath.Join(t.TempDir(), "sheets"), Size: web.SignSizes()[1], PerFile: 7, Lang: web.Chinese}
}

// folder reads all files of a folder.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	files := map[string]string{}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		check(t, err)
		files[entry.Name()] = string(text)
	}
	return files
}

// indexRows reads index.csv without its head.
func indexRows(t *testing.T, files map[string]string) [][]string {
	t.Helper()
	text, marked := strings.CutPrefix(files["index.csv"], "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	check(t, err)
	if !marked || len(rows) == 0 || rows[0][0] != "file" || len(rows[0]) != 10 {
		t.Fatalf("index.csv begins with %.200q", files["index.csv"])
	}
	return rows[1:]
}

// codeOf returns the code that an enterprise was given.
func codeOf(t *testing.T, db *schema.DB, uscc registry.USCC) schema.Code {
	t.Helper()
	codes, err := db.CodesOf(t.Context(), uscc)
	check(t, err)
	if len(codes) == 0 {
		t.Fatalf("%s has no code", uscc)
	}
	return codes[0]
}

func changeCode(t *testing.T, db *schema.DB, idx uint32, step schema.CodeStep) {
	t.Helper()
	_, err := db.ChangeCode(t.Context(), idx, step, "tester", "a test")
	check(t, err)
}

// Everybody is printed once, where the index says, with the code that belongs to the name; who has no valid code stands at the end.
func TestSheetsHoldEverybody(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		job := newPrint(t, b)
		var codes []registry.USCC
		for e, err := range b.db.Enterprises(t.Context()) {
			check(t, err)
			codes = append(codes, e.USCC)
		}
		revoked, suspended := codes[3], codes[10]
		changeCode(t, b.db, codeOf(t, b.db, revoked).Index, schema.StepRevoke)
		changeCode(t, b.db, codeOf(t, b.db, suspended).Index, schema.StepSuspend)
		result, err := job.RunOnce(t.Context())
		check(t, err)
		if result.Signs != size-2 || result.Files != 9 || result.Without != 2 || result.Unknown != 0 || result.Resumed {
			t.Fatalf("%+v", result)
		}
		files := folder(t, job.Dir)
		rows := indexRows(t, files)
		if len(rows) != size || len(files) != 2+2*9 {
			t.Fatalf("%d rows, %d files", len(rows), len(files))
		}
		for i, row := range rows[:size-2] {
			checkSheetRow(t, b, job, files, i, row)
		}
		without := []string{rows[size-2][3], rows[size-1][3]}
		slices.Sort(without)
		if want := []string{string(revoked), string(suspended)}; !slices.Equal(without, want) || !strings.Contains(rows[size-1][9], "healthcode code issue "+rows[size-1][3]) {
			t.Errorf("without a code: %q, want %q", rows[size-2:], want)
		}
	})
}

// checkSheetRow finds the sign of row i of the index in its file.
func checkSheetRow(t *testing.T, b *bench, job *jobs.Print, files map[string]string, i int, row []string) {
	t.Helper()
	number, page, place := i/7+1, i%7/4+1, i%7%4+1
	if want := []string{itoa(number), itoa(page), itoa(place)}; !slices.Equal(row[:3], want) {
		t.Errorf("row %d is at %q, want %q", i, row[:3], want)
	}
	verdict := credential.Verify(codeOf(t, b.db, registry.USCC(row[3])).JWT, job.Keys, b.now)
	text, err := credential.PrintedText(&verdict, codeOf(t, b.db, registry.USCC(row[3])).JWT)
	check(t, err)
	qr, err := credential.NewQR(text)
	check(t, err)
	pages := strings.Split(files["sheet-0000"+itoa(number)+".html"], `<div class="page">`)
	signs := strings.Split(pages[page], `<rect width="105" height="148" fill="#fff"/>`)
	if !strings.Contains(signs[place], row[3]) || !strings.Contains(signs[place], row[4]) || !strings.Contains(signs[place], string(qr.AppendPath(nil))) {
		t.Errorf("row %d: its place has another sign than that of %s", i, row[3])
	}
	if list := files["list-0000"+itoa(number)+".html"]; !strings.Contains(list, row[3]) || !strings.Contains(list, row[4]) || !strings.Contains(list, row[6]) {
		t.Errorf("row %d: %s is not in its list", i, row[3])
	}
}

func itoa(n int) string { return string(rune('0' + n)) }

// A run that is stopped anywhere leaves whole files only; taken up, it leaves the folder that it would have left without a stop.
func TestStoppedSheetsAreTakenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	job := newPrint(t, b)
	job.Workers = 2
	changeCode(t, b.db, 30, schema.StepRevoke)
	_, err := job.RunOnce(t.Context())
	check(t, err)
	want := folder(t, job.Dir)
	for _, stop := range []int64{1, 8, 13, 29, 58, size} {
		other := *job
		other.Dir = t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		other.Progress = func(done, total int64) {
			if total != size {
				t.Errorf("of %d enterprises, want %d", total, size)
			}
			if done == stop {
				cancel()
			}
		}
		_, err := other.RunOnce(ctx)
		if cancel(); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		for name, text := range folder(t, other.Dir) {
			if whole, final := want[name]; final && text != whole || strings.HasSuffix(name, ".new") {
				t.Errorf("stopped at %d: %s is not whole", stop, name)
			}
		}
		if err == nil { // it was done before it noticed
			continue
		}
		other.Progress = nil
		result, err := other.RunOnce(t.Context())
		check(t, err)
		got := folder(t, other.Dir)
		if result.Signs != size-1 || result.Resumed != (stop > 7) || len(got) != len(want) {
			t.Errorf("stopped at %d: %+v, %d files, want %d", stop, result, len(got), len(want))
		}
		for name, text := range want {
			if got[name] != text {
				t.Errorf("stopped at %d: %s differs", stop, name)
			}
		}
	}
}

// A folder is never mixed: a finished run and half of another one are refused, and --restart touches nothing but signs.
func TestSheetsOfOneRunInAFolder(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	job := newPrint(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	job.Progress = func(done, _ int64) {
		if done == 20 {
			cancel()
		}
	}
	if _, err := job.RunOnce(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	job.Progress = nil
	job.PerFile = 8
	if _, err := job.RunOnce(t.Context()); !errors.Is(err, jobs.ErrPrinted) {
		t.Errorf("half of another run: %v", err)
	}
	check(t, os.WriteFile(filepath.Join(job.Dir, "notes.html"), []byte("mine"), 0o600))
	job.Restart, job.SVG = true, true
	result, err := job.RunOnce(t.Context())
	check(t, err)
	files := folder(t, job.Dir)
	if result.Resumed || files["notes.html"] != "mine" || files["sheet-00001.html"] != "" || !strings.HasPrefix(files["sheet-00008-001.svg"], `<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm"`) {
		t.Errorf("%+v: %d files", result, len(files))
	}
	if result.Files != 8 || len(files) != 1+2+8+15 {
		t.Errorf("%d files for %+v", len(files), result)
	}
	job.Restart = false
	if _, err := job.RunOnce(t.Context()); !errors.Is(err, jobs.ErrPrinted) {
		t.Errorf("a finished run: %v", err)
	}
}

// A list is printed in its own order; filters choose; a removed key leaves nothing to print.
func TestSheetsOfAChoice(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	job := newPrint(t, b)
	page, err := b.db.EnterprisePage(t.Context(), access.Everything(), schema.EnterpriseFilter{Colour: registry.ColourYellow, Limit: 500})
	check(t, err)
	run := func(change func(*jobs.Print)) (*jobs.PrintResult, [][]string) {
		other := *job
		other.Dir = t.TempDir()
		change(&other)
		result, err := other.RunOnce(t.Context())
		check(t, err)
		return result, indexRows(t, folder(t, other.Dir))
	}
	result, _ := run(func(j *jobs.Print) { j.Filter.Colour = registry.ColourYellow })
	if result.Signs != int64(len(page.Items)) || result.Signs == 0 {
		t.Errorf("yellow ones: %+v, want %d", result, len(page.Items))
	}
	listed := []registry.USCC{page.Items[1].Enterprise.USCC, "91350100M000100Y43", page.Items[0].Enterprise.USCC}
	result, rows := run(func(j *jobs.Print) { j.Codes = listed })
	if result.Signs != 2 || result.Unknown != 1 || rows[0][3] != string(listed[0]) || rows[1][3] != string(listed[2]) || rows[2][3] != string(listed[1]) || rows[2][9] != "not in the register" {
		t.Errorf("a list: %+v %q", result, rows)
	}
	stranger, err := credential.NewKey(2, "https://q.example.gov.cn", b.now)
	check(t, err)
	keys, err := credential.NewKeySet(*stranger.PublicKey())
	check(t, err)
	result, rows = run(func(j *jobs.Print) { j.Keys = keys })
	if result.Signs != 0 || result.Without != size || result.Files != 0 || len(rows) != size {
		t.Errorf("the key is gone: %+v", result)
	}
}
