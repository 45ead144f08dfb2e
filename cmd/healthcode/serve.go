package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"

	"healthcode/access"
	"healthcode/api"
	"healthcode/jobs"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/gin-gonic/gin"
	"github.com/spf13/cobra"
)

func (p *program) serveCommand() *cobra.Command {
	reach := &reachFlags{}
	var inner []string
	var history, scanAreas, scanDays, lookYears, rateAddress, rateKey, liveCodes int
	licence := api.DefaultLicence
	keys, checkpoints := &keyFlags{}, ""
	c := &cobra.Command{
		Use: "serve", Short: "Serve the pages and the API, and run the periodic jobs", Args: arguments(),
		Long: "Serves pages and API and runs the periodic jobs: everybody is graded every night at 02:00 (Asia/Shanghai), changes at\n" +
			"once, and the status and grade lists of the codes are published within two seconds of a change. Until there is an account (user add), whoever sits at\n" +
			"this machine may do everything. Other machines reach it by HTTPS only: with a certificate, or through a proxy that has one.",
		Example: "  healthcode serve --dir data --listen 127.0.0.1:8080\n  healthcode serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem\n" +
			"  healthcode serve --listen 10.0.0.5:8080 --behind-proxy --trusted-proxy 10.0.0.1",
	}
	keys.add(c)
	reach.add(c)
	c.Flags().IntVar(&history, "list-history", listHistoryDays, "days for which old publications of a list stay, one an hour (one a minute for a day)")
	c.Flags().IntVar(&scanAreas, "scan-areas", api.DefaultScanAreas, "from how many of 64 areas a printed code may be scanned in a day before a signal says that it may have been copied")
	c.Flags().IntVar(&scanDays, "scan-days", int(jobs.DefaultScanLife/(24*time.Hour)), "days for which counts of scans stay")
	c.Flags().IntVar(&lookYears, "look-years", jobs.DefaultLookYears, "years for which it is kept which partner looked at an enterprise")
	c.Flags().StringVar(&licence.Name, "open-data-licence", api.DefaultLicence.Name, "licence of the open data")
	c.Flags().StringVar(&licence.URL, "open-data-licence-url", api.DefaultLicence.URL, "address of the text of the licence")
	c.Flags().StringVar(&licence.Attribution, "open-data-attribution", "", "whom users of the open data are to name")
	c.Flags().StringSliceVar(&inner, "webhook-allow", nil, "CIDR of an inner network that webhooks may lead to, also by http; without it they reach public addresses alone, by https")
	c.Flags().IntVar(&rateAddress, "rate-address", int(api.DefaultRateAddress), "requests a minute that one address may make without an API key; 0: no bound")
	c.Flags().IntVar(&rateKey, "rate-key", int(api.DefaultRateKey), "requests a minute that one partner may make, ten codes of a batch counting as one; 0: no bound")
	c.Flags().IntVar(&liveCodes, "live-codes", api.DefaultLiveCodes, "codes that are held in memory for verifying, about a kilobyte each; the others are looked up one by one")
	c.Flags().StringVar(&checkpoints, "checkpoint-dir", "", "folder where each daily checkpoint of the audit log is put as a file too: one that others keep a copy of")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if rateAddress < 0 || rateKey < 0 {
			return usage(c, "--rate-address, --rate-key: want 0 or more requests a minute")
		}
		if liveCodes < 0 {
			return usage(c, "--live-codes: want 0 or more codes")
		}
		if lookYears < 1 || lookYears > 100 {
			return usage(c, "--look-years: want 1 to 100")
		}
		if scanAreas < 1 || scanAreas > 63 || scanDays < 1 || scanDays > 3650 {
			return usage(c, "--scan-areas: want 1 to 63; --scan-days: want 1 to 3650")
		}
		if history < 1 || history > 3650 {
			return usage(c, "--list-history: want 1 to 3650 days")
		}
		listening, err := reach.listening(c)
		if err != nil {
			return err
		}
		oidc, err := readOIDC(reach.oidc)
		if err != nil {
			return err
		}
		networks, err := readNetworks(inner)
		if err != nil {
			return usage(c, "--webhook-allow: %w", err)
		}
		return p.withNewDB(c.Context(), func(db *schema.DB) error {
			return p.serve(c.Context(), db, serving{listening: *listening, proxies: reach.proxies, oidc: oidc, keys: keys, history: history, scanAreas: scanAreas, scanDays: scanDays, lookYears: lookYears, licence: licence, inner: networks,
				rateAddress: api.Rate(rateAddress), rateKey: api.Rate(rateKey), liveCodes: liveCodes, checkpoints: checkpoints})
		})
	}
	return c
}

// serving says how to serve.
type serving struct {
	listening api.Listening
	proxies   []string
	oidc      *api.OIDC // nil: nobody signs in elsewhere
	keys      *keyFlags
	history   int // days for which old publications of a list stay

	scanAreas int // a day, that are ordinary for a printed code
	scanDays  int // for which counts of scans stay
	lookYears int // for which looks stay

	licence api.Licence // of open data

	rateAddress, rateKey api.Rate
	liveCodes            int    // held in memory
	checkpoints          string // folder where checkpoints of the audit log are put as files; empty: nowhere

	inner []netip.Prefix // networks that webhooks may lead to beside the public Internet
}

