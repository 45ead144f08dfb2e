package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"healthcode/registry"
	"healthcode/supervision"
)

var instant = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)

func someGrade(c registry.Colour) *Grade {
	return &Grade{Index: 8235, Tier: registry.TierA, Colour: c, Evidence: registry.EvidenceFair, AsOf: registry.MustDay("2026-11-22"), KnownAt: instant, Model: "default v1"}
}

func someVerdict(page Page, reason string) VerdictPage {
	v := VerdictPage{Page: page, Reason: reason, CheckedAt: instant}
	switch reason {
	case "ok":
		v.Authentic, v.Grade = true, someGrade(registry.ColourBlue)
		v.Reply = &PublicReply{"<script>alert(1)</script>", registry.MustDay("2026-11-20")}
		fallthrough
	case "expired", "revoked", "suspended", "superseded", "not_yet_valid", "stale_list":
		v.Signed = true
		v.Enterprise = &VerdictEnterprise{USCC: "91330400MA28A00000", Name: "嘉兴示例<食品>有限公司", Region: "浙江省嘉兴市南湖区"}
		v.Code = &VerdictCode{Form: "printed", IssuedAt: instant, ExpiresAt: instant.AddDate(1, 0, 0), Tier: registry.TierB, Colour: registry.ColourYellow, Model: 1, KeyID: "1"}
	}
	return v
}

func someHome(page Page) HomePage {
	h := HomePage{Page: page, Counts: Counts{1200, 1100}, Model: "default v1", AsOf: registry.MustDay("2026-11-22"), Next: "abc",
		Filter:   Filter{Text: `"><script>`, Sort: "-index", After: "x"},
		Counties: []Choice{{"330402", "南湖区"}}, Townships: []Choice{{"330402001", "建设街道"}},
		Showcases: []Showcase{{USCC: "91330400MA28A00000", Name: "甲", Title: "一票否决", Text: "一律红码", Grade: someGrade(registry.ColourRed)}},
		Rows: []EnterpriseRow{{USCC: "91330400MA28A00000", Name: "甲", Region: "南湖区", Grade: someGrade(registry.ColourGreen), ChangedOn: registry.MustDay("2026-01-02")},
			{USCC: "91330400MA28A00001", Name: "乙", Region: "南湖区"}}}
	h.Signals = []SignalLine{{USCC: "91330400MA28A00000", Name: "甲", Index: 7, Day: registry.MustDay("2026-11-22"), Areas: 30, Scans: 100, Most: 20}}
	for _, c := range registry.Colours() {
		h.Colours = append(h.Colours, Bar{Value: c.String(), Colour: c, Count: 275, Of: 1100})
	}
	for _, tier := range registry.Tiers() {
		h.Tiers = append(h.Tiers, Bar{Value: tier.String(), Count: 220, Of: 1100})
	}
	return h
}

