package credential

import (
	"strconv"
	"time"

	"healthcode/registry"
)

// verdictRoom is room for the usual verdict, in bytes.
const verdictRoom = 512

// MarshalJSON leaves out what a bad signature does not vouch for.
func (v Verdict) MarshalJSON() ([]byte, error) {
	return v.AppendJSON(make([]byte, 0, verdictRoom)), nil
}

// AppendJSON appends what MarshalJSON returns. Servers write a verdict for each question; by reflection that takes a tenth of the time of checking the
// signature.
func (v *Verdict) AppendJSON(dst []byte) []byte {
	dst = strconv.AppendBool(append(dst, `{"authentic":`...), v.Authentic)
	if v.Current != "" {
		dst = registry.AppendJSON(append(dst, `,"current":`...), string(v.Current))
	}
	dst = registry.AppendJSON(append(dst, `,"reason":`...), string(v.Reason))
	dst = strconv.AppendBool(append(dst, `,"signature_valid":`...), v.SignatureValid)
	if v.Detail != "" {
		dst = registry.AppendJSON(append(dst, `,"detail":`...), v.Detail)
	}
	if v.SignatureValid {
		dst = v.appendSigned(dst)
	}
	return append(dst, '}')
}

// appendSigned appends what only a good signature vouches for.
func (v *Verdict) appendSigned(dst []byte) []byte {
	dst = registry.AppendJSON(append(dst, `,"form":`...), string(v.Form))
	dst = registry.AppendJSON(append(dst, `,"issuer":`...), v.Issuer)
	dst = registry.AppendJSON(append(dst, `,"kid":`...), v.KeyID)
	dst = registry.AppendJSON(append(dst, `,"uscc":`...), string(v.USCC))
	dst = appendGrade(append(dst, ','), v.Tier, v.Colour)
	dst = strconv.AppendBool(append(dst, `,"at_issue":`...), v.AtIssue)
	dst = strconv.AppendUint(append(dst, `,"model":`...), uint64(v.Model), 10)
	dst = appendTime(append(dst, `,"issued_at":`...), v.IssuedAt)
	dst = appendTime(append(dst, `,"expires_at":`...), v.ExpiresAt)
	dst = strconv.AppendUint(append(dst, `,"idx":`...), uint64(v.Index), 10)
	if !v.StatusAsOf.IsZero() {
		dst = appendTime(append(dst, `,"status_as_of":`...), v.StatusAsOf)
	}
	if v.Grade != (TodaysGrade{}) {
		dst = appendGrade(append(dst, `,"grade":{`...), v.Grade.Tier, v.Grade.Colour)
		dst = append(appendTime(append(dst, `,"as_of":`...), v.Grade.AsOf), '}')
	}
	return dst
}

func appendGrade(dst []byte, tier registry.Tier, colour registry.Colour) []byte {
	dst = registry.AppendJSON(append(dst, `"tier":`...), tier.String())
	return registry.AppendJSON(append(dst, `,"colour":`...), colour.String())
}

// appendTime writes a time as encoding/json does.
func appendTime(dst []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"')
}
