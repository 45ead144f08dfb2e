package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// ProductReader reads the product catalogue, in the order of the codes, and what records say of products.
type ProductReader interface {
	// Product returns a product, or an error that wraps schema.ErrNotFound.
	Product(ctx context.Context, code string) (*registry.Product, error)
	Products(ctx context.Context) iter.Seq2[registry.Product, error]
	// ProductsAt returns the catalogue of a day, knowing what was known at a moment.
	ProductsAt(ctx context.Context, asOf registry.Day, knownAt time.Time) ([]registry.Product, error)
	// ProductFacts calls yield for each enterprise with what its records say of products.
	ProductFacts(ctx context.Context, asOf registry.Day, knownAt time.Time, yield func(registry.USCC, []scoring.Fact) error) error
}

// productRisks is the computed risk of every product at one moment. Nobody changes it.
type productRisks struct {
	asOf    registry.Day
	knownAt time.Time
	model   scoring.ModelName
	byCode  map[string]*scoring.ProductGrade
}

// riskCache keeps the computed risks for a while: computing reads every record about a product.
type riskCache struct {
	mu    sync.Mutex
	until time.Time
	risks *productRisks
}

// risksLive is how long computed risks are kept in memory, at least: ten times as long as computing them took.
const risksLive = time.Minute

// productRisks returns the risk of every product, computed at most a while ago. The first request computes, the others wait for it.
func (s *server) productRisks(ctx context.Context) (*productRisks, error) {
	k := &s.risks
	k.mu.Lock()
	defer k.mu.Unlock()
	began := s.now()
	if k.risks != nil && began.Before(k.until) {
		return k.risks, nil
	}
	risks, err := s.computeRisks(ctx)
	if err != nil {
		return nil, err
	}
	ended := s.now()
	k.risks, k.until = risks, ended.Add(max(risksLive, 10*ended.Sub(began)))
	return risks, nil
}

func (s *server) computeRisks(ctx context.Context) (*productRisks, error) {
	model, err := s.model(ctx, schema.ModelRef{})
	if err != nil {
		return nil, err
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	found := &productRisks{asOf: registry.DayOf(now), knownAt: now, byCode: map[string]*scoring.ProductGrade{},
		model: scoring.ModelName{Code: model.Code, Version: model.Version, Digest: model.Digest()}}
	catalogue, err := s.store.ProductsAt(ctx, found.asOf, now)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	risks := scoring.NewProductRisks(model, found.asOf, catalogue)
	err = s.store.ProductFacts(ctx, found.asOf, now, func(code registry.USCC, facts []scoring.Fact) error {
		risks.Add(code, facts)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read facts of products: %w", err)
	}
	for _, risk := range risks.All() {
		found.byCode[risk.Code] = &risk
	}
	return found, nil
}

// ProductItem is one line of the list as JSON: a product as the catalogue has it, with the risk that its records say.
type ProductItem struct {
	registry.Product
	Computed *ComputedRisk `json:"computed,omitempty"`
}

// ComputedRisk is the risk that records and sensitivity factors say, in short.
type ComputedRisk struct {
	Risk        registry.RiskLevel `json:"risk"`
	Proposal    string             `json:"proposal"` // agrees, higher or lower, against the declared risk
	LossPPM     int32              `json:"loss_ppm"`
	Enough      bool               `json:"enough_evidence"`
	HeldByPrior bool               `json:"held_by_prior"`
	Records     int                `json:"records"`
	Enterprises int                `json:"enterprises"`
}

// ProductList is a page of products with the moment that the risks are of.
type ProductList struct {
	*List[ProductItem]
	AsOf    registry.Day       `json:"as_of,omitzero"`
	KnownAt time.Time          `json:"known_at,omitzero"`
	Model   *scoring.ModelName `json:"model,omitempty"`
}

// ProductAnswer is one product as JSON, with the risk that its records say and where it comes from.
type ProductAnswer struct {
	Product *registry.Product     `json:"product"`
	AsOf    registry.Day          `json:"as_of"`
	KnownAt time.Time             `json:"known_at"`
	Model   scoring.ModelName     `json:"model"`
	Risk    *scoring.ProductGrade `json:"computed,omitempty"`
}

// products answers GET /api/v1/products.
func (s *server) products(c *gin.Context) {
	query := s.query(c)
	page, err := s.productList(c.Request.Context(), query)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, page)
}

func (s *server) productList(ctx context.Context, query url.Values) (*ProductList, error) {
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		return nil, err
	}
	page := &ProductList{List: newList[ProductItem](limit)}
	risks, err := s.productRisks(ctx)
	switch {
	case err == nil:
		page.AsOf, page.KnownAt, page.Model = risks.asOf, risks.knownAt, &risks.model
	case errors.Is(err, ErrNoModel):
		risks = &productRisks{}
	default:
		return nil, err
	}
	for product, err := range s.store.Products(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read products: %w", err)
		}
		if product.Code > query.Get("cursor") && !page.add(ProductItem{product, computedRisk(risks.byCode[product.Code])}, product.Code) {
			break
		}
	}
	return page, nil
}