func someEnterprise(page Page) EnterprisePage {
	return EnterprisePage{Page: page, USCC: "91330400MA28A00000", Name: "甲", Region: "嘉兴市南湖区", Address: "中山路 1 号", Size: "small", Industry: "C3831",
		RegisteredOn: registry.MustDay("2015-06-01"), Products: []ProductLine{{"电线电缆", registry.RiskHigh}}, Grade: someGrade(registry.ColourYellow),
		Codes: []CodeLine{{Index: 7, Form: "printed", Status: "suspended", IssuedAt: instant, ExpiresAt: instant, Scans: 12, Steps: []CodeStepLine{{"issue", "system", "", instant}, {"suspend", "Li Hua", "<lost>", instant}}},
			{Index: 8, Form: "screen", Status: "valid", IssuedAt: instant}},
		Signals: []SignalLine{{USCC: "91330400MA28A00000", Name: "甲", Index: 7, Day: registry.MustDay("2026-11-22"), Areas: 30, Scans: 100, Most: 20}},
		Code:    &CodeImage{SVG: "/a.svg", PNG: "/a.png", URL: "/v/123", IssuedAt: instant, ExpiresAt: instant}, AsOf: "2026-11-22",
		Preview: somePreview(), Answering: someAnswering(page), Reply: &PublicReply{"we <b>disagree</b>\nreally", registry.MustDay("2026-11-20")},
		Listings: someListings(),
		Tickets: &Tickets{MayMake: true, Purposes: []string{"finance", "permitting"}, Days: []int{1, 7}, Made: "hct_<x>", Problem: "<no>", Purpose: "permitting", Partner: "<b>", Lives: 7,
			Rows: []TicketLine{{ID: "0123456789ab", Purpose: "finance", State: "open", MadeAt: instant, ExpiresAt: instant}, {ID: "1", Purpose: "finance", Partner: "b", State: "used", UsedAt: instant, UsedBy: "b"}, {ID: "2", Purpose: "finance", State: "expired"}}},
		Looks: []LookLine{{instant, "某<银行>", "finance", "code", 2}, {instant, "b", "permitting", "ticket", 1}},
		Explanation: &Explanation{Start: 8000, Index: 8235, Dimensions: []DimensionLine{{"spot_check", 400, 3280, 1_000_000, 2_000_000, 235}},
			Records: []RecordLine{{Source: "demo", SourceRef: "R-1", Revision: 2, Kind: "spot_check", Outcome: "fail", Severity: "minor", OccurredOn: registry.MustDay("2026-05-01"), Dimension: "spot_check", Bad: 1, Points: -20, Note: "capped"},
				{Source: "demo", SourceRef: "R-2", Revision: 1, Kind: "penalty", Outcome: "imposed", OccurredOn: registry.MustDay("2026-05-02"), Note: "counted_with", With: "demo/R-1"}},
			Quiet:     []QuietLine{{"complaint", 36, 5_000_000, 120}},
			Gates:     []RuleLine{{"AA", "days_since_worse_than_minor", ">=", 1095, 999_999, true}, {"A", "evidence_level", ">=", 3, 2, false}},
			Vetoes:    []RuleLine{{"red", "checks_refused", ">=", 1, 1, true}},
			ModelCode: "default", ModelVersion: 1, ModelDigest: strings.Repeat("ab", 32), Digest: strings.Repeat("cd", 32),
			Reasons: []ReasonLine{{ReasonWords{"text", "advice"}, registry.ColourRed}}, Time: []string{"later"}, Lifts: slices.Repeat([]LiftLine{{"do", registry.ColourGreen}}, 6),
			AsOf: registry.MustDay("2026-11-22"), KnownAt: instant, NextChangeOn: registry.MustDay("2027-03-14")}}
}

func someCriteria() []CriterionLine {
	return []CriterionLine{{"tier", false, "B", "A", 0}, {"colour", false, "", "blue", 0}, {"held", false, "12", "90", registry.MustDay("2027-02-12")}, {"registered", true, "4000", "365", 0},
		{"open_hazard", false, "2", "0", 0}, {"veto", true, "0", "0", 0}, {"serious_list", false, "true", "false", 0}, {"serious_list", true, "false", "false", 0}, {"commitment", false, "", "made", 0}, {"commitment", true, "kept", "made", 0}}
}

func someListings() []OwnListing {
	row := ListingRow{List: "trusted_merchant", USCC: "91330400MA28A00000", Name: "甲<乙>", Region: "南湖区", State: "suspended", Since: registry.MustDay("2026-11-01"), Commitment: "<保证>", Missed: []string{"tier", "held"}, Steps: []string{"resume", "remove"}}
	trusted := OwnListing{ListingRow: row, ByHand: true, MetSince: registry.MustDay("2026-11-20"), Criteria: someCriteria(), CanWithdraw: true,
		History: []ListingEventLine{{"apply", registry.MustDay("2026-01-02"), "boss", "", nil}, {"suspend", registry.MustDay("2026-11-01"), "system", "<why>", []string{"tier", "held"}}}}
	serious := OwnListing{ListingRow: ListingRow{List: "serious_violation", State: "listed", Since: row.Since, Until: registry.MustDay("2029-11-01"), AnswerBy: row.Since, Basis: "第五条<>"}, CanNotice: true, Penalties: []Choice{{"a/b", "a b"}}}
	return []OwnListing{trusted, serious, {ListingRow: ListingRow{List: "trusted_merchant"}, Eligible: true, Criteria: someCriteria()[3:4], CanApply: true, CanNominate: true}, {ListingRow: ListingRow{List: "serious_violation"}, CanNotice: true}}
}

