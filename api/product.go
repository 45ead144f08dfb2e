package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// ProductReader reads the product catalogue, in the order of the codes.
type ProductReader interface {
	// Product returns a product, or an error that wraps schema.ErrNotFound.
	Product(ctx context.Context, code string) (*registry.Product, error)
	Products(ctx context.Context) iter.Seq2[registry.Product, error]
}

// products answers GET /api/v1/products.
func (s *server) products(c *gin.Context) {
	query, err := readQuery(c.Request, "cursor", "limit")
	if err != nil {
		s.fail(c, err)
		return
	}
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	page := newList[registry.Product](limit)
	for product, err := range s.store.Products(c.Request.Context()) {
		if err != nil {
			s.fail(c, fmt.Errorf("read products: %w", err))
			return
		}
		if product.Code > query.Get("cursor") && !page.add(product, product.Code) {
			break
		}
	}
	c.JSON(http.StatusOK, page)
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
