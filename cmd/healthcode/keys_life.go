package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"text/tabwriter"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/signing"

	"github.com/spf13/cobra"
)

// keyLine is one key as keys list prints it.
type keyLine struct {
	Number        int                 `json:"number"`
	KID           string              `json:"kid"`
	Alg           string              `json:"alg"`
	State         credential.KeyState `json:"state"`
	Driver        string              `json:"driver"`
	Issuer        string              `json:"issuer"`
	Thumbprint    string              `json:"thumbprint"`
	CreatedAt     time.Time           `json:"created_at"`
	PlannedFrom   time.Time           `json:"planned_from,omitzero"`
	PlannedUntil  time.Time           `json:"planned_until,omitzero"`
	ActiveAt      time.Time           `json:"active_at,omitzero"`
	RetiredAt     time.Time           `json:"retired_at,omitzero"`
	RemovedAt     time.Time           `json:"removed_at,omitzero"`
	CompromisedAt time.Time           `json:"compromised_at,omitzero"`
	LastExpiry    time.Time           `json:"last_expiry,omitzero"`    // of its last code
	RemovableFrom time.Time           `json:"removable_from,omitzero"` // of a key that only verifies
	Steps         []schema.KeyEvent   `json:"steps"`
}

func (p *program) keysListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the signing keys with their states and dates", Args: arguments(),
		Long: "pending: published, does not sign yet. active: signs. verify_only: signs no more, its codes are good. removed: gone, and its codes\n" +
			"with it. With --json each key is one line, with every step that was taken.",
		Example: "  healthcode keys list\n  healthcode keys list --json",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			lines, err := keyLines(c.Context(), db)
			if err != nil {
				return err
			}
			if p.json {
				return printLines(p, lines)
			}
			return p.tableOfKeys(lines)
		})
	}
	return c
}

