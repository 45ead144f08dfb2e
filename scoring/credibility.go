package scoring

import (
	"math"
	"math/rand/v2"
	"slices"
)

// The estimators of Bühlmann and Straub (Bühlmann and Gisler, A Course in Credibility Theory and its Applications, 2005, §4.8). Of
// enterprise i the observations j have weight m_ij and level x_ij; m_i, m are sums of weights, n_i numbers, x̄_i, x̄ weighted means:
//
//	EPV = Σ_i Σ_j m_ij (x_ij − x̄_i)² / Σ_i (n_i − 1)
//	VHM = (Σ_i m_i (x̄_i − x̄)² − (I − 1)·EPV) / (m − Σ_i m_i² / m), floored at 0
//	k   = EPV / VHM          mu = Σ Z_i x̄_i / Σ Z_i with Z_i = m_i / (m_i + k)
//
// Both variances are unbiased. Sums run in a fixed order, and no product is fused with a sum (float64 around it), so every machine gets
// the same bits.

// peerUnit is one enterprise in one dimension. Weights are in checks.
type peerUnit struct {
	weight, bad, square float64 // Σ m, Σ m·x, Σ m·x²
	n                   int     // observations
}

// add adds n observations of one weight and bad mass in all; without weight there was nothing to observe.
func (u *peerUnit) add(bad, weight float64, n int) {
	if weight > 0 {
		u.weight += weight
		u.bad += bad
		u.square += float64(bad*bad) / weight
		u.n += n
	}
}

func observations(units []peerUnit) int {
	sum := 0
	for i := range units {
		sum += units[i].n
	}
	return sum
}

// credibility is an estimate of one sample; k is in checks and infinite when the enterprises do not differ.
type credibility struct{ mu, k, epv, vhm float64 }

// sampled hands out the units of a sample in order.
type sampled func(yield func(*peerUnit))

// estimateCredibility returns false when there are fewer than two enterprises or none with two observations.
func estimateCredibility(each sampled, least, most float64) (c credibility, ok bool) {
	var units, seen, m, squares, bad, within, between float64
	each(func(u *peerUnit) {
		own := float64(u.bad*u.bad) / u.weight // m_i·x̄_i²
		units++
		seen += float64(u.n)
		m += u.weight
		squares += float64(u.weight * u.weight)
		bad += u.bad
		within += math.Max(0, u.square-own)
		between += own
	})
	spread := m - squares/m
	if units < 2 || seen <= units || !(spread > 0) {
		return c, false
	}
	c.epv = within / (seen - units)
	c.vhm = math.Max(0, (between-float64(bad*bad)/m-float64((units-1)*c.epv))/spread)
	c.k = math.Inf(1)
	if c.vhm > 1e-12 { // less is what rounding leaves of equal levels
		c.k = c.epv / c.vhm
	}
	c.mu = collectiveMean(each, math.Min(most, math.Max(least, c.k)))
	return c, true
}

// collectiveMean weighs each enterprise's mean with its credibility.
func collectiveMean(each sampled, k float64) float64 {
	var sum, total float64
	each(func(u *peerUnit) {
		z := u.weight / (u.weight + k)
		sum += float64(z * (u.bad / u.weight))
		total += z
	})
	return math.Min(1, math.Max(0, sum/total))
}

// estimatePeers estimates a group with its bootstrap over enterprises; false when it is too small. stream tells the groups' dice apart.
func estimatePeers(units []peerUnit, stream uint64, o *CalibrateOptions) (Estimate, bool) {
	if len(units) < o.MinEnterprises {
		return Estimate{}, false
	}
	least, most := float64(o.LeastK)/1000, float64(o.MostK)/1000
	c, ok := estimateCredibility(func(yield func(*peerUnit)) {
		for i := range units {
			yield(&units[i])
		}
	}, least, most)
	if !ok {
		return Estimate{}, false
	}
	e := Estimate{EPV: c.epv, VHM: c.vhm}
	e.Mu, e.K, e.Bound = c.rounded(o)
	mus, ks := bootstrap(units, rand.New(rand.NewPCG(o.Seed, stream)), o)
	e.MuFrom, e.MuTo = middle(mus, e.Mu)
	e.KFrom, e.KTo = middle(ks, e.K)
	return e, true
}

// rounded returns mu in millionths and k in thousandths of a check, and at which bound k stands.
func (c *credibility) rounded(o *CalibrateOptions) (mu, k int64, bound string) {
	mu = int64(math.Round(c.mu * 1_000_000))
	switch {
	case c.k*1000 > float64(o.MostK):
		return mu, o.MostK, "upper"
	case c.k*1000 < float64(o.LeastK):
		return mu, o.LeastK, "lower"
	}
	return mu, int64(math.Round(c.k * 1000)), ""
}

// bootstrap estimates samples of as many enterprises, drawn with replacement. A sample that cannot be estimated is left out.
func bootstrap(units []peerUnit, dice *rand.Rand, o *CalibrateOptions) (mus, ks []int64) {
	drawn := make([]int32, len(units))
	least, most := float64(o.LeastK)/1000, float64(o.MostK)/1000
	for range o.Replicates {
		for i := range drawn {
			drawn[i] = int32(dice.IntN(len(units)))
		}
		c, ok := estimateCredibility(func(yield func(*peerUnit)) {
			for _, i := range drawn {
				yield(&units[i])
			}
		}, least, most)
		if ok {
			mu, k, _ := c.rounded(o)
			mus, ks = append(mus, mu), append(ks, k)
		}
	}
	return mus, ks
}

// middle returns the ends of the middle 95 % (percentiles by nearest rank).
func middle(values []int64, otherwise int64) (from, to int64) {
	if len(values) == 0 {
		return otherwise, otherwise
	}
	slices.Sort(values)
	at := func(share float64) int64 { return values[max(0, int(math.Ceil(share*float64(len(values))))-1)] }
	return at(0.025), at(0.975)
}
