package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"

	"github.com/spf13/cobra"
)

func (p *program) listingCommand() *cobra.Command {
	return group("listing", "Lists of enterprises: trusted merchants, serious violations", p.listingListCommand(), p.listingShowCommand(), p.listingCheckCommand(), p.listingCriteriaCommand())
}

// parseList reads the name of a list.
func parseList(c *cobra.Command, text string) (string, error) {
	for _, list := range supervision.Lists {
		if list == text {
			return list, nil
		}
	}
	return "", usage(c, "%.40q is no list; want %s", text, strings.Join(supervision.Lists, " or "))
}

// listingLine is an entry as listing prints it.
type listingLine struct {
	List   string                   `json:"list"`
	USCC   registry.USCC            `json:"uscc"`
	Name   string                   `json:"name"`
	Region string                   `json:"region_code"`
	State  supervision.ListingState `json:"state"`
	Since  registry.Day             `json:"since"`
	Until  registry.Day             `json:"until,omitzero"`
	Missed []string                 `json:"missed,omitempty"` // as last checked
}

func (p *program) listingListCommand() *cobra.Command {
	var state, region string
	c := &cobra.Command{
		Use: "list LIST", Short: "List who stands on a list, or waits for it", Args: arguments("LIST"),
		Long:    "Lists the entries of a list, trusted_merchant or serious_violation, in the order of names, in every state or in one.",
		Example: "  healthcode listing list trusted_merchant --state suspended\n  healthcode listing list serious_violation --region 330402 --json",
	}
	c.Flags().BoolVar(&p.json, "json", false, "print one JSON object an entry, one a line")
	c.Flags().StringVar(&state, "state", "", "only this state, such as applied, listed, suspended")
	c.Flags().StringVar(&region, "region", "", "only this division and all below it")
	c.RunE = func(c *cobra.Command, given []string) error {
		list, err := parseList(c, given[0])
		if err != nil {
			return err
		}
		filter := schema.ListingFilter{List: list, Sight: access.Everything(), Region: region, Sort: schema.ListingByName, Limit: 500}
		if state != "" {
			filter.States = []supervision.ListingState{supervision.ListingState(state)}
		}
		if _, known := registry.RegionLevelOf(region); region != "" && !known || state != "" && !isListingState(state) {
			return usage(c, "--region: want a division code; --state: want one of %v", supervision.ListingStates)
		}
		return p.withDB(c.Context(), func(db *schema.DB) error { return p.listListing(c.Context(), db, filter) })
	}
	return c
}

func isListingState(text string) bool {
	for _, state := range supervision.ListingStates {
		if string(state) == text {
			return true
		}
	}
	return false
}

func (p *program) listListing(ctx context.Context, db *schema.DB, filter schema.ListingFilter) error {
	for {
		page, err := db.ListingPage(ctx, filter)
		if err != nil {
			return err
		}
		for i := range page.Items {
			item := &page.Items[i]
			line := listingLine{item.List, item.USCC, item.Name, item.Region, item.State, item.Since, item.Until, item.Missed}
			if p.json {
				if err := p.print(line); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(p.out, "%s  %-9s  %s  %s  %s\n", line.USCC, line.State, line.Since, line.Name, strings.Join(line.Missed, " "))
		}
		if filter.Cursor = page.Next; filter.Cursor == "" {
			return nil
		}
	}
}

// listingShown is what listing show prints.
type listingShown struct {
	listingLine
	LegalBasis string               `json:"legal_basis,omitempty"`
	History    []listingHistoryLine `json:"history"`
}

type listingHistoryLine struct {
	Day    registry.Day             `json:"day"`
	Step   supervision.ListingStep  `json:"step"`
	State  supervision.ListingState `json:"state"`
	Author string                   `json:"author"`
	Reason string                   `json:"reason,omitempty"`
	Missed []string                 `json:"missed,omitempty"`
}

func (p *program) listingShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show LIST USCC", Short: "Show how an enterprise stands with a list, and every step", Args: arguments("LIST", "USCC"),
		Long:    "Shows how an enterprise stands with a list and each step with its author and reason.",
		Example: "  healthcode listing show trusted_merchant 91350100M000100Y43 --json",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		list, err := parseList(c, given[0])
		if err != nil {
			return err
		}
		code, err := parseCode(c, given[1])
		if err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error { return p.showListing(c.Context(), db, list, code) })
	}
	return c
}

func (p *program) showListing(ctx context.Context, db *schema.DB, list string, code registry.USCC) error {
	l, err := db.Listing(ctx, list, code)
	if errors.Is(err, schema.ErrNotFound) {
		return fmt.Errorf("%s has never had to do with %s", code, list)
	}
	if err != nil {
		return err
	}
	e, err := db.Enterprise(ctx, code)
	if err != nil {
		return err
	}
	steps, err := db.ListingSteps(ctx, list, code)
	if err != nil {
		return err
	}
	shown := listingShown{listingLine{list, code, e.Name, e.RegionCode, l.State, l.Since, l.Until, l.Missed}, l.Basis, nil}
	for i := range steps {
		s := &steps[i]
		shown.History = append(shown.History, listingHistoryLine{s.Day, s.Step, s.State, s.Author, s.Reason, s.Missed})
	}
	if p.json {
		return p.print(shown)
	}
	fmt.Fprintf(p.out, "%s %s: %s since %s\n", code, e.Name, l.State, l.Since)
	for _, h := range shown.History {
		fmt.Fprintf(p.out, "  %s  %-8s  %s  %s  %s\n", h.Day, h.Step, h.Author, h.Reason, strings.Join(h.Missed, " "))
	}
	return nil
}

// listingChecked is what listing check prints about one enterprise.
type listingChecked struct {
	USCC     registry.USCC                 `json:"uscc"`
	AsOf     registry.Day                  `json:"as_of"`
	Version  int                           `json:"criteria_version"`
	Eligible bool                          `json:"eligible"`
	Criteria []supervision.CriterionResult `json:"criteria"`
}

func (p *program) listingCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check [USCC]", Short: "Say which criteria of trusted merchants an enterprise meets, or follow up all entries", Args: atMostOne,
		Long: "With a USCC it says of each criterion of trusted merchants whether the enterprise meets it today. Without one it does what the server does all\n" +
			"the time: suspends and returns merchants, and ends terms that are over.",
		Example: "  healthcode listing check 91350100M000100Y43\n  healthcode listing check --json",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if len(given) == 0 {
				return p.followListings(c.Context(), db)
			}
			code, err := parseCode(c, given[0])
			if err != nil {
				return err
			}
			return p.checkListing(c.Context(), db, code)
		})
	}
	return c
}

func (p *program) followListings(ctx context.Context, db *schema.DB) error {
	done, err := (&jobs.Listings{DB: db, Clock: p.now}).RunOnce(ctx)
	if errors.Is(err, schema.ErrNothingDue) {
		done, err = &jobs.ListingsDone{Steps: map[supervision.ListingStep]int{}}, nil
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.print(done)
	}
	fmt.Fprintf(p.out, "%d entries looked at; steps: %v\n", done.Checked, done.Steps)
	return nil
}

func (p *program) checkListing(ctx context.Context, db *schema.DB, code registry.USCC) error {
	criteria, err := db.ListingCriteria(ctx, supervision.ListTrusted, p.today())
	if err != nil {
		return err
	}
	facts, _, err := jobs.NewListingFacts(db).Of(ctx, code, p.today())
	if err != nil {
		return err
	}
	checked := listingChecked{USCC: code, AsOf: p.today(), Version: criteria.Version, Criteria: criteria.Check(facts, p.today())}
	checked.Eligible = len(supervision.Missed(checked.Criteria)) == 0
	if p.json {
		return p.print(checked)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "criterion\tmet\tfound\twanted")
	for _, r := range checked.Criteria {
		fmt.Fprintf(w, "%s\t%t\t%s\t%s\n", r.Criterion, r.Met, r.Found, r.Wanted)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the criteria: %w", err)
	}
	return nil
}