func somePublicListing(page Page) PublicListingPage {
	rows := []ListingRow{someListings()[0].ListingRow, someListings()[1].ListingRow}
	return PublicListingPage{Page: page, List: "trusted_merchant", Lists: []string{"trusted_merchant", "serious_violation"}, Basis: "依据<1>", Criteria: someCriteria(), Version: 2, ValidFrom: registry.MustDay("2026-01-01"),
		Lasts: &ListingTerm{3, 365, 7}, Listed: 12, Suspended: 3, Text: "<x>", County: "330402", Counties: []Choice{{"330402", "南湖区"}}, Rows: rows, After: "x", Next: "y", Licence: Licence{"CC BY 4.0", "https://example.org/by", "某局"}}
}

func somePreview() *Preview {
	before := OwnGrade{Index: 8012, Tier: registry.TierA, Colour: registry.ColourGreen, EarnedTier: registry.TierA, EarnedColour: registry.ColourGreen}
	after := OwnGrade{Index: 7912, Tier: registry.TierB, Colour: registry.ColourBlue, EarnedTier: registry.TierA, EarnedColour: registry.ColourGreen}
	return &Preview{Code: "default", Version: 2, EffectiveOn: registry.MustDay("2027-01-01"), Until: registry.MustDay("2026-12-15"), Before: before, After: after,
		Changes: []string{"spot_check weight 40 % → 45 %"}, Said: []Said{{"a\nb", instant}}, MaxText: 2000, Refused: true, Text: "<kept>"}
}

func someRegions(page Page) RegionsPage {
	r := RegionsPage{Page: page, Code: "330402", Name: "嘉兴市<南湖>区", Parents: []Choice{{"330400", "嘉兴市"}}, AsOf: registry.MustDay("2026-11-22"), Model: "default v1", Towns: true,
		Grade: &RegionGrade{Colour: registry.ColourYellow, Enterprises: 100, AtLeast: 10, Rule: 2, Otherwise: registry.ColourBlue,
			Better: &RegionStep{registry.ColourBlue, 3}, Worse: &RegionStep{registry.ColourRed, 4}}}
	for i, operator := range []string{">=", ">", "<", "<="} {
		r.Rules = append(r.Rules, RegionRule{Number: i + 1, Colour: registry.ColourYellow, Of: []registry.Colour{registry.ColourYellow, registry.ColourRed}, Operator: operator,
			Share: 250, AtLeast: int64(i), Count: 26, Found: 260, Held: i%2 == 1})
	}
	for _, c := range registry.Colours() {
		r.Grade.Colours = append(r.Grade.Colours, Bar{Value: c.String(), Colour: c, Count: 25, Of: 100})
	}
	r.Children = []RegionRow{{Code: "330402001", Name: "建设街道", Colour: registry.ColourRed, Enterprises: 30, Colours: r.Grade.Colours},
		{Code: "330402002", Name: "解放街道", Enterprises: 3, Colours: r.Grade.Colours}}
	return r
}

func someScreen(page Page, state string) ScreenPage {
	s := ScreenPage{Page: page, USCC: "91330400MA28A00000", Name: "甲", State: state, API: "/api/v1/enterprises/91330400MA28A00000/screen", RenewAfter: 30}
	if s.Valid() {
		s.Image, s.Tier, s.Colour, s.IssuedAt, s.Left = "data:image/svg+xml;base64,PHN2Zy8+", registry.TierA, registry.ColourGreen, instant, 180
	}
	return s
}