func keyLines(ctx context.Context, db *schema.DB) ([]keyLine, error) {
	rows, err := db.Keys(ctx)
	if err != nil {
		return nil, err
	}
	lines := make([]keyLine, len(rows))
	for i := range rows {
		if lines[i], err = keyLineOf(ctx, db, &rows[i]); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func keyLineOf(ctx context.Context, db *schema.DB, row *schema.SigningKey) (keyLine, error) {
	l := keyLine{Number: row.Number, KID: row.KID, Alg: row.Alg, State: row.State, Driver: row.Driver, CreatedAt: row.CreatedAt, PlannedFrom: row.PlannedFrom,
		PlannedUntil: row.PlannedUntil, ActiveAt: row.ActiveAt, RetiredAt: row.RetiredAt, RemovedAt: row.RemovedAt, CompromisedAt: row.CompromisedAt}
	public, err := row.Public()
	if err != nil {
		return l, err
	}
	l.Issuer = public.Issuer
	if l.Thumbprint, err = public.Thumbprint(); err != nil {
		return l, err
	}
	if l.LastExpiry, err = db.LastExpiry(ctx, row.KID); err != nil {
		return l, err
	}
	if row.State == schema.KeyVerifyOnly {
		l.RemovableFrom = row.RemovableFrom(l.LastExpiry)
	}
	l.Steps, err = db.KeyEvents(ctx, row.Number)
	return l, err
}

func (p *program) tableOfKeys(lines []keyLine) error {
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tALG\tSTATE\tDRIVER\tPUBLISHED\tSIGNS FROM\tUNTIL\tREMOVED OR REMOVABLE\tISSUER")
	for i := range lines {
		l := &lines[i]
		from, until, removed := l.PlannedFrom, l.PlannedUntil, l.RemovableFrom
		if !l.ActiveAt.IsZero() {
			from = l.ActiveAt
		}
		if !l.RetiredAt.IsZero() {
			until = l.RetiredAt
		}
		if !l.RemovedAt.IsZero() {
			removed = l.RemovedAt
		}
		state := string(l.State)
		if !l.CompromisedAt.IsZero() {
			state = "compromised"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.KID, l.Alg, state, l.Driver, day(l.CreatedAt), day(from), day(until), day(removed), l.Issuer)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the keys: %w", err)
	}
	return nil
}

func day(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return registry.DayOf(at).String()
}

// newKeyFlags are the flags of keys new.
type newKeyFlags struct {
	keyFlags
	alg, signer, from, until, to string
	number                       uint8
}

func (p *program) keysNewCommand() *cobra.Command {
	f := &newKeyFlags{}
	c := &cobra.Command{
		Use: "new", Short: "Make or register a signing key, pending", Args: arguments(),
		Long: "Makes the next key in the data folder, or registers one that is held elsewhere (--signer). It is published from now on and signs from\n" +
			"--from on, a week from now at the earliest; without --from it waits for keys activate.\n" +
			"--signer: unix:PATH (keys signer) or pkcs11:token=…;object=…?module-path=…&pin-source=… (a program built with the tag pkcs11).\n" +
			"--to only writes a key file, for the machine that is to hold it, and touches no database.",
		Example: "  healthcode keys new --from 2027-01-01\n  healthcode keys new --alg SM2SM3 --issuer https://q.example.gov.cn\n" +
			"  healthcode keys new --alg ES256 --number 3 --issuer https://q.example.gov.cn --to /srv/signer/signing-3.key\n" +
			"  healthcode keys new --signer unix:/run/healthcode/signer.sock",
	}
	p.jsonFlag(c)
	f.passphrase(c)
	c.Flags().StringVar(&f.issuer, "issuer", "", "https://HOST that codes name and lead to (default that of the key that signs)")
	c.Flags().StringVar(&f.alg, "alg", string(credential.ES256), "ES256, EdDSA or SM2SM3")
	c.Flags().StringVar(&f.signer, "signer", "", "where the key is held, when it is not to be made here")
	c.Flags().StringVar(&f.from, "from", "", "day on which it begins to sign, YYYY-MM-DD")
	c.Flags().StringVar(&f.until, "until", "", "day on which it is to stop, YYYY-MM-DD (default a year after it began)")
	c.Flags().StringVar(&f.to, "to", "", "only write this key file; needs --number and --issuer")
	c.Flags().Uint8Var(&f.number, "number", 0, "number of the key, 1 to 255, with --to")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if f.to != "" {
			return p.writeKey(c, f)
		}
		plan, err := p.planOf(c, f)
		if err != nil {
			return err
		}
		return p.withNewDB(c.Context(), func(db *schema.DB) error { return p.newKey(c, db, f, plan) })
	}
	return c
}

// planOf reads the days.
func (p *program) planOf(c *cobra.Command, f *newKeyFlags) (credential.KeyLife, error) {
	plan := credential.KeyLife{CreatedAt: p.now()}
	from, err := parseDayFlag(c, "from", f.from)
	if err != nil {
		return plan, err
	}
	until, err := parseDayFlag(c, "until", f.until)
	if err != nil {
		return plan, err
	}
	if f.number != 0 {
		return plan, usage(c, "--number goes with --to; otherwise the next number is taken")
	}
	if from != 0 {
		plan.PlannedFrom = from.Time()
		plan.PlannedUntil = plan.PlannedFrom.Add(credential.KeyLifetime)
	}
	if until != 0 {
		plan.PlannedUntil = until.Time()
	}
	if from != 0 && plan.PlannedFrom.Before(plan.CreatedAt) || until != 0 && !plan.PlannedUntil.After(later(plan.PlannedFrom, plan.CreatedAt)) {
		return plan, usage(c, "--from must lie ahead and --until after it")
	}
	return plan, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (p *program) writeKey(c *cobra.Command, f *newKeyFlags) error {
	if f.number == 0 || f.issuer == "" || f.signer != "" || f.from != "" || f.until != "" {
		return usage(c, "--to needs --number and --issuer, and neither --signer nor days")
	}
	key, err := credential.GenerateKey(credential.Algorithm(f.alg), f.number, f.issuer, p.now())
	if err != nil {
		return err
	}
	passphrase, err := readPassphrase(f.passphraseFile)
	if err != nil {
		return err
	}
	if err := credential.WriteKeyFile(f.to, key, passphrase); err != nil {
		return err
	}
	if p.json {
		return p.print(key.PublicKey())
	}
	p.say("key %d for %s is in %s; register it with keys new --signer where the database is", f.number, f.issuer, f.to)
	return nil
}

func (p *program) newKey(c *cobra.Command, db *schema.DB, f *newKeyFlags, plan credential.KeyLife) error {
	ctx := c.Context()
	issuer, err := issuerOfKeys(ctx, db, f.issuer)
	if err != nil {
		return err
	}
	var number uint8
	if f.signer == "" {
		number, err = jobs.MakeKey(ctx, db, p.keyFolder(&f.keyFlags), credential.Algorithm(f.alg), issuer, plan)
	} else {
		number, err = p.registerKey(c, db, f, issuer, plan)
	}
	if err != nil {
		return err
	}
	return p.reportKey(ctx, db, int(number))
}

// issuerOfKeys returns for whom the keys of this database sign, unless another issuer is wanted.
func issuerOfKeys(ctx context.Context, db *schema.DB, want string) (string, error) {
	rows, err := db.Keys(ctx)
	if err != nil || want != "" {
		return want, err
	}
	for i := range rows {
		if public, err := rows[i].Public(); err == nil && rows[i].State == schema.KeyActive {
			return public.Issuer, nil
		}
	}
	return defaultIssuer, nil
}

// registerKey registers a key that is held elsewhere, and notes where.
func (p *program) registerKey(c *cobra.Command, db *schema.DB, f *newKeyFlags, issuer string, plan credential.KeyLife) (uint8, error) {
	location, err := signing.ParseLocation(f.signer)
	if err != nil {
		return 0, usage(c, "--signer: %v", err)
	}
	number, err := jobs.NextKeyNumber(c.Context(), db)
	if err != nil {
		return 0, err
	}
	want := credential.PublicKey{}
	if location.Driver == signing.DriverPKCS11 { // a token knows neither
		want = credential.PublicKey{Number: number, Algorithm: credential.Algorithm(f.alg), Issuer: issuer}
	}
	signer, err := signing.Open(c.Context(), location, want)
	if err != nil {
		return 0, err
	}
	public := *signer.PublicKey()
	if err := signer.Close(); err != nil {
		return 0, fmt.Errorf("close the key: %w", err)
	}
	// The database first: it knows whether the number is another key's, whose place must not be changed.
	if err := jobs.RegisterKey(c.Context(), db, &public, location.Driver, plan); err != nil {
		return 0, err
	}
	return public.Number, p.keyFolder(&f.keyFlags).Point(public.Number, location)
}

// reportKey prints one key.
func (p *program) reportKey(ctx context.Context, db *schema.DB, number int) error {
	row, err := db.Key(ctx, number)
	if err != nil {
		return err
	}
	line, err := keyLineOf(ctx, db, row)
	if err != nil {
		return err
	}
	if p.json {
		return p.print(line)
	}
	return p.tableOfKeys([]keyLine{line})
}

// keyStepFlags say who takes a step and why.
type keyStepFlags struct {
	author, reason string
	now            bool
}

func (f *keyStepFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.author, "author", "", "who decides (default the user of this machine)")
	c.Flags().StringVar(&f.reason, "reason", "", "why, in one line")
}

// by returns who decides.
func (f *keyStepFlags) by() string {
	if f.author != "" {
		return f.author
	}
	return machineUser()
}

// machineUser is the login name of whoever runs this program.
func machineUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "operator"
}

