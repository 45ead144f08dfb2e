package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

// auditVerifyFlags say what audit verify holds the log against.
type auditVerifyFlags struct {
	checkpoints []string
	keys        string
	from        int64
}

func (p *program) auditVerifyCommand() *cobra.Command {
	f := &auditVerifyFlags{}
	c := &cobra.Command{
		Use: "verify", Short: "Check that no line of the audit log was changed, removed, inserted or reordered", Args: arguments(),
		Long: "Reads every line of the audit log, computes the chain of hashes again, and holds it against the columns beside the lines, the head, every\n" +
			"stored checkpoint with its signature, and checkpoints that you kept (--checkpoint): only those show that somebody who holds the database and\n" +
			"the signing key wrote everything anew. Exit code 1 when something is found; it says which line, and what.",
		Example: "  healthcode audit verify\n  healthcode audit verify --checkpoint kept/audit-checkpoint-000000004711.jwt --keys kept/jwks.json --json",
	}
	p.jsonFlag(c)
	c.Flags().StringArrayVar(&f.checkpoints, "checkpoint", nil, "file with a checkpoint that you kept, again for each")
	c.Flags().StringVar(&f.keys, "keys", "", "key set (JWKS) that you kept, for the signatures (default every key of the database)")
	c.Flags().Int64Var(&f.from, "from", 1, "look only at the lines from this one on; the hash of the one before is believed")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if f.from < 1 {
			return usage(c, "--from: want 1 or more")
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			report, err := p.verifyAudit(c.Context(), db, f)
			if err != nil {
				return err
			}
			return p.reportLog(report)
		})
	}
	return c
}

func (p *program) verifyAudit(ctx context.Context, db *schema.DB, f *auditVerifyFlags) (*jobs.AuditReport, error) {
	job := &jobs.AuditCheck{DB: db, After: f.from - 1}
	for _, path := range f.checkpoints {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read a checkpoint: %w", err)
		}
		job.Kept = append(job.Kept, jobs.KeptCheckpoint{Source: filepath.Base(path), Token: string(text)})
	}
	if f.keys != "" {
		text, err := os.ReadFile(f.keys)
		if err == nil {
			job.Keys, err = credential.ParseKeySet(text)
		}
		if err != nil {
			return nil, fmt.Errorf("read the key set: %w", err)
		}
	}
	bar := p.newProgress("checking the audit log", "lines", -1)
	defer bar.finish()
	job.Progress = bar.set
	return job.Run(ctx)
}

func (p *program) reportLog(r *jobs.AuditReport) error {
	if p.json {
		if err := p.print(r); err != nil {
			return err
		}
	} else {
		for _, f := range r.Findings {
			p.say("%s: %s", f.Fault, f.Detail)
		}
		p.say("%d lines up to %d, %d stored checkpoints, %d that you kept: %d faults", r.Lines, r.Last, r.Checkpoints, r.Kept, r.Found)
		if r.Found == 0 && r.Kept == 0 {
			p.say("whoever holds the database and the signing key could have written all of it anew: keep checkpoints elsewhere (--checkpoint)")
		}
	}
	if r.Found > 0 {
		return errQuiet
	}
	return nil
}

// auditLogFlags choose lines.
type auditLogFlags struct {
	schema.AuditFilter
	uscc, from, to string
}

func (p *program) auditLogCommand() *cobra.Command {
	f := &auditLogFlags{}
	c := &cobra.Command{
		Use: "log", Short: "List who changed what, newest first", Args: arguments(),
		Example: "  healthcode audit log\n  healthcode audit log --noun code --id 1048581\n  healthcode audit log --actor zhang.min --from 2026-11-01 --to 2026-11-30 --json",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&f.Noun, "noun", "", "what was changed, such as account, code, model, record, run")
	c.Flags().StringVar(&f.ID, "id", "", "which of them, as the log names it")
	c.Flags().StringVar(&f.Action, "action", "", "such as account.disabled")
	c.Flags().StringVar(&f.Kind, "kind", "", "of who changed it: staff, enterprise, agency, partner, operator, public, command or system")
	c.Flags().StringVar(&f.Actor, "actor", "", "login name, or name of a partner or job")
	c.Flags().StringVar(&f.uscc, "uscc", "", "enterprise that it is about")
	c.Flags().StringVar(&f.from, "from", "", "first day, YYYY-MM-DD")
	c.Flags().StringVar(&f.to, "to", "", "last day, YYYY-MM-DD")
	c.Flags().Int64Var(&f.Before, "before", 0, "only lines below this number, for the next page")
	c.Flags().IntVar(&f.Limit, "limit", 50, "how many")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := f.read(c); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			entries, err := db.AuditLog(c.Context(), f.AuditFilter)
			if err != nil {
				return err
			}
			return p.printLog(entries)
		})
	}
	return c
}

