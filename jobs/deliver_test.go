package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/schema/schematest"

	"github.com/go-co-op/gocron/v2"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// delivery is a request as a receiver got it.
type delivery struct {
	id, path string
	change   schema.Change
	headers  http.Header
	body     []byte
}

// receiver is a partner's server: it keeps what comes and answers as a test wants.
type receiver struct {
	*httptest.Server

	mu     sync.Mutex
	got    []delivery
	answer func(w http.ResponseWriter, r *http.Request, n int) // n counts from 1; nil: 204
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	p := &receiver{}
	p.Server = httptest.NewServer(http.HandlerFunc(p.receive))
	t.Cleanup(p.Close)
	return p
}

func (p *receiver) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	d := delivery{id: r.Header.Get(webhooks.HeaderWebhookID), path: r.URL.Path, headers: r.Header.Clone(), body: body}
	if err != nil || json.Unmarshal(body, &d.change) != nil || r.Header.Get("Content-Type") != "application/json" {
		d.id = "unreadable"
	}
	p.mu.Lock()
	p.got = append(p.got, d)
	n, answer := len(p.got), p.answer
	p.mu.Unlock()
	if answer != nil {
		answer(w, r, n)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// take returns what came since the last time.
func (p *receiver) take() []delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

func (p *receiver) answers(answer func(w http.ResponseWriter, r *http.Request, n int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func status(code int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(code) }
}

// post is an office that tells partners: a register with one enterprise whose code changes as often as a test wants.
type post struct {
	*testing.T
	db  *schema.DB
	now time.Time
	idx uint32
	on  bool

	partner int64
}

var (
	postSeal = access.SealKey{1, 2, 3}
	loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
)

func onBothPosts(t *testing.T, test func(p *post)) {
	t.Helper()
	for engine, config := range map[string]schema.Config{"sqlite": {Dir: t.TempDir()}, "postgres": {URL: pgtest.EmptyURL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(newPost(t, config))
		})
	}
}

func newPost(t *testing.T, c schema.Config) *post {
	t.Helper()
	db, err := schema.Open(t.Context(), c)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	_, _, err = db.Migrate(t.Context())
	check(t, err)
	_, err = db.PutEnterprises(t.Context(), schematest.Enterprises(1, 2), schema.PutOptions{})
	check(t, err)
	p := &post{T: t, db: db, now: time.Now().UTC().Truncate(time.Microsecond)}
	p.idx, err = db.ReserveIndex(t.Context(), schematest.Code(1), "k1", "printed")
	check(t, err)
	code, err := db.Code(t.Context(), p.idx)
	check(t, err)
	code.JWT, code.ExpiresAt = "a.b.c", p.now.AddDate(1, 0, 0)
	check(t, db.SaveCode(t.Context(), *code))
	p.partner, err = db.AddPartner(t.Context(), schema.Partner{Name: "bank"})
	check(t, err)
	return p
}

func (p *post) deliver(allowed ...netip.Prefix) *jobs.Deliver {
	return jobs.NewDeliver(p.db, postSeal, allowed, func() time.Time { return p.now }, slog.New(slog.DiscardHandler))
}

// hook adds a webhook and returns its secret.
func (p *post) hook(url string, topics ...string) (id, secret string) {
	p.Helper()
	id, secret = access.NewWebhookID(), access.NewWebhookSecret()
	sealed, err := postSeal.Seal(secret, access.PurposeWebhook(id))
	check(p.T, err)
	check(p.T, p.db.AddWebhook(p.Context(), schema.Webhook{ID: id, PartnerID: p.partner, URL: url, Topics: topics}, sealed))
	return id, secret
}

// change makes changes and gives them their places.
func (p *post) change(times int) {
	p.Helper()
	for range times {
		step := schema.StepSuspend
		if p.on {
			step = schema.StepResume
		}
		p.on = !p.on
		_, err := p.db.ChangeCode(p.Context(), p.idx, step, "Li Hua", "a test")
		check(p.T, err)
	}
	n, err := (&jobs.Sequence{DB: p.db}).RunOnce(p.Context())
	if err != nil || n != times {
		p.Fatalf("%d changes got places, want %d: %v", n, times, err)
	}
}

// run delivers until nothing is due and returns how often there was something.
func (p *post) run(j *jobs.Deliver) (rounds int) {
	p.Helper()
	for {
		_, err := j.RunOnce(p.Context())
		if err != nil {
			if !strings.Contains(err.Error(), schema.ErrNothingDue.Error()) {
				p.Fatal(err)
			}
			return rounds
		}
		j.Wait()
		rounds++
	}
}

func (p *post) webhook(id string) schema.Webhook {
	p.Helper()
	w, err := p.db.Webhook(p.Context(), id)
	check(p.T, err)
	return *w
}

// last returns the newest attempt.
func (p *post) last(id string) schema.Delivery {
	p.Helper()
	all, err := p.db.Deliveries(p.Context(), id, 0, 1)
	check(p.T, err)
	if len(all) == 0 {
		p.Fatal("no attempt is noted")
	}
	return all[0]
}

func signedBy(t *testing.T, secret string, d delivery) error {
	t.Helper()
	hook, err := webhooks.NewWebhook(secret)
	check(t, err)
	return hook.Verify(d.body, d.headers)
}

func positions(got []delivery) (all []int64) {
	for _, d := range got {
		all = append(all, d.change.Position)
	}
	return all
}

// A partner gets every change once, in order, signed so that the library of Standard Webhooks verifies it.
func TestWebhooksGetEveryChangeInOrder(t *testing.T) {
	t.Parallel()
	onBothPosts(t, func(p *post) {
		server, j := newReceiver(p.T), p.deliver(loopback...)
		p.change(2) // before the webhook: not for it
		id, secret := p.hook(server.URL + "/a")
		grades, _ := p.hook(server.URL+"/grades", schema.TopicGradeChanged)
		if rounds := p.run(j); rounds != 0 {
			p.Error("something was due to a new webhook")
		}
		p.change(120) // more than are read together
		p.run(j)
		got := server.take()
		for i, d := range got {
			if d.change.Position != int64(i+3) || d.path != "/a" || d.id != fmt.Sprintf("msg_%s_%d", strings.TrimPrefix(id, "wh_"), i+3) {
				p.Fatalf("message %d is %s at %s: %s", i, d.id, d.path, d.body)
			}
			if err := signedBy(p.T, secret, d); err != nil {
				p.Fatal(err)
			}
		}
		if len(got) != 120 {
			p.Fatalf("%d messages, want 120", len(got))
		}
		told := got[0]
		var code struct {
			USCC registry.USCC `json:"uscc"`
			Step string        `json:"step"`
		}
		if err := json.Unmarshal(told.change.Data, &code); err != nil || told.change.Topic != schema.TopicCodeChanged || code.USCC != schematest.Code(1) || code.Step != "suspend" {
			p.Errorf("%s, %v", told.body, err)
		}
		told.body = append(told.body, ' ')
		if signedBy(p.T, secret, told) == nil || signedBy(p.T, access.NewWebhookSecret(), got[0]) == nil {
			p.Error("a changed message, or another secret, verifies")
		}
		for _, one := range []string{id, grades} {
			if w := p.webhook(one); w.Position != 122 || !w.FailingSince.IsZero() {
				p.Errorf("%+v", w)
			}
		}
		if d := p.last(id); d.Outcome != "delivered" || d.Status != 204 || d.Attempt != 1 || d.Position != 122 || !d.At.Equal(p.now) {
			p.Errorf("%+v", d)
		}
	})
}

// What fails is tried again later and later, everything behind it waits, and after five days the webhook is disabled and somebody told.
func TestWebhooksRetryAndGiveUp(t *testing.T) {
	t.Parallel()
	onBothPosts(t, func(p *post) {
		server, j := newReceiver(p.T), p.deliver(loopback...)
		id, _ := p.hook(server.URL)
		p.change(2)
		server.answers(status(http.StatusInternalServerError))
		start := p.now
		var waits []time.Duration
		for {
			p.run(j)
			w := p.webhook(id)
			if !w.DisabledAt.IsZero() {
				break
			}
			waits = append(waits, w.NextAt.Sub(p.now))
			p.now = w.NextAt.Add(-time.Microsecond)
			if p.run(j) != 0 {
				p.Fatalf("tried again before %s", w.NextAt)
			}
			p.now = w.NextAt
		}
		want := "[5s 1m0s 5m0s 30m0s 2h0m0s 5h0m0s 10h0m0s 24h0m0s 24h0m0s 24h0m0s 24h0m0s 6h23m55s]"
		if got := fmt.Sprint(waits); got != want || p.now.Sub(start) != jobs.GiveUpAfter {
			p.Errorf("waits of %s, want %s; in all %s", got, want, p.now.Sub(start))
		}
		got := server.take()
		for _, d := range got {
			if d.id != got[0].id || d.change.Position != 1 {
				p.Errorf("%s came before the first one was taken", d.id)
			}
		}
		if d := p.last(id); len(got) != 13 || d.Attempt != 13 || d.Outcome != "status" || d.Status != 500 {
			p.Errorf("%d attempts, the last %+v", len(got), d)
		}
		notices, err := p.db.Unpublished(p.Context(), schema.TopicWebhookDisabled, 9)
		if err != nil || len(notices) != 1 || !strings.Contains(notices[0].Payload, id) || strings.Contains(notices[0].Payload, "http") {
			p.Errorf("%+v, %v", notices, err)
		}
		server.answers(nil)
		p.now = p.now.AddDate(0, 1, 0)
		if p.run(j) != 0 {
			p.Error("a disabled webhook was served")
		}
		check(p.T, p.db.EnableWebhook(p.Context(), id))
		p.run(j)
		if got := fmt.Sprint(positions(server.take())); got != "[1 2]" {
			p.Errorf("enabled again it got %s", got)
		}
		check(p.T, p.db.MoveWebhook(p.Context(), id, 1))
		p.run(j)
		if got := fmt.Sprint(positions(server.take())); got != "[2]" {
			p.Errorf("sent again: %s", got)
		}
	})
}

// While secrets are exchanged either one verifies; after that the new one alone.
func TestWebhookSecretsOverlap(t *testing.T) {
	t.Parallel()
	onBothPosts(t, func(p *post) {
		server, j := newReceiver(p.T), p.deliver(loopback...)
		id, old := p.hook(server.URL)
		secret := access.NewWebhookSecret()
		sealed, err := postSeal.Seal(secret, access.PurposeWebhook(id))
		check(p.T, err)
		check(p.T, p.db.RotateWebhookSecret(p.Context(), id, sealed, p.now.Add(time.Minute)))
		p.change(1)
		p.run(j)
		during := server.take()
		p.now = p.now.Add(time.Minute)
		p.change(1)
		p.run(j)
		after := server.take()
		if len(during) != 1 || signedBy(p.T, old, during[0]) != nil || signedBy(p.T, secret, during[0]) != nil {
			p.Errorf("during the exchange: %+v", during)
		}
		if len(after) != 1 || signedBy(p.T, old, after[0]) == nil || signedBy(p.T, secret, after[0]) != nil {
			p.Errorf("after it: %+v", after)
		}
	})
}

// What a receiver does must neither hold up nor mislead us, and nobody else waits for it.
func TestWebhooksOfBadReceivers(t *testing.T) {
	t.Parallel()
	p := newPost(t, schema.Config{Dir: t.TempDir()})
	elsewhere := newReceiver(t)
	endless := func(w http.ResponseWriter, r *http.Request, _ int) {
		for r.Context().Err() == nil { // until the sender goes away
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
	hold := make(chan struct{})
	defer close(hold)
	cases := map[string]struct {
		answer  func(w http.ResponseWriter, r *http.Request, n int)
		outcome string
		status  int
		ended   bool
	}{
		"ok":            {status(200), "delivered", 200, false},
		"accepted":      {status(202), "delivered", 202, false},
		"endless":       {endless, "delivered", 200, false},
		"client error":  {status(400), "status", 400, false},
		"gone":          {status(410), "status", 410, true},
		"too many":      {status(429), "status", 429, false},
		"hangs up":      {func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) }, "connect", 0, false},
		"never answers": {func(_ http.ResponseWriter, r *http.Request, _ int) { wait(r.Context(), hold) }, "timeout", 0, false},
		"redirects": {func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "redirect", 307, false},
	}
	ids := map[string]string{}
	for name, c := range cases {
		server := newReceiver(t)
		server.answers(c.answer)
		ids[name], _ = p.hook(server.URL)
		if len(ids)%schema.MaxWebhooks == 0 {
			t.Fatal("more than a partner may have")
		}
	}
	p.change(1)
	j := p.deliver(loopback...)
	j.SetTimeout(3 * time.Second)
	p.run(j)
	for name, c := range cases {
		d, w := p.last(ids[name]), p.webhook(ids[name])
		if d.Outcome != c.outcome || d.Status != c.status || w.DisabledAt.IsZero() == c.ended || (w.Position == 1) != (c.outcome == "delivered") {
			t.Errorf("%s: %+v, %+v", name, d, w)
		}
	}
	if got := elsewhere.take(); len(got) != 0 {
		t.Error("a redirect was followed")
	}
}

func wait(ctx context.Context, hold <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-hold:
	}
}