func computedRisk(x *scoring.ProductGrade) *ComputedRisk {
	if x == nil {
		return nil
	}
	return &ComputedRisk{Risk: x.Computed, Proposal: x.Proposal, LossPPM: x.LossPPM, Enough: x.Enough, HeldByPrior: x.HeldByPrior,
		Records: x.Records, Enterprises: x.Enterprises}
}

// product answers GET /api/v1/products/:code.
func (s *server) product(c *gin.Context) {
	answer, err := s.findProduct(c.Request.Context(), s.sight(c), c.Param("code"))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// findProduct reads a product; a code that the catalogue does not have is ErrNoProduct. Its risk is that of the whole register, and names
// the makers within the caller's sight.
func (s *server) findProduct(ctx context.Context, sight access.Sight, code string) (*ProductAnswer, error) {
	if len(code) > 200 || !utf8.ValidString(code) || strings.ContainsFunc(code, isControl) {
		return nil, ErrNoProduct
	}
	product, err := s.store.Product(ctx, code)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoProduct
	}
	if err != nil {
		return nil, fmt.Errorf("read product: %w", err)
	}
	risks, err := s.productRisks(ctx)
	if err != nil {
		return nil, err
	}
	risk, err := s.makersSeen(ctx, sight, risks.byCode[code])
	return &ProductAnswer{Product: product, AsOf: risks.asOf, KnownAt: risks.knownAt, Model: risks.model, Risk: risk}, err
}

// makersSeen leaves out the makers that lie outside a sight. The computed risk itself is shared and stays as it is.
func (s *server) makersSeen(ctx context.Context, sight access.Sight, risk *scoring.ProductGrade) (*scoring.ProductGrade, error) {
	if risk == nil {
		return nil, nil //nolint:nilnil // a product without a grade has no makers
	}
	shown := *risk
	if shown.Makers = orNone(risk.Makers); sight.All || len(risk.Makers) == 0 {
		return &shown, nil
	}
	filter := schema.EnterpriseFilter{Limit: len(risk.Makers)}
	for i := range risk.Makers {
		filter.Codes = append(filter.Codes, risk.Makers[i].USCC)
	}
	page, err := s.store.EnterprisePage(ctx, sight, filter)
	if err != nil {
		return nil, fmt.Errorf("read the makers of a product: %w", err)
	}
	seen := map[registry.USCC]bool{}
	for _, item := range page.Items {
		seen[item.Enterprise.USCC] = true
	}
	shown.Makers = slices.DeleteFunc(slices.Clone(risk.Makers), func(m scoring.ProductMaker) bool { return !seen[m.USCC] })
	return &shown, nil
}

// productLines names an enterprise's products. One that the catalogue does not have is shown by its code.
func (s *server) productLines(ctx context.Context, codes []string) ([]web.ProductLine, error) {
	lines := make([]web.ProductLine, 0, len(codes))
	for _, code := range codes {
		product, err := s.store.Product(ctx, code)
		if errors.Is(err, schema.ErrNotFound) {
			lines = append(lines, web.ProductLine{Name: code})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read product: %w", err)
		}
		lines = append(lines, web.ProductLine{Name: product.Name, Risk: product.Risk})
	}
	return lines, nil
}
