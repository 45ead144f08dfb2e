package scoring

import "healthcode/registry"

// MoveSort is an order of those who move. Among equals the lower code comes first.
type MoveSort string

// The orders.
const (
	SortSize MoveSort = "size"    // the largest change of the index, up or down, first
	SortFall MoveSort = "change"  // the deepest fall first
	SortRise MoveSort = "-change" // the highest rise first
	SortUSCC MoveSort = "uscc"
)

// MoveSorts lists the orders; the first is the default.
func MoveSorts() []string {
	return []string{string(SortSize), string(SortFall), string(SortRise), string(SortUSCC)}
}

// MoveDirection chooses among those who move.
type MoveDirection string

// The directions. Nothing chooses all.
const (
	MovesUp     MoveDirection = "up"     // whose index rises
	MovesDown   MoveDirection = "down"   // whose index falls
	MovesBetter MoveDirection = "better" // whose colour becomes better
	MovesWorse  MoveDirection = "worse"
)

// MoveDirections lists the directions.
func MoveDirections() []string {
	return []string{string(MovesUp), string(MovesDown), string(MovesBetter), string(MovesWorse)}
}

// MoveQuery asks for a page of those who move.
type MoveQuery struct {
	Limit, Offset int // both at least 0
	Sort          MoveSort
	Direction     MoveDirection
}

// Moves is a page of those who move, and how many there are of the direction asked for.
type Moves struct {
	Total int    `json:"total"`
	Items []Move `json:"items"`
}

// Move is one enterprise whose index, tier or colour changes. Indexes and change are in hundredths.
type Move struct {
	Number       int             `json:"-"` // in the columns
	USCC         registry.USCC   `json:"uscc"`
	Name         string          `json:"name,omitempty"` // filled in by who knows names
	IndexBefore  int32           `json:"index_before"`
	IndexAfter   int32           `json:"index_after"`
	Change       int32           `json:"change"`
	TierBefore   registry.Tier   `json:"tier_before"`
	TierAfter    registry.Tier   `json:"tier_after"`
	ColourBefore registry.Colour `json:"colour_before"`
	ColourAfter  registry.Colour `json:"colour_after"`

	// What would be published, when the simulation asks for it.
	PublishedTierBefore   string `json:"published_tier_before,omitempty"`
	PublishedTierAfter    string `json:"published_tier_after,omitempty"`
	PublishedColourBefore string `json:"published_colour_before,omitempty"`
	PublishedColourAfter  string `json:"published_colour_after,omitempty"`
}

// most is the largest change of an index, in hundredths.
const most = 10_000

// moves returns the page that is asked for. It counts the changes first and then picks those of the page, so that it costs two
// looks at everybody, however many move.
func (p *comparison) moves(q MoveQuery) Moves {
	var at [2*most + 2]int // where each rank begins
	total := 0
	for i := range p.c.Len() {
		if rank, ok := p.rank(i, q); ok {
			at[rank+1]++
			total++
		}
	}
	for rank := 1; rank < len(at); rank++ {
		at[rank] += at[rank-1]
	}
	limit := max(0, min(q.Limit, total-q.Offset))
	page := Moves{Total: total, Items: make([]Move, limit)}
	if limit == 0 {
		return page
	}
	for i := range p.c.Len() {
		rank, ok := p.rank(i, q)
		if !ok {
			continue
		}
		if place := at[rank] - q.Offset; place >= 0 && place < limit {
			page.Items[place] = p.move(i)
		}
		at[rank]++
	}
	return page
}

// rank returns the place of an enterprise's change in the order asked for, 0 to 2·most, or false when it is not asked for.
func (p *comparison) rank(i int, q MoveQuery) (int, bool) {
	change := int(p.after.Index[i]) - int(p.before.Index[i])
	before, after := p.before.Colour[i], p.after.Colour[i]
	moved := change != 0 || before != after || p.before.Tier[i] != p.after.Tier[i]
	switch q.Direction {
	case MovesUp:
		moved = change > 0
	case MovesDown:
		moved = change < 0
	case MovesBetter:
		moved = after < before
	case MovesWorse:
		moved = after > before
	}
	switch q.Sort {
	case SortFall:
		return most + change, moved
	case SortRise:
		return most - change, moved
	case SortUSCC:
		return 0, moved
	}
	return most - max(change, -change), moved
}

func (p *comparison) move(i int) Move {
	before, after := int32(p.before.Index[i]), int32(p.after.Index[i])
	return Move{Number: i, USCC: p.c.USCC(i), IndexBefore: before, IndexAfter: after, Change: after - before, TierBefore: p.before.Tier[i],
		TierAfter: p.after.Tier[i], ColourBefore: p.before.Colour[i], ColourAfter: p.after.Colour[i]}
}