// Requests go to public addresses alone, whatever a name resolves to, unless a network is allowed; by http only there.
func TestWebhooksReachNoInnerAddress(t *testing.T) {
	t.Parallel()
	p := newPost(t, schema.Config{Dir: t.TempDir()})
	server := newReceiver(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	for name, c := range map[string]struct {
		url     string
		allowed string
		outcome string
	}{
		"this machine":                  {"https://127.0.0.1:" + port, "", "address"},
		"this machine by http":          {"http://127.0.0.1:" + port, "", "address"},
		"a name of this machine":        {"https://localhost:" + port, "", "address"},
		"IPv6":                          {"https://[::1]:" + port, "", "address"},
		"mapped":                        {"https://[::ffff:127.0.0.1]:" + port, "", "address"},
		"a short form":                  {"https://127.1:" + port, "", ""},
		"a number":                      {"https://2130706433:" + port, "", ""},
		"octal":                         {"https://0177.0.0.1:" + port, "", ""},
		"cloud metadata":                {"https://169.254.169.254/latest", "", "address"},
		"private":                       {"https://10.0.0.1/", "", "address"},
		"private, another is allowed":   {"https://10.0.0.1/", "10.1.0.0/16", "address"},
		"allowed":                       {server.URL, "127.0.0.0/8", "delivered"},
		"a name to an allowed one":      {"http://localhost:" + port, "127.0.0.0/8", "delivered"},
		"allowed, but it speaks no TLS": {"https://127.0.0.1:" + port, "127.0.0.0/8", "tls"},
		"public by http":                {"http://1.1.1.1/", "127.0.0.0/8", "address"},
	} {
		var allowed []netip.Prefix
		if c.allowed != "" {
			allowed = append(allowed, netip.MustParsePrefix(c.allowed))
		}
		id, _ := p.hook(c.url)
		p.change(1)
		p.run(p.deliver(allowed...))
		d := p.last(id)
		if c.outcome != "" && d.Outcome != c.outcome || c.outcome == "" && d.Outcome == "delivered" {
			t.Errorf("%s: %+v", name, d)
		}
		if got := server.take(); len(got) > 0 && c.outcome != "delivered" {
			t.Errorf("%s: the server got a request", name)
		}
		check(t, p.db.DeleteWebhook(t.Context(), id))
	}
}

// The environment of the child that delivers.
const childDelivers = "JOBS_TEST_DELIVERS"

func deliveringChild(address string) error {
	db, err := schema.Open(context.Background(), configOf(address))
	if err != nil {
		return err
	}
	j := jobs.NewDeliver(db, postSeal, loopback, time.Now, slog.New(slog.DiscardHandler))
	if _, err := j.RunOnce(context.Background()); err != nil {
		return err
	}
	j.Wait()
	return nil
}

// A process that is killed between sending and noting leaves a change that is sent again, with the same identifier, by whoever comes next.
func TestDelivererKilled(t *testing.T) {
	t.Parallel()
	for engine, config := range map[string]schema.Config{"sqlite": {Dir: t.TempDir()}, "postgres": {URL: pgtest.EmptyURL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p, server := newPost(t, config), newReceiver(t)
			id, secret := p.hook(server.URL)
			p.change(3)
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), childDatabase+"="+config.Dir+config.URL, childDelivers+"=1")
			child.Stderr = os.Stderr
			started := make(chan struct{})
			server.answers(func(w http.ResponseWriter, _ *http.Request, n int) {
				if n == 2 { // it was received; the child will not learn that
					<-started
					if err := child.Process.Kill(); err != nil {
						t.Error(err)
					}
				}
				w.WriteHeader(http.StatusNoContent)
			})
			check(t, child.Start())
			close(started)
			if err := child.Wait(); err == nil {
				t.Fatal("the child was not killed")
			}
			first := server.take()
			server.answers(nil)
			if w := p.webhook(id); len(first) != 2 || w.Position != 1 {
				t.Fatalf("%d were sent, %+v", len(first), w)
			}
			j := p.deliver(loopback...)
			if p.run(j) != 0 {
				t.Error("the claim of the child was not kept")
			}
			p.now = time.Now().Add(time.Minute)
			p.run(j)
			again := server.take()
			if fmt.Sprint(positions(again)) != "[2 3]" || again[0].id != first[1].id || string(again[0].body) != string(first[1].body) {
				t.Errorf("sent again: %v", positions(again))
			}
			for _, d := range append(first, again...) {
				if err := signedBy(t, secret, d); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A delivery that was told to stop is not counted as a failure, and another process may go on at once.
func TestDeliveryStops(t *testing.T) {
	t.Parallel()
	onBothPosts(t, func(p *post) {
		server, j := newReceiver(p.T), p.deliver(loopback...)
		id, _ := p.hook(server.URL)
		p.change(1)
		ctx, cancel := context.WithCancel(p.Context())
		defer cancel()
		server.answers(func(_ http.ResponseWriter, r *http.Request, _ int) {
			cancel()
			<-r.Context().Done()
		})
		_, err := j.RunOnce(ctx)
		check(p.T, err)
		j.Wait()
		if w := p.webhook(id); w.Position != 0 || w.Attempts != 0 || !w.FailingSince.IsZero() {
			p.Errorf("%+v", w)
		}
		server.answers(nil)
		p.run(j)
		if w := p.webhook(id); w.Position != 1 {
			p.Errorf("%+v", w)
		}
	})
}

// A partner that is disabled, or a webhook that is deleted, while changes are sent gets no more of them.
func TestDeliveryEndsWithItsWebhook(t *testing.T) {
	t.Parallel()
	onBothPosts(t, func(p *post) {
		server, j := newReceiver(p.T), p.deliver(loopback...)
		ends := map[string]func(id string) error{
			"deleted":  func(id string) error { return p.db.DeleteWebhook(p.Context(), id) },
			"moved":    func(id string) error { return p.db.MoveWebhook(p.Context(), id, 0) },
			"disabled": func(string) error { return p.db.DisablePartner(p.Context(), p.partner, p.now) },
		}
		for _, name := range []string{"deleted", "moved", "disabled"} {
			id, _ := p.hook(server.URL)
			p.change(3)
			server.answers(func(w http.ResponseWriter, _ *http.Request, n int) {
				if n == 2 {
					if err := ends[name](id); err != nil {
						p.Error(err)
					}
				}
				w.WriteHeader(http.StatusNoContent)
			})
			_, err := j.RunOnce(p.Context())
			check(p.T, err)
			j.Wait()
			if got := server.take(); len(got) != 2 {
				p.Errorf("%s: it got %v", name, positions(got))
			}
			if name == "moved" {
				if w := p.webhook(id); w.Position != 0 {
					p.Errorf("moved: %+v", w)
				}
				check(p.T, p.db.DeleteWebhook(p.Context(), id))
			}
		}
	})
}

// The scheduler gives places and delivers, and stops with nothing left behind.
func TestTheSchedulerDelivers(t *testing.T) {
	t.Parallel()
	p, server := newPost(t, schema.Config{Dir: t.TempDir()}), newReceiver(t)
	_, secret := p.hook(server.URL)
	came := make(chan struct{}, 9)
	server.answers(func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.WriteHeader(http.StatusNoContent)
		came <- struct{}{}
	})
	_, err := p.db.ChangeCode(t.Context(), p.idx, schema.StepSuspend, "Li Hua", "a test")
	check(t, err)
	often := gocron.DurationJob(20 * time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := jobs.NewScheduler(ctx, p.db, jobs.Work{Deliver: p.deliver(loopback...)}, jobs.Schedule{Sequence: often, Deliver: often}, time.Now, slog.New(slog.DiscardHandler))
	check(t, err)
	s.Start()
	select {
	case <-came:
	case <-time.After(time.Minute):
		t.Error("nothing came")
	}
	check(t, s.Stop())
	if got := server.take(); len(got) != 1 || signedBy(t, secret, got[0]) != nil {
		t.Errorf("%d messages", len(got))
	}
}

// Who is asked to come back later does, by the clock: not before, and within a day whatever was asked.
func TestAReceiverSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	onBothPosts(t, func(p *post) {
		server, j := newReceiver(p.T), p.deliver(loopback...)
		day := 24 * time.Hour
		p.now = p.now.Truncate(time.Second) // dates of HTTP have no parts of seconds
		for name, c := range map[string]struct {
			status int
			later  string
			want   time.Duration
		}{
			"in an hour":             {429, "3600", time.Hour},
			"until a date":           {503, p.now.Add(2 * time.Hour).Format(http.TimeFormat), 2 * time.Hour},
			"sooner than we would":   {429, "1", 5 * time.Second},
			"a date that has passed": {503, p.now.Add(-time.Hour).Format(http.TimeFormat), 5 * time.Second},
			"a week":                 {429, "604800", day},
			"next year":              {503, p.now.AddDate(1, 0, 0).Format(http.TimeFormat), day},
			"for ever":               {429, "99999999999999999999", day},
			"a number below":         {429, "-9", 5 * time.Second},
			"words":                  {503, "soon", 5 * time.Second},
			"nothing":                {503, "", 5 * time.Second},
			"where it means nothing": {500, "3600", 5 * time.Second},
		} {
			server.answers(func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Retry-After", c.later)
				w.WriteHeader(c.status)
			})
			id, _ := p.hook(server.URL)
			p.change(1)
			p.run(j)
			w := p.webhook(id)
			if wait := w.NextAt.Sub(p.now); wait != c.want {
				p.Errorf("%s: waits %s, want %s", name, wait, c.want)
			}
			server.take()
			start := p.now
			p.now = w.NextAt.Add(-time.Microsecond)
			if p.run(j); len(server.take()) != 0 {
				p.Errorf("%s: came back too early", name)
			}
			p.now = w.NextAt
			server.answers(nil)
			if p.run(j); len(server.take()) != 1 {
				p.Errorf("%s: did not come back", name)
			}
			p.now = start
			check(p.T, p.db.DeleteWebhook(p.Context(), id))
		}
	})
}