// keyStepCommand is a command that takes a step with one key.
func (p *program) keyStepCommand(action credential.KeyAction, short, long, example string) (*cobra.Command, *keyStepFlags) {
	f := &keyStepFlags{}
	c := &cobra.Command{Use: string(action) + " KEY", Short: short, Long: long, Example: example, Args: arguments("KEY")}
	p.jsonFlag(c)
	f.add(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		number, err := parseKeyNumber(c, given[0])
		if err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if action == credential.RetireKey {
				if err := refuseLast(c.Context(), db, number, f.reason); err != nil {
					return err
				}
			}
			step := credential.KeyStep{Action: action, At: p.now(), By: f.by(), Reason: f.reason, Now: f.now}
			if err := db.TakeKeySteps(c.Context(), schema.KeyStep{Number: number, KeyStep: step}); err != nil {
				return err
			}
			return p.reportKey(c.Context(), db, number)
		})
	}
	return c, f
}

func parseKeyNumber(c *cobra.Command, text string) (int, error) {
	number, err := strconv.ParseUint(text, 10, 8)
	if err != nil || number == 0 {
		return 0, usage(c, "KEY: %.20q is no number of a key, 1 to 255", text)
	}
	return int(number), nil
}

// errLastKey keeps an installation from being left without a key by mistake.
var errLastKey = errors.New("no other key signs: have another one sign first (healthcode keys rotate --now), or say why with --reason")

