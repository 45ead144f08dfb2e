package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/spf13/cobra"
)

// The bounds of a list of codes given with --file.
const (
	maxPrintList  = 1_000_000
	maxPrintBytes = 64 << 20
)

// printFlags are the flags of code print.
type printFlags struct {
	size, out, format, lang    string
	region, tier, colour, list string
	all, restart               bool
	perFile                    int
}

func (p *program) codePrintCommand() *cobra.Command {
	f := &printFlags{}
	c := &cobra.Command{
		Use: "print [USCC]", Short: "Print signs with health codes: one, or sheets for a whole county", Args: atMostOne,
		Long: "Draws the sign of one enterprise in its true size, or with --region, --all, --tier, --colour or --file the signs of many into a\n" +
			"folder: pages of A4 (four A6 signs each), a list for handing out with each file, index.csv of everybody, index.html. A run that was\n" +
			"stopped goes on where its last whole file ends. Enterprises without a valid printed code stand at the end of index.csv.\n" +
			"The grade on a sign is that at issue; the sign says so. Print at 100 %, without margins.",
		Example: "  healthcode code print 91350100M000100Y43 --size a4 --out sign.html\n  healthcode code print 91350100M000100Y43 --size a6 --out sign.svg\n" +
			"  healthcode code print --region 330402 --size a6 --out sheets/\n  healthcode code print --file codes.txt --format svg --out sheets/",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&f.size, "size", "a4", "size of a sign: a4 or a6")
	c.Flags().StringVar(&f.out, "out", "", "file NAME.svg or NAME.html for one sign, a folder for many (required)")
	c.Flags().StringVar(&f.region, "region", "", "all enterprises of a division, 6, 9 or 12 digits")
	c.Flags().BoolVar(&f.all, "all", false, "all enterprises")
	c.Flags().StringVar(&f.tier, "tier", "", "only those whose tier is now AA, A, B, C or NEW")
	c.Flags().StringVar(&f.colour, "colour", "", "only those whose colour is now green, blue, yellow or red")
	c.Flags().StringVar(&f.list, "file", "", "just the enterprises of a file with one USCC a line, in its order")
	c.Flags().StringVar(&f.format, "format", "html", "of sheets: html (many pages a file) or svg (a file a page)")
	c.Flags().IntVar(&f.perFile, "per-file", 200, fmt.Sprintf("signs in a file of sheets, 1 to %d", jobs.MaxSignsPerFile))
	c.Flags().StringVar(&f.lang, "lang", string(web.Chinese), "language of lists and index: zh-CN or en; signs carry both")
	c.Flags().BoolVar(&f.restart, "restart", false, "remove what an earlier run left in the folder and print anew")
	c.RunE = func(c *cobra.Command, given []string) error {
		if err := f.check(c, given); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if len(given) == 1 {
				return p.printSign(c, db, given[0], f)
			}
			return p.printSheets(c, db, f)
		})
	}
	return c
}

// many says that sheets are asked for.
func (f *printFlags) many() bool {
	return f.all || f.region != "" || f.tier != "" || f.colour != "" || f.list != ""
}

func (f *printFlags) check(c *cobra.Command, given []string) error {
	_, size := web.ParseSignSize(f.size)
	_, lang := web.ParseLanguage(f.lang)
	extension := filepath.Ext(f.out)
	switch {
	case len(given) == 1 && f.many():
		return usage(c, "name one USCC or choose many, not both")
	case len(given) == 0 && !f.many():
		return usage(c, "name a USCC, or choose many with --region, --all, --tier, --colour or --file")
	case f.list != "" && (f.all || f.region != "" || f.tier != "" || f.colour != ""):
		return usage(c, "--file names the enterprises itself: leave --region, --all, --tier and --colour away")
	case !size || f.size == "":
		return usage(c, "--size: %.40q is not known; want a4 or a6", f.size)
	case !lang:
		return usage(c, "--lang: %.40q is not known; want zh-CN or en", f.lang)
	case f.out == "":
		return usage(c, "--out is missing: a file .svg or .html for one sign, a folder for many")
	case len(given) == 1 && extension != ".svg" && extension != ".html":
		return usage(c, "--out: %q ends in neither .svg nor .html", f.out)
	case f.format != "html" && f.format != "svg":
		return usage(c, "--format: %.40q is not known; want html or svg", f.format)
	case f.perFile < 1 || f.perFile > jobs.MaxSignsPerFile:
		return usage(c, "--per-file: want 1 to %d", jobs.MaxSignsPerFile)
	}
	return nil
}

// printedSign is what code print prints about one sign.
type printedSign struct {
	USCC      registry.USCC   `json:"uscc"`
	Name      string          `json:"name"`
	File      string          `json:"file"`
	Size      string          `json:"size"`
	CodeMM    float64         `json:"code_mm"` // side of the black part of the code
	Tier      registry.Tier   `json:"tier"`    // at issue
	Colour    registry.Colour `json:"colour"`  // at issue
	IssuedAt  int64           `json:"iat"`     // Unix seconds
	ExpiresAt int64           `json:"exp"`
}