func (f *auditLogFlags) read(c *cobra.Command) (err error) {
	if f.Limit < 1 || f.Before < 0 {
		return usage(c, "--limit: want 1 or more, --before: 0 or more")
	}
	if f.uscc != "" {
		if f.USCC, err = parseCode(c, f.uscc); err != nil {
			return err
		}
	}
	if f.from != "" {
		day, err := parseDayFlag(c, "from", f.from)
		if err != nil {
			return err
		}
		f.From = day.Time()
	}
	if f.to != "" {
		day, err := parseDayFlag(c, "to", f.to)
		if err != nil {
			return err
		}
		f.Until = (day + 1).Time()
	}
	return nil
}

func (p *program) printLog(entries []schema.AuditEntry) error {
	if p.json {
		for i := range entries {
			if err := p.print(entries[i].Bytes); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "LINE\tAT\tBY\tACTION\tID\tENTERPRISE\tAFTER")
	for i := range entries {
		e := &entries[i]
		fmt.Fprintf(w, "%d\t%s\t%s %s\t%s\t%s\t%s\t%.100s\n", e.Number, e.At.In(registry.Shanghai).Format(time.DateTime), e.Actor.Kind, e.Actor.Name, e.Action, e.ID, e.USCC, e.After)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the log: %w", err)
	}
	return nil
}

// exportedLine is a line of the log with its exact bytes, as a text, and its hash.
type exportedLine struct {
	Line string `json:"line"`
	Hash string `json:"hash"`
}

func (p *program) auditExportCommand() *cobra.Command {
	var from int64
	c := &cobra.Command{
		Use: "export", Short: "Print every line of the audit log with its hash, one JSON object a line", Args: arguments(),
		Long: "Prints {\"line\": …, \"hash\": …} for each line: the exact bytes as a text, and the SHA-256 of the 32 bytes of the hash before and those bytes.\n" +
			"docs/examples/verify/audit.py checks it.",
		Example: "  healthcode audit export > audit.ndjson && python3 docs/examples/verify/audit.py audit.ndjson",
	}
	c.Flags().Int64Var(&from, "from", 1, "only the lines from this one on")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			out := bufio.NewWriter(p.out)
			encoder := json.NewEncoder(out)
			encoder.SetEscapeHTML(false)
			err := db.AuditLines(c.Context(), from-1, 0, func(_ int64, line []byte, hash string) error {
				return encoder.Encode(exportedLine{string(line), hash})
			})
			return errors.Join(err, out.Flush())
		})
	}
	return c
}

func (p *program) auditCheckpointCommand() *cobra.Command {
	keys, to := &keyFlags{}, ""
	c := &cobra.Command{
		Use: "checkpoint", Short: "Sign where the audit log ends now, and print the checkpoint", Args: arguments(),
		Long: "Checks the lines since the last checkpoint, signs where the log ends with the key for codes, stores the checkpoint and prints it. `serve` makes\n" +
			"one a day. Give it to somebody who does not hold the database: a partner, an archive.",
		Example: "  healthcode audit checkpoint > checkpoint.jwt\n  healthcode audit checkpoint --to /mnt/archive --json",
	}
	p.jsonFlag(c)
	keys.add(c)
	c.Flags().StringVar(&to, "to", "", "folder where it is put as a file too")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			made, err := p.makeCheckpoint(c.Context(), db, keys, to)
			if err != nil {
				return err
			}
			if p.json {
				return p.print(checkpointLine{made.Number, made.Hash, made.At, made.KID, made.Token})
			}
			fmt.Fprintln(p.out, made.Token)
			p.say("it covers the lines up to %d", made.Number)
			return nil
		})
	}
	return c
}

// checkpointLine is a checkpoint as JSON.
type checkpointLine struct {
	Number int64     `json:"number"`
	Hash   string    `json:"hash"`
	At     time.Time `json:"at"`
	KID    string    `json:"kid"`
	Token  string    `json:"token"`
}

func (p *program) makeCheckpoint(ctx context.Context, db *schema.DB, keys *keyFlags, to string) (made *schema.AuditCheckpoint, err error) {
	key, err := p.signer(ctx, db, keys)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, key.Close()) }()
	made, err = (&jobs.Checkpoint{DB: db, Signer: key, Clock: p.now, Dir: to, Now: true}).RunOnce(ctx)
	if errors.Is(err, schema.ErrNothingDue) {
		return nil, errNoNewLine
	}
	return made, err
}

// errNoNewLine says that the last checkpoint covers everything.
var errNoNewLine = errors.New("no line is new since the last checkpoint")
