package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/registry"
)

// printCity is a small city with codes.
func printCity(t *testing.T) (dir string, first registry.USCC) {
	t.Helper()
	dir = t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "60", "--seed", "7", "--issuer", "https://q.example.gov.cn", "--dir", dir)
	lines := mustCall(t, "export", "codes", "--dir", dir).out
	return dir, parse[codeLine](t, lines[:strings.IndexByte(lines, '\n')]).USCC
}

func TestPrintOneSign(t *testing.T) {
	t.Parallel()
	dir, uscc := printCity(t)
	for _, size := range []string{"a4", "a6"} {
		for extension, begin := range map[string]string{".svg": "<svg xmlns", ".html": "<!doctype html>"} {
			out := filepath.Join(t.TempDir(), "sign"+extension)
			r := mustCall(t, "code", "print", string(uscc), "--size", size, "--out", out, "--dir", dir, "--json")
			sign := parse[printedSign](t, r.out)
			text, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if sign.USCC != uscc || sign.CodeMM < 25 || sign.Size != size || sign.ExpiresAt-sign.IssuedAt != 365*86400 || !strings.HasPrefix(string(text), begin) ||
				!strings.Contains(string(text), sign.Name) || !strings.Contains(string(text), "INVENTED SAMPLE") {
				t.Errorf("%s %s: %+v: %.200s", size, extension, sign, text)
			}
		}
	}
}

func TestPrintSheets(t *testing.T) {
	t.Parallel()
	dir, uscc := printCity(t)
	out := filepath.Join(t.TempDir(), "new", "sheets")
	result := parse[struct {
		Signs, Files, Unknown int
		Without               int `json:"without_code"`
	}](t, mustCall(t, "code", "print", "--all", "--size", "a6", "--per-file", "16", "--out", out, "--dir", dir, "--json").out)
	if result.Signs != 60 || result.Files != 4 || result.Without != 0 || result.Unknown != 0 {
		t.Errorf("%+v", result)
	}
	if r := call(t, "code", "print", "--all", "--size", "a6", "--out", out, "--dir", dir); r.code != exitRefused || !strings.Contains(r.err, "--restart") {
		t.Errorf("into a finished folder: %d %s", r.code, r.err)
	}
	list := write(t, "codes.txt", "\ufeff# two of them\r\n"+strings.ToLower(string(uscc))+"\r\n\r\n91350100M000100Y43\r\n"+string(uscc)+"\r\n")
	r := mustCall(t, "code", "print", "--file", list, "--restart", "--out", out, "--dir", dir)
	if !strings.Contains(r.err, "1 signs in 1 files") || !strings.Contains(r.err, "1 codes of "+list+" are not in the register") {
		t.Errorf("a list: %s", r.err)
	}
	if left, err := filepath.Glob(filepath.Join(out, "sheet-*")); err != nil || len(left) != 1 {
		t.Errorf("files of the run before are left: %q %v", left, err)
	}
}

// A run that is interrupted says how to go on.
func TestPrintSheetsInterrupted(t *testing.T) {
	t.Parallel()
	dir, _ := printCity(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs strings.Builder
	if code := run(ctx, []string{"code", "print", "--all", "--out", t.TempDir(), "--dir", dir}, &out, &errs); code != exitRefused {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func TestPrintRefuses(t *testing.T) {
	t.Parallel()
	dir, uscc := printCity(t)
	bad := write(t, "bad.txt", string(uscc)+"\nnonsense\n")
	for name, c := range map[string]struct {
		code      int
		want      string
		arguments []string
	}{
		"nothing chosen":             {exitUsage, "name a USCC", []string{"--out", "x"}},
		"one and many":               {exitUsage, "not both", []string{string(uscc), "--all", "--out", "x.svg"}},
		"a list and a filter":        {exitUsage, "--file names the enterprises itself", []string{"--file", bad, "--tier", "A", "--out", "x"}},
		"a size of its own":          {exitUsage, "a4 or a6", []string{string(uscc), "--size", "a5", "--out", "x.svg"}},
		"no size":                    {exitUsage, "a4 or a6", []string{string(uscc), "--size", "", "--out", "x.svg"}},
		"no file":                    {exitUsage, "--out is missing", []string{string(uscc)}},
		"another kind of file":       {exitUsage, "neither .svg nor .html", []string{string(uscc), "--out", "x.pdf"}},
		"another format":             {exitUsage, "html or svg", []string{"--all", "--format", "pdf", "--out", "x"}},
		"no signs in a file":         {exitUsage, "1 to 1000", []string{"--all", "--per-file", "0", "--out", "x"}},
		"a region that is none":      {exitUsage, "not a division code", []string{"--region", "3304", "--out", "x"}},
		"a tier that is none":        {exitUsage, "AA, A, B, C or NEW", []string{"--tier", "D", "--out", "x"}},
		"a colour that is none":      {exitUsage, "green, blue, yellow or red", []string{"--colour", "pink", "--out", "x"}},
		"a language that is none":    {exitUsage, "zh-CN or en", []string{"--all", "--lang", "fr", "--out", "x"}},
		"a list with a bad line":     {exitUsage, "line 2", []string{"--file", bad, "--out", "x"}},
		"an empty list":              {exitUsage, "codes, one a line", []string{"--file", write(t, "empty.txt", "# nobody\n"), "--out", "x"}},
		"a list that is not there":   {exitRefused, "read the list", []string{"--file", filepath.Join(dir, "none"), "--out", "x"}},
		"an enterprise of nobody":    {exitRefused, "91350100M000100Y43", []string{"91350100M000100Y43", "--out", "x.svg"}},
		"a code that is none":        {exitUsage, "USCC", []string{"nonsense", "--out", "x.svg"}},
		"a folder that cannot exist": {exitRefused, "make the folder", []string{"--all", "--out", filepath.Join(bad, "x")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := call(t, append([]string{"code", "print", "--dir", dir}, c.arguments...)...)
			if r.code != c.code || !strings.Contains(r.err, c.want) || r.out != "" {
				t.Errorf("exit code %d, want %d with %q: %s%s", r.code, c.code, c.want, r.out, r.err)
			}
		})
	}
}
