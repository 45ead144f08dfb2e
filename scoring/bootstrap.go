package scoring

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is an estimate with its 95 % bootstrap interval (percentile method). Without replicates Low and High equal Value.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// resampler draws enterprises with replacement, not observations: those of one enterprise are alike, and drawing them one by one would make
// every interval too narrow.
type resampler struct {
	random      *rand.Rand
	enterprises int
	of          []int32 // the enterprise of each observation
	times       []int32 // how often each enterprise was drawn
	weight      []int32 // the same by observation
}

func newResampler(seed uint64, enterprises int, of []int32) *resampler {
	return &resampler{random: rand.New(rand.NewPCG(seed, 0x6863)), enterprises: enterprises, of: of,
		times: make([]int32, enterprises), weight: make([]int32, len(of))}
}

// draw returns the weights of the next replicate. They are good until the next draw.
func (r *resampler) draw() []int32 {
	clear(r.times)
	for range r.enterprises {
		r.times[r.random.IntN(r.enterprises)]++
	}
	for i, e := range r.of {
		r.weight[i] = r.times[e]
	}
	return r.weight
}

// interval makes an estimate of a value and its replicates, which it sorts.
func interval(value float64, replicates []float64) Interval {
	if len(replicates) == 0 {
		v := rounded(value)
		return Interval{v, v, v}
	}
	slices.Sort(replicates)
	last := float64(len(replicates) - 1)
	return Interval{rounded(value), rounded(replicates[int(math.Floor(0.025*last))]), rounded(replicates[int(math.Ceil(0.975*last))])}
}
