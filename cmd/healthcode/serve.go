package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"healthcode/api"
	"healthcode/jobs"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/gin-gonic/gin"
	"github.com/spf13/cobra"
)

func (p *program) serveCommand() *cobra.Command {
	var listen string
	var proxies []string
	keys := &keyFlags{}
	c := &cobra.Command{
		Use: "serve", Short: "Serve the pages and the API, and run the periodic jobs", Args: arguments(),
		Long: "Serves pages and API and runs the periodic jobs: everybody is graded every night at 02:00 (Asia/Shanghai), changes within a\n" +
			"minute. Sign-in comes with a later version: until then it listens on this machine only.",
		Example: "  healthcode serve --dir data --listen 127.0.0.1:8080",
	}
	keys.add(c)
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "loopback address and port; port 0 takes any")
	c.Flags().StringSliceVar(&proxies, "trusted-proxy", nil, "address or CIDR of a proxy whose X-Forwarded-For is believed")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.withNewDB(c.Context(), func(db *schema.DB) error {
			return p.serve(c.Context(), db, serving{listen: listen, proxies: proxies, keys: keys})
		})
	}
	return c
}

// serving says how to serve.
type serving struct {
	listen  string
	proxies []string
	keys    *keyFlags
}

// serve answers requests and runs the jobs until ctx ends.
func (p *program) serve(ctx context.Context, db *schema.DB, s serving) (err error) {
	key, err := p.signer(ctx, db, s.keys)
	if err != nil {
		return err
	}
	demo, err := readDemo(p.dir)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	config := api.Config{Log: p.log(), Store: db, Now: p.now, TrustedProxies: s.proxies}
	demo.show(&config)
	handler, err := api.New(config)
	if err != nil {
		return err
	}
	if err := p.activateDue(ctx, db); err != nil {
		return err
	}
	reissue := &jobs.Reissue{Issuer: &jobs.Issuer{DB: db, Signer: key, Clock: p.now}}
	publish := &jobs.Publish{DB: db, Signer: key, Clock: p.now}
	scheduler, err := jobs.NewScheduler(ctx, db, jobs.Work{Reissue: reissue, Publish: publish}, jobs.DefaultSchedule(), p.now, p.log())
	if err != nil {
		return err
	}
	scheduler.Start()
	defer func() { err = errors.Join(err, scheduler.Stop()) }()
	return api.Serve(ctx, s.listen, handler, p.log(), func(address net.Addr) {
		fmt.Fprintf(p.out, "http://%s/\n", address)
		p.say("listening on %s, on this machine only: sign-in comes with a later version; ctrl-C stops", address)
	})
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