func refuseLast(ctx context.Context, db *schema.DB, number int, reason string) error {
	rows, err := db.Keys(ctx)
	if err != nil || reason != "" {
		return err
	}
	for i := range rows {
		if rows[i].State == schema.KeyActive && rows[i].Number != number {
			return nil
		}
	}
	return errLastKey
}

func (p *program) keysActivateCommand() *cobra.Command {
	c, f := p.keyStepCommand(credential.ActivateKey, "Have a pending key sign from now on",
		"The key that signed with the same algorithm before is retired: it verifies until its last code has ended. A key must have been published\n"+
			"for a week, so that verifiers know it; --now with a reason does without.",
		"  healthcode keys activate 2\n  healthcode keys activate 2 --now --reason 'the service has not opened yet'")
	c.Flags().BoolVar(&f.now, "now", false, "although it was not published for a week")
	return c
}

func (p *program) keysRetireCommand() *cobra.Command {
	c, _ := p.keyStepCommand(credential.RetireKey, "Let a key sign no more; its codes stay good",
		"Usually the activation of the next key does this. To retire the last key that signs needs a reason: nothing is issued any more.",
		"  healthcode keys retire 1 --reason 'SM2SM3 alone from now on'")
	return c
}

func (p *program) keysRemoveCommand() *cobra.Command {
	c, _ := p.keyStepCommand(credential.RemoveKey, "Take a key out of the key set for good, when its last code has ended",
		"A pending key that never signed can be removed at any time. A key that others may know is removed by keys compromise.",
		"  healthcode keys remove 1")
	return c
}

func (p *program) keysRotateCommand() *cobra.Command {
	var alg string
	f, keys := &keyStepFlags{}, &keyFlags{}
	c := &cobra.Command{
		Use: "rotate", Short: "Do what is due with the keys; serve does it every night", Args: arguments(),
		Long: "Makes the next key two weeks before the end of the one that signs, activates it when its day has come and it was published for a\n" +
			"week, and removes keys whose last code has ended. With --now another key signs at once.",
		Example: "  healthcode keys rotate\n  healthcode keys rotate --now --reason 'an administrator has left'",
	}
	p.jsonFlag(c)
	f.add(c)
	keys.passphrase(c)
	c.Flags().BoolVar(&f.now, "now", false, "have another key sign at once; needs --reason")
	c.Flags().StringVar(&alg, "alg", "", "with --now: of this algorithm (default ES256, or the only one)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if f.now && f.reason == "" {
			return usage(c, "--now needs --reason: verifiers may not know the new key yet")
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			job := &jobs.Rotate{DB: db, Keys: p.keyFolder(keys), Clock: p.now}
			var done jobs.Rotated
			var err error
			if f.now {
				done, err = job.Now(c.Context(), credential.Algorithm(alg), f.by(), f.reason)
			} else if done, err = job.RunOnce(c.Context()); errors.Is(err, schema.ErrNothingDue) {
				err = nil
			}
			if err != nil {
				return err
			}
			return p.reportRotated(&done)
		})
	}
	return c
}

func (p *program) reportRotated(done *jobs.Rotated) error {
	if p.json {
		return p.print(done)
	}
	p.say("made %v, activated %v, removed %v, asked for a successor of %v", done.Made, done.Activated, done.Removed, done.Asked)
	return nil
}
