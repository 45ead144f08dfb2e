package scoring

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"healthcode/registry"
)

// TimeFormat writes instants in digests and exports: UTC, always six digits of a second.
const TimeFormat = "2006-01-02T15:04:05.000000Z"

// Digests returns the SHA-256 of the canonical JSON of inputs and outputs, which two computations of the same assessment share on any
// machine, and the SHA-256 of the facts alone, which changes only when records do. docs/formats.md specifies both.
func (a *Assessor) Digests(e *Evidence, asOf registry.Day, knownAt time.Time, g *Grade) (digest, facts [32]byte) {
	facts, a.buffer = FactsDigest(a.buffer, happened(e.facts, asOf))
	return a.Digest(e.Enterprise, asOf, knownAt, facts, g), facts
}

// FactsDigest returns the SHA-256 of facts in their order as a JSON array. It writes into a buffer, which it returns for the next time.
func FactsDigest(buffer []byte, facts []Fact) ([32]byte, []byte) {
	buffer = append(buffer[:0], '[')
	for i := range facts {
		if i > 0 {
			buffer = append(buffer, ',')
		}
		buffer = facts[i].AppendJSON(buffer)
	}
	buffer = append(buffer, ']')
	return sha256.Sum256(buffer), buffer
}

// Digest returns the SHA-256 of the canonical JSON of inputs and outputs, where facts is that of the facts that had happened.
func (a *Assessor) Digest(who Enterprise, asOf registry.Day, knownAt time.Time, facts [32]byte, g *Grade) [32]byte {
	buffer := append(a.buffer[:0], `{"as_of":"`...)
	buffer = appendDate(buffer, asOf)
	buffer = append(buffer, `","enterprise":{"registered_on":"`...)
	if who.RegisteredOn != 0 {
		buffer = appendDate(buffer, who.RegisteredOn)
	}
	buffer = appendMember(buffer, `","risk":"`, who.Risk.String())
	buffer = appendMember(buffer, `","uscc":"`, string(who.USCC))
	buffer = append(buffer, `"},"facts_sha256":"`...)
	buffer = hex.AppendEncode(buffer, facts[:])
	buffer = append(buffer, `","known_at":"`...)
	buffer = knownAt.UTC().AppendFormat(buffer, TimeFormat)
	buffer = append(buffer, `","model":"`...)
	buffer = append(buffer, a.model.digest...)
	buffer = appendResult(append(buffer, `","result":`...), g)
	buffer = append(buffer, '}')
	a.buffer = buffer
	return sha256.Sum256(buffer)
}

func appendResult(buffer []byte, g *Grade) []byte {
	x := &g.Earned
	buffer = strconv.AppendInt(append(buffer, `{"checks":`...), x.Checks, 10)
	buffer = appendMember(buffer, `,"colour":"`, g.Colour.String())
	buffer = appendDay(append(buffer, `","colour_since"`...), ':', g.ColourSince)
	buffer = appendMember(buffer, `,"earned_colour":"`, x.Colour.String())
	buffer = appendMember(buffer, `","earned_tier":"`, x.Tier.String())
	buffer = appendMember(buffer, `","evidence":"`, x.Evidence.String())
	buffer = strconv.AppendInt(append(buffer, `","index":`...), int64(x.Index), 10)
	buffer = append(buffer, `,"loss_ppm":[`...)
	for d, loss := range x.LossPPM {
		if d > 0 {
			buffer = append(buffer, ',')
		}
		buffer = strconv.AppendInt(buffer, int64(loss), 10)
	}
	buffer = appendMember(buffer, `],"tier":"`, g.Tier.String())
	buffer = appendDay(append(buffer, `","tier_since"`...), ':', g.TierSince)
	return append(buffer, '}')
}

func appendMember(buffer []byte, before, name string) []byte {
	return append(append(buffer, before...), name...)
}
