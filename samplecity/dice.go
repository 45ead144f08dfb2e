package samplecity

import "math/rand/v2"

// dice draws whole numbers only, so that every machine draws the same.
type dice struct{ *rand.Rand }

// newDice returns the dice of enterprise i. The golden-ratio factor keeps neighbours apart in the generator's state.
func newDice(seed uint64, i int) dice {
	return dice{rand.New(rand.NewPCG(seed, uint64(i)*0x9E3779B97F4A7C15+1))}
}

// chance is true with a probability in parts per million.
func (d dice) chance(ppm int) bool { return d.IntN(1_000_000) < ppm }

// between returns a whole number from low to high, both included.
func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// about returns a whole number whose mean is milli/1000: the whole part, and one more with the chance of the rest.
func (d dice) about(milli int) int {
	n := milli / 1000
	if d.chance(milli % 1000 * 1000) {
		n++
	}
	return n
}

// weighted returns an index with a chance in proportion to its weight.
func (d dice) weighted(weights ...int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	at := d.IntN(total)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// pick returns one of the list.
func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }
