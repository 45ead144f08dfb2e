package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

// program holds what all commands share.
type program struct {
	out, err io.Writer
	now      func() time.Time
	dir      string // data folder: the SQLite file, unless database is set, and the keys
	database string // postgres://…
	json     bool
}

func (p *program) root() *cobra.Command {
	root := group("healthcode", "Quality-safety index, credit tier and signed QR health code of enterprises",
		p.demoCommand(), p.serveCommand(), p.migrateCommand(), p.importCommand(), p.exportCommand(), p.recomputeCommand(), p.explainCommand(),
		p.backtestCommand(), p.calibrateCommand(), p.modelCommand(), p.simulateCommand(),
		p.codeCommand(), p.keysCommand(),
		p.userCommand(), p.partnerCommand(),
		p.bundleCommand(), p.openAPICommand(),
		group("audit", "Check what is stored, and who changed what", p.auditVerifyCommand(), p.auditLogCommand(), p.auditExportCommand(),
			p.auditCheckpointCommand(), p.auditScoresCommand()), p.replayCommand(),
		p.productsCommand(),
		p.listingCommand(),
		p.regionsCommand())
	root.PersistentPreRun = func(c *cobra.Command, _ []string) { c.SetContext(schema.WithActor(c.Context(), commandActor(c))) }
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError{c.CommandPath(), err} })
	root.PersistentFlags().StringVar(&p.dir, "dir", "healthcode-data", "data folder: database file and keys")
	root.PersistentFlags().StringVar(&p.database, "database", "", "PostgreSQL instead of the file: postgres://USER@HOST/NAME?sslmode=…")
	return root
}

// commandActor is who the audit log says that a command is: the user of this machine, by the login name, and what the command is called.
func commandActor(c *cobra.Command) schema.Actor {
	return schema.Actor{Kind: schema.ActorCommand, Name: machineUser(), Doing: strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")}
}

// jsonFlag adds --json to a command that prints results.
func (p *program) jsonFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.json, "json", false, "print one JSON object")
}

// print writes a value as one line of JSON.
func (p *program) print(value any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// printLines writes each value as one line of JSON.
func printLines[T any](p *program, values []T) error {
	for i := range values {
		if err := p.print(&values[i]); err != nil {
			return err
		}
	}
	return nil
}

// say writes a line for people.
func (p *program) say(format string, values ...any) { fmt.Fprintf(p.err, format+"\n", values...) }

func (p *program) log() *slog.Logger { return slog.New(slog.NewTextHandler(p.err, nil)) }

func (p *program) open(ctx context.Context) (*schema.DB, error) {
	if p.database != "" {
		return schema.Open(ctx, schema.Config{URL: p.database})
	}
	return schema.Open(ctx, schema.Config{Dir: p.dir})
}

// withDB opens a database that is ready and closes it afterwards.
func (p *program) withDB(ctx context.Context, work func(db *schema.DB) error) (err error) {
	db, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.CheckVersion(ctx); err != nil {
		return err
	}
	return work(db)
}

// withNewDB is withDB for commands that may be the first: an empty database is made ready, also one whose first start was killed.
func (p *program) withNewDB(ctx context.Context, work func(db *schema.DB) error) (err error) {
	db, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	empty, err := isEmpty(ctx, db)
	if err != nil {
		return err
	}
	if !empty {
		if err := db.CheckVersion(ctx); err != nil {
			return err
		}
	}
	if err := p.prepare(ctx, db); err != nil {
		return err
	}
	return work(db)
}

// isEmpty reports whether a database has no enterprise, whatever its version.
func isEmpty(ctx context.Context, db *schema.DB) (bool, error) {
	version, err := db.Version(ctx)
	if err != nil || version == 0 {
		return err == nil, err
	}
	if version > db.Newest() {
		return false, nil
	}
	n, err := db.CountEnterprises(ctx)
	return n == 0, err
}

// prepare brings a database to the newest version and gives it the default model if it has none.
func (p *program) prepare(ctx context.Context, db *schema.DB) error {
	if _, _, err := db.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	_, err := db.ActiveModel(ctx)
	if !errors.Is(err, schema.ErrNotFound) {
		return err
	}
	m := scoring.DefaultModel()
	ref := schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}
	if err := db.AddModel(ctx, schema.StoredModel{ModelRef: ref, Body: string(m.JSON())}); err != nil {
		return fmt.Errorf("store the default model: %w", err)
	}
	if err := db.ActivateModel(ctx, m.Code, m.Version); err != nil {
		return fmt.Errorf("activate the default model: %w", err)
	}
	return nil
}

func (p *program) today() registry.Day { return registry.DayOf(p.now()) }

// parseDayFlag reads a date flag.
func parseDayFlag(c *cobra.Command, name, text string) (registry.Day, error) {
	day, err := registry.ParseDay(text)
	if err != nil {
		return 0, usage(c, "--%s: %v; want YYYY-MM-DD", name, err)
	}
	return day, nil
}

// parseInstantFlag reads an instant flag; nothing is the zero time.
func parseInstantFlag(c *cobra.Command, name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, usage(c, "--%s: %.40q is no instant; want RFC 3339, such as 2026-11-22T08:00:00+08:00", name, text)
	}
	return at, nil
}

// parseCode reads a USCC argument; a wrong check character passes, because an enterprise may have been stored under an override.
func parseCode(c *cobra.Command, text string) (registry.USCC, error) {
	code, err := registry.ParseUSCC(text)
	if code == "" {
		return "", usage(c, "USCC: %v", err)
	}
	return code, nil
}