func someAccount(page Page, offer *SecondFactorOffer) AccountPage {
	page.Account = "zhang.min"
	return AccountPage{Page: page, Rights: []Right{{"reader", "嘉兴市南湖区"}, {"approver", ""}}, Enterprises: []string{"91330400MA28A00000"}, Agency: "甲<所>",
		Sessions: []SessionLine{{"0123456789abcdef", instant, instant, true}, {"0123456789abcde0", instant, instant, false}}, HasPassword: true, MinPassword: 12,
		SecondFactor: offer == nil && page.Demo, Offer: offer, Problem: "<wrong>"}
}

func someRecourse(page Page) RecoursePage {
	row := RecourseRow{Number: 7, USCC: "91330400MA28A00000", Name: "甲<公司>", Kind: "objection", State: "accepted", Record: "demo R-1", FiledOn: registry.MustDay("2026-11-02"),
		DueOn: registry.MustDay("2026-11-20"), Overdue: true}
	return RecoursePage{Page: page, RecourseRow: row, Text: "a<b>\nb", FiledBy: "own", OnBehalf: true, Duties: true, WeekendsOnly: true, MaxReason: 1000, MaxText: 2000, Problem: "<wrong>", Reason: "<kept>",
		Steps:    []RecourseStep{{"file", "", "own", false, "", instant}, {"decide", "upheld", "li", true, "a\nb", instant}},
		Next:     []supervision.Step{"accept", "decide", "return", "complete", "hide", "revoke", "appeal", "withdraw"},
		Outcomes: []Choice{{"upheld", "支持"}}, Results: []Choice{{"pass", "合格"}},
		Record: &RecourseRecord{"demo", "R-1", "spot_check", "fail", "minor", registry.MustDay("2026-10-20"), "provisional", registry.MustDay("2027-01-01"), registry.MustDay("2027-10-01")}}
}

func someAnswering(page Page) *Answering {
	r := someRecourse(page)
	records := []Choice{{`["demo","R-1"]`, "抽查<不合格>"}}
	never := *r.Record
	never.RepairFrom = 0
	return &Answering{Rows: []RecourseRow{r.RecourseRow, {Number: 8, Kind: "reply", State: "published"}, {Number: 9, Kind: "repair", State: "decided", Outcome: "refused", DueOn: registry.MustDay("2026-12-01")}},
		More: true, MayFile: true, Objectable: records, Repairable: records, Contested: []Choice{{"0", "评级"}}, Terms: []RecourseRecord{*r.Record, never}, MayReply: true, MaxText: 2000, MaxReply: 500,
		Problem: "<wrong>", Kind: "reply", Text: "<kept>"}
}