func (p *program) printSign(c *cobra.Command, db *schema.DB, text string, f *printFlags) error {
	code, err := parseCode(c, text)
	if err != nil {
		return err
	}
	sign, err := p.sign(c.Context(), db, code)
	if err != nil {
		return err
	}
	size, _ := web.ParseSignSize(f.size)
	language, _ := web.ParseLanguage(f.lang)
	file := bytes.NewBuffer(nil)
	if filepath.Ext(f.out) == ".svg" {
		file.Write(sign.SVG(size))
	} else if err := web.WriteSheet(file, sign.Document(language, sign.Name+" "+size.Paper(), size)); err != nil {
		return err
	}
	if err := os.WriteFile(f.out, file.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the sign: %w", err)
	}
	side := math.Round(size.CodeSide(sign.QR)*10) / 10
	if p.json {
		return p.print(printedSign{USCC: code, Name: sign.Name, File: f.out, Size: size.Name, CodeMM: side, Tier: sign.Tier, Colour: sign.Colour,
			IssuedAt: sign.IssuedAt.Unix(), ExpiresAt: sign.ExpiresAt.Unix()})
	}
	p.say("%s: print it on %s at 100 %%; the black part of the code is then %.1f mm wide", f.out, size.Paper(), side)
	return nil
}

// sign puts the sign of one enterprise together.
func (p *program) sign(ctx context.Context, db *schema.DB, code registry.USCC) (*web.Sign, error) {
	e, err := db.Enterprise(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("find enterprise %s: %w", code, err)
	}
	codes, err := db.CodesOf(ctx, code)
	if err != nil {
		return nil, err
	}
	keys, err := publicKeys(ctx, db)
	if err != nil {
		return nil, err
	}
	printed, err := jobs.NewestPrinted(codes, keys, p.now())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", code, err)
	}
	invented, err := readDemo(p.dir)
	if err != nil {
		return nil, err
	}
	return printed.Sign(e.Name, invented != nil)
}

func (p *program) printSheets(c *cobra.Command, db *schema.DB, f *printFlags) error {
	job, err := p.printJob(c, db, f)
	if err != nil {
		return err
	}
	bar := p.newProgress("printing signs", "enterprises", -1)
	job.Progress = bar.set
	result, err := job.RunOnce(c.Context())
	bar.finish()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped: the same command goes on after the last whole file: %w", err)
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.print(result)
	}
	p.say("%d signs in %d files; start with %s", result.Signs, result.Files, filepath.Join(f.out, "index.html"))
	if result.Without > 0 {
		p.say("%d enterprises have no valid printed code: issue them with healthcode code issue --all and print again; they are at the end of index.csv", result.Without)
	}
	if result.Unknown > 0 {
		p.say("%d codes of %s are not in the register; they are at the end of index.csv", result.Unknown, f.list)
	}
	return nil
}

func (p *program) printJob(c *cobra.Command, db *schema.DB, f *printFlags) (*jobs.Print, error) {
	filter, err := f.filter(c)
	if err != nil {
		return nil, err
	}
	keys, err := publicKeys(c.Context(), db)
	if err != nil {
		return nil, err
	}
	invented, err := readDemo(p.dir)
	if err != nil {
		return nil, err
	}
	size, _ := web.ParseSignSize(f.size)
	language, _ := web.ParseLanguage(f.lang)
	job := &jobs.Print{DB: db, Keys: keys, Clock: p.now, Dir: f.out, Filter: filter, Size: size, SVG: f.format == "svg", PerFile: f.perFile, Lang: language,
		Sample: invented != nil, Restart: f.restart}
	if f.list != "" {
		job.Codes, err = readCodes(c, f.list)
	}
	return job, err
}

func (f *printFlags) filter(c *cobra.Command) (schema.EnterpriseFilter, error) {
	filter := schema.EnterpriseFilter{Region: f.region}
	if _, ok := registry.RegionLevelOf(f.region); !ok && f.region != "" {
		return filter, usage(c, "--region: %.40q is not a division code; want 6, 9 or 12 digits of GB/T 2260, such as 330402", f.region)
	}
	if f.tier != "" {
		filter.Tier = new(registry.Tier)
		if filter.Tier.UnmarshalText([]byte(f.tier)) != nil {
			return filter, usage(c, "--tier: %.40q is not known; want AA, A, B, C or NEW", f.tier)
		}
	}
	if f.colour != "" && filter.Colour.UnmarshalText([]byte(f.colour)) != nil {
		return filter, usage(c, "--colour: %.40q is not known; want green, blue, yellow or red", f.colour)
	}
	return filter, nil
}

// readCodes reads a list with one USCC a line; blank lines and those that begin with # count for nothing. One that stands twice is
// printed once.
func readCodes(c *cobra.Command, path string) ([]registry.USCC, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	if info.Size() > maxPrintBytes {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxPrintBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	seen := map[registry.USCC]bool{}
	codes := []registry.USCC{}
	number := 0
	for row := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		row = strings.TrimSpace(row)
		if row == "" || strings.HasPrefix(row, "#") {
			continue
		}
		code, err := registry.ParseUSCC(row)
		if code == "" {
			return nil, usage(c, "%s, line %d: %v", path, number, err)
		}
		if !seen[code] {
			seen[code] = true
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 || len(codes) > maxPrintList {
		return nil, usage(c, "%s: want 1 to %d codes, one a line", path, maxPrintList)
	}
	return codes, nil
}
