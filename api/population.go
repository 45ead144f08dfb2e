package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// PopulationReader reads everybody into memory and keeps that current.
type PopulationReader interface {
	ReadPopulation(ctx context.Context, asOf registry.Day, progress func(done, total int64)) (*schema.Population, error)
	// RenewPopulation returns the population with what arrived since, or itself when nothing did.
	RenewPopulation(ctx context.Context, old *schema.Population) (*schema.Population, error)
	NameMoves(ctx context.Context, moves []scoring.Move) error
	NameGroups(ctx context.Context, groups []scoring.GroupShifts) error
}

const (
	// readingTimeout bounds one reading of everybody, which goes on when the request that began it has ended.
	readingTimeout = 10 * time.Minute
	// maxSimulations is how many simulations run at once; each takes every processor, the others wait.
	maxSimulations = 2
)

// populationCache holds everybody for all requests: one population, at most one more while it is renewed, and the grades by the last
// model that simulations started from.
type populationCache struct {
	store PopulationReader
	turns chan struct{}

	mu      sync.Mutex
	current *schema.Population
	reading *reading // under way; nil when none is

	known    *scoring.Grades // of knownFor
	knownFor gradesKey
}

// reading is one reading under way, for all who wait for it.
type reading struct {
	done   chan struct{} // closed when result and err stand
	result *schema.Population
	err    error

	read, total atomic.Int64 // enterprises so far, and in all
}

func (r *reading) progress(read, total int64) {
	r.total.Store(total)
	r.read.Store(read)
}

// gradesKey says of whom, by which model and on which day grades are.
type gradesKey struct {
	of     *scoring.Columns
	digest string
	asOf   registry.Day
}

func newPopulationCache(store PopulationReader) populationCache {
	return populationCache{store: store, turns: make(chan struct{}, maxSimulations)}
}

// get returns everybody with what has arrived until now. Requests at the same time share one reading. A request that goes away does
// not stop it: the next one finds it done, or waits for it. tell hears from time to time how far it is.
func (c *populationCache) get(ctx context.Context, today registry.Day, tell func(read, total int64)) (*schema.Population, error) {
	c.mu.Lock()
	r := c.reading
	if r == nil {
		r = &reading{done: make(chan struct{})}
		c.reading = r
		go c.read(context.WithoutCancel(ctx), r, c.current, today)
	}
	c.mu.Unlock()
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-r.done:
			return r.result, r.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
			tell(r.read.Load(), r.total.Load())
		}
	}
}

func (c *populationCache) read(ctx context.Context, r *reading, old *schema.Population, today registry.Day) {
	ctx, cancel := context.WithTimeout(ctx, readingTimeout)
	defer cancel()
	if old == nil || old.AsOf != today { // descriptions may come into force with a day
		r.result, r.err = c.store.ReadPopulation(ctx, today, r.progress)
	} else {
		r.result, r.err = c.store.RenewPopulation(ctx, old)
		if errors.Is(r.err, schema.ErrBusy) { // an import holds the database; the answer says as of when it is
			r.result, r.err = old, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = nil
	if r.err == nil {
		c.current = r.result
	}
	close(r.done)
}

// turn waits until a simulation may run. The caller gives the turn back.
func (c *populationCache) turn(ctx context.Context) (back func(), err error) {
	select {
	case c.turns <- struct{}{}:
		return func() { <-c.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// grades returns everybody's grades by a model, computed once for all simulations that start from it.
func (c *populationCache) grades(ctx context.Context, p *schema.Population, m *scoring.Model, asOf registry.Day) (*scoring.Grades, error) {
	key := gradesKey{p.Columns, m.Digest(), asOf}
	c.mu.Lock()
	known, knownFor := c.known, c.knownFor
	c.mu.Unlock()
	if known != nil && knownFor == key {
		return known, nil
	}
	known = scoring.NewGrades(p.Columns.Len())
	if err := p.Columns.Grade(ctx, m, asOf, known, scoring.PassOptions{}); err != nil {
		return nil, fmt.Errorf("grade by the active model: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.knownFor = known, key
	return known, nil
}