// listHistoryDays is jobs.DefaultListHistory in days.
const listHistoryDays = int(jobs.DefaultListHistory / (24 * time.Hour))

// serve answers requests and runs the jobs until ctx ends.
func (p *program) serve(ctx context.Context, db *schema.DB, s serving) (err error) {
	if err := p.guarded(ctx, db, &s.listening); err != nil {
		return err
	}
	key, err := p.signer(ctx, db, s.keys)
	if err != nil {
		return err
	}
	demo, err := readDemo(p.dir)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	weight := make([]byte, ballast)
	defer runtime.KeepAlive(weight)
	log, end := gatheredLog(p.err)
	defer end()
	config := api.Config{Log: log, Store: db, Now: p.now, TrustedProxies: s.proxies, Bundle: &jobs.Bundle{DB: db, Signer: key, Clock: p.now}, HTTPS: s.listening.HTTPS(), OIDC: s.oidc}
	if config.Seal, err = sealKey(p.dir); err != nil {
		return err
	}
	if config.PersonKey, err = personKey(p.dir); err != nil {
		return err
	}
	issuer := &jobs.Issuer{DB: db, Signer: key, Clock: p.now}
	config.Licence = s.licence
	config.Issuer, config.Scans = issuer, api.NewScanLog(db, p.now, p.log(), s.scanAreas)
	config.WebhookAllow, config.RateAddress, config.RateKey = s.inner, s.rateAddress, s.rateKey
	config.Live = api.NewLiveRegister(s.liveCodes)
	demo.show(&config)
	handler, err := api.New(config)
	if err != nil {
		return err
	}
	if err := p.activateDue(ctx, db); err != nil {
		return err
	}
	if demo != nil {
		if err := p.demoRoot(ctx, db, key.PublicKey().Issuer); err != nil {
			return err
		}
	}
	rotate := &jobs.Rotate{DB: db, Keys: p.keyFolder(s.keys), Clock: p.now}
	if _, err := rotate.RunOnce(ctx); err != nil && !errors.Is(err, schema.ErrNothingDue) { // what became due while nobody served
		p.say("the keys need a look: %v", err)
	}
	work := jobs.Work{
		Rotate: rotate, Key: key,
		Reissue:    &jobs.Reissue{Issuer: issuer},
		Deliver:    jobs.NewDeliver(db, config.Seal, s.inner, p.now, p.log()),
		Checkpoint: &jobs.Checkpoint{DB: db, Signer: key, Clock: p.now, Dir: s.checkpoints},
		Submit:     &jobs.Submit{DB: db, Spool: jobs.Spool{Seal: config.Seal}, PersonKey: config.PersonKey, Clock: p.now, Log: p.log()},
		Publish:    &jobs.Publish{DB: db, Signer: key, Clock: p.now, History: time.Duration(s.history) * 24 * time.Hour},
	}
	when := jobs.DefaultSchedule()
	when.KeepScans, when.LookYears = time.Duration(s.scanDays)*24*time.Hour, s.lookYears
	p.checkpointToday(ctx, work.Checkpoint)
	scheduler, err := jobs.NewScheduler(ctx, db, work, when, p.now, p.log())
	if err != nil {
		return err
	}
	scheduler.Start()
	defer func() { err = errors.Join(err, scheduler.Stop(), key.Close()) }()
	defer beside(ctx, config.Scans.Run)() // to the end of the last request
	defer beside(ctx, func(ctx context.Context) { config.Live.Run(ctx, db, p.now, log) })()
	return api.Serve(ctx, s.listening, handler, p.log(), func(address net.Addr) {
		scheme := "http"
		if s.listening.Certificate != nil {
			scheme = "https"
		}
		fmt.Fprintf(p.out, "%s://%s/\n", scheme, address)
		p.say("listening on %s; ctrl-C stops", address)
	})
}

// ballast is memory that is never touched, so it takes none, but counts as live, in bytes: garbage is collected after that much more has come together, and
// not after every few megabytes while a server has little to keep
// (https://blog.twitch.tv/en/2019/04/10/go-memory-ballast-how-i-learnt-to-stop-worrying-and-love-the-heap/).
const ballast = 64 << 20

// checkpointToday makes the checkpoint of the audit log that is due, also after days in which nobody served.
func (p *program) checkpointToday(ctx context.Context, job *jobs.Checkpoint) {
	if _, err := job.RunOnce(ctx); err != nil && !errors.Is(err, schema.ErrNothingDue) {
		p.say("the audit log needs a look: %v", err)
	}
}

// readNetworks reads CIDRs.
func readNetworks(texts []string) (networks []netip.Prefix, err error) {
	for _, text := range texts {
		if err := access.CheckNetwork(text); err != nil {
			return nil, err
		}
		networks = append(networks, netip.MustParsePrefix(text))
	}
	return networks, nil
}

// beside runs work until what it returns is called, also when ctx has ended, and waits for its end then.
func beside(ctx context.Context, work func(context.Context)) (stop func()) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		work(own)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// activateDue activates what became due while nobody served.
func (p *program) activateDue(ctx context.Context, db *schema.DB) error {
	activated, err := (&jobs.Activate{DB: db, Clock: p.now}).RunOnce(ctx)
	for i := range activated {
		p.say("%s is active", &activated[i])
	}
	if errors.Is(err, schema.ErrNothingDue) || errors.Is(err, scoring.ErrStep) {
		return nil
	}
	return err
}