func everyView(page Page) map[string]any {
	all := map[string]any{"recourse": someRecourse(page), "decided recourse": RecoursePage{Page: page, RecourseRow: RecourseRow{Number: 1, Kind: "appeal", State: "decided", Outcome: "dismissed"}},
		"appeal":     RecoursePage{Page: page, RecourseRow: RecourseRow{Kind: "appeal", State: "filed"}, Against: 7},
		"desk":       RecoursesPage{Page: page, Counties: []Choice{{"330402", "南湖区"}}, Rows: someAnswering(page).Rows, Next: "n", Filter: RecourseFilter{Kind: "repair", State: "filed", County: "330402", Overdue: true, After: "a"}},
		"empty desk": RecoursesPage{Page: page},
		"home":       someHome(page), "empty home": HomePage{Page: page}, "enterprise": someEnterprise(page),
		"ungraded enterprise":   EnterprisePage{Page: page, USCC: "91330400MA28A00000", Name: "甲"},
		"previewing enterprise": EnterprisePage{Page: page, USCC: "91330400MA28A00000", Name: "甲", Preview: somePreview()},
		"unmoved enterprise":    EnterprisePage{Page: page, Name: "甲", Preview: &Preview{Code: "default", Version: 2}},
		"public list":           somePublicListing(page), "empty public list": PublicListingPage{Page: page, List: "serious_violation"},
		"desk of lists": ListingDeskPage{Page: page, List: "trusted_merchant", Lists: []string{"trusted_merchant", "serious_violation"}, State: "waiting", States: []string{"waiting", "listed"}, Text: "<x>",
			Rows: somePublicListing(page).Rows, Next: "x", Decide: true},
		"desk of lists to read": ListingDeskPage{Page: page, List: "trusted_merchant", State: "listed", Rows: somePublicListing(page).Rows},
		"empty desk of lists":   ListingDeskPage{Page: page, List: "trusted_merchant", State: "waiting"},
		"regions":               someRegions(page), "no regions": RegionsPage{Page: page}, "checker": VerifyPage{Page: page},
		"screen": someScreen(page, "valid"), "suspended screen": someScreen(page, "suspended"), "revoked screen": someScreen(page, "revoked"),
		"sign": someSignPage(page), "no sign": SignPage{Page: page, USCC: "91330400MA28A00000", Name: "甲", Size: SignSizes()[1]},
		"sign-in":                   SignInPage{Page: page, Next: "/x?<", Problem: "wrong_credentials", Elsewhere: true, DemoAccounts: []DemoAccount{{"reader", Phrase{"查阅", "Reader"}}}},
		"code of the second factor": SignInPage{Page: page, Code: true, Problem: "wrong_second_factor"},
		"account":                   someAccount(page, nil), "offered second factor": someAccount(page, &SecondFactorOffer{"data:image/svg+xml;base64,PHN2Zy8+", "ABCD", "sealed"}),
		"account that signs in elsewhere": AccountPage{Page: page},
		"problem":                         ProblemPage{Page: page, Status: 404, Title: "没有", Detail: "x"}}
	for _, reason := range VerdictReasons() {
		all["verdict "+reason] = someVerdict(page, reason)
	}
	return all
}

// untranslated finds a key of ours that reached the reader.
var untranslated = regexp.MustCompile(`\b(app|demo|verdict|verify|checker|home|enterprise|preview|sign|sheet|regions|region_colour|problem|colour|tier|note|quantity|kind|outcome|dimension|fact|form|risk|reason|tail|advice|path|item|screen|codes|looks|look_purpose|look_means|list|listing|listing_state|listing_step|listing_commitment|criterion|criterion_do|signal|code_status|code_step)\.[a-z_]+\b|%!|\{[a-z]+\}|<no value>|ZgotmplZ`)

// addresses finds names of files and the keys under which the checker's script looks its words up.
var addresses = regexp.MustCompile(`/static/\S*|data-key="[a-zA-Z._]*"`)

// licenceLinks lead to the text of a licence, elsewhere.
var licenceLinks = regexp.MustCompile(`rel="license" href="[^"]*"`)

// strictPolicy finds what a strict content security policy forbids.
var strictPolicy = regexp.MustCompile(`<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:|(src|href)="(https?:)?//`)

func TestEveryViewRenders(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range Languages() {
		for name, view := range everyView(Page{Lang: language, Chosen: true, Path: "/p", Demo: true, ID: "0123", Query: url.Values{"q": {"x"}}}) {
			t.Run(name+" "+string(language), func(t *testing.T) {
				t.Parallel()
				page, err := r.Render(view)
				if err != nil {
					t.Fatal(err)
				}
				checkPage(t, string(page), language)
				if scripts := strings.Count(string(page), "<script"); scripts > 0 != (name == "checker" || strings.HasSuffix(name, "screen")) {
					t.Errorf("the page has %d scripts", scripts)
				}
			})
		}
	}
}

func checkPage(t *testing.T, page string, language Language) {
	t.Helper()
	if !strings.HasPrefix(page, "<!DOCTYPE html>\n<html lang=\""+string(language)+`"`) || !strings.HasSuffix(page, "</html>\n") {
		t.Error("the page is not whole")
	}
	if found := untranslated.FindString(addresses.ReplaceAllString(page, "")); found != "" {
		t.Errorf("the page shows %q", found)
	}
	if found := strictPolicy.FindString(licenceLinks.ReplaceAllString(page, "")); found != "" {
		t.Errorf("the page has %q", found)
	}
	banner, err := Translate(language, "demo.banner")
	if err != nil || !strings.Contains(page, banner) {
		t.Errorf("the page of invented data does not say so: %v", err)
	}
}

