package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"healthcode/access"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// Store is what the handlers read. *schema.DB satisfies it; each noun's file declares its part.
type Store interface {
	EnterpriseReader
	AssessmentReader
	EvidenceReader
	ModelReader
	ModelLifeReader
	CommentStore
	KeyReader
	CodeReader
	LiveReader
	CodeLife
	SignalReader
	RegionReader
	ProductReader
	RunReader
	PopulationReader
	ListReader
	RootReader
	Readiness
	AccountReader
	SessionReader
	SessionLister
	PartnerReader
	SignInStore
	AccountKeeper
	PartnerKeeper
	HistoryReader
	LookStore
	TicketLister
	TicketStore
	IdentityReader
	ChangeReader
	WebhookReader
	WebhookKeeper
	VersionReader
	AuditReader
	RecordStore
	SubmissionStore
	IdempotencyStore
	RecourseStore
	RecourseReader
	ListingReader
	ListingCounter
	ListingTaker
	OpenListingReader
	CriteriaStore
}

// Config is all that the handlers need.
type Config struct {
	Log   *slog.Logger
	Store Store
	Now   func() time.Time // nil means time.Now

	Demo           bool       // the data is invented: every page says so
	Bundle         Bundler    // nil: this server makes no bundle
	Issuer         CodeIssuer // nil: this server has no signing key
	Scans          *ScanLog   // nil: scans are not counted
	Showcases      []Showcase // shown on the first page
	TrustedProxies []string   // addresses or CIDRs of proxies whose X-Forwarded-For is believed; none by default

	Seal         access.SealKey // opens the secrets of second factors, seals those of webhooks, submissions and kept answers
	PersonKey    []byte         // hides the names of persons in records; nil: this server takes no records
	DemoAccounts []web.DemoAccount
	WebhookAllow []netip.Prefix // networks that webhooks may lead to beside the public Internet
	OIDC         *OIDC          // nil: nobody signs in elsewhere
	HTTPS        bool           // people come by https, so cookies are sent by nothing else

	Live        *LiveRegister // nil: one that holds only what was asked
	Licence     Licence       // of open data; zero: DefaultLicence
	RateAddress Rate          // of those without an API key; 0: no bound
	RateKey     Rate          // of each partner; 0: no bound

	ScreenRenewal time.Duration // how often a screen renews its code, in whole seconds; 0 means 30
}

// server holds what the handlers share.
type server struct {
	Config
	log      *slog.Logger
	store    Store
	now      func() time.Time
	renderer *web.Renderer
	assets   *web.AssetSet
	checker  []byte // service worker of the checker
	names    regionNames
	colours  colourCache
	risks    riskCache
	keys     keyCache
	models   modelCache
	images   imageCache
	lists    sharedCache
	everyone populationCache
	proven   provenCache
	says     operations
	live     *LiveRegister

	verifyLog slog.Handler // of requests to verify

	looks lookWriter
	gates gates

	byAddress, byKey *rates

	hasAccounts atomic.Bool
	comparing   chan struct{} // a place for each password or code that is compared at once
	receiving   reception
}

// comparedAtOnce bounds how many passwords are compared at once: each takes 32 MiB.
const comparedAtOnce = 4

// ErrConfig is the reason for a Config that lacks something.
var ErrConfig = errors.New("incomplete configuration of the server")

// New builds the handler of every route. It fails when a page does not fit its template or when the configuration lacks something.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	e, err := s.engine()
	if err != nil {
		return nil, err
	}
	return compresses(e)
}

func newServer(c Config) (*server, error) {
	if c.Log == nil || c.Store == nil {
		return nil, fmt.Errorf("%w: Log and Store are needed", ErrConfig)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Licence == (Licence{}) {
		c.Licence = DefaultLicence
	}
	renderer, err := web.NewRenderer()
	if err != nil {
		return nil, fmt.Errorf("prepare pages: %w", err)
	}
	assets, err := web.Assets()
	if err != nil {
		return nil, fmt.Errorf("prepare assets: %w", err)
	}
	s := &server{Config: c, log: c.Log, store: c.Store, now: c.Now, renderer: renderer, assets: assets, everyone: newPopulationCache(c.Store),
		comparing: make(chan struct{}, comparedAtOnce), says: allOperations(), gates: newGates(), byAddress: newRates("address", c.RateAddress), byKey: newRates("key", c.RateKey)}
	s.proven.most, s.verifyLog = maxProven, logOf(c.Log, http.MethodPost, verifyPath)
	if s.live = c.Live; s.live == nil {
		s.live = NewLiveRegister(DefaultLiveCodes)
	}
	if s.checker, err = s.checkerScript(); err != nil {
		return nil, fmt.Errorf("prepare checker: %w", err)
	}
	return s, nil
}

// engine sets gin up. Its mode is the process's business: tests and cmd choose it.
func (s *server) engine() (*gin.Engine, error) {
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.UseRawPath = true             // the number of a record may have a slash, written %2F
	e.RedirectTrailingSlash = false // one address for each thing; gin's redirect also believes X-Forwarded-Prefix
	if err := e.SetTrustedProxies(s.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	if s.HTTPS {
		e.Use(strictTransport)
	}
	e.Use(requestID, securityHeaders, s.accessLog, s.recovery, s.limitAddress, s.again, limits, gather, s.shed)
	s.routes(e)
	e.NoRoute(s.noRoute)
	e.NoMethod(s.noMethod)
	return e, nil
}
