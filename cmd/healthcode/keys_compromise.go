package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"healthcode/credential"
	"healthcode/exchange"
	"healthcode/jobs"
	"healthcode/schema"
	"healthcode/signing"

	"github.com/spf13/cobra"
)

// compromiseFlags are the flags of keys compromise.
type compromiseFlags struct {
	keyFlags
	keyStepFlags
	fresh, drill bool
	report       string
}

func (p *program) keysCompromiseCommand() *cobra.Command {
	f := &compromiseFlags{}
	c := &cobra.Command{
		Use: "compromise KEY", Short: "Remove a key that others may know, and give everyone a new code", Args: arguments("KEY"),
		Long: "Removes the key at once: no code of it verifies any more. Another key signs (one that waits, or a new one), and every enterprise with a\n" +
			"printed code of the key gets a new one, to be printed anew. When it was interrupted, call it again: it goes on.\n" +
			"--drill does all of it in a copy of the database with a key made for the purpose, changes nothing, and says how long it takes.",
		Example: "  healthcode keys compromise 1 --reason 'a backup was stolen' --report reprint.csv\n  healthcode keys compromise 1 --drill --json",
	}
	p.jsonFlag(c)
	f.passphrase(c)
	f.keyStepFlags.add(c)
	c.Flags().BoolVar(&f.fresh, "fresh", false, "make a new key even where a published one waits: it may be in the same hands")
	c.Flags().BoolVar(&f.drill, "drill", false, "only try it out, in a copy")
	c.Flags().StringVar(&f.report, "report", "", "file for who must print anew: .csv or .json (one object a line)")
	c.RunE = func(c *cobra.Command, given []string) error {
		number, err := parseKeyNumber(c, given[0])
		if err != nil {
			return err
		}
		if ext := filepath.Ext(f.report); f.report != "" && ext != ".csv" && ext != ".json" {
			return usage(c, "--report: want a name that ends in .csv or .json")
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if f.drill {
				return p.drill(c.Context(), db, number, f)
			}
			return p.compromise(c.Context(), db, number, f)
		})
	}
	return c
}

func (p *program) compromise(ctx context.Context, db *schema.DB, number int, f *compromiseFlags) error {
	job := &jobs.Compromise{DB: db, Keys: p.keyFolder(&f.keyFlags), Clock: p.now, Number: number, By: f.by(), Reason: f.reason, Fresh: f.fresh, Lease: recomputeLease}
	done, err := p.runCompromise(ctx, job)
	if err != nil {
		return err
	}
	if err := p.reportCompromise(ctx, db, done, f, false); err != nil {
		return err
	}
	p.say("the offline root must sign the key set anew: healthcode keys jwks, then keys root sign and keys root add")
	return nil
}

// runCompromise runs the job with a progress bar. When another process issues codes, or was killed a moment ago, it waits and tries once more.
func (p *program) runCompromise(ctx context.Context, job *jobs.Compromise) (*jobs.Compromised, error) {
	bar := p.newProgress("issuing codes anew", "enterprises", -1)
	defer bar.finish()
	job.Progress = bar.set
	done, err := job.RunOnce(ctx)
	if errors.Is(err, schema.ErrRunning) {
		p.say("the key is removed; another process is issuing codes, or was killed a moment ago: waiting up to %s", recomputeLease+time.Second)
		if err := wait(ctx, recomputeLease+time.Second); err != nil {
			return nil, err
		}
		done, err = job.RunOnce(ctx)
	}
	return done, err
}

// compromiseReport is what keys compromise prints.
type compromiseReport struct {
	Drill bool `json:"drill"`
	*jobs.Compromised
	Report string `json:"report,omitempty"`
}