// No text that readers give reaches a page as markup.
func TestNamesAreEscaped(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Render(someVerdict(Page{Lang: Chinese, Path: "/v/1"}, "ok"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, []byte("嘉兴示例&lt;食品&gt;有限公司")) {
		t.Error("the name is not shown escaped")
	}
	for _, absent := range []string{"示例数据", "/enterprises/"} {
		if bytes.Contains(page, []byte(absent)) {
			t.Errorf("a public page of real data has %q", absent)
		}
	}
}

// A code that may not be relied on never shows a live grade.
func TestOnlyAuthenticCodesShowAGrade(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range VerdictReasons() {
		view := someVerdict(Page{Lang: English, Path: "/v/1"}, reason)
		view.Grade = someGrade(registry.ColourGreen)
		page, err := r.Render(view)
		if err != nil {
			t.Fatal(err)
		}
		if shown := bytes.Contains(page, []byte(`class="hc-grade `)); shown != (reason == "ok") {
			t.Errorf("%s: a grade is shown: %t", reason, shown)
		}
		if reason != "ok" && (bytes.Contains(page, []byte("Green")) || bytes.Contains(page, []byte("Yellow"))) {
			t.Errorf("%s: a colour is named", reason)
		}
	}
}

func TestRendererRefusesToStart(t *testing.T) {
	t.Parallel()
	assets, err := Assets()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, content, want string }{
		"view without template":      {"home.html", "", "home.html"},
		"template without view":      {"extra.html", "x", "shows no declared view"},
		"phrase that does not exist": {"home.html", `{{define "title"}}{{.T "no.such"}}{{end}}{{define "content"}}{{end}}`, `"no.such"`},
		"phrase inside a loop":       {"home.html", `{{define "title"}}x{{end}}{{define "content"}}{{range .Rows}}{{if .Name}}{{else}}{{$.T "no.such"}}{{end}}{{end}}{{end}}`, `"no.such"`},
		"asset that does not exist":  {"home.html", `{{define "title"}}x{{end}}{{define "content"}}{{asset "none.css"}}{{end}}`, "none.css"},
		"broken template":            {"verdict.html", "{{if}}", "verdict.html"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newRenderer(changedTemplates(t, c.file, c.content), assets)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// changedTemplates is our templates with one file changed, or left out when the content is empty.
func changedTemplates(t *testing.T, file, content string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data, err := templateFiles.ReadFile("templates/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		files["templates/"+entry.Name()] = &fstest.MapFile{Data: data}
	}
	if content == "" {
		delete(files, "templates/"+file)
		return files
	}
	files["templates/"+file] = &fstest.MapFile{Data: []byte(content)}
	return files
}

func TestRenderUndeclaredView(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	if page, err := r.Render(struct{}{}); !errors.Is(err, ErrView) || page != nil {
		t.Errorf("got %q, %v", page, err)
	}
	if page, err := r.Render(VerdictPage{Page: Page{Lang: Chinese}, Reason: "no_such_reason"}); err == nil || page != nil {
		t.Errorf("half a page came out: %d bytes, %v", len(page), err)
	}
}

// One renderer serves many requests at once.
func TestRenderConcurrently(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			name := fmt.Sprintf("company %d", i)
			page, err := r.Render(EnterprisePage{Page: Page{Lang: English}, Name: name, USCC: "x"})
			if err != nil || !bytes.Contains(page, []byte(name+"</h1>")) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	group.Wait()
}

func BenchmarkVerdictPage(b *testing.B) {
	r, err := NewRenderer()
	if err != nil {
		b.Fatal(err)
	}
	view := someVerdict(Page{Lang: Chinese, Path: "/v/1"}, "ok")
	b.ReportAllocs()
	for b.Loop() {
		page, err := r.Render(view)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Discard.Write(page); err != nil {
			b.Fatal(err)
		}
	}
}