func (p *program) listingCriteriaCommand() *cobra.Command {
	var store bool
	var reason string
	c := &cobra.Command{
		Use: "criteria LIST [FILE]", Short: "Show the criteria of a list, or say whom others would suspend or admit, and store them",
		Args: func(c *cobra.Command, given []string) error {
			if len(given) == 2 {
				return nil
			}
			return arguments("LIST")(c, given)
		},
		Long: "Without a FILE it prints every version of a list's criteria. With one, a JSON document as in docs/listings.md, it says whom they would suspend\n" +
			"or admit today, and changes nothing unless --store says so.",
		Example: "  healthcode listing criteria trusted_merchant --json\n  healthcode listing criteria trusted_merchant v2.json\n  healthcode listing criteria trusted_merchant v2.json --store --reason \"as decided on 2026-11-20\"",
	}
	c.Flags().BoolVar(&p.json, "json", false, "print JSON objects, one a line")
	c.Flags().BoolVar(&store, "store", false, "store the criteria of FILE as the next version")
	c.Flags().StringVar(&reason, "reason", "", "why, for the history; needed with --store")
	c.RunE = func(c *cobra.Command, given []string) error {
		list, err := parseList(c, given[0])
		if err != nil {
			return err
		}
		if store && (reason == "" || len(given) < 2) {
			return usage(c, "--store: want a FILE and --reason")
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if len(given) == 1 {
				return p.showCriteria(c.Context(), db, list)
			}
			return p.changeCriteria(c.Context(), db, list, given[1], store, reason)
		})
	}
	return c
}

func (p *program) showCriteria(ctx context.Context, db *schema.DB, list string) error {
	versions, err := db.ListingCriteriaVersions(ctx, list)
	if err != nil {
		return err
	}
	return printLines(p, versions)
}

// criteriaChange is what listing criteria FILE prints.
type criteriaChange struct {
	Stored bool `json:"stored"`
	jobs.ListingPreview
}

func (p *program) changeCriteria(ctx context.Context, db *schema.DB, list, file string, store bool, reason string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read criteria: %w", err)
	}
	then, err := supervision.ParseCriteria(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if then.List != list {
		return fmt.Errorf("%s holds the criteria of %s", file, then.List)
	}
	now, err := db.ListingCriteria(ctx, list, p.today())
	if err != nil {
		return err
	}
	bar := p.newProgress("looking at entries", "entries", -1)
	preview, err := jobs.NewListingFacts(db).Preview(ctx, db.ListingsIn(ctx, list, jobs.PreviewStates...), now, then, p.today(), func(done int) { bar.set(int64(done), -1) })
	bar.finish()
	if err != nil {
		return err
	}
	if store {
		if then.ValidFrom < p.today() {
			return fmt.Errorf("%s: valid_from has passed: nobody is judged by rules that came afterwards", file)
		}
		if err := db.AddListingCriteria(schema.WithActor(ctx, schema.Actor{Kind: "command"}), then, reason); err != nil {
			return err
		}
	}
	if p.json {
		return p.print(criteriaChange{store, *preview})
	}
	fmt.Fprintf(p.out, "%d entries: %d would be suspended, %d admitted, %d refused; stored: %t\n", preview.Entries, len(preview.Suspended), len(preview.Admitted), len(preview.Refused), store)
	for _, m := range preview.Suspended {
		fmt.Fprintf(p.out, "  suspend %s  %s\n", m.USCC, strings.Join(m.Then, " "))
	}
	for _, m := range preview.Admitted {
		fmt.Fprintf(p.out, "  admit   %s  missed until now: %s\n", m.USCC, strings.Join(m.Missed, " "))
	}
	return nil
}