func (p *program) reportCompromise(ctx context.Context, db *schema.DB, done *jobs.Compromised, f *compromiseFlags, drill bool) error {
	if f.report != "" {
		if err := writeLost(ctx, db, f.report, done); err != nil {
			return fmt.Errorf("write %s: %w", f.report, err)
		}
	}
	if p.json {
		return p.print(compromiseReport{drill, done, f.report})
	}
	would := ""
	if drill {
		would = "tried out in a copy: "
	}
	p.say("%skey %d is removed, key %d signs; %d printed codes of %d enterprises fell, %d enterprises have a new one; %.1f s", would, done.Key, done.NewKey,
		done.Codes, done.Enterprises, done.Reissued, done.Seconds)
	return nil
}

// drill does everything in a copy, with keys of its own.
func (p *program) drill(ctx context.Context, db *schema.DB, number int, f *compromiseFlags) (err error) {
	row, err := db.Key(ctx, number)
	if err != nil {
		return err
	}
	public, err := row.Public()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(p.dir, "drill-") // on the same disk, or the time would be another
	if err != nil {
		return fmt.Errorf("make room for a copy: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p.say("copying the database")
	copied, remove, err := db.Copy(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	folder := signing.Folder{Path: filepath.Join(dir, "keys")}
	if err := p.drillKey(ctx, copied, folder, &public); err != nil {
		return err
	}
	done, err := p.runCompromise(ctx, &jobs.Compromise{DB: copied, Keys: folder, Clock: p.now, Number: number, By: f.by(), Reason: "drill", Lease: recomputeLease})
	if err != nil {
		return err
	}
	return p.reportCompromise(ctx, copied, done, f, true)
}

// drillKey has a key of the copy's own sign there: the real ones are not touched.
func (p *program) drillKey(ctx context.Context, copied *schema.DB, folder signing.Folder, like *credential.PublicKey) error {
	number, err := jobs.MakeKey(ctx, copied, folder, like.Algorithm, like.Issuer, credential.KeyLife{CreatedAt: p.now()})
	if err != nil {
		return err
	}
	step := credential.KeyStep{Action: credential.ActivateKey, At: p.now(), By: credential.BySystem, Reason: "drill", Now: true}
	return copied.TakeKeySteps(ctx, schema.KeyStep{Number: int(number), KeyStep: step})
}

// lostLine is one line of the report: who must print anew.
type lostLine struct {
	USCC     string `json:"uscc"`
	Name     string `json:"name"`
	Region   string `json:"region_code"`
	Index    uint32 `json:"old_idx"`
	NewIndex uint32 `json:"new_idx"` // 0: no new code, because a person suspended or revoked it
}

// writeLost writes who must print anew, as CSV or as JSON.
func writeLost(ctx context.Context, db *schema.DB, path string, done *jobs.Compromised) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriter(file)
	line, flush := jsonLines(out)
	if strings.HasSuffix(path, ".csv") {
		line, flush = csvLines(out)
	}
	for lost, err := range db.LostCodes(ctx, strconv.Itoa(done.Key), done.RemovedAt) {
		if err == nil {
			err = line(&lostLine{string(lost.USCC), lost.Name, lost.Region, lost.Index, lost.NewIndex})
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(flush(), out.Flush())
}

func jsonLines(out io.Writer) (line func(*lostLine) error, flush func() error) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return func(l *lostLine) error { return encoder.Encode(l) }, func() error { return nil }
}

// csvLines writes UTF-8 with a byte order mark: spreadsheets need it for Chinese. What they would take for a formula is neutralised.
func csvLines(out io.Writer) (line func(*lostLine) error, flush func() error) {
	w := csv.NewWriter(out)
	first := w.Write([]string{"\ufeffuscc", "name", "region_code", "old_idx", "new_idx"})
	line = func(l *lostLine) error {
		return w.Write([]string{l.USCC, exchange.Neutralise(l.Name), l.Region, strconv.FormatUint(uint64(l.Index), 10), strconv.FormatUint(uint64(l.NewIndex), 10)})
	}
	return line, func() error {
		w.Flush()
		return errors.Join(first, w.Error())
	}
}
