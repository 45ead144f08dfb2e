package samplecity

import (
	"iter"
	"slices"

	"healthcode/registry"
)

// City is an invented city on one day. It holds no enterprise: each is made when it is asked for, so a City is safe for concurrent use.
type City struct {
	seed        uint64
	enterprises int
	today       registry.Day
}

// Generate returns the city of a seed on a day with a number of enterprises, from 0 to MaxEnterprises (beyond, the ends). The first
// are the showcases. Nothing is known later than the beginning of today, and nothing has happened later than the day before.
func Generate(seed uint64, enterprises int, today registry.Day) *City {
	return &City{seed: seed, enterprises: min(max(enterprises, 0), MaxEnterprises), today: today}
}

// Len returns the number of enterprises.
func (c *City) Len() int { return c.enterprises }

// Today returns the day of the city.
func (c *City) Today() registry.Day { return c.today }

// Regions returns Zhejiang, Jiaxing, its counties and their townships, larger ones before the smaller that they hold.
func (c *City) Regions() []registry.Region { return slices.Clone(regions) }

// Products returns the product catalogue.
func (c *City) Products() []registry.Product {
	products := make([]registry.Product, len(catalogue))
	for i := range catalogue {
		products[i] = catalogue[i].Product
	}
	return products
}

// At returns enterprise i, from 0 to Len()-1, with its records in the order in which they became known. What the enterprise's own row
// brings as records (registry.Enterprise.Records) is not repeated among them. A record that was corrected stands twice, the newer one
// later, both without a revision number: who stores them counts.
func (c *City) At(i int) (*registry.Enterprise, []registry.Record) {
	if i < len(showcases) {
		return c.showcase(i)
	}
	x := c.open(i)
	x.settle()
	x.live()
	return x.close()
}

// All returns every enterprise with its records, one enterprise in memory at a time.
func (c *City) All() iter.Seq2[*registry.Enterprise, []registry.Record] {
	return func(yield func(*registry.Enterprise, []registry.Record) bool) {
		for i := range c.enterprises {
			if !yield(c.At(i)) {
				return
			}
		}
	}
}

// Enterprises returns every enterprise, one in memory at a time.
func (c *City) Enterprises() iter.Seq[*registry.Enterprise] {
	return func(yield func(*registry.Enterprise) bool) {
		for e := range c.All() {
			if !yield(e) {
				return
			}
		}
	}
}

// Records returns the records of every enterprise, those of one enterprise together, one enterprise in memory at a time.
func (c *City) Records() iter.Seq[*registry.Record] {
	return func(yield func(*registry.Record) bool) {
		for _, records := range c.All() {
			for i := range records {
				if !yield(&records[i]) {
					return
				}
			}
		}
	}
}
